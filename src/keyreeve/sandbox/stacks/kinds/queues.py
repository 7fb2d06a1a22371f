"""AWS::SQS: queues and their policies."""

from __future__ import annotations

import json
from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, items, nothing, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import plain, text

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


def _put_policy(site: Site, _id: str, new: Props, old: Props) -> None:
    for url in items(new, "Queues"):
        told = {"Policy": text(new["PolicyDocument"])}
        site.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=told)
    for url in items(old, "Queues"):
        if url not in items(new, "Queues"):
            site.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


def _read_policy(site: Site, _id: str, props: Props) -> Props:
    """The first queue's that is not as it should be, else the last one's."""
    found: Any = None
    for url in items(props, "Queues"):
        found = json.loads(_told(site, url, {}).get("Policy") or "{}")
        if plain(found) != plain(props["PolicyDocument"]):
            break
    return {"PolicyDocument": found, "Queues": items(props, "Queues")}


QUEUE_POLICY: Final = Kind(
    type="AWS::SQS::QueuePolicy",
    make=lambda site, _: site.name(),
    remove=nothing,
    facets=(
        Facet(
            properties=("PolicyDocument", "Queues"), put=_put_policy, read=_read_policy, undo=True
        ),
    ),
    required=frozenset({"PolicyDocument", "Queues"}),
)
KINDS: Final = (QUEUE, QUEUE_POLICY)
