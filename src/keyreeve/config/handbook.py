"""The page of the settings, from the schemas: `python -m keyreeve.config.handbook`.

A section of the page for each mapping of the file, named by its path; `classes[]` is an item of
a list, `roles.*` any key of a mapping.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from keyreeve.config.access import Access
from keyreeve.config.schema import json_schema

Node = Mapping[str, Any]

_HEAD: Final = """\
# Settings

Generated from the settings themselves; do not edit.
`keyreeve init` writes a config.yaml in which each stands with a comment, and \
`keyreeve init --access` an access.yaml.
Whatever is wrong in either is told at once, each with its line.
Paths are relative to the file that names them; a duration is `75d`, `36h`, `10m` or `6y`.

For an editor that knows JSON Schema: `config.schema.json` and `access.schema.json` lie in the \
installed package.

Secrets stand in neither: the SMTP password comes from `KEYREEVE_SMTP_PASSWORD`, the URLs of \
channels and of the heartbeat from the variables that `channels` and `heartbeat.url_env` name, \
access to AWS from the SDK's own chain.
"""
_WORDS: Final = {"integer": "whole number", "number": "number", "string": "text"}
_DURATION: Final = "^[0-9]+[ydhm]$"
_LONGEST_DEFAULT: Final = 60
"""Longer ones stand in the section of the setting itself."""


def page() -> str:
    """docs/settings.md, whole."""
    lines = [
        _HEAD,
        "## config.yaml",
        "",
        *_mapping(json_schema(), _Defs(json_schema()), ""),
        "## access.yaml",
        "",
        *_mapping(json_schema(Access), _Defs(json_schema(Access)), "access.yaml: "),
    ]
    return "\n".join(lines).rstrip() + "\n"


class _Defs:
    """The named parts of one schema."""

    def __init__(self, schema: Node) -> None:
        self._parts: Node = schema.get("$defs", {})

    def of(self, node: Node) -> Node:
        """The node itself, or the part that it points to with what is said beside it."""
        reference = node.get("$ref")
        if reference is None:
            return node
        return {**self._parts[reference.rpartition("/")[2]], **node}


def _mapping(node: Node, defs: _Defs, path: str) -> Iterator[str]:
    """A table of one mapping's settings, then a section for each mapping within."""
    needed = set(node.get("required", ()))
    yield "| setting | takes | default | what it is |"
    yield "|---|---|---|---|"
    for name, given in node["properties"].items():
        yield _row(name, given, defs, needed=name in needed)
    yield ""
    for name, given in node["properties"].items():
        for where, inner in _mappings_in(f"{path}{name}", given, defs):
            yield f"### `{where}`"
            yield ""
            yield _first_line(inner.get("description", ""))
            yield ""
            yield from _mapping(inner, defs, f"{where}.")


def _mappings_in(path: str, given: Node, defs: _Defs) -> Iterator[tuple[str, Node]]:
    """The mappings with settings of their own that a setting can hold, each with its path."""
    node = defs.of(given)
    if "properties" in node:
        yield path, node
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _mappings_in(path, choice, defs)
    if "items" in node:
        yield from _mappings_in(f"{path}[]", node["items"], defs)
    for value in _values(node):
        yield from _mappings_in(f"{path}.*", value, defs)


def _values(node: Node) -> Iterator[Node]:
    """What the values of a mapping with free keys may be."""
    if isinstance(node.get("additionalProperties"), Mapping):
        yield node["additionalProperties"]
    yield from node.get("patternProperties", {}).values()


def _row(name: str, given: Node, defs: _Defs, *, needed: bool) -> str:
    cells = (f"`{name}`", _takes(given, defs), _default(given, needed=needed), _told(given, defs))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _told(given: Node, defs: _Defs) -> str:
    """What the setting says of itself, else what the mapping says that it holds."""
    own = given.get("description") or defs.of(given).get("description", "")
    held = (inner.get("description", "") for _, inner in _mappings_in("", given, defs))
    return _first_line(own or next(held, ""))


def _default(given: Node, *, needed: bool) -> str:
    if needed:
        return "**needed**"
    text = json.dumps(given.get("default"), ensure_ascii=False).strip('"')
    if "default" not in given or isinstance(given["default"], dict):
        return "–"
    return "`null`" if text == "null" else f"`{text}`" if len(text) <= _LONGEST_DEFAULT else "–"


def _takes(given: Node, defs: _Defs) -> str:
    """In words: a type with its bounds, or the values there are."""
    node = defs.of(given)
    choices = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if choices:
        return " or ".join(_takes(choice, defs) for choice in choices if not _is_null(choice))
    if "const" in node or "enum" in node:
        values = node["enum"] if "enum" in node else [node["const"]]
        return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in values)
    if node["type"] == "array":
        return f"list of {_takes(node['items'], defs)}"
    if node["type"] == "object":
        return "mapping"
    if node["type"] == "boolean":
        return "`true`, `false`"
    return _scalar(node)


def _scalar(node: Node) -> str:
    if node.get("pattern") == _DURATION:
        return "duration"
    if node.get("format") == "date":
        return "date"
    word = _WORDS[node["type"]]
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    return word if low is None else f"{word}, {low} or more"


def _is_null(node: Node) -> bool:
    return node.get("type") == "null"


def _first_line(text: str) -> str:
    """The first paragraph, on one line; sources in brackets are for who reads the code."""
    first = text.split("\n\n", maxsplit=1)[0].replace("\n", " ").strip()
    return re.sub(r" \(S[12]\.[^)]*\)", "", first)


if __name__ == "__main__":
    sys.stdout.write(page())
