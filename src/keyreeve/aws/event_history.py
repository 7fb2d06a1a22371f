"""`ports.week.EventHistory` over CloudTrail's LookupEvents, in the region of IAM's events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.week import IamChange, RoleUse, Week

_PAGES: Final = 20
"""Of 50 events each: ten seconds at LookupEvents' two a second."""
_COUNTED_PAGES: Final = 4
_COUNTED_SESSIONS: Final = 20
"""How many sessions' calls are counted, so that a busy week stays quick."""
_NAMES: Final = ("userName", "groupName", "roleName", "policyArn", "policyName", "serialNumber")
"""What a request of IAM is about, the most telling first."""


class CloudTrailEventHistory:
    """Newest first, as CloudTrail answers."""

    def __init__(self, sessions: Sessions) -> None:
        self._trail = sessions.client("cloudtrail")

    def week(self, roles: frozenset[str], since: datetime) -> Week:
        """Sessions of these roles, and changes of IAM."""
        assumed, more_sessions = self._records("EventName", "AssumeRole", since, _PAGES)
        changes, more = self._records("EventSource", "iam.amazonaws.com", since, _PAGES)
        return Week(
            sessions=tuple(self._sessions(assumed, roles, since)),
            changes=tuple(_changes(changes)),
            truncated=more or more_sessions,
        )

    def _sessions(
        self, rows: list[Mapping[str, Any]], roles: frozenset[str], since: datetime
    ) -> Iterator[RoleUse]:
        counted = 0
        for row in rows:
            record = _record(row)
            asked = record.get("requestParameters") or {}
            role = str(asked.get("roleArn", "")).rpartition("/")[2]
            if record.get("errorCode") or role not in roles:
                continue
            key = _session_key(record)
            calls, more = None, False
            if key and counted < _COUNTED_SESSIONS:
                found, more = self._records("AccessKeyId", key, since, _COUNTED_PAGES)
                calls, counted = len(found), counted + 1
            yield RoleUse(
                role=role, by=_caller(record), at=row["EventTime"], calls=calls, more=more
            )

    def _records(
        self, key: str, value: str, since: datetime, pages: int
    ) -> tuple[list[Mapping[str, Any]], bool]:
        """The rows, and whether there were more."""
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
            "StartTime": since,
        }
        rows: list[Mapping[str, Any]] = []
        for _ in range(pages):
            page = self._page(asked)
            rows += page["Events"]
            if not page.get("NextToken"):
                return rows, False
            asked["NextToken"] = page["NextToken"]
        return rows, True

    @calling("cloudtrail:LookupEvents")
    def _page(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        page: Mapping[str, Any] = self._trail.lookup_events(**asked)
        return page


def _changes(rows: list[Mapping[str, Any]]) -> Iterator[IamChange]:
    """Calls that took effect and did not only read."""
    for row in rows:
        record = _record(row)
        if record.get("errorCode") or record.get("readOnly", True):
            continue
        asked = record.get("requestParameters") or {}
        about = next((str(asked[name]) for name in _NAMES if asked.get(name)), "")
        yield IamChange(call=row["EventName"], on=about, by=_caller(record), at=row["EventTime"])


def _record(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """CloudTrail's own record, which LookupEvents wraps as text."""
    record: Mapping[str, Any] = json.loads(row["CloudTrailEvent"])
    return record


def _session_key(record: Mapping[str, Any]) -> str | None:
    answered = record.get("responseElements") or {}
    key: str | None = (answered.get("credentials") or {}).get("accessKeyId")
    return key


def _caller(record: Mapping[str, Any]) -> str:
    identity = record.get("userIdentity") or {}
    name = identity.get("userName") or identity.get("arn") or identity.get("invokedBy")
    return str(name or identity.get("type") or "unknown")
