"""Properties as a template has them → the parameters of a call.

CloudFormation takes "365", 365 and "true" alike, and policies as JSON or as text; the services
differ in the case of names, and have tags as a list or a mapping. The SDK's own model of the call
says what is wanted; a name that it does not have is an error, at any depth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from keyreeve.sandbox.stacks.refusals import Failed


def shaped(value: Any, shape: Any, path: str = "#") -> Any:
    """The value as the shape (botocore) wants it. Failed where it does not fit."""
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        return _structure(value, shape, path)
    if shape.type_name == "list":
        if not isinstance(value, list):
            raise Failed(f"{path}: expected type: JSONArray, found: {type(value).__name__}")
        return [shaped(item, shape.member, f"{path}/{n}") for n, item in enumerate(value)]
    if shape.type_name == "map":
        return _mapping(value, shape, path)
    if shape.type_name not in _SCALARS:
        return value
    try:
        return _SCALARS[shape.type_name](value)
    except ValueError:
        raise Failed(f"{path}: {value!r} is no {shape.type_name}") from None


def text(value: Any) -> str:
    """A scalar, or JSON, as text."""
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def words(value: Any) -> Any:
    """Every scalar in it as text."""
    if isinstance(value, Mapping):
        return {key: words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [words(item) for item in value]
    return text(value)


def truth(value: Any) -> bool:
    """A boolean that may be written as text. ValueError if it is none."""
    word = text(value).lower()
    if word not in ("true", "false"):
        raise ValueError(value)
    return word == "true"


def plain(value: Any) -> Any:
    """A value in which what CloudFormation holds for equal is equal: 1 and "1", JSON and its text.

    Tags have no order.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [plain(item) for item in value]
        tags = all(isinstance(item, dict) and set(item) == {"Key", "Value"} for item in items)
        return sorted(items, key=lambda tag: str(tag["Key"])) if tags else items
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return plain(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else text(value)


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Failed(f"{path}: expected type: JSONObject, found: {type(value).__name__}")
    names = {name.lower(): name for name in shape.members}
    given: dict[str, Any] = {}
    for key, item in value.items():
        name = names.get(str(key).lower())
        if name is None:
            raise Failed(f"{path}: extraneous key [{key}] is not permitted")
        given[name] = shaped(item, shape.members[name], f"{path}/{key}")
    return given


def _mapping(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if isinstance(value, list):
        value = {item["Key"]: item["Value"] for item in value}
    if not isinstance(value, Mapping):
        raise Failed(f"{path}: expected type: JSONObject, found: {type(value).__name__}")
    return {str(key): shaped(item, shape.value, f"{path}/{key}") for key, item in value.items()}


_SCALARS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "string": text,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": truth,
}
