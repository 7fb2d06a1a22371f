"""LookupEvents answers the management events of the last 90 days.

AWS: with or without a trail, per region, the newest first, 50 a page, by one attribute; a trail
tells why it could not reach its log group.  moto keeps no events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from keyreeve.sandbox.chain import people
from keyreeve.sandbox.chain.history import Event
from keyreeve.sandbox.patches.replacing import add, replace
from keyreeve.sandbox.world import World

_PAGE = 50
_RESOURCES = {
    "userName": "AWS::IAM::User",
    "roleName": "AWS::IAM::Role",
    "groupName": "AWS::IAM::Group",
    "policyArn": "AWS::IAM::Policy",
    "bucketName": "AWS::S3::Bucket",
}
"""Request parameters that name a resource."""


def apply(world: World) -> None:
    """Answer from the history of calls."""
    from moto.cloudtrail.models import Trail, TrailStatus
    from moto.cloudtrail.responses import CloudTrailResponse
    from moto.core.exceptions import JsonRESTError

    def lookup_events(self: Any) -> str:
        asked = self._get_param("LookupAttributes") or []
        limit = int(self._get_param("MaxResults") or _PAGE)
        if len(asked) > 1:
            raise JsonRESTError("InvalidLookupAttributesException", "only one attribute")
        if not 1 <= limit <= _PAGE:
            raise JsonRESTError("InvalidMaxResultsException", f"MaxResults is 1 to {_PAGE}")
        since, until = self._get_param("StartTime"), self._get_param("EndTime")
        token = self._get_param("NextToken")
        history = world.history.latest(
            self.current_account, self.region, world.clock.now(), int(token) if token else None
        )
        found = (
            (number, event)
            for number, event in history
            if all(_has(event, it["AttributeKey"], it["AttributeValue"]) for it in asked)
            and (since is None or _seconds(event) >= float(since))
            and (until is None or _seconds(event) <= float(until))
        )
        part = list(islice(found, limit + 1))
        told: dict[str, Any] = {"Events": [_row(event) for _, event in part[:limit]]}
        if len(part) > limit:
            told["NextToken"] = str(part[limit - 1][0])
        return json.dumps(told)

    stock_description: Callable[[Any], dict[str, Any]] = TrailStatus.description
    stock_init = Trail.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        stock_init(self, *args, **kwargs)
        self.status.trail = self

    def description(self: Any) -> dict[str, Any]:
        error = getattr(self.trail, "logs_error", None)
        told = {"LatestCloudWatchLogsDeliveryError": error} if error else {}
        return stock_description(self) | told

    # Whoever lets people sign in tells those who watch.
    world.observers.append(partial(people.signed_in, world))
    add(CloudTrailResponse, lookup_events=lookup_events)
    replace(Trail, __init__=init)
    replace(TrailStatus, description=description)


def _seconds(event: Event) -> float:
    return datetime.fromisoformat(event["eventTime"]).timestamp()


def _user_name(event: Event) -> str | None:
    identity: Mapping[str, Any] = event["userIdentity"]
    match identity.get("type"):
        case "AssumedRole":
            return str(identity["arn"]).rpartition("/")[2]
        case "Root":
            return "root"
        case _:
            return identity.get("userName")


def _resources(event: Event) -> list[dict[str, str]]:
    given = event.get("requestParameters") or {}
    return [
        {"ResourceType": kind, "ResourceName": str(given[name])}
        for name, kind in _RESOURCES.items()
        if given.get(name)
    ]


def _has(event: Event, attribute: str, wanted: str) -> bool:
    match attribute:
        case "ResourceName" | "ResourceType":
            return any(it[attribute] == wanted for it in _resources(event))
        case _:
            return str(_row(event).get(attribute)) == wanted


def _row(event: Event) -> dict[str, Any]:
    told = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": str(event["readOnly"]).lower(),
        "AccessKeyId": event["userIdentity"].get("accessKeyId"),
        "EventTime": _seconds(event),
        "EventSource": event["eventSource"],
        "Username": _user_name(event),
        "Resources": _resources(event),
        "CloudTrailEvent": json.dumps(event),
    }
    return {name: value for name, value in told.items() if value is not None}
