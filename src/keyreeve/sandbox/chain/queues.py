"""Messages from services of AWS into queues: the queue's policy and its key's must let them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.sandbox.chain.permissions import Facts, may_use_key, service_may


def find_queue(arn: str) -> Any:
    """Moto's queue, or None."""
    from moto.sqs.models import sqs_backends

    parts = arn.split(":")
    if len(parts) != 6:  # noqa: PLR2004 - arn:aws:sqs:region:account:name
        return None
    queues: Any = sqs_backends[parts[4]][parts[3]].queues
    return queues.get(parts[5])


def refusal(arn: str, service: str, facts: Facts) -> str | None:
    """Why the service cannot send there; None: it can."""
    queue = find_queue(arn)
    if queue is None:
        return "AWS.SimpleQueueService.NonExistentQueue"
    if not service_may(queue.policy, service, "sqs:SendMessage", arn, facts):
        return f"{service} is not authorized to perform: sqs:SendMessage on resource: {arn}"
    key = getattr(queue, "kms_master_key_id", None)
    region, account_id = arn.split(":")[3:5]
    if key and not may_use_key(account_id, region, key, service, facts):
        return f"the key {key} does not let {service} use it"
    return None


def send(
    arn: str, text: str, attributes: Mapping[str, str] | None = None, group: str | None = None
) -> None:
    """Put a message into the queue."""
    from moto.sqs.models import sqs_backends

    region, account_id, name = arn.split(":")[3:6]
    told = {
        key: {"DataType": "String", "StringValue": value}
        for key, value in (attributes or {}).items()
    }
    sqs_backends[account_id][region].send_message(
        name, text, message_attributes=told or None, group_id=group
    )
