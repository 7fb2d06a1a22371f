"""Who may publish to a topic, and what its subscribers get.

AWS: a service needs the topic's policy and, where the topic is encrypted, its key's; e-mail
subscribers get nothing before they have confirmed; a queue or function must let SNS in itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox.chain import functions, queues
from keyreeve.sandbox.chain.permissions import Facts, may_use_key, service_may
from keyreeve.sandbox.world import Alert, World

SERVICE = "sns.amazonaws.com"
UNCONFIRMED = ("email", "email-json")
"""Protocols whose subscriptions wait for their confirmation."""
_NO_SUBJECT = "AWS Notification Message"


def announce(
    topic_arn: str,
    service: str,
    subject: str | None,
    message: str,
    facts: Facts,
    key_facts: Facts,
) -> str | None:
    """Publish as a service of AWS; the reason why it could not be, in AWS's words."""
    topic = find_topic(topic_arn)
    if topic is None:
        return "Topic does not exist"
    if not service_may(topic.policy, service, "sns:Publish", topic_arn, facts):
        return f"{service} is not authorized to perform: SNS:Publish on resource: {topic_arn}"
    key = topic.kms_master_key_id
    if key and not may_use_key(*_place(topic_arn), key, service, key_facts):
        return (
            f"KMS: the key {key} does not let {service} use it "
            "(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException)"
        )
    topic.publish(message, subject=subject)
    return None


def find_topic(topic_arn: str) -> Any:
    """Moto's topic, or None."""
    from moto.sns.models import sns_backends

    account_id, region = _place(topic_arn)
    backend: Any = sns_backends[account_id][region]
    return backend.topics.get(topic_arn)


def _place(arn: str) -> tuple[str, str]:
    region, account_id = arn.split(":")[3:5]
    return account_id, region


def hand_over(
    world: World, subscription: Any, stock: Callable[[], None], told: dict[str, Any]
) -> None:
    """One message for one subscriber; `stock` is how moto would do it."""
    matcher = subscription._filter_policy_matcher
    message, attributes = told["message"], told.get("message_attributes")
    if is_pending(subscription) or (matcher and not matcher.matches(attributes, message)):
        return
    if told.get("message_structure") == "json":
        message = subscription._parse_message_structure(message, subscription.protocol)
    facts = {"aws:sourcearn": subscription.topic.arn, "aws:sourceaccount": subscription.account_id}
    match subscription.protocol:
        case "email" | "email-json":
            world.alerts.append(
                Alert(
                    to=subscription.endpoint,
                    subject=told.get("subject") or _NO_SUBJECT,
                    message=message,
                    topic=subscription.topic.arn,
                    at=world.clock.now(),
                )
            )
        case "sqs":
            if queues.refusal(subscription.endpoint, SERVICE, facts) is None:
                stock()
        case "lambda":
            payload = json.dumps(_event(world, subscription, {**told, "message": message}))
            functions.hand_over(world, subscription.endpoint, payload, SERVICE, facts)
        case "http" | "https":
            world.afterwork.submit(lambda: _aside(world, stock))
        case _:
            stock()


def _aside(world: World, stock: Callable[[], None]) -> None:
    """A subscriber on the web may call back before it answers."""
    with world.turn.aside():
        stock()


def _event(world: World, subscription: Any, told: dict[str, Any]) -> dict[str, Any]:
    """What a function gets from SNS."""
    record = {
        "Type": "Notification",
        "MessageId": told["message_id"],
        "TopicArn": subscription.topic.arn,
        "Subject": told.get("subject"),
        "Message": told["message"],
        "Timestamp": world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "MessageAttributes": told.get("message_attributes") or {},
    }
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription.arn,
                "EventSource": "aws:sns",
                "Sns": record,
            }
        ]
    }


def is_pending(subscription: Any) -> bool:
    """Whether it was never confirmed."""
    return bool(getattr(subscription, "pending", False))


def confirm(name: str) -> list[str]:
    """Confirm what waits, by subscription ARN or by address; the ARNs. ConfigError: none waits."""
    from moto.sns.models import sns_backends

    found = [
        subscription
        for _, _, backend in list(sns_backends.iter_backends())
        for subscription in backend.subscriptions.values()  # type: ignore[attr-defined]
        if name in (subscription.arn, subscription.endpoint) and is_pending(subscription)
    ]
    if not found:
        raise ConfigError(f"no subscription of {name} waits for confirmation", where="confirm")
    for subscription in found:
        subscription.pending = False
        subscription.attributes["PendingConfirmation"] = "false"
    return [subscription.arn for subscription in found]
