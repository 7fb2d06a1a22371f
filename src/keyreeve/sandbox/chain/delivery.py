"""Events → the trails' log groups and EventBridge's rules.

AWS: a logging trail that covers the event's region brings management events to its log group, in
the name of the trail's role, and makes EventBridge see them; most rules see no read-only ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from keyreeve.sandbox.chain.function_log import put_lines
from keyreeve.sandbox.chain.history import Event, Kept, derived_id, event_of
from keyreeve.sandbox.chain.permissions import role_may
from keyreeve.sandbox.chain.targets import SERVED, deliver
from keyreeve.sandbox.world import World

_CLOUDTRAIL = "cloudtrail.amazonaws.com"
_GROUP_PARTS = 7
_DETAIL_TYPES = {
    "AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
    "AwsServiceEvent": "AWS Service Event via CloudTrail",
}
_HIDDEN_READS = ("Get", "List", "Describe")
"""Names that a rule sees only with ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS."""


def follow(world: World, kept: Kept | None) -> None:
    """Bring the call to whom it concerns, as afterwork; nothing without a logging trail."""
    if kept is not None and any(_logging(kept.caller.account_id)):
        world.afterwork.submit(lambda: _bring(world, kept.caller.account_id, event_of(kept)))


def _logging(account_id: str) -> Iterator[Any]:
    from moto.cloudtrail.models import cloudtrail_backends

    for backend in list(cloudtrail_backends[account_id].values()):
        for trail in backend.trails.values():
            if trail.status.is_logging:
                yield trail


def _bring(world: World, account_id: str, event: Event) -> None:
    trails = [it for it in _logging(account_id) if _covers(it, event)]
    for trail in trails:
        if trail.cw_log_group_arn:
            _log(world, trail, event)
    if trails:
        _match(world, account_id, event)


def _covers(trail: Any, event: Event) -> bool:
    """Whether the trail takes management events of this kind and region."""
    if not trail.is_multi_region and trail.region_name != event["awsRegion"]:
        return False
    for selector in trail.event_selectors:
        kind = selector.get("ReadWriteType", "All")
        fits = kind == "All" or (kind == "ReadOnly") == event["readOnly"]
        if selector.get("IncludeManagementEvents", True) and fits:
            return True
    if trail.advanced_event_selectors and not trail.event_selectors:
        return any(_advanced(it, event) for it in trail.advanced_event_selectors)
    return not trail.event_selectors


def _advanced(selector: Any, event: Event) -> bool:
    fields = {it["Field"]: it for it in selector.get("FieldSelectors", ())}
    if "Management" not in fields.get("eventCategory", {}).get("Equals", ()):
        return False
    wanted = fields.get("readOnly", {}).get("Equals")
    return wanted is None or str(event["readOnly"]).lower() in wanted


def _log(world: World, trail: Any, event: Event) -> None:
    """Into the log group, if the trail's role may; else the trail's status tells why not."""
    from moto.logs.models import logs_backends

    parts = trail.cw_log_group_arn.split(":")
    region, account_id = parts[3:5]
    group = parts[_GROUP_PARTS - 1]
    backend: Any = logs_backends[account_id][region]
    if group not in backend.groups:
        trail.logs_error = f"the log group {group} does not exist"
        return
    stream = f"{trail.account_id}_CloudTrail_{trail.region_name}"
    arn = f"arn:aws:logs:{region}:{account_id}:log-group:{group}:log-stream:{stream}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        if not role_may(trail.cw_role_arn or "", _CLOUDTRAIL, action, arn):
            trail.logs_error = f"Access denied: {trail.cw_role_arn} may not {action} on {arn}"
            return
    trail.logs_error = None
    put_lines(world, account_id, region, group, stream, [json.dumps(event)])


def _match(world: World, account_id: str, event: Event) -> None:
    kind = event.get("eventType", "AwsApiCall")
    told = {
        "version": "0",
        "id": derived_id("eventbridge", event["eventID"]),
        "detail-type": _DETAIL_TYPES.get(kind, "AWS API Call via CloudTrail"),
        "source": f"aws.{event['eventSource'].partition('.')[0]}",
        "account": account_id,
        "time": event["eventTime"],
        "region": event["awsRegion"],
        "resources": [],
        "detail": event,
    }
    shy = kind == "AwsApiCall" and event["eventName"].startswith(_HIDDEN_READS)
    put_event(world, account_id, event["awsRegion"], told, shy=shy)


def put_event(
    world: World, account_id: str, region: str, event: Event, *, shy: bool = False
) -> None:
    """Put it to every rule of the default bus. `shy`: a read, which most rules do not see."""
    from moto.events.models import events_backends

    backend: Any = events_backends[account_id][region]
    bus = backend.event_buses.get("default")
    for rule in list(bus.rules.values()) if bus else ():
        sees = rule.state.startswith("ENABLED_WITH_ALL" if shy else "ENABLED")
        if sees and rule.event_pattern.get_pattern() and rule.event_pattern.matches_event(event):
            for target in list(rule.targets):
                if target["Arn"].split(":")[2] in SERVED:
                    deliver(world, rule, target, event)
