"""Every break that can be seeded is named exactly, and nothing else is called broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governance import monitored as m

from keyreeve.governance.alarm_chain import Chain, Step, follow
from keyreeve.governance.alarms import CATALOGUE, Alarm
from keyreeve.model.monitoring import Monitoring, Recorded, Subscription, Trail

ROOT_USE = m.wanted("root-use")
WHOLE = m.whole(ROOT_USE)
NAME = "keyreeve-etv-root-use"
WAITING = Subscription(protocol="email", endpoint="late@example.com", confirmed=False)
DEAF = Subscription(protocol="email", endpoint="deaf@example.com", confirmed=True, deaf=True)


def chain(facts: Monitoring, alarm: Alarm = ROOT_USE) -> Chain:
    return follow(alarm, m.expected(alarm), facts)


@pytest.mark.parametrize("card", CATALOGUE, ids=lambda card: card.id)
def test_every_alarm_as_it_is_made_is_whole(card: Any) -> None:
    alarm = Alarm(card=card, threshold=1)
    found = chain(m.whole(alarm), alarm)

    assert found.broken is None
    assert [link.step for link in found.links] == list(Step)


BREAKS: dict[str, tuple[Monitoring, Step, str]] = {
    "no trail": (replace(WHOLE, trails=()), Step.TRAIL, "the account has no trail"),
    "one region": (m.with_trail(WHOLE, multi_region=False), Step.TRAIL, "one region only"),
    "no IAM events": (m.with_trail(WHOLE, global_events=False), Step.TRAIL, "global services"),
    "stopped": (m.with_trail(WHOLE, logging=False), Step.TRAIL, "has stopped logging"),
    "to S3 only": (m.with_trail(WHOLE, log_group=None), Step.TRAIL, "delivers to no log group"),
    "undelivered": (
        m.with_trail(WHOLE, delivery_error="AccessDenied"),
        Step.TRAIL,
        f"cannot deliver to {m.GROUP}: AccessDenied",
    ),
    "reads only": (
        m.with_trail(WHOLE, recorded=Recorded(writes=False)),
        Step.TRAIL,
        "does not take down writing calls such as CreateUser",
    ),
    "left out": (
        m.with_trail(WHOLE, recorded=Recorded(excluded=frozenset({"signin.amazonaws.com"}))),
        Step.TRAIL,
        "leaves out the events of signin.amazonaws.com",
    ),
    "no filter": (replace(WHOLE, filters=()), Step.FILTER, f"there is no filter {NAME}"),
    "filter elsewhere": (
        m.with_filter(WHOLE, log_group="other"),
        Step.FILTER,
        f"{NAME} lies in other, the trail writes to {m.GROUP}",
    ),
    "filter unreadable": (
        m.with_filter(WHOLE, pattern="{ $.a EXISTS }"),
        Step.FILTER,
        "has a pattern that cannot be read: $.a EXISTS",
    ),
    "filter of terms": (m.with_filter(WHOLE, pattern="Root"), Step.FILTER, "stands in braces"),
    "filter too narrow": (
        m.with_filter(WHOLE, pattern='{ $.eventName = "CreateUser" }'),
        Step.FILTER,
        "does not count ConsoleLogin by Root",
    ),
    "filter too wide": (
        m.with_filter(WHOLE, pattern="{ $.eventName = * }"),
        Step.FILTER,
        "counts CreateUser by IAMUser, which is none of its business",
    ),
    "no metric": (m.with_filter(WHOLE, metrics=()), Step.METRIC, "writes no metric"),
    "other metric": (
        m.with_metric(WHOLE, name="Other"),
        Step.METRIC,
        f"{NAME} writes Keyreeve/etv Other, but {NAME} watches Keyreeve/etv RootUse",
    ),
    "other namespace": (
        m.with_alarm(WHOLE, namespace="Elsewhere"),
        Step.METRIC,
        "watches Elsewhere RootUse",
    ),
    "metric maths": (
        m.with_alarm(WHOLE, namespace="", metric=""),
        Step.METRIC,
        "watches no metric of its own",
    ),
    "dimensions": (
        m.with_alarm(WHOLE, dimensions=frozenset({"Region"})),
        Step.METRIC,
        "differ in Region",
    ),
    "zero": (m.with_metric(WHOLE, value="0"), Step.METRIC, "an event adds 0"),
    "a field": (m.with_metric(WHOLE, value="$.x"), Step.METRIC, "an event adds $.x"),
    "no alarm": (replace(WHOLE, alarms=()), Step.ALARM, f"there is no alarm {NAME}"),
    "actions off": (m.with_alarm(WHOLE, actions_enabled=False), Step.ALARM, "switched off"),
    "threshold": (
        m.with_alarm(WHOLE, threshold=3),
        Step.ALARM,
        "Sum ≥ 3 is not reached by one event",
    ),
    "above": (
        m.with_alarm(WHOLE, comparison="GreaterThanThreshold"),
        Step.ALARM,
        "Sum > 1 is not reached by one event",
    ),
    "below": (
        m.with_alarm(WHOLE, comparison="LessThanThreshold"),
        Step.ALARM,
        "compares with LessThanThreshold",
    ),
    "always": (m.with_alarm(WHOLE, threshold=0), Step.ALARM, "true without any event"),
    "breaching": (m.with_alarm(WHOLE, missing_data="breaching"), Step.ALARM, "never changes"),
    "average": (m.with_alarm(WHOLE, statistic="Average"), Step.ALARM, "statistic is Average"),
    "percentile": (m.with_alarm(WHOLE, statistic="p99"), Step.ALARM, "statistic is p99"),
    "periods": (m.with_alarm(WHOLE, evaluation_periods=3), Step.ALARM, "waits for 3 periods"),
    "no action": (m.with_alarm(WHOLE, actions=()), Step.ACTION, f"{NAME} does nothing"),
    "other action": (
        m.with_alarm(WHOLE, actions=("arn:aws:automate:us-east-1:ec2:stop",)),
        Step.ACTION,
        "only arn:aws:automate:us-east-1:ec2:stop; no topic is told",
    ),
    "no topic": (replace(WHOLE, topics={}), Step.ACTION, f"{m.TOPIC} does not exist"),
    "topic policy": (
        m.with_topic(WHOLE, policy=m.policy(m.statement("sns:Subscribe"))),
        Step.TOPIC_POLICY,
        "no statement of its policy lets CloudWatch sns:Publish",
    ),
    "topic denied": (
        m.with_topic(
            WHOLE,
            policy=m.policy(
                m.statement("sns:Publish"), m.statement("sns:*", Effect="Deny", Sid="Never")
            ),
        ),
        Step.TOPIC_POLICY,
        "statement Never denies CloudWatch sns:Publish",
    ),
    "topic of others' alarms": (
        m.with_topic(
            WHOLE,
            policy=m.policy(
                m.statement(
                    "sns:Publish",
                    Condition={"StringEquals": {"aws:SourceAccount": "210987654321"}},
                )
            ),
        ),
        Step.TOPIC_POLICY,
        "no statement of its policy lets",
    ),
    "topic on a doubtful condition": (
        m.with_topic(
            WHOLE,
            policy=m.policy(
                m.statement("sns:Publish", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
            ),
        ),
        Step.TOPIC_POLICY,
        "no statement of its policy lets",
    ),
    "topic policy garbled": (m.with_topic(WHOLE, policy="{"), Step.TOPIC_POLICY, "cannot be read"),
    "AWS's key": (
        m.with_topic(WHOLE, key_id="alias/aws/sns"),
        Step.KEY,
        "alias/aws/sns is AWS's own key",
    ),
    "AWS's key by its id": (m.with_key(WHOLE, aws_managed=True), Step.KEY, "is AWS's own key"),
    "no key": (replace(WHOLE, keys={}), Step.KEY, f"{m.KEY} does not exist"),
    "key disabled": (m.with_key(WHOLE, state="Disabled"), Step.KEY, "cannot be used: Disabled"),
    "key deleted": (
        m.with_key(WHOLE, state="PendingDeletion"),
        Step.KEY,
        "cannot be used: PendingDeletion",
    ),
    "key policy": (
        m.with_key(WHOLE, policy=m.policy(m.statement("kms:Decrypt"))),
        Step.KEY,
        "no statement of its policy lets CloudWatch kms:GenerateDataKey",
    ),
    "key for the account only": (
        m.with_key(
            WHOLE,
            policy=m.policy(
                m.statement("kms:*", Principal={"AWS": f"arn:aws:iam::{m.ACCOUNT}:root"})
            ),
        ),
        Step.KEY,
        "no statement of its policy lets CloudWatch kms:Decrypt",
    ),
    "nobody": (m.with_topic(WHOLE, subscriptions=()), Step.SUBSCRIPTION, "has no subscription"),
    "unconfirmed": (
        m.with_topic(WHOLE, subscriptions=(WAITING,)),
        Step.SUBSCRIPTION,
        "nobody has confirmed; not confirmed: late@example.com",
    ),
    "filtered out": (
        m.with_topic(WHOLE, subscriptions=(WAITING, DEAF)),
        Step.SUBSCRIPTION,
        "filters alarms out; not confirmed: late@example.com; filtered out: deaf@example.com",
    ),
    "another unit": (
        m.with_alarm(WHOLE, unit="Seconds"),
        Step.METRIC,
        f"{NAME} writes the unit None, but {NAME} takes Seconds only",
    ),
}


@pytest.mark.parametrize("seeded", BREAKS)
def test_a_seeded_break_is_the_link_that_is_named(seeded: str) -> None:
    facts, step, said = BREAKS[seeded]
    found = chain(facts)

    assert found.broken is not None
    assert found.broken.step is step
    assert said in found.broken.found
    assert found.broken.remedy
    assert found.links[-1] is found.broken
    assert [link.step for link in found.links if link.sound] == list(Step)[: list(Step).index(step)]


UNBROKEN: dict[str, Monitoring] = {
    "not encrypted": m.with_topic(WHOLE, key_id=None),
    "the policy that SNS gives a new topic": m.with_topic(
        WHOLE,
        policy=m.policy(
            m.statement(
                ["SNS:Publish", "SNS:Subscribe"],
                Principal={"AWS": "*"},
                Condition={"StringEquals": {"AWS:SourceOwner": m.ACCOUNT}},
            )
        ),
    ),
    "a guardrail that spares services": m.with_topic(
        WHOLE,
        policy=m.policy(
            m.statement("sns:Publish"),
            m.statement(
                "sns:*",
                Effect="Deny",
                Principal="*",
                Condition={"BoolIfExists": {"aws:SecureTransport": "false"}},
            ),
        ),
    ),
    "a key for this topic only": m.with_key(
        WHOLE,
        policy=m.policy(
            m.statement(
                ["kms:Decrypt", "kms:GenerateDataKey*"],
                Condition={
                    "StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": m.TOPIC},
                    "ArnLike": {"aws:SourceArn": m.ALARMS},
                },
            )
        ),
    ),
    "one of two confirmed": m.with_topic(
        WHOLE, subscriptions=(WAITING, *WHOLE.topics[m.TOPIC].subscriptions)
    ),
    "one of two filters": m.with_topic(
        WHOLE, subscriptions=(DEAF, *WHOLE.topics[m.TOPIC].subscriptions)
    ),
    "the same unit": m.with_metric(m.with_alarm(WHOLE, unit="Count"), unit="Count"),
    "no unit on both sides": m.with_alarm(WHOLE, unit="None"),
    "one topic of two is gone": m.with_alarm(WHOLE, actions=(f"{m.TOPIC}-gone", m.TOPIC)),
    "above zero": m.with_alarm(WHOLE, comparison="GreaterThanThreshold", threshold=0),
    "maximum": m.with_alarm(WHOLE, statistic="Maximum"),
    "one period of three": m.with_alarm(WHOLE, evaluation_periods=3, datapoints_to_alarm=1),
    "other names": replace(
        m.with_alarm(m.with_filter(WHOLE, name="RootUsage"), name="root-alarm"),
    ),
}


@pytest.mark.parametrize("fine", UNBROKEN)
def test_what_arrives_is_not_called_broken(fine: str) -> None:
    assert chain(UNBROKEN[fine]).broken is None


def test_a_trail_that_serves_is_found_among_others() -> None:
    deaf = Trail(
        name="a",
        arn="arn:aws:cloudtrail:us-east-1:123456789012:trail/a",
        multi_region=False,
        global_events=True,
        logging=True,
        log_group=None,
    )

    assert chain(replace(WHOLE, trails=(deaf, *WHOLE.trails))).broken is None


def test_the_trail_of_the_filters_group_is_the_one_that_is_told_of() -> None:
    other = replace(WHOLE.trails[0], name="other", log_group="other", multi_region=False)
    facts = m.with_trail(WHOLE, logging=False)
    broken = chain(replace(facts, trails=(other, *facts.trails))).broken

    assert broken is not None
    assert broken.found == "keyreeve-etv has stopped logging"


def test_of_two_topics_the_one_that_gets_furthest_is_told_of() -> None:
    closed = replace(WHOLE.topics[m.TOPIC], arn=f"{m.TOPIC}-b", policy=m.policy(m.statement("x:y")))
    facts = m.with_alarm(m.with_topic(WHOLE, subscriptions=()), actions=(closed.arn, m.TOPIC))
    broken = chain(replace(facts, topics={**facts.topics, closed.arn: closed})).broken

    assert broken is not None
    assert (broken.step, m.TOPIC in broken.found) == (Step.SUBSCRIPTION, True)


def test_who_has_not_confirmed_is_told_even_where_the_chain_is_whole() -> None:
    link = chain(UNBROKEN["one of two confirmed"]).links[-1]

    assert link.found == "msp@example.com; not confirmed: late@example.com"


def test_an_alarm_of_several_events_needs_just_as_many() -> None:
    alarm = m.wanted("console-sign-in-failures", threshold=3)

    assert chain(m.whole(alarm), alarm).broken is None
    short = chain(m.with_alarm(m.whole(alarm), period_seconds=60), alarm).broken
    assert short is not None
    assert "looks at 60 s, not 300 s" in short.found
    high = chain(m.with_alarm(m.whole(alarm), threshold=4), alarm).broken
    assert high is not None
    assert "not reached by 3 events" in high.found


def test_a_sample_that_was_refused_is_told_by_its_error() -> None:
    alarm = m.wanted("unauthorized-api-calls")
    broken = chain(m.with_filter(m.whole(alarm), pattern="{ $.errorCode = Other }"), alarm).broken

    assert broken is not None
    assert "does not count DescribeInstances (Client.UnauthorizedOperation)" in broken.found


def test_a_stopped_trail_is_to_be_started_not_replaced() -> None:
    broken = chain(m.with_trail(WHOLE, logging=False)).broken

    assert broken is not None
    assert "start-logging" in broken.remedy


FURTHER: dict[str, dict[str, Any]] = {
    "no subscription": {"subscriptions": ()},
    "no key": {"key_id": "alias/aws/sns"},
    "no topic policy": {"policy": m.policy(m.statement("sns:Subscribe"))},
}


@given(
    st.sampled_from(sorted(BREAKS)),
    st.sampled_from(["no subscription", "no key", "no topic policy"]),
)
def test_of_two_breaks_the_one_nearer_to_the_event_is_named(first: str, second: str) -> None:
    facts, step, _ = BREAKS[first]
    topics = {arn: replace(topic, **FURTHER[second]) for arn, topic in facts.topics.items()}
    broken = chain(replace(facts, topics=topics)).broken

    assert broken is not None
    assert list(Step).index(broken.step) <= list(Step).index(step)
    if list(Step).index(step) <= list(Step).index(Step.ACTION):
        assert broken.step is step
