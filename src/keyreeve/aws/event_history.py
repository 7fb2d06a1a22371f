"""`ports.week.EventHistory` over CloudTrail's LookupEvents, in the region of IAM's events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from keyreeve.aws.event_lookup import EVENT_PAGES, Event, EventLookup
from keyreeve.aws.sessions import Sessions
from keyreeve.model.week import IamChange, RoleUse, Week

_COUNTED_PAGES: Final = 4
_COUNTED_SESSIONS: Final = 20
"""How many sessions' calls are counted, so that a busy week stays quick."""
_NAMES: Final = ("userName", "groupName", "roleName", "policyArn", "policyName", "serialNumber")
"""What a request of IAM is about, the most telling first."""


class CloudTrailEventHistory:
    """Newest first, as CloudTrail answers."""

    def __init__(self, sessions: Sessions) -> None:
        self._lookup = EventLookup(sessions)

    def week(self, roles: frozenset[str], since: datetime) -> Week:
        """Sessions of these roles, and changes of IAM."""
        assumed, more_sessions = self._events("EventName", "AssumeRole", since, EVENT_PAGES)
        changes, more = self._events("EventSource", "iam.amazonaws.com", since, EVENT_PAGES)
        return Week(
            sessions=tuple(self._sessions(assumed, roles, since)),
            changes=tuple(_changes(changes)),
            truncated=more or more_sessions,
        )

    def _sessions(
        self, events: list[Event], roles: frozenset[str], since: datetime
    ) -> Iterator[RoleUse]:
        counted = 0
        for event in events:
            role = str(event.asked.get("roleArn", "")).rpartition("/")[2]
            if event.failed or role not in roles:
                continue
            key = _session_key(event.record)
            calls, more = None, False
            if key and counted < _COUNTED_SESSIONS:
                found, more = self._events("AccessKeyId", key, since, _COUNTED_PAGES)
                calls, counted = len(found), counted + 1
            yield RoleUse(role=role, by=_caller(event.record), at=event.at, calls=calls, more=more)

    def _events(
        self, key: str, value: str, since: datetime, limit: int
    ) -> tuple[list[Event], bool]:
        """The events, and whether there were more."""
        pages = list(self._lookup.pages(key, value, since=since, limit=limit))
        return [event for page in pages for event in page.events], pages[-1].more


def _changes(events: list[Event]) -> Iterator[IamChange]:
    """Calls that took effect and did not only read."""
    for event in events:
        if event.failed or event.record.get("readOnly", True):
            continue
        about = next((str(event.asked[name]) for name in _NAMES if event.asked.get(name)), "")
        yield IamChange(call=event.name, on=about, by=_caller(event.record), at=event.at)


def _session_key(record: Mapping[str, Any]) -> str | None:
    answered = record.get("responseElements") or {}
    key: str | None = (answered.get("credentials") or {}).get("accessKeyId")
    return key


def _caller(record: Mapping[str, Any]) -> str:
    identity = record.get("userIdentity") or {}
    name = identity.get("userName") or identity.get("arn") or identity.get("invokedBy")
    return str(name or identity.get("type") or "unknown")
