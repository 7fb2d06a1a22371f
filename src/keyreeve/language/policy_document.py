"""A policy document as frozen values: identity policies, resource policies, trust policies.

Source: IAM User Guide, "IAM JSON policy element reference" and "Grammar of the IAM JSON policy
language". Element names and effects are written exactly so; actions, condition keys and operators
in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

VERSION: Final = "2012-10-17"
"""The only version in which `${…}` is a variable."""
_OLD_VERSION: Final = "2008-10-17"

OPERATORS: Final[Mapping[str, str]] = {
    name.lower(): name
    for name in (
        *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        *("StringLike", "StringNotLike", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
        *("NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals"),
        *("NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals", "DateNotEquals"),
        *("DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
        *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "Null"),
    )
}
"""Every operator by its name in lower case, without quantifier and `IfExists`."""

_OPERATOR = re.compile(
    r"(?:(?P<quantifier>ForAnyValue|ForAllValues):)?(?P<name>\w+?)(?P<if_exists>IfExists)?",
    re.IGNORECASE,
)
_ELEMENTS: Final = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition"),
    }
)
_PRINCIPALS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})


class MalformedPolicy(ValueError):
    """What AWS would not have stored as a policy; says where."""


class Effect(StrEnum):
    """What a statement does to the requests that it matches."""

    ALLOW = "Allow"
    DENY = "Deny"


class Quantifier(StrEnum):
    """How a condition reads a key of several values."""

    ANY = "foranyvalue"
    ALL = "forallvalues"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One key under one operator."""

    operator: str
    """As AWS writes it, such as `StringLike`."""
    key: str
    """In lower case: `aws:principaltag/team`."""
    values: tuple[str, ...]
    quantifier: Quantifier | None = None
    if_exists: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An element and its negated twin: what is listed, or all but that."""

    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement."""

    effect: Effect
    actions: Listed
    resources: Listed | None
    """None only in trust policies, whose resource is their role."""
    principals: Listed | None = None
    """`*`, `AWS:…`, `Service:…`; None in identity policies."""
    conditions: tuple[Condition, ...] = ()
    sid: str = ""
    variables: bool = True
    """Whether `${…}` is a variable: version 2012-10-17."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """One policy."""

    statements: tuple[Statement, ...]


def parse_document(document: object) -> PolicyDocument:
    """The document of any kind of policy. MalformedPolicy for what AWS would refuse."""
    if not isinstance(document, Mapping):
        raise MalformedPolicy("the document is no JSON object")
    version = document.get("Version", _OLD_VERSION)
    if version not in (VERSION, _OLD_VERSION):
        raise MalformedPolicy(f"Version {version!r}")
    if "Statement" not in document:
        raise MalformedPolicy("no Statement")
    statements = document["Statement"]
    rows = statements if isinstance(statements, list | tuple) else [statements]
    return PolicyDocument(
        statements=tuple(
            _statement(row, f"statement {number}", variables=version == VERSION)
            for number, row in enumerate(rows, start=1)
        )
    )


def _statement(row: object, where: str, *, variables: bool) -> Statement:
    if not isinstance(row, Mapping):
        raise MalformedPolicy(f"{where} is no JSON object")
    unknown = sorted(set(row) - _ELEMENTS)
    if unknown:
        raise MalformedPolicy(f"{where}: unknown element {unknown[0]}")
    if row.get("Effect") not in tuple(Effect):
        raise MalformedPolicy(f"{where}: Effect is neither Allow nor Deny")
    actions = _one_of(row, "Action", where)
    if actions is None:
        raise MalformedPolicy(f"{where}: neither Action nor NotAction")
    principals = _principals(row, where)
    resources = _one_of(row, "Resource", where)
    if resources is None and principals is None:
        raise MalformedPolicy(f"{where}: neither Resource nor NotResource")
    return Statement(
        effect=Effect(row["Effect"]),
        actions=Listed(
            values=tuple(action.lower() for action in actions.values), negated=actions.negated
        ),
        resources=resources,
        principals=principals,
        conditions=_conditions(row.get("Condition", {}), where),
        sid=str(row.get("Sid", "")),
        variables=variables,
    )


def _one_of(row: Mapping[str, Any], element: str, where: str) -> Listed | None:
    """The element or its Not-twin; both is a mistake."""
    negated = f"Not{element}"
    if element in row and negated in row:
        raise MalformedPolicy(f"{where}: both {element} and {negated}")
    for name in (element, negated):
        if name in row:
            return Listed(values=_texts(row[name], f"{where}: {name}"), negated=name == negated)
    return None


def _texts(value: object, where: str) -> tuple[str, ...]:
    """A text or a list of texts, at least one."""
    found = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not found or not all(isinstance(each, str) and each for each in found):
        raise MalformedPolicy(f"{where} is neither text nor a list of texts")
    return found


def _principals(row: Mapping[str, Any], where: str) -> Listed | None:
    for name in ("Principal", "NotPrincipal"):
        if name not in row:
            continue
        if "Principal" in row and "NotPrincipal" in row:
            raise MalformedPolicy(f"{where}: both Principal and NotPrincipal")
        return Listed(
            values=tuple(_named(row[name], f"{where}: {name}")), negated=name == "NotPrincipal"
        )
    return None


def _named(value: object, where: str) -> list[str]:
    if value == "*":
        return ["*"]
    if not isinstance(value, Mapping) or not value or set(value) - _PRINCIPALS:
        raise MalformedPolicy(f"{where} names no kind of principal")
    return [
        "*" if (kind, name) == ("AWS", "*") else f"{kind}:{name}"
        for kind, names in value.items()
        for name in _texts(names, f"{where} {kind}")
    ]


def _conditions(blocks: object, where: str) -> tuple[Condition, ...]:
    if not isinstance(blocks, Mapping):
        raise MalformedPolicy(f"{where}: Condition is no JSON object")
    found = []
    for operator, block in blocks.items():
        if not isinstance(block, Mapping):
            raise MalformedPolicy(f"{where}: {operator} is no JSON object")
        found += [_condition(operator, key, value, where) for key, value in block.items()]
    return tuple(found)


def _condition(operator: str, key: str, value: object, where: str) -> Condition:
    parts = _OPERATOR.fullmatch(operator)
    name = OPERATORS.get(parts["name"].lower()) if parts else None
    if parts is None or name is None:
        raise MalformedPolicy(f"{where}: unknown condition operator {operator}")
    if name == "Null" and parts["if_exists"]:
        raise MalformedPolicy(f"{where}: Null has no IfExists")
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(each, str | bool | int | float) for each in values):
        raise MalformedPolicy(f"{where}: {operator} {key} compares with no plain value")
    quantifier = parts["quantifier"]
    return Condition(
        operator=name,
        key=key.lower(),
        values=tuple(_text(each) for each in values),
        quantifier=Quantifier(quantifier.lower()) if quantifier else None,
        if_exists=bool(parts["if_exists"]),
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
