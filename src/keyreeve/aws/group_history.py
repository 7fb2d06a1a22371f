"""Who was put into which group, and when: CloudTrail's event history of 90 days."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from keyreeve.aws.failures import calling
from keyreeve.aws.sessions import Sessions
from keyreeve.model.identifiers import UserName
from keyreeve.reporting.access_document import Joined


class CloudTrailGroupHistory:
    """`pipeline.access_document.GroupHistory`; in us-east-1, where IAM's events arrive (E4)."""

    def __init__(self, sessions: Sessions) -> None:
        self._trail = sessions.client("cloudtrail")

    def joined(self, since: datetime) -> Mapping[tuple[UserName, str], Joined]:
        """The latest of each; failed calls put nobody anywhere."""
        found: dict[tuple[UserName, str], Joined] = {}
        for row in self._rows(since):
            record = json.loads(row["CloudTrailEvent"])
            asked = record.get("requestParameters") or {}
            if record.get("errorCode") or not {"userName", "groupName"} <= asked.keys():
                continue
            key = (UserName(asked["userName"]), asked["groupName"])
            said = Joined(at=row["EventTime"], by=_caller(record))
            if key not in found or found[key].at < said.at:
                found[key] = said
        return found

    def _rows(self, since: datetime) -> Iterator[Mapping[str, Any]]:
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "AddUserToGroup"}],
            "StartTime": since,
        }
        while True:
            page = self._page(asked)
            yield from page["Events"]
            if not page.get("NextToken"):
                return
            asked["NextToken"] = page["NextToken"]

    @calling("cloudtrail:LookupEvents")
    def _page(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        page: Mapping[str, Any] = self._trail.lookup_events(**asked)
        return page


def _caller(record: Mapping[str, Any]) -> str:
    """The ARN of who called, or what kind of caller it was."""
    identity = record.get("userIdentity") or {}
    return str(identity.get("arn") or identity.get("type") or "unknown")
