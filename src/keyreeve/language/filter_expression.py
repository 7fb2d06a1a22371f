"""What a metric filter's JSON pattern asks of one event.

Source: CloudWatch Logs User Guide, "Using filter patterns to match terms in JSON log events", in
its present and its earlier editions. What AWS says, and what was tested on AWS where it does not:

- A selector must point to a text or a number: `=` and `!=` are both false for arrays and objects.
- `IS NULL` is true of null alone, `NOT EXISTS` of a field that is not there: null exists.
- A comparison with a field that is not there is false, `!=` too; the same for null. (Not in the
  guide; found with AWS's own test of patterns, and why `NOT EXISTS ||` is written before a `!=`.)
- Numbers and texts meet as texts: `!= "a"` is true of 42. Only `<`, `<=`, `>`, `>=` need a number.
- `%regex%` is searched for, not matched in full. Everything is case-sensitive.
- `[*]` and `.*` stand for each element: one that fits is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final

from keyreeve.language.policy_values import matches as globbed


class Every(Enum):
    """A step that is no name and no number."""

    ONE = "*"


Step = str | int | Every
"""A field's name, an element's number from 0, or every one of them."""


class Operator(StrEnum):
    """How a value is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


class State(StrEnum):
    """What `IS` asks for."""

    NULL = "NULL"
    TRUE = "TRUE"
    FALSE = "FALSE"


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `*` in it stands for any characters, none included."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and how the pattern writes it."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """What stands between two `%`."""

    text: str


Value = Text | Number | Regex


@dataclass(frozen=True, slots=True)
class Selector:
    """Where in the event to look."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`$.a = value`."""

    selector: Selector
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Is:
    """`$.a IS NULL`."""

    selector: Selector
    state: State


@dataclass(frozen=True, slots=True)
class NotExists:
    """`$.a NOT EXISTS`."""

    selector: Selector


@dataclass(frozen=True, slots=True)
class All:
    """Joined by `&&`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Joined by `||`."""

    parts: tuple[Expression, ...]


Expression = Comparison | Is | NotExists | All | Either


def holds(expression: Expression, event: Mapping[str, Any]) -> bool:
    """Whether the event is what the expression asks for."""
    match expression:
        case All(parts):
            return all(holds(part, event) for part in parts)
        case Either(parts):
            return any(holds(part, event) for part in parts)
        case NotExists(selector):
            return not any(True for _ in _found(event, selector.steps))
        case Is(selector, state):
            return any(node is _STATES[state] for node in _found(event, selector.steps))
        case Comparison(selector, operator, value):
            nodes = _found(event, selector.steps)
            return any(_compared(node, operator, value) for node in nodes)


_STATES: Final = {State.NULL: None, State.TRUE: True, State.FALSE: False}


def _found(node: Any, steps: Sequence[Step]) -> Iterator[Any]:
    """The values that the steps lead to; none if a step leads nowhere."""
    if not steps:
        yield node
        return
    first, rest = steps[0], steps[1:]
    match first, node:
        case Every(), dict():
            for each in node.values():
                yield from _found(each, rest)
        case Every(), list():
            for each in node:
                yield from _found(each, rest)
        case str(), dict() if first in node:
            yield from _found(node[first], rest)
        case int(), list() if first < len(node):
            yield from _found(node[first], rest)


_ORDERED: Final[Mapping[Operator, Callable[[float, float], bool]]] = {
    Operator.LESS: lambda a, b: a < b,
    Operator.LESS_OR_EQUAL: lambda a, b: a <= b,
    Operator.GREATER: lambda a, b: a > b,
    Operator.GREATER_OR_EQUAL: lambda a, b: a >= b,
}


def _compared(node: Any, operator: Operator, value: Value) -> bool:
    if isinstance(node, bool) or not isinstance(node, str | int | float):
        return False
    ordered = _ORDERED.get(operator)
    if ordered is None:
        return _equal(node, value) is (operator is Operator.EQUAL)
    return isinstance(value, Number) and not isinstance(node, str) and ordered(node, value.value)


def _equal(node: str | float, value: Value) -> bool:
    match value:
        case Regex(text):
            return re.search(text, str(node), re.ASCII) is not None
        case Number(number, text):
            return node == (text if isinstance(node, str) else number)
        case Text(text):
            return globbed(text.replace("?", _MARK), str(node).replace("?", _MARK))


_MARK: Final = "\0"
"""`?` is a wildcard in policies, and an ordinary character here."""
