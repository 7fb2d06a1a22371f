"""An account whose alarms all arrive, to be broken at one place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from keyreeve.governance.alarm_chain import Expected
from keyreeve.governance.alarms import CATALOGUE, Alarm, metric_namespace, resource_name
from keyreeve.model.monitoring import (
    Key,
    MetricAlarm,
    MetricFilter,
    Monitoring,
    Subscription,
    Topic,
    Trail,
    WrittenMetric,
)

ACCOUNT = "123456789012"
GROUP = "keyreeve-etv-trail"
NAMESPACE = metric_namespace("etv")
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:keyreeve-etv-alerts"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
ALARMS = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:*"
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


def statement(action: Any, **more: Any) -> dict[str, Any]:
    return {
        "Sid": "Ours",
        "Effect": "Allow",
        "Principal": CLOUDWATCH,
        "Action": action,
        "Resource": "*",
    } | more


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


FROM_OUR_ALARMS = {
    "ArnLike": {"aws:SourceArn": ALARMS},
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
}
TOPIC_POLICY = policy(statement("sns:Publish", Resource=TOPIC, Condition=FROM_OUR_ALARMS))
KEY_POLICY = policy(
    statement("kms:*", Sid="Owner", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
    statement(["kms:Decrypt", "kms:GenerateDataKey*"]),
)


def wanted(alarm_id: str = "root-use", threshold: int = 1) -> Alarm:
    card = next(card for card in CATALOGUE if card.id == alarm_id)
    return Alarm(card=card, threshold=threshold)


def expected(alarm: Alarm) -> Expected:
    return Expected(name=resource_name("etv", alarm.id), namespace=NAMESPACE)


def filter_of(alarm: Alarm) -> MetricFilter:
    written = WrittenMetric(namespace=NAMESPACE, name=alarm.card.metric, value="1")
    return MetricFilter(
        name=resource_name("etv", alarm.id),
        log_group=GROUP,
        pattern=alarm.card.pattern,
        metrics=(written,),
    )


def alarm_of(alarm: Alarm) -> MetricAlarm:
    name = resource_name("etv", alarm.id)
    return MetricAlarm(
        name=name,
        arn=f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}",
        namespace=NAMESPACE,
        metric=alarm.card.metric,
        statistic="Sum",
        period_seconds=alarm.card.period_seconds,
        threshold=alarm.threshold,
        comparison="GreaterThanOrEqualToThreshold",
        missing_data="notBreaching",
        actions=(TOPIC,),
        state="OK",
    )


def whole(*alarms: Alarm) -> Monitoring:
    """Everything as the stacks make it."""
    chosen = alarms or (wanted(),)
    trail = Trail(
        name="keyreeve-etv",
        arn=f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/keyreeve-etv",
        multi_region=True,
        global_events=True,
        logging=True,
        log_group=GROUP,
    )
    topic = Topic(
        arn=TOPIC,
        policy=TOPIC_POLICY,
        key_id=KEY,
        subscriptions=(Subscription(protocol="email", endpoint="msp@example.com", confirmed=True),),
    )
    return Monitoring(
        account_id=ACCOUNT,
        trails=(trail,),
        filters=tuple(map(filter_of, chosen)),
        alarms=tuple(map(alarm_of, chosen)),
        topics={TOPIC: topic},
        keys={KEY: Key(arn=KEY, state="Enabled", policy=KEY_POLICY)},
    )


def with_trail(facts: Monitoring, **changes: Any) -> Monitoring:
    return replace(facts, trails=(replace(facts.trails[0], **changes),))


def with_filter(facts: Monitoring, **changes: Any) -> Monitoring:
    return replace(facts, filters=(replace(facts.filters[0], **changes),))


def with_metric(facts: Monitoring, **changes: Any) -> Monitoring:
    metric = replace(facts.filters[0].metrics[0], **changes)
    return with_filter(facts, metrics=(metric,))


def with_alarm(facts: Monitoring, **changes: Any) -> Monitoring:
    return replace(facts, alarms=(replace(facts.alarms[0], **changes),))


def with_topic(facts: Monitoring, **changes: Any) -> Monitoring:
    return replace(facts, topics={TOPIC: replace(facts.topics[TOPIC], **changes)})


def with_key(facts: Monitoring, **changes: Any) -> Monitoring:
    return replace(facts, keys={KEY: replace(facts.keys[KEY], **changes)})
