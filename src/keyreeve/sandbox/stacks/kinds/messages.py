"""AWS::SNS: topics, their policies, subscriptions."""

from __future__ import annotations

import json
from typing import Final

from keyreeve.sandbox.stacks.calling import found_by, given, items, reading, removing, tags
from keyreeve.sandbox.stacks.kind import Facet, Kind, Props, Site
from keyreeve.sandbox.stacks.shaping import text
from keyreeve.sandbox.stacks.shared_policy import shared_policy

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


def _usual_policy(site: Site, arn: str) -> str:
    """AWS: a topic whose policy is taken away has again the one that it was made with."""
    usual = {
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
    return json.dumps(usual)


TOPIC_POLICY: Final = shared_policy(
    "AWS::SNS::TopicPolicy",
    "Topics",
    put=lambda site, arn, policy: _set(site, arn, "Policy", policy),
    read=lambda site, arn: str(_ATTRIBUTES(site, arn, {}).get("Policy", "")),
    usual=_usual_policy,
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
