"""From a call to the mail of an alarm: every link works, and a broken one delivers nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from tests.conformance.alarm_chain import ALARM, GROUP, SUBSCRIBER, TOPIC, Chain, policy, service
from tests.sandbox_fixture import MONDAY, sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]


@pytest.fixture
def chain(sandbox: Sandbox) -> Chain:
    sandbox.reset("small", MONDAY)
    return Chain(sandbox)


def test_a_call_becomes_an_alert_to_the_confirmed_subscriber(chain: Chain) -> None:
    chain.build()
    assert chain.state == "INSUFFICIENT_DATA"
    chain.change_a_policy()
    [alert] = chain.sandbox.alerts()
    told = json.loads(alert["message"])
    assert (alert["to"], alert["topic"]) == (SUBSCRIBER, TOPIC)
    assert alert["subject"] == f'ALARM: "{ALARM}" in US East (N. Virginia)'
    assert (told["AlarmName"], told["NewStateValue"]) == (ALARM, "ALARM")
    assert told["AWSAccountId"] == HOME_ACCOUNT
    assert chain.history("Action") == [f"Successfully executed action {TOPIC}"]


def test_the_log_group_holds_the_event_as_cloudtrail_writes_it(chain: Chain) -> None:
    chain.build()
    chain.change_a_policy()
    logs = chain.client("logs")
    rows = logs.filter_log_events(logGroupName=GROUP)["events"]
    events = {event["eventName"]: event for event in (json.loads(row["message"]) for row in rows)}
    assert events["PutUserPolicy"]["eventSource"] == "iam.amazonaws.com"
    assert events["PutUserPolicy"]["requestParameters"]["userName"] == "no.mfa"


def test_the_alarm_returns_to_ok_when_the_period_is_over(chain: Chain) -> None:
    chain.build()
    chain.change_a_policy()
    chain.sandbox.set_clock(MONDAY + timedelta(seconds=299))
    assert chain.state == "ALARM"
    chain.sandbox.set_clock(MONDAY + timedelta(seconds=300))
    assert chain.state == "OK"
    assert chain.history("StateUpdate")[0] == "Alarm updated from ALARM to OK"


@pytest.mark.parametrize(
    ("missing", "state"),
    [
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("ignore", "INSUFFICIENT_DATA"),
        ("missing", "INSUFFICIENT_DATA"),
    ],
)
def test_an_alarm_without_data_does_as_it_was_told(chain: Chain, missing: str, state: str) -> None:
    chain.alarm(TreatMissingData=missing, AlarmActions=[])
    chain.sandbox.settle()
    assert chain.state == state


def test_an_updated_alarm_keeps_its_state(chain: Chain) -> None:
    chain.build()
    chain.change_a_policy()
    chain.alarm(Threshold=2.0)
    assert chain.state == "ALARM"
    assert chain.history("ConfigurationUpdate") == [
        f'Alarm "{ALARM}" updated',
        f'Alarm "{ALARM}" created',
    ]


def test_a_threshold_counts_within_its_period(chain: Chain) -> None:
    chain.build()
    chain.alarm(Threshold=2.0)
    chain.change_a_policy()
    assert chain.state == "OK"
    chain.change_a_policy()
    assert chain.state == "ALARM"


# --- broken links -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic_policy", "why"),
    [
        (policy(service("events", "sns:Publish")), "not authorized to perform: SNS:Publish"),
        (
            policy(
                service(
                    "cloudwatch",
                    "sns:Publish",
                    Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}},
                )
            ),
            "not authorized to perform: SNS:Publish",
        ),
    ],
)
def test_a_topic_that_does_not_let_cloudwatch_publish_delivers_nothing(
    chain: Chain, topic_policy: str, why: str
) -> None:
    chain.build(topic_policy=topic_policy)
    chain.change_a_policy()
    assert chain.state == "ALARM"
    assert chain.sandbox.alerts() == []
    assert why in chain.history("Action")[0]


@pytest.mark.parametrize(
    "key_policy",
    [
        policy(service("events", "kms:Decrypt", "kms:GenerateDataKey*")),
        policy(service("cloudwatch", "kms:Decrypt")),
        policy(
            {
                "Principal": {"AWS": f"arn:aws:iam::{HOME_ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ),
    ],
)
def test_a_key_that_cloudwatch_may_not_use_delivers_nothing(chain: Chain, key_policy: str) -> None:
    chain.build(key_policy=key_policy)
    chain.change_a_policy()
    assert chain.state == "ALARM"
    assert chain.sandbox.alerts() == []
    assert "KMS" in chain.history("Action")[0]


def test_the_key_of_aws_itself_delivers_nothing(chain: Chain) -> None:
    chain.build()
    chain.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )
    chain.change_a_policy()
    assert chain.sandbox.alerts() == []
    assert "KMS" in chain.history("Action")[0]


def test_an_unconfirmed_subscriber_gets_nothing_and_shows_as_pending(chain: Chain) -> None:
    chain.build(confirmed=False)
    chain.change_a_policy()
    assert chain.history("Action") == [f"Successfully executed action {TOPIC}"]
    assert chain.sandbox.alerts() == []
    sns = chain.client("sns")
    [row] = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    assert row["SubscriptionArn"] == "PendingConfirmation"
    counted = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    assert (counted["SubscriptionsPending"], counted["SubscriptionsConfirmed"]) == ("1", "0")
    [arn] = chain.sandbox.confirm(SUBSCRIBER)
    assert (
        sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"]
        == "false"
    )


def test_an_alarm_without_action_tells_nobody(chain: Chain) -> None:
    chain.build()
    chain.alarm(AlarmActions=[])
    chain.change_a_policy()
    assert (chain.state, chain.sandbox.alerts(), chain.history("Action")) == ("ALARM", [], [])


def test_an_alarm_on_another_metric_stays_quiet(chain: Chain) -> None:
    chain.build()
    chain.alarm(MetricName="misspelt")
    chain.change_a_policy()
    assert (chain.state, chain.sandbox.alerts()) == ("OK", [])


def test_a_filter_that_does_not_match_makes_no_metric(chain: Chain) -> None:
    chain.build()
    chain.client("iam").tag_user(UserName="no.mfa", Tags=[{"Key": "a", "Value": "b"}])
    chain.sandbox.settle()
    assert chain.client("cloudwatch").list_metrics(Namespace="Keyreeve")["Metrics"] == []


def test_a_trail_whose_role_may_not_write_brings_nothing_and_says_so(chain: Chain) -> None:
    chain.build()
    chain.client("iam").delete_role_policy(RoleName="delivery", PolicyName="p")
    chain.change_a_policy()
    assert chain.sandbox.alerts() == []
    told = chain.client("cloudtrail").get_trail_status(Name="trail")
    assert "logs:CreateLogStream" in told["LatestCloudWatchLogsDeliveryError"]


@pytest.mark.parametrize(
    ("kind", "arrives"), [("All", True), ("WriteOnly", True), ("ReadOnly", False)]
)
def test_a_trail_brings_what_its_selectors_name(
    chain: Chain,
    kind: str,
    arrives: bool,  # noqa: FBT001 - a table
) -> None:
    chain.build()
    chain.client("cloudtrail").put_event_selectors(
        TrailName="trail", EventSelectors=[{"ReadWriteType": kind}]
    )
    chain.change_a_policy()
    assert (len(chain.sandbox.alerts()) == 1) is arrives


def test_a_state_set_by_hand_acts_and_is_gone_at_the_next_look(chain: Chain) -> None:
    chain.build()
    chain.client("cloudwatch").set_alarm_state(
        AlarmName=ALARM, StateValue="ALARM", StateReason="a test"
    )
    chain.sandbox.settle()
    [alert] = chain.sandbox.alerts()
    assert json.loads(alert["message"])["NewStateReason"] == "a test"
    assert chain.state == "OK"


def test_log_events_are_found_by_a_pattern(chain: Chain) -> None:
    chain.build()
    chain.change_a_policy()
    logs = chain.client("logs")
    found = logs.filter_log_events(
        logGroupName=GROUP, filterPattern='{ $.eventName = "PutUserPolicy" }'
    )["events"]
    assert [json.loads(row["message"])["eventName"] for row in found] == ["PutUserPolicy"]


def test_a_stopped_trail_brings_nothing(chain: Chain) -> None:
    chain.build()
    chain.client("cloudtrail").stop_logging(Name="trail")
    chain.change_a_policy()
    assert (chain.state, chain.sandbox.alerts()) == ("OK", [])
