"""`python -m keyreeve.config` writes config.schema.json anew."""

from __future__ import annotations

from keyreeve.config.schema import SCHEMA_FILE, schema_text

if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
