"""How one AWS call can fail: the common ways, and the errors that AWS documents for it.

The documented ones come from the SDK's own service models; S3's model lists few, so that a small
table stands beside it (S3 API reference, "Error responses").
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, IncompleteReadError
from botocore.parsers import ResponseParserError
from botocore.session import Session
from tests.proofs.memory_aws import MUTATIONS, Answer, refusal

WRITES = MUTATIONS | {"s3:PutObject", "sesv2:SendEmail"}
FACTS = frozenset(
    {
        "LimitExceeded",
        "MessageRejected",
        "NoSuchEntity",
        "NoSuchKey",
        "PasswordPolicyViolation",
        "PreconditionFailed",
    }
)
"""Answers that say something about the account: they were read, be they true or not."""
_S3_COMMON = {
    "NoSuchBucket": 404,
    "SlowDown": 503,
    "InternalError": 500,
    "RequestTimeout": 400,
    "KMS.DisabledException": 400,
    "KMS.ThrottlingException": 400,
    "PermanentRedirect": 301,
}
_S3_WRITES = {"PreconditionFailed": 412, "ConditionalRequestConflict": 409}
_IAM_WRITES = {
    "EntityTemporarilyUnmodifiable": 409,
    "ConcurrentModification": 409,
    "LimitExceeded": 409,
    "NoSuchEntity": 404,
}
_LOST = "cut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to fail."""

    name: str
    answer: Answer
    times: int | None = None
    """How often; None: every time while it stands."""
    fact: bool = False
    """The answer is itself a fact (`FACTS`)."""

    missing: Callable[[int], bool] | None = None
    """Which users (by their place in the account) a spoilt answer leaves out."""

    @property
    def unread(self) -> bool:
        """Whether the call teaches nothing while this stands."""
        return self.times is None and not self.fact and not self.answer.after


def kinds(operation: str) -> tuple[Kind, ...]:
    """Every way for one operation (`service:Operation`), each with a name of its own."""
    found = [*_common(operation), *_documented(operation), *_spoilt(operation)]
    return tuple({kind.name: kind for kind in found}.values())


def _common(operation: str) -> Iterator[Kind]:
    throttling = "TooManyRequestsException" if operation.startswith("sesv2:") else "Throttling"
    throttling = "SlowDown" if operation.startswith("s3:") else throttling
    yield _refused("denied", "AccessDenied", 403)
    yield _refused("token-expired", "ExpiredToken", 403)
    yield _refused("throttled-once", throttling, 400, times=1)
    yield _refused("throttled", throttling, 400)
    yield _refused("server-error", "ServiceUnavailable", 503)
    yield Kind(name="never-sent", answer=Answer(error=_never_sent))
    for when, after in (("before", False), ("after", True)):
        yield Kind(name=f"dropped-{when}-once", answer=Answer(error=_cut, after=after), times=1)
        yield Kind(name=f"dropped-{when}", answer=Answer(error=_cut, after=after))
    for when, after in (("before", False), ("after", True)):
        if after and operation not in WRITES:
            continue
        yield Kind(name=f"malformed-{when}", answer=Answer(error=_torn, after=after))
    if operation not in WRITES:
        yield Kind(name="empty", answer=Answer(spoil=lambda _: {}))


def _documented(operation: str) -> Iterator[Kind]:
    service, _, name = operation.partition(":")
    codes = {
        error.error_code: error.metadata.get("error", {}).get("httpStatusCode", 400)
        for error in _model(service).operation_model(name).error_shapes
    }
    if service == "s3":
        codes |= _S3_COMMON | (_S3_WRITES if operation in WRITES else {})
    if operation in MUTATIONS:
        codes |= _IAM_WRITES
    for code, status in codes.items():
        yield _refused(code, code, status, fact=code in FACTS)


def _spoilt(operation: str) -> Iterator[Kind]:
    for name, spoil in _SPOILT.get(operation, {}).items():
        yield Kind(name=name, answer=Answer(spoil=spoil), missing=_MISSING.get(name))


def _refused(
    name: str, code: str, status: int, *, times: int | None = None, fact: bool = False
) -> Kind:
    answer = Answer(error=lambda operation: refusal(operation, code, status))
    return Kind(name=name, answer=answer, times=times, fact=fact)


def _cut(_: str) -> Exception:
    return ConnectionClosedError(endpoint_url=_LOST)


def _never_sent(_: str) -> Exception:
    return ConnectTimeoutError(endpoint_url=_LOST)


def _torn(_: str) -> Exception:
    return ResponseParserError("no XML")


@cache
def _model(service: str) -> Any:
    return Session().get_service_model(service)


# --- answers that come, and are not whole -------------------------------------------------------


def _without_rows(answer: Any, keep: int) -> Any:
    lines = answer["Content"].splitlines(keepends=True)
    return {**answer, "Content": b"".join(lines[:keep])}


def _users(answer: Any, name: str) -> Any:
    rows = enumerate(answer["UserDetailList"])
    return {**answer, "UserDetailList": [user for n, user in rows if not _MISSING[name](n)]}


class _Cut:
    """A body that ends too early."""

    def read(self) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)


_ROWS = 5
"""Head, root, three users."""
_MISSING: Mapping[str, Callable[[int], bool]] = {
    "half-the-users": lambda place: place % 2 == 0,
    "few-users-missing": lambda place: place % 4 == 0,
    "few-rows": lambda place: place >= _ROWS - 2,
    "no-groups": lambda _: False,
    "no-users": lambda _: True,
}
_SPOILT: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "iam:GetAccountAuthorizationDetails": {
        "no-users": lambda told: {**told, "UserDetailList": []},
        "half-the-users": lambda told: _users(told, "half-the-users"),
        "few-users-missing": lambda told: _users(told, "few-users-missing"),
        "no-marker": lambda told: {**told, "IsTruncated": True},
        "no-groups": lambda told: {**told, "GroupDetailList": []},
    },
    "iam:GetCredentialReport": {
        "no-content": lambda told: {**told, "Content": b""},
        "head-only": lambda told: _without_rows(told, 1),
        "root-only": lambda told: _without_rows(told, 2),
        "few-rows": lambda told: _without_rows(told, _ROWS),
        "half-a-row": lambda told: {**told, "Content": told["Content"][:-40]},
        "old": lambda told: {
            **told,
            "GeneratedTime": told["GeneratedTime"] - timedelta(hours=30),
        },
        "html": lambda told: {**told, "Content": b"<html>busy</html>"},
    },
    "iam:GenerateCredentialReport": {"never-ready": lambda _: {"State": "INPROGRESS"}},
    "iam:ListAccessKeys": {"no-marker": lambda told: {**told, "IsTruncated": True}},
    "iam:ListMFADevices": {"no-marker": lambda _: {"MFADevices": [], "IsTruncated": True}},
    "s3:GetObject": {
        "garbled": lambda told: {**told, "Body": io.BytesIO(b"\x00<not an answer")},
        "cut-body": lambda told: {**told, "Body": _Cut()},
    },
    "s3:ListObjectsV2": {
        "no-marker": lambda told: {**told, "IsTruncated": True},
        "nameless": lambda told: {**told, "Contents": [{}]},
    },
}
