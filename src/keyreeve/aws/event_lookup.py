"""CloudTrail's LookupEvents, page by page: the last 90 days, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions

EVENT_PAGES: Final = 20
"""Of 50 events each: ten seconds, as LookupEvents answers twice a second (E6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A call that CloudTrail has taken down."""

    name: str
    at: datetime
    record: Mapping[str, Any]
    """CloudTrail's own record; empty where it cannot be read."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """The request's parameters."""
        return self.record.get("requestParameters") or {}

    @property
    def failed(self) -> bool:
        """The call was refused or went wrong."""
        return bool(self.record.get("errorCode"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Up to fifty events."""

    events: tuple[Event, ...]
    more: bool
    """There are older ones."""


class EventLookup:
    """In one region; IAM's events are in us-east-1 alone (E4)."""

    def __init__(self, sessions: Sessions) -> None:
        self._trail = sessions.client("cloudtrail")

    def pages(
        self, key: str, value: str, *, since: datetime | None = None, limit: int | None = None
    ) -> Iterator[EventPage]:
        """At least one page and at most `limit`, each asked for when it is wanted."""
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]
        }
        if since is not None:
            asked["StartTime"] = since
        for _ in count() if limit is None else range(limit):
            page, token = self._page(asked)
            yield page
            if token is None:
                return
            asked["NextToken"] = token

    @calling("cloudtrail:LookupEvents")
    def _page(self, asked: Mapping[str, Any]) -> tuple[EventPage, str | None]:
        """A page, and the token of the next."""
        page = self._trail.lookup_events(**asked)
        token = page.get("NextToken") or None
        return EventPage(events=tuple(map(_event, page["Events"])), more=token is not None), token


def _event(row: Mapping[str, Any]) -> Event:
    """LookupEvents wraps CloudTrail's record as text."""
    try:
        record = json.loads(row.get("CloudTrailEvent", "{}"))
    except ValueError:
        record = {}
    return Event(
        name=row["EventName"],
        at=row["EventTime"],
        record=record if isinstance(record, Mapping) else {},
    )
