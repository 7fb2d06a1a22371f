"""Whom an event of CloudTrail is about: the enrolled user, not the caller (S2.T2).

Event names and their fields: AWS, "CloudTrail userIdentity element" and the IAM API reference.
The function only learns here whom to look at; what it does follows from what it reads then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from keyreeve.model.access import RequiredTags
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import TagAuthor

FOLLOWED: Final = frozenset(
    {
        "CreateUser",
        "DeactivateMFADevice",
        "DeleteVirtualMFADevice",
        "EnableMFADevice",
        "TagUser",
        "UntagUser",
    }
)
"""Calls of IAM that can change where a user belongs."""
_WITHOUT_USER: Final = frozenset({"DeactivateMFADevice", "DeleteVirtualMFADevice"})
"""Calls after which somebody may have no device any more; the request may name nobody."""
ROOT: Final = "AWS ROOT USER"
"""What CloudTrail calls the root user's name; it may not be in any group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One user to look at."""

    user_name: UserName
    event_name: str
    event_id: str
    tagged_by: TagAuthor | None = None
    """Set where this very event may have changed the role tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everyone:
    """The event names nobody, or is the clock's: the whole account is reconciled."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotForUs:
    """Nothing to look at."""

    reason: str


def subject(
    event: Mapping[str, Any], *, role_tag: str = RequiredTags().role
) -> Subject | Everyone | NotForUs:
    """Whom to look at, from an event in EventBridge's envelope. Never raises."""
    if event.get("source") == "aws.events" and event.get("detail-type") == "Scheduled Event":
        return Everyone(reason="the schedule asks for a sweep")
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("eventSource") != "iam.amazonaws.com":
        return NotForUs(reason="no IAM call in CloudTrail's words")
    name = str(detail.get("eventName", ""))
    if name not in FOLLOWED:
        return NotForUs(reason=f"{name or 'a nameless call'} moves nobody")
    if detail.get("errorCode"):
        return NotForUs(reason=f"{name} failed: {detail['errorCode']}")
    return _whom(name, detail, role_tag)


def _whom(name: str, detail: Mapping[str, Any], role_tag: str) -> Subject | Everyone | NotForUs:
    named = _text(_mapping(detail.get("requestParameters")).get("userName"))
    caller = _mapping(detail.get("userIdentity"))
    if named is None and name in _WITHOUT_USER:
        # AWS: DeactivateMFADevice without UserName is about the caller, but a serial number
        # alone does not say whose device it was.
        return Everyone(reason=f"{name} names no user")
    if named is None and caller.get("type") == "IAMUser":
        named = _text(caller.get("userName"))
    if named is None:
        return NotForUs(reason=f"{name} names no user, and its caller is none")
    if named == ROOT:
        return NotForUs(reason="the root user is in no group")
    return Subject(
        user_name=UserName(named),
        event_name=name,
        event_id=_text(detail.get("eventID")) or "",
        tagged_by=tag_author(detail, role_tag) if sets_tag(detail, named, role_tag) else None,
    )


def sets_tag(detail: Mapping[str, Any], user: str, tag: str) -> bool:
    """Whether this record of CloudTrail gave the user this tag."""
    return (
        detail.get("eventName") in ("CreateUser", "TagUser")
        and not detail.get("errorCode")
        and _mapping(detail.get("requestParameters")).get("userName") == user
        and bool(_given(detail, tag))
    )


def tag_author(detail: Mapping[str, Any], tag: str) -> TagAuthor:
    """Who called, as far as a person's name can be told; what the tag was set to, and when."""
    caller = _mapping(detail.get("userIdentity"))
    arn = _text(caller.get("arn")) or _text(caller.get("type")) or "unknown"
    name = _text(caller.get("userName")) if caller.get("type") == "IAMUser" else None
    if caller.get("type") == "AssumedRole":
        session = _mapping(caller.get("sessionContext"))
        name = _text(session.get("sourceIdentity")) or arn.rpartition("/")[2]
    values = [_text(row.get("value")) for row in _given(detail, tag)]
    at = _instant(detail.get("eventTime"))
    return TagAuthor(arn=arn, user_name=name, value=values[-1] if values else None, at=at)


def _given(detail: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    """The rows about this tag. AWS: IAM's tag keys ignore case, so another spelling replaces it."""
    tags = _mapping(detail.get("requestParameters")).get("tags")
    rows = map(_mapping, tags) if isinstance(tags, list | tuple) else ()
    return [row for row in rows if (_text(row.get("key")) or "").casefold() == tag.casefold()]


def _instant(value: object) -> datetime | None:
    """CloudTrail's own time: ISO 8601, UTC."""
    try:
        at = datetime.fromisoformat(_text(value) or "")
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
