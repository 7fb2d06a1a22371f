"""AWS::SNS: topics, their policies, subscriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from keyreeve.sandbox.stacks.calling import found_by, given, items, nothing, reading, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import plain, text

_SETTINGS: Final = (
    "ContentBasedDeduplication",
    "DisplayName",
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
)
_ATTRIBUTES: Final = reading("sns", "GetTopicAttributes", "TopicArn", "Attributes")


def _make(site: Site, props: Props) -> str:
    name = str(props.get("TopicName") or site.name())
    known = {key: text(value) for key, value in given(props, *_SETTINGS, "FifoTopic").items()}
    told = site.call("sns", "CreateTopic", Name=name, Attributes=known, **given(props, "Tags"))
    return str(told["TopicArn"])


def _arn(site: Site, name: str) -> str:
    return f"arn:{site.partition}:sns:{site.region}:{site.account}:{name}"


def _put(site: Site, arn: str, new: Props, old: Props) -> None:
    for name in _SETTINGS:
        if new.get(name) != old.get(name):
            _set(site, arn, name, text(new.get(name, "")))


def _set(site: Site, arn: str, name: str, value: str) -> None:
    told = {"AttributeName": name, "AttributeValue": value}
    site.call("sns", "SetTopicAttributes", TopicArn=arn, **told)


def _put_subscriptions(site: Site, arn: str, new: Props, old: Props) -> None:
    after = [(it["Protocol"], it["Endpoint"]) for it in items(new, "Subscription")]
    before = [(it["Protocol"], it["Endpoint"]) for it in items(old, "Subscription")]
    for protocol, endpoint in after:
        if (protocol, endpoint) not in before:
            site.call("sns", "Subscribe", TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    told = site.call("sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    for row in told:
        mine = (row["Protocol"], row["Endpoint"])
        # AWS: what nobody has confirmed yet cannot be ended; it lapses by itself.
        pending = row["SubscriptionArn"] == "PendingConfirmation"
        if mine in before and mine not in after and not pending:
            site.call("sns", "Unsubscribe", SubscriptionArn=row["SubscriptionArn"])


TOPIC: Final = Kind(
    type="AWS::SNS::Topic",
    make=_make,
    remove=removing("sns", "DeleteTopic", "TopicArn"),
    facets=(
        Facet(properties=_SETTINGS, put=_put, read=_ATTRIBUTES, born=True),
        Facet(properties=("Subscription",), put=_put_subscriptions, undo=True),
        tags(
            "sns",
            ("TagResource", "ResourceArn", "Tags"),
            ("UntagResource", "ResourceArn", "TagKeys"),
        ),
    ),
    fixed=frozenset({"TopicName", "FifoTopic"}),
    attributes=lambda _site, arn, _props: {
        "TopicArn": arn,
        "TopicName": arn.rpartition(":")[2],
    },
    present=lambda site, id_, props: found_by("sns", "GetTopicAttributes", "TopicArn")(
        site, id_ if id_.startswith("arn:") else _arn(site, id_), props
    ),
    name="TopicName",
    identifier=("TopicArn",),
)


# --- policies -----------------------------------------------------------------------------------


def _put_policy(site: Site, _id: str, new: Props, old: Props) -> None:
    for arn in items(new, "Topics"):
        _set(site, arn, "Policy", text(new["PolicyDocument"]))
    for arn in items(old, "Topics"):
        if arn not in items(new, "Topics"):
            _set(site, arn, "Policy", json.dumps(_usual_policy(site, arn)))


def _usual_policy(site: Site, arn: str) -> Mapping[str, Any]:
    """AWS: a topic whose policy is taken away has again the one that it was made with."""
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "SNS:GetTopicAttributes",
                    "SNS:SetTopicAttributes",
                    "SNS:AddPermission",
                    "SNS:RemovePermission",
                    "SNS:DeleteTopic",
                    "SNS:Subscribe",
                    "SNS:ListSubscriptionsByTopic",
                    "SNS:Publish",
                ],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": site.account}},
            }
        ],
    }


def _read_policy(site: Site, _id: str, props: Props) -> Props:
    """The first topic's that is not as it should be, else the last one's."""
    found: Any = None
    for arn in items(props, "Topics"):
        found = json.loads(_ATTRIBUTES(site, arn, {}).get("Policy", "{}"))
        if plain(found) != plain(props["PolicyDocument"]):
            break
    return {"PolicyDocument": found, "Topics": items(props, "Topics")}


TOPIC_POLICY: Final = Kind(
    type="AWS::SNS::TopicPolicy",
    make=lambda site, _: site.name(),
    remove=nothing,
    facets=(
        Facet(
            properties=("PolicyDocument", "Topics"), put=_put_policy, read=_read_policy, undo=True
        ),
    ),
    required=frozenset({"PolicyDocument", "Topics"}),
)


# --- subscriptions ------------------------------------------------------------------------------

_OF_SUBSCRIPTION: Final = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
)


def _subscribe(site: Site, props: Props) -> str:
    known = {key: text(value) for key, value in given(props, *_OF_SUBSCRIPTION).items()}
    told = given(props, "TopicArn", "Protocol", "Endpoint")
    answer = site.call("sns", "Subscribe", ReturnSubscriptionArn=True, Attributes=known, **told)
    return str(answer["SubscriptionArn"])


def _put_subscription(site: Site, arn: str, new: Props, old: Props) -> None:
    for name in _OF_SUBSCRIPTION:
        if new.get(name) != old.get(name):
            told = {"AttributeName": name, "AttributeValue": text(new.get(name, "{}"))}
            site.call("sns", "SetSubscriptionAttributes", SubscriptionArn=arn, **told)


SUBSCRIPTION: Final = Kind(
    type="AWS::SNS::Subscription",
    make=_subscribe,
    remove=removing("sns", "Unsubscribe", "SubscriptionArn"),
    facets=(
        Facet(
            properties=_OF_SUBSCRIPTION,
            put=_put_subscription,
            read=reading("sns", "GetSubscriptionAttributes", "SubscriptionArn", "Attributes"),
            born=True,
        ),
    ),
    fixed=frozenset({"TopicArn", "Protocol", "Endpoint"}),
    required=frozenset({"TopicArn", "Protocol"}),
    attributes=lambda _site, arn, _props: {"Arn": arn},
    present=found_by("sns", "GetSubscriptionAttributes", "SubscriptionArn"),
    identifier=("Arn",),
)
KINDS: Final = (TOPIC, TOPIC_POLICY, SUBSCRIPTION)
