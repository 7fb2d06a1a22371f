"""CloudWatch Logs' language of metric filters, as far as it reads JSON: `{ $.a = "b" && … }`.

    pattern     {  either  }
    either      all || all …
    all         part && part …
    part        ( either ) | selector operator value | selector IS state | selector NOT EXISTS
    selector    $ then .name, .['any name'], ['any name'], [0], [*] or .*
    value       "text", word, number, %regex%

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters …", "Supported regular
expressions" and "Matching terms in JSON log events"; the limits are stated there and on the page of
PutMetricFilter. Patterns of plain terms and of columns are another language, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from keyreeve.language.filter_expression import (
    All,
    Comparison,
    Either,
    Every,
    Expression,
    Is,
    NotExists,
    Number,
    Operator,
    Regex,
    Selector,
    State,
    Step,
    Text,
    Value,
    holds,
)

LONGEST: Final = 1024
"""Characters of a pattern that PutMetricFilter takes."""
MOST_REGEXES: Final = 2
"""In one pattern."""
MOST_WILDCARDS: Final = 3
"""Selectors with `[*]` or `.*` in one pattern; each has at most one."""
DEEPEST: Final = 50
"""Parentheses within parentheses. Our own limit: AWS names none."""

_TOKENS: Final = re.compile(
    r"""\s*(?:
      (?P<selector>\$(?:\.[\w-]+|\.\*|\.?\[(?:\d+|\*|'[^']*'|"[^"]*")\])+)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<regex>%[^%]*%)
    | (?P<join>&&|\|\|)
    | (?P<operator><=|>=|!=|=|<|>)
    | (?P<bracket>[()])
    | (?P<word>[\w.*+-]+)
    )""",
    re.VERBOSE | re.ASCII,
)
_STEPS: Final = re.compile(
    r"""\.?(?:\[(?P<index>\d+)\]|\[(?P<all>\*)\]|\['(?P<single>[^']*)'\]|\["(?P<double>[^"]*)"\])
    |\.(?P<every>\*)|\.(?P<name>[\w-]+)""",
    re.VERBOSE | re.ASCII,
)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_REGEX: Final = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]+")
_END: Final = ("end", "")


class MalformedPattern(ValueError):
    """What CloudWatch Logs would not take as a JSON filter pattern; says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One pattern, understood."""

    expression: Expression

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the filter counts this event (JSON, parsed)."""
        return holds(self.expression, event)


def parse_pattern(text: str) -> Pattern:
    """The pattern. MalformedPattern for what AWS would refuse, and for other kinds of patterns."""
    if len(text) > LONGEST:
        raise MalformedPattern(f"{len(text)} characters; AWS takes {LONGEST}")
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise MalformedPattern("a pattern for JSON stands in braces: { $.field = value }")
    return Pattern(expression=_Parser(stripped[1:-1]).whole())


class _Parser:
    """Recursive descent over the tokens between the braces."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._regexes = 0
        self._wildcards = 0

    def whole(self) -> Expression:
        found = self._either()
        if self._next != _END:
            raise MalformedPattern(f"unexpected {self._next[1]!r}")
        return found

    @property
    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _take(self) -> tuple[str, str]:
        token = self._next
        self._at += 1
        return token

    def _either(self) -> Expression:
        parts = [self._all()]
        while self._next == ("join", "||"):
            self._take()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Expression:
        parts = [self._part()]
        while self._next == ("join", "&&"):
            self._take()
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self) -> Expression:
        kind, text = self._take()
        if (kind, text) == ("bracket", "("):
            return self._bracketed()
        if kind != "selector":
            raise MalformedPattern(f"a selector such as $.field is missing before {text!r}")
        return self._condition(self._selector(text), text)

    def _bracketed(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise MalformedPattern(f"more than {DEEPEST} parentheses within each other")
        inner = self._either()
        if self._take() != ("bracket", ")"):
            raise MalformedPattern("a closing parenthesis is missing")
        self._depth -= 1
        return inner

    def _selector(self, text: str) -> Selector:
        steps = tuple(_step(found) for found in _STEPS.finditer(text))
        wildcards = steps.count(Every.ONE)
        self._wildcards += wildcards
        if wildcards > 1 or self._wildcards > MOST_WILDCARDS:
            raise MalformedPattern(
                f"{text}: one wildcard in a selector, {MOST_WILDCARDS} in a pattern"
            )
        return Selector(steps)

    def _condition(self, selector: Selector, where: str) -> Expression:
        match self._take():
            case "word", "IS":
                _, state = self._take()
                if state not in tuple(State):
                    raise MalformedPattern(f"{where} IS {state}: only NULL, TRUE or FALSE")
                return Is(selector, State(state))
            case "word", "NOT" if self._take() == ("word", "EXISTS"):
                return NotExists(selector)
            case "word", "EXISTS":
                raise MalformedPattern(
                    f"{where} EXISTS: AWS knows NOT EXISTS only; write {where}=*"
                )
            case "operator", operator:
                return Comparison(selector, Operator(operator), self._value(operator, where))
        raise MalformedPattern(f"a comparison is missing after {where}")

    def _value(self, operator: str, where: str) -> Value:
        kind, text = self._take()
        value: Value
        match kind:
            case "quoted":
                value = Text(re.sub(r"\\(.)", r"\1", text[1:-1]))
            case "regex":
                value = self._regex(text[1:-1])
            case "word":
                value = _plain(text)
            case _:
                raise MalformedPattern(f"a value is missing after {where} {operator}")
        if operator[0] in "<>" and not isinstance(value, Number):
            raise MalformedPattern(f"{where} {operator} {text}: only numbers have an order")
        return value

    def _regex(self, text: str) -> Regex:
        self._regexes += 1
        if self._regexes > MOST_REGEXES:
            raise MalformedPattern(f"more than {MOST_REGEXES} regular expressions")
        if not _REGEX.fullmatch(text):
            raise MalformedPattern(f"%{text}%: AWS's regular expressions know no such character")
        try:
            re.compile(text, re.ASCII)
        except re.error as error:
            raise MalformedPattern(f"%{text}%: {error}") from None
        return Regex(text)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        token = _TOKENS.match(text, at)
        if token is None or token.lastgroup is None:
            raise MalformedPattern(f"cannot be read from here: {text[at:].strip()[:30]!r}")
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return int(found["index"])
    if found["all"] or found["every"]:
        return Every.ONE
    return next(found[kind] for kind in ("single", "double", "name") if found[kind] is not None)


def _plain(word: str) -> Value:
    if _NUMBER.fullmatch(word):
        return Number(float(word) if set(word) & set(".eE") else int(word), word)
    if set(word) & set("+-"):
        raise MalformedPattern(f"{word}: put it in quotation marks")
    return Text(word)
