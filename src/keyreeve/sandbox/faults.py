"""Planted failures: the next or every call of an operation is refused, cut off or garbled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final
from xml.sax.saxutils import escape

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.calls import Request


class When(StrEnum):
    """On which side of the effect the failure lies."""

    BEFORE = "before"
    """Nothing happens in the account."""
    AFTER = "after"
    """The effect happens; its answer is lost or replaced."""


class Answer(StrEnum):
    """What the caller gets instead."""

    ERROR = "error"
    """`code` with `status`, in the protocol of the service."""
    DROP = "drop"
    """The connection ends without an answer."""
    HANG = "hang"
    """None, while others are served, until the faults are cleared or the caller is gone; then the
    connection ends."""
    MALFORMED = "malformed"
    """Status 200 with a body that is none."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One planted failure. Counts itself down."""

    operation: str = "*"
    """As AWS calls it, or `*`."""
    service: str = "*"
    user: str | None = None
    """Only for calls that name this IAM user."""
    key: str | None = None
    """Only for S3 calls whose object key, or listed prefix, contains this."""
    skip: int = 0
    """Let this many matching calls pass first."""
    count: int | None = 1
    """How often; None: every time."""
    when: When = When.BEFORE
    answer: Answer = Answer.ERROR
    code: str = "ServiceFailure"
    message: str = "Planted by the sandbox."
    status: int = 500

    def strikes(self, request: Request) -> bool:
        """Whether this call is hit; counts it if it matches."""
        if self.operation not in ("*", request.operation) or self.count == 0:
            return False
        if self.service not in ("*", request.service) or self.user not in (None, request.user):
            return False
        if self.key is not None and self.key not in request.object_key:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None:
            self.count -= 1
        return True


THROTTLING: Mapping[str, object] = {"code": "Throttling", "status": 400, "message": "Rate exceeded"}
DENIED: Mapping[str, object] = {"code": "AccessDenied", "status": 403, "message": "Not authorized"}


_QUERY: Final = ("cloudformation", "iam", "ses", "sns", "sts")
"""Services of the query protocol, which answer in XML."""


def read_fault(data: Mapping[str, Any]) -> Fault:
    """A fault as data. ConfigError for an unknown field or value."""
    unknown = set(data) - {field.name for field in fields(Fault)}
    if unknown:
        raise ConfigError(f"unknown field {', '.join(sorted(unknown))}", where="fault")
    try:
        when = When(data.get("when", When.BEFORE))
        answer = Answer(data.get("answer", Answer.ERROR))
    except ValueError as error:
        raise ConfigError(str(error), where="fault") from error
    return Fault(**{**data, "when": when, "answer": answer})


def error_body(service: str, code: str, message: str) -> tuple[str, bytes, dict[str, str]]:
    """Content type, body and headers of an error in the service's protocol."""
    if service in _QUERY:
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code>"
            f"<Message>{escape(message)}</Message></Error><RequestId>sandbox</RequestId>"
            "</ErrorResponse>"
        )
        return "text/xml", text.encode(), {}
    if service == "s3":
        text = (
            f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            "<RequestId>sandbox</RequestId></Error>"
        )
        return "application/xml", text.encode(), {}
    told = json.dumps({"__type": code, "message": message}).encode()
    return "application/json", told, {"x-amzn-ErrorType": code}
