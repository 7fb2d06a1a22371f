"""The intrinsic functions of a template.

Source: CloudFormation User Guide, "Intrinsic function reference". A function that is not known is
an error, never left as it stands.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from keyreeve.sandbox.stacks.refusals import Refused

NO_VALUE: Final = object()
"""`AWS::NoValue`: the property or item that has it is left out."""
KNOWN_AFTER: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""AWS's word in change sets for what only the execution will tell."""
_VARIABLE = re.compile(r"\$\{(?P<literal>!?)(?P<name>[^}]*)\}")


class Scope(Protocol):
    """What the names of a template mean."""

    def ref(self, name: str) -> Any:
        """A parameter, a pseudo parameter or a resource's physical id. Refused if unknown."""

    def attribute(self, resource: str, name: str) -> Any:
        """A resource's attribute. Refused if unknown."""

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""

    def mapping(self, name: str, first: str, second: str) -> Any:
        """An entry of the template's mappings. Refused if there is none."""

    def imported(self, name: str) -> str:
        """Another stack's export. Refused if there is none."""


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every function replaced by its result."""
    if isinstance(value, list):
        items = (resolve(item, scope) for item in value)
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, Mapping):
        return value
    name = _function(value)
    if name is not None:
        return _FUNCTIONS[name](value[name], scope)
    resolved = {key: resolve(item, scope) for key, item in value.items()}
    return {key: item for key, item in resolved.items() if item is not NO_VALUE}


def references(value: Any, scope: Scope | None = None) -> Iterator[str]:
    """Names that the value refers to; with a scope only in the branches that conditions choose."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, scope)
    if not isinstance(value, Mapping):
        return
    name = _function(value)
    argument: Any = value[name] if name else None
    if name == "Ref":
        yield str(argument)
    elif name == "Fn::GetAtt":
        yield _attribute(argument)[0]
    elif name == "Fn::If":
        branches = argument[1:] if scope is None else _branch(argument, scope)
        yield from references(branches, scope)
    elif name == "Fn::Sub":
        text, given = _sub(argument)
        named = (it["name"] for it in _VARIABLE.finditer(text) if not it["literal"])
        yield from (it.partition(".")[0] for it in named if it not in given)
        yield from references(dict(given), scope)
    else:
        for item in value.values():
            yield from references(item, scope)


def holds(condition: Any, scope: Scope) -> bool:
    """Whether an expression of the section Conditions (or of a rule) is true."""
    if isinstance(condition, bool):
        return condition
    name, argument = _condition(condition)
    if name == "Condition":
        return scope.condition(argument)
    if name == "Fn::Equals":
        first, second = (_text(resolve(item, scope)) for item in argument)
        return first == second
    if name == "Fn::Not":
        return not holds(argument[0], scope)
    if name in ("Fn::And", "Fn::Or"):
        return (all if name == "Fn::And" else any)(holds(item, scope) for item in argument)
    if name == "Fn::Contains":
        values, wanted = (resolve(item, scope) for item in argument)
        return _text(wanted) in map(_text, values)
    raise Refused(f"Template error: {name} is no condition function")


def _condition(condition: Mapping[str, Any]) -> tuple[str, Any]:
    if len(condition) != 1:
        raise Refused(f"Template error: {condition} is no condition")
    return next(iter(condition.items()))


def _function(value: Mapping[str, Any]) -> str | None:
    """The function that this mapping calls, if it does."""
    if len(value) != 1:
        return None
    name = next(iter(value))
    if name in _FUNCTIONS:
        return name
    if str(name).startswith("Fn::"):
        raise Refused(f"Template error: the sandbox does not know the function {name}")
    return None


def _text(value: Any) -> str:
    """A scalar as CloudFormation compares and joins it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _branch(argument: Any, scope: Scope) -> Any:
    name, yes, no = argument
    return yes if scope.condition(name) else no


def _attribute(argument: Any) -> tuple[str, str]:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    resource, *rest = argument
    return str(resource), ".".join(map(str, rest))


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, name = _attribute(argument)
    return scope.attribute(resource, resolve(name, scope))


def _sub(argument: Any) -> tuple[str, Mapping[str, Any]]:
    return (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])


def _substitute(argument: Any, scope: Scope) -> str:
    text, given = _sub(argument)

    def value(found: re.Match[str]) -> str:
        name = found["name"].strip()
        if found["literal"]:
            return "${" + found["name"] + "}"
        if name in given:
            return _text(resolve(given[name], scope))
        resource, dot, attribute = name.partition(".")
        return _text(scope.attribute(resource, attribute) if dot else scope.ref(name))

    return _VARIABLE.sub(value, text)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, parts = argument
    values = resolve(parts, scope)
    return KNOWN_AFTER if values == KNOWN_AFTER else str(delimiter).join(map(_text, values))


def _select(argument: Any, scope: Scope) -> Any:
    index, items = (resolve(item, scope) for item in argument)
    if items == KNOWN_AFTER:
        return KNOWN_AFTER
    try:
        return items[int(index)]
    except IndexError:
        raise Refused(
            f"Template error: Fn::Select cannot select nonexistent value at index {index}"
        ) from None


def _split(argument: Any, scope: Scope) -> Any:
    delimiter, text = (resolve(item, scope) for item in argument)
    return KNOWN_AFTER if KNOWN_AFTER in str(text) else str(text).split(delimiter)


def _find(argument: Any, scope: Scope) -> Any:
    name, first, second = (resolve(item, scope) for item in argument[:3])
    return scope.mapping(name, _text(first), _text(second))


_FUNCTIONS: Final[Mapping[str, Callable[[Any, Scope], Any]]] = {
    "Ref": lambda argument, scope: scope.ref(argument),
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _substitute,
    "Fn::If": lambda argument, scope: resolve(_branch(argument, scope), scope),
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find,
    "Fn::ImportValue": lambda argument, scope: scope.imported(resolve(argument, scope)),
    "Fn::Base64": lambda argument, scope: base64.b64encode(
        str(resolve(argument, scope)).encode()
    ).decode(),
    "Fn::ToJsonString": lambda argument, scope: json.dumps(
        resolve(argument, scope), separators=(",", ":")
    ),
}
