"""A rule's match → SNS, Lambda, SQS; what cannot be delivered → the target's dead-letter queue.

AWS: EventBridge User Guide, "Using resource-based policies for Amazon EventBridge" and "Using
dead-letter queues". A target that does not let EventBridge in is not tried again. For topics and
their keys EventBridge names no source: a condition on aws:SourceArn or aws:SourceAccount fails.
AWS: SNS Developer Guide, "Key management".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keyreeve.sandbox.chain import functions, metrics, queues, topics
from keyreeve.sandbox.chain.inputs import text_for
from keyreeve.sandbox.world import World

SERVICE = "events.amazonaws.com"
SERVED = frozenset({"sns", "lambda", "sqs"})
"""Services whose targets are served here; moto serves others."""


def deliver(world: World, rule: Any, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Hand the event to one target."""
    text = text_for(target, event, rule.arn)
    failed = _handed(world, rule, target, text)
    counted = {"Invocations": 1.0, "FailedInvocations": 1.0 if failed else 0.0}
    if failed and _buried(rule, target, event, failed):
        counted["InvocationsSentToDlq"] = 1.0
    metrics.put(
        world, rule.account_id, rule.region_name, "AWS/Events", counted, {"RuleName": rule.name}
    )


def _handed(world: World, rule: Any, target: Mapping[str, Any], text: str) -> str | None:
    """Why the target could not be reached; None: it was."""
    arn = str(target["Arn"])
    facts = {"aws:sourcearn": rule.arn, "aws:sourceaccount": rule.account_id}
    match arn.split(":")[2]:
        case "sns":
            return topics.announce(arn, SERVICE, None, text, {}, {})
        case "lambda":
            return functions.hand_over(world, arn, text, SERVICE, facts)
        case _:
            failed = queues.refusal(arn, SERVICE, facts)
            if failed is None:
                group = (target.get("SqsParameters") or {}).get("MessageGroupId")
                queues.send(arn, text, group=group)
            return failed


def _buried(rule: Any, target: Mapping[str, Any], event: Mapping[str, Any], failed: str) -> bool:
    """Whether the dead-letter queue took the event."""
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    facts = {"aws:sourcearn": rule.arn, "aws:sourceaccount": rule.account_id}
    if not arn or queues.refusal(arn, SERVICE, facts) is not None:
        return False
    missing = "does not exist" in failed or "not found" in failed or "NonExistent" in failed
    attributes = {
        "RULE_ARN": str(rule.arn),
        "TARGET_ARN": str(target["Arn"]),
        "ERROR_CODE": "NO_RESOURCE" if missing else "NO_PERMISSIONS",
        "ERROR_MESSAGE": failed,
    }
    queues.send(arn, json.dumps(event), attributes)
    return True
