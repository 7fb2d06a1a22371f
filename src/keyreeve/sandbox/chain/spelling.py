"""How CloudTrail writes a call's parameters and its answer.

AWS: CloudTrail User Guide, "CloudTrail record contents": names begin in lower case; what is secret
is left out or written as HIDDEN_DUE_TO_SECURITY_REASONS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

_BOTOCORE_NAMES = {"monitoring": "cloudwatch", "access-analyzer": "accessanalyzer"}
"""Services that sign by another name."""
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_SECRET = frozenset(
    {
        *("secretaccesskey", "sessiontoken", "base32stringseed", "qrcodepng", "secretstring"),
        *("secretbinary", "plaintext", "privatekey", "servicepassword", "password"),
    }
)
_LISTED = re.compile(r"(?:member|entry)\.(\d+)")
_ERROR = re.compile(rb"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)

_EVENT_NAMES = {
    "lambda": {
        "CreateFunction": "CreateFunction20150331",
        "DeleteFunction": "DeleteFunction20150331",
        "AddPermission": "AddPermission20150331v2",
        "RemovePermission": "RemovePermission20150331v2",
        "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
        "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
    },
    "s3": {
        "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
        "DeleteBucketLifecycle": "DeleteBucketLifecycle",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
        "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
    },
}
"""Where CloudTrail names an operation differently from the SDK."""


def event_name(service: str, operation: str) -> str:
    """As CloudTrail names the operation."""
    return _EVENT_NAMES.get(service, {}).get(operation, operation)


def parameters(
    service: str, operation: str, given: Mapping[str, Any], hidden: tuple[str, ...]
) -> dict[str, Any] | None:
    """`requestParameters`; None for a call without any."""
    if service == "s3":
        bucket = given.get("Bucket")
        return {"bucketName": bucket, "Host": "s3.amazonaws.com"} if bucket else None
    shape = _input_shape(service, operation)
    told = _typed(_unflattened(given), shape)
    told.update({_lower(name): HIDDEN for name in hidden})
    return told or None


def elements(content: bytes) -> dict[str, Any] | None:
    """`responseElements` of a call that changed something; None: the answer says nothing."""
    if not content:
        return None
    try:
        told = json.loads(content) if content[:1] in b"{[" else _xml(content)
    except (ValueError, ET.ParseError):
        return None
    return _revealed(told) or None if isinstance(told, dict) else None


def error(content: bytes) -> tuple[str, str]:
    """Code and message of a failed call's answer."""
    found = _ERROR.search(content)
    if found:
        return found[1].decode(), found[2].decode("utf-8", "replace")
    try:
        told = json.loads(content)
    except ValueError:
        return "InternalFailure", ""
    code = str(told.get("__type") or told.get("code") or "InternalFailure")
    return code.rpartition("#")[2], str(told.get("message") or told.get("Message") or "")


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


@cache
def _input_shape(service: str, operation: str) -> Any:
    from moto.core.utils import get_service_model

    try:
        return (
            get_service_model(_BOTOCORE_NAMES.get(service, service))
            .operation_model(operation)
            .input_shape
        )
    except Exception:  # noqa: BLE001 - a service or operation that botocore does not know
        return None


def _unflattened(given: Mapping[str, Any]) -> dict[str, Any]:
    """`Tags.member.1.Key=a` → {"Tags": [{"Key": "a"}]}; what is no such name stays."""
    told: dict[str, Any] = {}
    for name, value in given.items():
        place = told
        parts = _LISTED.sub(r"\1", name).split(".")
        for part in parts[:-1]:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else {}
        place[parts[-1]] = value
    return {name: _listed(value) for name, value in told.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {key: _listed(inner) for key, inner in value.items()}


def _typed(value: Any, shape: Any) -> Any:
    """With names in lower case, and numbers and flags as such."""
    kind = getattr(shape, "type_name", None)
    if isinstance(value, dict):
        if kind == "map":
            return {key: _typed(inner, shape.value) for key, inner in value.items()}
        members = getattr(shape, "members", {})
        return {_lower(key): _typed(inner, members.get(key)) for key, inner in value.items()}
    if isinstance(value, list):
        member = shape.member if kind == "list" else None
        return [_typed(inner, member) for inner in value]
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind in ("integer", "long") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value


def _xml(content: bytes) -> dict[str, Any]:
    """What stands in `…Result` of a query answer."""
    root = ET.fromstring(content)  # noqa: S314 - moto's own answer
    result = next((it for it in root if it.tag.endswith("Result")), None)
    told = _element(result) if result is not None else {}
    return told if isinstance(told, dict) else {}


def _element(element: Any) -> Any:
    if len(element) == 0:
        return element.text or ""
    if element[0].tag.rpartition("}")[2] == "member":
        return [_element(inner) for inner in element]
    return {inner.tag.rpartition("}")[2]: _element(inner) for inner in element}


def _revealed(value: Any) -> Any:
    """Names in lower case, without secrets."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if key.lower() not in _SECRET}
        return {_lower(key): _revealed(inner) for key, inner in kept.items()}
    if isinstance(value, list):
        return [_revealed(inner) for inner in value]
    return value
