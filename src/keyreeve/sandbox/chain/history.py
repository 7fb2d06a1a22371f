"""Every management call, as CloudTrail's event when somebody asks for it.

A call is kept as it is; it becomes an event when LookupEvents, a trail or a rule wants it.
AWS: management events of the last 90 days, whether there is a trail or not; calls on objects,
messages, metrics and log events, and a function's invocations are data events, which are not kept.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keyreeve.sandbox.account import REGION
from keyreeve.sandbox.calls import Request
from keyreeve.sandbox.chain import spelling
from keyreeve.sandbox.chain.callers import Caller, find, of_session

Event = dict[str, Any]

KEPT = timedelta(days=90)
_LARGEST = 65_536
_READS = re.compile(r"(Get|List|Describe|Lookup|Head|Search|BatchGet|Simulate|Test|Validate)")
_ALSO_READS = frozenset({"AssumeRole", "GenerateCredentialReport", "Decrypt", "GenerateDataKey"})
_GLOBAL = frozenset({"iam", "organizations"})
_SOURCES = {"sesv2": "ses", "email": "ses"}
_DATA = {
    "s3": r"(?!.*LockConfiguration).*(Object|Multipart|Part).*",
    "ses": r"Send.*",
    "sesv2": r"Send.*",
    "sqs": r"(Send|Receive|Delete|ChangeMessageVisibility)Message.*",
    "sns": r"Publish.*",
    "logs": r"(PutLogEvents|GetLogEvents|FilterLogEvents|StartQuery|GetQueryResults)",
    "monitoring": r"(PutMetricData|GetMetric(Data|Statistics))",
    "events": r"PutEvents",
    "lambda": r"Invoke.*",
    "dynamodb": r".*Item.*|Query|Scan",
}
"""Service → operations that are no management events."""


@dataclass(slots=True, kw_only=True)
class Kept:
    """A call, and its event once it was asked for."""

    number: int
    caller: Caller
    at: datetime
    request: Request | None = None
    status: int = 200
    content: bytes = b""
    event: Event | None = None

    @property
    def read_only(self) -> bool:
        """Whether the call changed nothing."""
        if self.request is None:
            return bool(self.event and self.event.get("readOnly"))
        return is_read(self.request.operation)


class History:
    """The calls of all accounts, in order."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque()
        self._count = 0
        self._callers: dict[str, Caller | None] = {}
        self._with_mfa: set[str] = set()

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._count = 0
        self._callers.clear()
        self._with_mfa.clear()

    def caller(self, access_key: str | None, at: datetime, session: Any = None) -> Caller | None:
        """Who signs with the key, as it stands before the call; `session`: its Session, if any."""
        if access_key is None:
            return None
        known = self._callers.get(access_key)
        if known is None:
            known = of_session(session) if session is not None else None
            known = known or find(access_key, at, mfa=access_key in self._with_mfa)
            self._callers[access_key] = known
        return known

    def keep(
        self,
        caller: Caller | None,
        request: Request,
        at: datetime,
        status: int,
        content: bytes,
    ) -> Kept | None:
        """One call that was answered; None: no management event comes of it."""
        if caller is None or not is_management(request):
            return None
        self._learn(request, content)
        told = status < 400 and is_read(request.operation)  # noqa: PLR2004 - HTTP's failures
        worth = not told or request.operation == "AssumeRole"
        return self._append(
            Kept(
                number=self._count + 1,
                caller=caller,
                at=at,
                request=request,
                status=status,
                content=content if worth and len(content) <= _LARGEST else b"",
            )
        )

    def _append(self, kept: Kept) -> Kept:
        self._count += 1
        self._kept.append(kept)
        while self._kept[0].at < kept.at - KEPT:
            self._kept.popleft()
        return kept

    def _learn(self, request: Request, content: bytes) -> None:
        if request.service == "sts" and "SerialNumber" in request.params:
            found = re.search(rb"<AccessKeyId>(\w+)</AccessKeyId>", content)
            if found:
                self._with_mfa.add(found[1].decode())
        elif request.operation == "UpdateUser":
            self._callers.clear()

    def add(self, caller: Caller, at: datetime, event: Mapping[str, Any]) -> Kept:
        """An event as it is, with whatever it lacks."""
        number = self._count + 1
        whole = {**_frame(number, caller, at), **event}
        return self._append(Kept(number=number, caller=caller, at=at, event=whole))

    def latest(
        self, account_id: str, region: str, now: datetime, before: int | None = None
    ) -> Iterator[tuple[int, Event]]:
        """Of the last 90 days, the newest first, with their numbers; those `before` a number."""
        for kept in reversed(self._kept):
            later = before is not None and kept.number >= before
            if later or kept.caller.account_id != account_id:
                continue
            if not now - KEPT <= kept.at <= now:
                continue
            event = event_of(kept)
            if event["awsRegion"] == region:
                yield kept.number, event


def is_read(operation: str) -> bool:
    """Whether CloudTrail calls it readOnly."""
    return bool(_READS.match(operation)) or operation in _ALSO_READS


def is_management(request: Request) -> bool:
    """Whether CloudTrail keeps the call without being asked to."""
    if request.operation == "Unknown":
        return False
    pattern = _DATA.get(request.service)
    return pattern is None or not re.fullmatch(pattern, request.operation)


def event_of(kept: Kept) -> Event:
    """The call as an event; made once."""
    if kept.event is None:
        kept.event = _event(kept, kept.request) if kept.request else {}
    return kept.event


def derived_id(*facts: object) -> str:
    """A UUID that follows from the facts."""
    digest = hashlib.sha256("\n".join(map(str, facts)).encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _frame(number: int, caller: Caller, at: datetime) -> Event:
    """What every event has."""
    return {
        "eventVersion": "1.11",
        "userIdentity": caller.identity,
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "iam.amazonaws.com",
        "eventName": "",
        "awsRegion": REGION,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": "sandbox",
        "requestParameters": None,
        "responseElements": None,
        "requestID": derived_id("request", caller.account_id, number),
        "eventID": derived_id("event", caller.account_id, number),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": caller.account_id,
        "eventCategory": "Management",
    }


def _event(kept: Kept, request: Request) -> Event:
    service = request.service
    failed = kept.status >= 400  # noqa: PLR2004 - HTTP's failures
    event = {
        **_frame(kept.number, kept.caller, kept.at),
        "eventSource": f"{_SOURCES.get(service, service)}.amazonaws.com",
        "eventName": spelling.event_name(service, request.operation),
        "awsRegion": REGION if service in _GLOBAL else request.region,
        "userAgent": request.agent,
        "requestParameters": spelling.parameters(
            service, request.operation, request.params, request.hidden
        ),
        "readOnly": kept.read_only,
    }
    if failed:
        code, message = spelling.error(kept.content)
        event["errorCode"] = code
        event["errorMessage"] = message
    elif not kept.read_only or request.operation == "AssumeRole":
        event["responseElements"] = spelling.elements(kept.content)
    kept.content = b""
    return event
