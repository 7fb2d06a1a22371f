"""Rows about what follows from a call: events, filters, alarms, subscriptions, rules, functions.

Each probe takes away what it made; a probe whose fourth cell says why is not put to a live account.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from tests.conformance.alarm_chain import policy, service, trust
from tests.conformance.test_functions import zipped
from tests.sandbox_fixture import MONDAY

from keyreeve.sandbox.account import HOME_ACCOUNT

Clients = Callable[..., Any]
UNIMPLEMENTED = "unimplemented"
PATTERN = "{ $.a = 1 }"


def told(call: Callable[[], Any], found: Callable[[Any], Any] = lambda _: "accepted") -> Any:
    """What the call answers; its error; or that nobody has taught the emulator."""
    try:
        return found(call())
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        return UNIMPLEMENTED if code in ("500", "501", "404") else code
    except (BotoCoreError, ResponseParserError, NotImplementedError):
        return UNIMPLEMENTED


def name() -> str:
    return f"keyreeve-conformance-{secrets.token_hex(4)}"


# --- CloudTrail, logs -----------------------------------------------------------------------


def event_of_an_iam_call(clients: Clients) -> Any:
    clients("iam").list_users()
    return told(clients("cloudtrail").lookup_events, lambda _: "told")


def pattern_tried_on_a_message(clients: Clients) -> Any:
    logs = clients("logs")
    ask = {"filterPattern": PATTERN, "logEventMessages": ['{"a": 1}', '{"a": 2}']}
    return told(lambda: logs.test_metric_filter(**ask), lambda found: len(found["matches"]))


@contextmanager
def group(clients: Clients) -> Iterator[tuple[Any, str]]:
    logs, made = clients("logs"), name()
    logs.create_log_group(logGroupName=made)
    try:
        yield logs, made
    finally:
        logs.delete_log_group(logGroupName=made)


def put_filter(logs: Any, made: str, pattern: str = PATTERN) -> None:
    logs.put_metric_filter(
        logGroupName=made,
        filterName="filter",
        filterPattern=pattern,
        metricTransformations=[
            {"metricName": "m", "metricNamespace": "Keyreeve", "metricValue": "1"}
        ],
    )


def filter_put_twice(clients: Clients) -> Any:
    with group(clients) as (logs, made):
        for _ in "ab":
            put_filter(logs, made)
        found = logs.describe_metric_filters(logGroupName=made)["metricFilters"]
        logs.delete_metric_filter(logGroupName=made, filterName="filter")
        return len(found)


def filter_of_no_pattern(clients: Clients) -> Any:
    with group(clients) as (logs, made):
        return told(lambda: put_filter(logs, made, "{ $.a = "))


def key_taken_from_a_log_group(clients: Clients) -> Any:
    with group(clients) as (logs, made):
        return told(lambda: logs.disassociate_kms_key(logGroupName=made))


def log_event_of_the_sandboxs_time(clients: Clients) -> Any:
    """Of an instant that is long over by the wall."""
    with group(clients) as (logs, made):
        logs.create_log_stream(logGroupName=made, logStreamName="s")
        row = {"timestamp": int(MONDAY.timestamp() * 1000), "message": "m"}
        answer = logs.put_log_events(logGroupName=made, logStreamName="s", logEvents=[row])
        return "refused" if "rejectedLogEventsInfo" in answer else "accepted"


def log_events_found_by_a_pattern(clients: Clients) -> Any:
    with group(clients) as (logs, made):
        logs.create_log_stream(logGroupName=made, logStreamName="s")
        for at in (MONDAY.timestamp(), time.time()):  # the sandbox's time, then the wall's
            at_ms = int(at * 1000)
            rows = [{"timestamp": at_ms, "message": text} for text in ('{"a": 1}', '{"a": 2}')]
            logs.put_log_events(logGroupName=made, logStreamName="s", logEvents=rows)
        return len(logs.filter_log_events(logGroupName=made, filterPattern=PATTERN)["events"])


# --- alarms ---------------------------------------------------------------------------------


@contextmanager
def alarm(clients: Clients) -> Iterator[tuple[Any, str]]:
    cloudwatch, made = clients("cloudwatch"), name()
    cloudwatch.put_metric_alarm(
        AlarmName=made,
        Namespace="Keyreeve",
        MetricName=made,
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    try:
        yield cloudwatch, made
    finally:
        cloudwatch.delete_alarms(AlarmNames=[made])


def state_of_a_new_alarm(clients: Clients) -> Any:
    with alarm(clients) as (cloudwatch, made):
        return cloudwatch.describe_alarms(AlarmNames=[made])["MetricAlarms"][0]["StateValue"]


def history_of_an_alarm(clients: Clients) -> Any:
    with alarm(clients) as (cloudwatch, made):
        return told(
            lambda: cloudwatch.describe_alarm_history(AlarmName=made),
            lambda found: found["AlarmHistoryItems"][0]["HistoryItemType"],
        )


def state_after_a_breach(clients: Clients) -> Any:
    """An alarm on a metric that has just crossed its threshold; AWS takes minutes."""
    with alarm(clients) as (cloudwatch, made):
        datum = {"MetricName": made, "Value": 5.0}
        cloudwatch.put_metric_data(Namespace="Keyreeve", MetricData=[datum])
        return cloudwatch.describe_alarms(AlarmNames=[made])["MetricAlarms"][0]["StateValue"]


# --- topics and rules -----------------------------------------------------------------------


@contextmanager
def topic(clients: Clients) -> Iterator[tuple[Any, str]]:
    sns = clients("sns")
    arn = sns.create_topic(Name=name())["TopicArn"]
    try:
        yield sns, arn
    finally:
        sns.delete_topic(TopicArn=arn)


def subscription_of_an_address(clients: Clients) -> Any:
    with topic(clients) as (sns, arn):
        given = sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@example.com")
        [row] = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        return "pending" if "pending" in given["SubscriptionArn"] else "confirmed", (
            row["SubscriptionArn"] == "PendingConfirmation"
        )


def message_for_a_queue_that_lets_nobody_in(clients: Clients) -> Any:
    sqs = clients("sqs")
    url = sqs.create_queue(QueueName=name())["QueueUrl"]
    with topic(clients) as (sns, arn):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"])
        sns.publish(TopicArn=arn, Message="hello")
        found = len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", ()))
    sqs.delete_queue(QueueUrl=url)
    return found


def constant_input_of_a_queue(clients: Clients) -> Any:
    sqs, events, made = clients("sqs"), clients("events"), name()
    url = sqs.create_queue(QueueName=made)["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = answer["Attributes"]["QueueArn"]
    invited = policy(service("events", "sqs:SendMessage", resource=arn))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": invited})
    events.put_rule(Name=made, EventPattern=json.dumps({"source": [made]}))
    events.put_targets(Rule=made, Targets=[{"Id": "1", "Arn": arn, "Input": '"fixed"'}])
    events.put_events(Entries=[{"Source": made, "DetailType": "d", "Detail": "{}"}])
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    events.remove_targets(Rule=made, Ids=["1"])
    events.delete_rule(Name=made)
    sqs.delete_queue(QueueUrl=url)
    return message["Body"] == '"fixed"'


def event_for_a_topic(clients: Clients) -> Any:
    events, made = clients("events"), name()
    with topic(clients) as (_, arn):
        events.put_rule(Name=made, EventPattern=json.dumps({"source": [made]}))
        events.put_targets(Rule=made, Targets=[{"Id": "1", "Arn": arn}])
        entry = {"Source": made, "DetailType": "d", "Detail": "{}"}
        found = told(
            lambda: events.put_events(Entries=[entry]), lambda found: found["FailedEntryCount"]
        )
        events.remove_targets(Rule=made, Ids=["1"])
        events.delete_rule(Name=made)
        return found


# --- functions ------------------------------------------------------------------------------


@contextmanager
def function(clients: Clients, **options: Any) -> Iterator[tuple[Any, str]]:
    iam, client, made = clients("iam"), clients("lambda"), name()
    role = iam.create_role(RoleName=made, AssumeRolePolicyDocument=trust("lambda"))["Role"]
    client.create_function(
        FunctionName=made,
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handle",
        Code={"ZipFile": zipped(index="def handle(event, context):\n    return event['a'] + 1\n")},
        Timeout=30,
        **options,
    )
    try:
        yield client, made
    finally:
        client.delete_function(FunctionName=made)
        iam.delete_role(RoleName=made)


def dead_letters_of_a_function(clients: Clients) -> Any:
    arn = "arn:aws:sqs:us-east-1:123456789012:dead"
    with function(clients, DeadLetterConfig={"TargetArn": arn}) as (client, made):
        found = client.get_function_configuration(FunctionName=made).get("DeadLetterConfig")
        return "kept" if found else "dropped"


def function_invoked(clients: Clients) -> Any:
    with function(clients) as (client, made):
        answer = client.invoke(FunctionName=made, Payload=json.dumps({"a": 1}))
        return answer["Payload"].read() == b"2"


def role_that_lambda_cannot_assume(clients: Clients) -> Any:
    with function(clients) as (client, made):
        closed = policy({"Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
        clients("iam").update_assume_role_policy(RoleName=made, PolicyDocument=closed)
        return told(
            lambda: client.invoke(FunctionName=made, Payload=json.dumps({"a": 1})),
            lambda answer: answer["Payload"].read() == b"2",
        )


# --- services that moto has in part -------------------------------------------


def compliance(clients: Clients) -> Any:
    return told(clients("config").describe_compliance_by_config_rule, lambda _: "told")


def findings_of_a_detector(clients: Clients) -> Any:
    guardduty = clients("guardduty")
    made = guardduty.create_detector(Enable=True)["DetectorId"]
    try:
        return told(lambda: guardduty.list_findings(DetectorId=made), lambda _: "told")
    finally:
        guardduty.delete_detector(DetectorId=made)


def tags_of_a_detector(clients: Clients) -> Any:
    guardduty = clients("guardduty")
    made = guardduty.create_detector(Enable=True)["DetectorId"]
    arn = f"arn:aws:guardduty:us-east-1:{HOME_ACCOUNT}:detector/{made}"
    try:
        return told(
            lambda: guardduty.tag_resource(ResourceArn=arn, Tags={"a": "b"}),
            lambda _: guardduty.list_tags_for_resource(ResourceArn=arn)["Tags"],
        )
    finally:
        guardduty.delete_detector(DetectorId=made)


NEW_ROLE = "a new role takes seconds to be known to Lambda"
ROWS: tuple[tuple[Callable[[Clients], Any], Any, Any, str], ...] = (
    (event_of_an_iam_call, UNIMPLEMENTED, "told", ""),
    (pattern_tried_on_a_message, UNIMPLEMENTED, 1, ""),
    (filter_put_twice, 2, 1, ""),
    (filter_of_no_pattern, "accepted", "InvalidParameterException", ""),
    (key_taken_from_a_log_group, UNIMPLEMENTED, "accepted", ""),
    (state_of_a_new_alarm, "OK", "INSUFFICIENT_DATA", ""),
    (history_of_an_alarm, UNIMPLEMENTED, "ConfigurationUpdate", ""),
    (state_after_a_breach, "OK", "ALARM", "CloudWatch takes minutes"),
    (subscription_of_an_address, ("confirmed", False), ("pending", True), "a mail would be sent"),
    (message_for_a_queue_that_lets_nobody_in, 1, 0, ""),
    (event_for_a_topic, UNIMPLEMENTED, 0, ""),
    (dead_letters_of_a_function, "dropped", "kept", NEW_ROLE),
    (function_invoked, False, True, NEW_ROLE),
    (compliance, UNIMPLEMENTED, "told", ""),
    (findings_of_a_detector, UNIMPLEMENTED, "told", "the account may have its one detector"),
    (tags_of_a_detector, UNIMPLEMENTED, {"a": "b"}, "the account may have its one detector"),
    (log_events_found_by_a_pattern, 2, 1, "an event is found only after a while"),
    (log_event_of_the_sandboxs_time, "refused", "accepted", "its time is the wall's"),
    (constant_input_of_a_queue, False, True, ""),
    (role_that_lambda_cannot_assume, False, "AccessDeniedException", NEW_ROLE),
)
"""Probe, what stock moto does, what AWS and the sandbox do, why a live account is not asked."""
