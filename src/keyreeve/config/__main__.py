"""`python -m keyreeve.config` writes config.schema.json and access.schema.json anew."""

from __future__ import annotations

from keyreeve.config.schema import SCHEMA_FILES, schema_text

if __name__ == "__main__":
    for file, root in SCHEMA_FILES.items():
        file.write_text(schema_text(root), encoding="utf-8")
