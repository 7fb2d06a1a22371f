"""AWS::SQS: queues and their policies."""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import text
from keyreeve.sandbox.stacks.shared_policy import shared_policy

_SETTINGS: Final = (
    "ContentBasedDeduplication",
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)
_OFF: Final = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "262144",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


def _make(site: Site, props: Props) -> str:
    """SQS says yes to a second try with the same attributes; CloudFormation does not."""
    name = str(props.get("QueueName") or site.name(80))
    known = {key: text(value) for key, value in given(props, *_SETTINGS, "FifoQueue").items()}
    told = site.call("sqs", "CreateQueue", QueueName=name, Attributes=known, **given(props, "Tags"))
    return str(told["QueueUrl"])


def _named(site: Site, id_: str, props: Props) -> bool:
    if "://" in id_:
        return found_by("sqs", "GetQueueAttributes", "QueueUrl")(site, id_, props)
    return found_by("sqs", "GetQueueUrl", "QueueName")(site, id_, props)


def _put(site: Site, url: str, new: Props, old: Props) -> None:
    changed = {
        name: text(new.get(name, _OFF.get(name, "")))
        for name in _SETTINGS
        if new.get(name) != old.get(name)
    }
    site.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=changed)


def _told(site: Site, url: str, _: Props) -> dict[str, Any]:
    answer = site.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    return dict(answer.get("Attributes", {}))


def _attributes(site: Site, url: str, props: Props) -> Props:
    arn = _told(site, url, props)["QueueArn"]
    return {"Arn": arn, "QueueName": arn.rpartition(":")[2], "QueueUrl": url}


QUEUE: Final = Kind(
    type="AWS::SQS::Queue",
    make=_make,
    remove=removing("sqs", "DeleteQueue", "QueueUrl"),
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_told, born=True),
        tags("sqs", ("TagQueue", "QueueUrl", "Tags"), ("UntagQueue", "QueueUrl", "TagKeys")),
    ),
    fixed=frozenset({"QueueName", "FifoQueue"}),
    attributes=_attributes,
    present=_named,
    name="QueueName",
    identifier=("QueueUrl",),
)


def _put_policy(site: Site, url: str, policy: str) -> None:
    site.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})


QUEUE_POLICY: Final = shared_policy(
    "AWS::SQS::QueuePolicy",
    "Queues",
    put=_put_policy,
    read=lambda site, url: str(_told(site, url, {}).get("Policy", "")),
    usual=lambda _site, _url: "",
)
KINDS: Final = (QUEUE, QUEUE_POLICY)
