"""The ARN of what a call to the baseline's services is about; `*` where the call names nothing.

Source: Service Authorization Reference, "Resource types defined by …". CloudWatch Logs asks with
the stream, empty where there is none: a policy without `:*` after the group does not match.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keyreeve.language.authorizations import Kind
from keyreeve.language.policy_evaluator import EVERY_RESOURCE
from keyreeve.sandbox.calls import Request

_NAMED: Final[Mapping[Kind, tuple[str, tuple[str, ...]]]] = {
    Kind.TOPIC: ("sns:{place}:{name}", ("TopicArn", "TargetArn", "ResourceArn", "Name")),
    Kind.QUEUE: ("sqs:{place}:{name}", ("QueueUrl", "QueueName")),
    Kind.FUNCTION: ("lambda:{place}:function:{name}", ("FunctionName", "Resource")),
    Kind.RULE: ("events:{place}:rule/{name}", ("Rule", "Name", "ResourceARN")),
    Kind.ALARM: ("cloudwatch:{place}:alarm:{name}", ("AlarmName", "AlarmNames", "ResourceARN")),
    Kind.STACK: ("cloudformation:{place}:stack/{name}/*", ("StackName",)),
    Kind.TRAIL: ("cloudtrail:{place}:trail/{name}", ("Name", "TrailName", "ResourceId")),
    Kind.LOG_GROUP: (
        "logs:{place}:log-group:{name}:log-stream:{stream}",
        ("logGroupName", "logGroupIdentifier"),
    ),
    Kind.KEY: ("kms:{place}:key/{name}", ("KeyId",)),
    Kind.DETECTOR: ("guardduty:{place}:detector/{name}", ("DetectorId", "detectorId")),
    Kind.ANALYZER: ("access-analyzer:{place}:analyzer/{name}", ("analyzerArn",)),
    Kind.UNIT: ("organizations::{account}:ou/*/{name}", ("ParentId",)),
    Kind.PRODUCT: ("securityhub:{place}:{name}", ("ProductArn",)),
}
PASSED: Final[Mapping[str, tuple[str, str]]] = {
    "cloudformation:CreateChangeSet": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:CreateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:DeleteStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:UpdateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudtrail:CreateTrail": ("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),
    "cloudtrail:UpdateTrail": ("CloudWatchLogsRoleArn", "cloudtrail.amazonaws.com"),
    "events:PutRule": ("RoleArn", "events.amazonaws.com"),
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
}
"""Calls that hand a role to a service (iam:PassRole): the parameter, and to whom."""


def stack_resource(kind: Kind, account_id: str, request: Request) -> str:
    """The ARN that the call names."""
    shape, params = _NAMED[kind]
    given = next((request.params[it] for it in params if request.params.get(it)), None)
    name = str(given[0] if isinstance(given, list) else given or "")
    if not name:
        return EVERY_RESOURCE
    if name.startswith("arn:") and kind is not Kind.LOG_GROUP:
        return name
    return "arn:aws:" + shape.format(
        place=f"{request.region}:{account_id}",
        account=account_id,
        name=_short(kind, name, account_id, request.region),
        stream=request.params.get("logStreamName", ""),
    )


def _short(kind: Kind, name: str, account_id: str, region: str) -> str:
    match kind:
        case Kind.QUEUE:
            return name.rpartition("/")[2]
        case Kind.LOG_GROUP if name.startswith("arn:"):
            return name.rsplit(":log-group:", maxsplit=1)[-1].removesuffix(":*")
        case Kind.KEY if name.startswith("alias/"):
            return _behind(name, account_id, region)
        case _:
            return name


def _behind(alias: str, account_id: str, region: str) -> str:
    """The key's id; the alias itself where there is none."""
    from moto.kms.models import kms_backends

    keys: Any = kms_backends[account_id][region].keys
    return next((str(key.id) for key in keys.values() if alias in key.aliases), alias)
