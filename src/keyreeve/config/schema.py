"""The JSON Schemas of config.yaml and access.yaml, for editors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from keyreeve.config.access import Access
from keyreeve.config.sections import Section
from keyreeve.config.settings import Config
from keyreeve.config.values import format_duration

_PACKAGE: Final = Path(__file__).parent.parent

SCHEMA_FILES: Final[Mapping[Path, type[Section]]] = {
    _PACKAGE / "config.schema.json": Config,
    _PACKAGE / "access.schema.json": Access,
}
"""Package data; `python -m keyreeve.config` writes them anew."""
_FILES: Final[Mapping[type[Section], str]] = {Config: "config.yaml", Access: "access.yaml"}


class _AsWritten(GenerateJsonSchema):
    """Defaults stand there as people write them: 75d, not ISO 8601's P75D."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema(root: type[Section] = Config) -> dict[str, Any]:
    """Made from the settings; never edited by hand."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root.model_json_schema(schema_generator=_AsWritten),
        "title": f"Keyreeve {_FILES[root]}",
    }


def schema_text(root: type[Section] = Config) -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(root), indent=2, ensure_ascii=False) + "\n"
