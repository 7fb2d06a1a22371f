"""The rehearsal guard asked for every operation that AWS's models know, in every way of the SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session
from tests.scenario.people import MONDAY

from keyreeve.aws import sessions
from keyreeve.aws.failures import READS
from keyreeve.model.errors import Rejected

_SIGNS_IN = frozenset({"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"})


def guarded() -> Iterator[list[str]]:
    """Every operation of every service, one by one: what is not known to read does not leave."""
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAREHEARSAL0000000")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsal")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(URLLib3Session, "send", lambda _, request: _leaves(sent, request))
        clients = sessions.Sessions(rehearsal=True)
        for service in sessions.SERVICES:
            for once in (False, True):
                client: Any = clients.client(service, attempts_once=once)
                for operation in client.meta.service_model.operation_names:
                    if f"{service}:{operation}" not in READS | _SIGNS_IN:
                        yield _asked(client, f"{service}:{operation}", sent)


def _leaves(sent: list[str], request: Any) -> None:
    sent.append(request.url)
    raise AssertionError(request.url)


def _asked(client: Any, name: str, sent: list[str]) -> list[str]:
    """One operation, in every way that the SDK has for it."""
    operation = name.partition(":")[2]
    method = _method(client, operation)
    ways: dict[str, Callable[[], object]] = {
        "directly": lambda: client._make_api_call(operation, {}),
        "by its method": lambda: getattr(client, method)(**_dummy(client, operation)),
        "as a presigned URL": lambda: client.generate_presigned_url(method),
    }
    if client.can_paginate(method):
        ways["by pages"] = lambda: list(client.get_paginator(method).paginate())
    found = []
    for way, ask in ways.items():
        sent.clear()
        try:
            ask()
        except Rejected as refused:
            if refused.code == sessions.REHEARSAL and not sent:
                continue
        except Exception as error:  # noqa: BLE001 - told as it is
            found.append(f"{name} {way}: {type(error).__name__} instead of a refusal")
            continue
        found.append(f"{name} {way}: not refused")
    return found


def _method(client: Any, operation: str) -> str:
    mapping = client.meta.method_to_api_mapping
    return next(method for method, api in mapping.items() if api == operation)


def _dummy(client: Any, operation: str) -> dict[str, Any]:
    """Parameters as the model wants them; the guard must not depend on what they say."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    return {name: _value(shape.members[name]) for name in shape.required_members} if shape else {}


def _value(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _value(shape.members[name]) for name in shape.required_members}
        case "list":
            return []
        case "map":
            return {}
        case "integer" | "long" | "float" | "double":
            return 1
        case "boolean":
            return True
        case "blob":
            return b""
        case "timestamp":
            return MONDAY
        case _:
            return shape.enum[0] if getattr(shape, "enum", ()) else "x" * 20
