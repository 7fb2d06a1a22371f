"""The JSON Schemas of config.yaml and access.yaml, for editors."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any, Final, get_args

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
    _describe(root)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **root.model_json_schema(schema_generator=_AsWritten),
        "title": f"Keyreeve {_FILES[root]}",
    }


def schema_text(root: type[Section] = Config) -> str:
    """The schema as the file holds it."""
    return json.dumps(json_schema(root), indent=2, ensure_ascii=False) + "\n"


@cache
def _describe(root: type[Section]) -> None:
    """Give each setting the docstring below it: only editors read them, so no other verb pays."""
    sections = list(dict.fromkeys(_below(root)))
    for section in sections:
        for name, text in _docstrings(section):
            if name in section.model_fields:
                section.model_fields[name].description = text
    for section in reversed(sections):
        section.model_rebuild(force=True)


def _below(root: type[Section]) -> Iterator[type[Section]]:
    """The section and all within it."""
    yield root
    for field in root.model_fields.values():
        for section in _within(field.annotation):
            yield from _below(section)


def _within(annotation: Any) -> Iterator[type[Section]]:
    if inspect.isclass(annotation) and issubclass(annotation, Section):
        yield annotation
    for each in get_args(annotation):
        yield from _within(each)


def _docstrings(section: type[Section]) -> Iterator[tuple[str, str]]:
    """Names with the text that follows them, in the section and in what it is made from."""
    for made_from in reversed(section.__mro__):
        if made_from in Section.__mro__:
            continue
        (written,) = ast.parse(dedent(inspect.getsource(made_from))).body
        for setting, text in pairwise(getattr(written, "body", ())):
            if isinstance(setting, ast.AnnAssign) and isinstance(text, ast.Expr):
                yield ast.unparse(setting.target), inspect.cleandoc(ast.literal_eval(text.value))
