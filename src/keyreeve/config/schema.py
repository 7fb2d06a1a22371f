"""The JSON Schema of config.yaml, for editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from keyreeve.config.settings import Config

SCHEMA_FILE = Path(__file__).parent.parent / "config.schema.json"
"""Package data; `python -m keyreeve.config` writes it anew."""


def json_schema() -> dict[str, Any]:
    """Made from the settings; never edited by hand."""
    schema = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Keyreeve config.yaml",
    }


def schema_text() -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
