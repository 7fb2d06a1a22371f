"""Whether CloudWatch may publish to a topic and use its key, asked as CloudWatch asks.

Sources: SNS Developer Guide, "Amazon SNS key management" (event sources of encrypted topics) and
"Example cases for Amazon SNS access control"; the keys of the request's context as listed there and
in the IAM User Guide, "AWS global condition context keys".
"""

from __future__ import annotations

import json
from typing import Final

from keyreeve.language.policy_document import MalformedPolicy, parse_document
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
from keyreeve.model.monitoring import Key, Topic

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
_OF_THE_KEY: Final = ("kms:Decrypt", "kms:GenerateDataKey")


def may_publish(topic: Topic, alarm_arn: str, account_id: str) -> str | None:
    """Why the topic's policy does not let the alarm publish; None: it does."""
    context = _context(alarm_arn, account_id)
    return _why_refused(topic.policy, "sns:Publish", topic.arn, context)


def may_use_key(key: Key, topic: Topic, alarm_arn: str, account_id: str) -> str | None:
    """Why the key's policy does not let the alarm encrypt for the topic; None: it does."""
    region = topic.arn.split(":")[3]
    context = _context(alarm_arn, account_id) | {
        "kms:viaservice": (f"sns.{region}.amazonaws.com",),
        "kms:encryptioncontext:aws:sns:topicarn": (topic.arn,),
    }
    reasons = (_why_refused(key.policy, action, key.arn, context) for action in _OF_THE_KEY)
    return next((reason for reason in reasons if reason is not None), None)


def _context(alarm_arn: str, account_id: str) -> dict[str, tuple[str, ...]]:
    """`aws:SourceOwner` stands in the policy that SNS gives every new topic."""
    return {
        "aws:sourcearn": (alarm_arn,),
        "aws:sourceaccount": (account_id,),
        "aws:sourceowner": (account_id,),
        "aws:principalisawsservice": ("true",),
        "aws:principalservicename": (CLOUDWATCH,),
        "aws:securetransport": ("true",),
    }


def _why_refused(
    policy: str, action: str, resource: str, context: dict[str, tuple[str, ...]]
) -> str | None:
    try:
        document = parse_document(json.loads(policy))
    except (MalformedPolicy, ValueError) as error:
        return f"its policy cannot be read: {error}"
    # What else a policy may ask for is not known: only a certain permission is one.
    request = Request(
        action=action,
        resource=resource,
        context=context,
        principal=Principal(service=CLOUDWATCH),
        complete=False,
    )
    answer = evaluate(Policies(resource=(document,)), request)
    if answer.allowed:
        return None
    if answer.statement is not None:
        return f"statement {answer.statement.sid or 'without Sid'} denies CloudWatch {action}"
    return f"no statement of its policy lets CloudWatch {action}"
