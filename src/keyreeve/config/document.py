"""Reads YAML into plain data, with the line of every key and item.

The nodes are walked here and not by the library's constructor, because that one stops at the
first duplicate key or impossible date, and because it forgets how a scalar was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from keyreeve.config.values import Place

_SECRET_KEY = re.compile(
    r"(.*[_-])?(password|passwd|passphrase|secret|token|secret_?access_?key|private_?key|api_?key)",
    re.IGNORECASE,
)
_TAB_IN_INDENTATION = re.compile(r" *\t")
_PREFIX = "tag:yaml.org,2002:"
_MAY_BE_IMPOSSIBLE = frozenset(f"{_PREFIX}{kind}" for kind in ("timestamp", "int", "float"))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """Line and column, counted from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong in the file."""

    position: Position
    place: Place
    what: str


@dataclass(slots=True, kw_only=True)
class Document:
    """What the file says, and where."""

    data: Mapping[str, Any] | None = None
    """None: the file could not be read as one mapping."""
    positions: dict[Place, Position] = field(default_factory=dict)
    written: dict[Place, str] = field(default_factory=dict)
    """Scalars as they stand in the file."""
    mistakes: list[Mistake] = field(default_factory=list)

    def position(self, place: Place) -> Position:
        """Of the place, or of the nearest place around it that stands in the file."""
        while place and place not in self.positions:
            place = place[:-1]
        return self.positions.get(place, Position())


def read(text: str) -> Document:
    """The document, with mistakes of syntax, duplicate keys and secrets already noted."""
    document = Document()
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except YAMLError as error:
        document.mistakes.extend(_syntax_mistakes(error, text))
        return document
    if root is None:
        document.data = {}
    elif isinstance(root, MappingNode):
        document.data = _Walk(yaml, document).mapping(root, (), ())
    else:
        document.mistakes.append(
            Mistake(position=_start(root), place=(), what="must be settings, as key: value")
        )
    return document


def _syntax_mistakes(error: YAMLError, text: str) -> list[Mistake]:
    tabs = [
        Mistake(
            position=Position(line=number, column=found.end()),
            place=(),
            what="a tab in the indentation: YAML indents with spaces only",
        )
        for number, line in enumerate(text.splitlines(), start=1)
        if (found := _TAB_IN_INDENTATION.match(line))
    ]
    return tabs or [_syntax_mistake(error, text)]


def _syntax_mistake(error: YAMLError, text: str) -> Mistake:
    """Only the library's words and mark: its full text quotes the line, which may be secret."""
    position, what = Position(), "not YAML"
    if isinstance(error, MarkedYAMLError):
        what = f"not YAML: {error.problem or error.context or 'cannot be read'}"
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            position = Position(line=mark.line + 1, column=mark.column + 1)
    elif isinstance(error, ReaderError):
        before = text[: error.position]
        position = Position(line=before.count("\n") + 1, column=len(before) - before.rfind("\n"))
        what = "a control character that YAML does not allow"
    return Mistake(position=position, place=(), what=what)


def _start(node: Node) -> Position:
    return Position(line=node.start_mark.line + 1, column=node.start_mark.column + 1)


class _Walk:
    """Turns nodes into plain data; `above` are the nodes around, so that no alias loops."""

    def __init__(self, yaml: YAML, document: Document) -> None:
        self._yaml = yaml
        self._document = document

    def mapping(self, node: MappingNode, place: Place, above: tuple[Node, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag != f"{_PREFIX}str":
                self._note(key_node, place, "a key must be text")
                continue
            key = str(key_node.value)
            below = (*place, key)
            if below in self._document.positions:
                line = self._document.positions[below].line
                self._note(key_node, below, f"duplicate key: it stands already in line {line}")
                continue
            self._document.positions[below] = _start(key_node)
            if _SECRET_KEY.fullmatch(key):
                self._note(key_node, below, _where_secrets_belong(below))
            elif not _is_empty(value_node):
                result[key] = self.value(value_node, below, (*above, node))
        return result

    def value(self, node: Node, place: Place, above: tuple[Node, ...]) -> Any:
        if any(node is other for other in above):
            self._note(node, place, "an alias that contains itself")
            return None
        if isinstance(node, MappingNode) and node.tag == f"{_PREFIX}map":
            return self.mapping(node, place, above)
        if isinstance(node, SequenceNode) and node.tag == f"{_PREFIX}seq":
            return [
                self._item(item, (*place, index), (*above, node))
                for index, item in enumerate(node.value)
            ]
        return self._scalar(node, place)

    def _item(self, node: Node, place: Place, above: tuple[Node, ...]) -> Any:
        self._document.positions[place] = _start(node)
        return self.value(node, place, above)

    def _scalar(self, node: Node, place: Place) -> Any:
        if isinstance(node, ScalarNode):
            self._document.written[place] = str(node.value)
            try:
                return self._yaml.constructor.construct_object(node, deep=True)
            except (YAMLError, ValueError, OverflowError):
                if node.tag in _MAY_BE_IMPOSSIBLE:
                    return str(node.value)  # such as 2026-02-30: the setting's type will tell
        self._note(node, place, f"cannot be read: {node.tag}")
        return None

    def _note(self, node: Node, place: Place, what: str) -> None:
        self._document.mistakes.append(Mistake(position=_start(node), place=place, what=what))


def _is_empty(node: Node) -> bool:
    """`key:` with nothing behind it is a key left at its default; `null` is a value."""
    return isinstance(node, ScalarNode) and node.tag == f"{_PREFIX}null" and not node.value


def _where_secrets_belong(place: Place) -> str:
    if "aws" in str(place[-1]).casefold() or "access" in str(place[-1]).casefold():
        return (
            "secrets do not belong in this file: delete it; "
            "AWS credentials come from the SDK's own chain (a role or a profile)"
        )
    return (
        "secrets do not belong in this file: delete it; "
        "the SMTP password is read from $KEYREEVE_SMTP_PASSWORD"
    )
