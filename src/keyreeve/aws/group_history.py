"""Who was put into which group, and when: CloudTrail's event history of 90 days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keyreeve.aws.event_lookup import EventLookup
from keyreeve.aws.sessions import Sessions
from keyreeve.model.identifiers import UserName
from keyreeve.reporting.access_document import Joined


class CloudTrailGroupHistory:
    """`pipeline.access_document.GroupHistory`; in us-east-1, where IAM's events arrive (E4)."""

    def __init__(self, sessions: Sessions) -> None:
        self._lookup = EventLookup(sessions)

    def joined(self, since: datetime) -> Mapping[tuple[UserName, str], Joined]:
        """The latest of each; failed calls put nobody anywhere."""
        found: dict[tuple[UserName, str], Joined] = {}
        for page in self._lookup.pages("EventName", "AddUserToGroup", since=since):
            for event in page.events:
                if event.failed or not {"userName", "groupName"} <= event.asked.keys():
                    continue
                key = (UserName(event.asked["userName"]), event.asked["groupName"])
                said = Joined(at=event.at, by=_caller(event.record))
                if key not in found or found[key].at < said.at:
                    found[key] = said
        return found


def _caller(record: Mapping[str, Any]) -> str:
    """The ARN of who called, or what kind of caller it was."""
    identity = record.get("userIdentity") or {}
    return str(identity.get("arn") or identity.get("type") or "unknown")
