"""Patterns with wildcards and variables, and what each condition operator compares.

Source: IAM User Guide, "Policy variables", "IAM JSON policy elements: Condition operators" and
"Multivalued context keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final

from keyreeve.language.policy_document import Condition, Quantifier

Context = Mapping[str, tuple[str, ...]]
"""Context keys in lower case → their values; a key without values is known to be absent."""

_VARIABLE = re.compile(r"\$\{(?P<name>[^,}]*?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?\}")
_LITERALS: Final = frozenset("*?$")
_ARN_PARTS: Final = 6


def matches(pattern: str, text: str, bound: Context | None = None) -> bool:
    """`*` and `?`, case-sensitively. A variable without value or default matches nothing.

    `bound` None: `${…}` are plain characters.
    """
    expression = _expression(pattern, bound)
    return expression is not None and _compiled(expression).fullmatch(text) is not None


def arn_matches(pattern: str, arn: str, bound: Context | None = None) -> bool:
    """Each of the six parts for itself: `arn:aws:s3:::a*` is no other service's ARN.

    A pattern of fewer parts, such as `*`, is compared as one text.
    """
    # A variable may hold colons of its own: ${aws:username}.
    marked = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern)
    parts = [part.replace("\0", ":") for part in marked.split(":", _ARN_PARTS - 1)]
    named = arn.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or len(named) < _ARN_PARTS:
        return matches(pattern, arn, bound)
    return all(matches(part, name, bound) for part, name in zip(parts, named, strict=True))


def _expression(pattern: str, bound: Context | None) -> str | None:
    if bound is None or "${" not in pattern:
        return _globbed(pattern)
    out, end = "", 0
    for found in _VARIABLE.finditer(pattern):
        value = _value(found, bound)
        if value is None:
            return None
        out += _globbed(pattern[end : found.start()]) + re.escape(value)
        end = found.end()
    return out + _globbed(pattern[end:])


@lru_cache(maxsize=8192)
def _compiled(expression: str) -> re.Pattern[str]:
    """ReadOnlyAccess alone has more patterns than the cache of `re` holds."""
    return re.compile(expression, re.DOTALL)


@lru_cache(maxsize=8192)
def _globbed(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in pattern)


def _value(found: re.Match[str], context: Context) -> str | None:
    name = found["name"]
    if name in _LITERALS:
        return name
    values = context.get(name.lower(), ())
    return values[0] if len(values) == 1 else found["default"]


# --- conditions -----------------------------------------------------------------------------------


def holds(
    condition: Condition, context: Context, *, complete: bool, variables: bool = True
) -> bool | None:
    """Whether the condition is met; None: nobody knows, since the context is not complete."""
    if condition.key not in context and not complete:
        return None
    found = context.get(condition.key, ())
    bound = context if variables else None
    if condition.operator == "Null":
        return any(value.lower() == ("false" if found else "true") for value in condition.values)
    negated, compare = _COMPARISONS[condition.operator]

    def met(value: str) -> bool:
        one = any(_compared(compare, wanted, value, bound) for wanted in condition.values)
        return one is not negated

    match condition.quantifier:
        case Quantifier.ANY:
            return any(met(value) for value in found) or (condition.if_exists and not found)
        case Quantifier.ALL:
            return all(met(value) for value in found)
        case None if not found:
            return condition.if_exists or negated
        case None:
            # Several values without a quantifier: one may do, and a negation must hold for all.
            return (all if negated else any)(met(value) for value in found)


Compare = Callable[[str, str, Context | None], bool]
"""The policy's value, the request's value, the values of variables."""


def _compared(compare: Compare, wanted: str, value: str, bound: Context | None) -> bool:
    try:
        return compare(wanted, value, bound)
    except ValueError:  # no number, date or address: nothing equals it
        return False


def _equal(wanted: str, value: str, bound: Context | None) -> bool:
    return _said(wanted, bound) == value


def _equal_in_any_case(wanted: str, value: str, bound: Context | None) -> bool:
    said = _said(wanted, bound)
    return said is not None and said.lower() == value.lower()


def _said(wanted: str, bound: Context | None) -> str | None:
    """The policy's value with its variables filled in; wildcards are plain characters here."""
    if bound is None or "${" not in wanted:
        return wanted
    found = {match[0]: _value(match, bound) for match in _VARIABLE.finditer(wanted)}
    if None in found.values():
        return None
    return _VARIABLE.sub(lambda match: str(found[match[0]]), wanted)


def _like(wanted: str, value: str, bound: Context | None) -> bool:
    return matches(wanted, value, bound)


def _arn_like(wanted: str, value: str, bound: Context | None) -> bool:
    return arn_matches(wanted, value, bound)


def _bool(wanted: str, value: str, _: Context | None) -> bool:
    return wanted.lower() == value.lower()


def _address(wanted: str, value: str, _: Context | None) -> bool:
    return ip_address(value) in ip_network(wanted, strict=False)


def _numeric(test: Callable[[float, float], bool]) -> Compare:
    return lambda wanted, value, _: test(float(value), float(wanted))


def _dated(test: Callable[[datetime, datetime], bool]) -> Compare:
    return lambda wanted, value, _: test(_instant(value), _instant(wanted))


def _instant(text: str) -> datetime:
    """ISO 8601 or seconds since 1970; without zone it is UTC."""
    if re.fullmatch(r"\d+(\.\d+)?", text) and len(text) > len("2026"):
        return datetime.fromtimestamp(float(text), UTC)
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _ordered(kind: str, of: Callable[..., Compare]) -> dict[str, tuple[bool, Compare]]:
    return {
        f"{kind}Equals": (False, of(lambda a, b: a == b)),
        f"{kind}NotEquals": (True, of(lambda a, b: a == b)),
        f"{kind}LessThan": (False, of(lambda a, b: a < b)),
        f"{kind}LessThanEquals": (False, of(lambda a, b: a <= b)),
        f"{kind}GreaterThan": (False, of(lambda a, b: a > b)),
        f"{kind}GreaterThanEquals": (False, of(lambda a, b: a >= b)),
    }


_COMPARISONS: Final[Mapping[str, tuple[bool, Compare]]] = {
    "StringEquals": (False, _equal),
    "StringNotEquals": (True, _equal),
    "StringEqualsIgnoreCase": (False, _equal_in_any_case),
    "StringNotEqualsIgnoreCase": (True, _equal_in_any_case),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    "ArnEquals": (False, _arn_like),
    "ArnLike": (False, _arn_like),
    "ArnNotEquals": (True, _arn_like),
    "ArnNotLike": (True, _arn_like),
    "BinaryEquals": (False, _equal),
    "Bool": (False, _bool),
    "IpAddress": (False, _address),
    "NotIpAddress": (True, _address),
    **_ordered("Numeric", _numeric),
    **_ordered("Date", _dated),
}
"""Operator → whether it is negated, and what it compares. A negated one is met by a key that the
request does not have."""
