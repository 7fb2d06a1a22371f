"""What a rule's target is given: the event, a part of it, or a text made from it.

AWS: EventBridge User Guide, "Amazon EventBridge input transformation".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLACE = re.compile(r"<([\w.-]+)>")
_STEP = re.compile(r"\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]")


def text_for(target: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    """The text that the target gets."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(_at(event, target["InputPath"]))
    transformer = target.get("InputTransformer")
    if transformer:
        return _transformed(transformer, event, rule_arn)
    return json.dumps(event)


def _transformed(transformer: Mapping[str, Any], event: Mapping[str, Any], rule_arn: str) -> str:
    found = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rpartition("/")[2],
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": event,
        "aws.events.event.json": event,
        **{
            name: _at(event, path)
            for name, path in (transformer.get("InputPathsMap") or {}).items()
        },
    }
    template = str(transformer["InputTemplate"])
    return _PLACE.sub(lambda place: _put(template, place, found), template)


def _put(template: str, place: re.Match[str], found: Mapping[str, Any]) -> str:
    """Within quotes a text stands as it is; elsewhere as JSON."""
    if place[1] not in found:
        return place[0]
    value = found[place[1]]
    quoted = template[: place.start()].replace('\\"', "").count('"') % 2 == 1
    if not quoted:
        return json.dumps(value)
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text)[1:-1]


def _at(event: Any, path: str) -> Any:
    """What stands at `$.detail.eventName`; None: nothing."""
    for name, quoted, index in _STEP.findall(path):
        try:
            event = event[int(index)] if index else event[name or quoted]
        except (KeyError, IndexError, TypeError):
            return None
    return event
