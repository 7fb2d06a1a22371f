"""EventBridge's rules over CloudTrail's events: targets, policies, inputs, dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conformance.alarm_chain import SUBSCRIBER, TOPIC, Chain, policy, service, trust
from tests.conformance.test_functions import zipped
from tests.sandbox_fixture import MONDAY, sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

RULE = f"arn:aws:events:{REGION}:{HOME_ACCOUNT}:rule/mfa"
QUEUE = f"arn:aws:sqs:{REGION}:{HOME_ACCOUNT}:work"
DEAD = f"arn:aws:sqs:{REGION}:{HOME_ACCOUNT}:dead"
FUNCTION = f"arn:aws:lambda:{REGION}:{HOME_ACCOUNT}:function:mover"
MINE = {"ArnEquals": {"aws:SourceArn": RULE}}
MOVER = """
import boto3

def handle(event, context):
    user = event["detail"]["requestParameters"]["userName"]
    print(f"moving {user}")
    if user == "broken":
        raise ValueError("as asked")
    boto3.client("iam").tag_user(UserName=user, Tags=[{"Key": "moved", "Value": "yes"}])
"""


class Rules(Chain):
    """A trail, and a rule on MFA events."""

    def rule(self, *targets: dict[str, Any], names: tuple[str, ...] = ("EnableMFADevice",)) -> None:
        events = self.client("events")
        pattern = {
            "source": ["aws.iam"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventSource": ["iam.amazonaws.com"], "eventName": list(names)},
        }
        events.put_rule(Name="mfa", EventPattern=json.dumps(pattern))
        rows = [{"Id": str(number), **target} for number, target in enumerate(targets)]
        events.put_targets(Rule="mfa", Targets=rows)

    def queue(self, name: str = "work", *, sender: str = "events", condition: Any = MINE) -> None:
        arn = f"arn:aws:sqs:{REGION}:{HOME_ACCOUNT}:{name}"
        allowed = policy(service(sender, "sqs:SendMessage", resource=arn, Condition=condition))
        self.client("sqs").create_queue(QueueName=name, Attributes={"Policy": allowed})

    def received(self, name: str = "work") -> list[dict[str, Any]]:
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        told = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return list(told.get("Messages", ()))

    def mover(self, *, invited: bool = True, **options: Any) -> None:
        iam = self.client("iam")
        role = iam.create_role(RoleName="mover", AssumeRolePolicyDocument=trust("lambda"))["Role"]
        may = policy(
            {"Action": ["iam:TagUser", "logs:*"], "Resource": "*"},
            {"Action": "sqs:SendMessage", "Resource": DEAD},
        )
        iam.put_role_policy(RoleName="mover", PolicyName="p", PolicyDocument=may)
        client = self.client("lambda")
        client.create_function(
            FunctionName="mover",
            Runtime="python3.13",
            Role=role["Arn"],
            Handler="index.handle",
            Code={"ZipFile": zipped(index=MOVER)},
            Timeout=30,
            **options,
        )
        if invited:
            client.add_permission(
                FunctionName="mover",
                StatementId="s",
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=RULE,
            )

    def enrol(self, user: str = "no.mfa") -> None:
        self.sandbox.act(user, "enrol_mfa")
        self.sandbox.settle()


@pytest.fixture
def rules(sandbox: Sandbox) -> Rules:
    sandbox.reset("small", MONDAY)
    made = Rules(sandbox)
    made.trail()
    return made


def test_an_event_reaches_a_queue_as_eventbridge_writes_it(rules: Rules) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE})
    rules.enrol()
    [message] = rules.received()
    told = json.loads(message["Body"])
    assert (told["source"], told["detail-type"]) == ("aws.iam", "AWS API Call via CloudTrail")
    assert (told["account"], told["region"]) == (HOME_ACCOUNT, "us-east-1")
    assert told["time"] == "2026-01-05T06:00:00Z"
    assert told["detail"]["requestParameters"]["userName"] == "no.mfa"


def test_a_call_over_http_matches_like_an_act(rules: Rules) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE}, names=("DeactivateMFADevice",))
    rules.enrol()
    iam = rules.client("iam")
    [device] = iam.list_mfa_devices(UserName="no.mfa")["MFADevices"]
    iam.deactivate_mfa_device(UserName="no.mfa", SerialNumber=device["SerialNumber"])
    rules.sandbox.settle()
    [message] = rules.received()
    assert json.loads(message["Body"])["detail"]["eventName"] == "DeactivateMFADevice"


def test_a_topic_gets_the_text_that_the_transformer_makes(rules: Rules) -> None:
    allowed = policy(service("events", "sns:Publish", resource=TOPIC))
    opened = policy(service("events", "kms:Decrypt", "kms:GenerateDataKey*"))
    rules.topic(opened, allowed)
    rules.sandbox.confirm(SUBSCRIBER)
    transformer = {
        "InputPathsMap": {
            "who": "$.detail.requestParameters.userName",
            "what": "$.detail.eventName",
        },
        "InputTemplate": '{"text": "<who> did <what>", "who": <who>, "by": <aws.events.rule-name>}',
    }
    rules.rule({"Arn": TOPIC, "InputTransformer": transformer})
    rules.enrol()
    [alert] = rules.sandbox.alerts()
    assert json.loads(alert["message"]) == {
        "text": "no.mfa did EnableMFADevice",
        "who": "no.mfa",
        "by": "mfa",
    }


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({"Input": '{"fixed": true}'}, '{"fixed": true}'),
        ({"InputPath": "$.detail.eventName"}, '"EnableMFADevice"'),
    ],
)
def test_a_queue_gets_the_input_that_its_target_names(
    rules: Rules, target: dict[str, Any], text: str
) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE, **target})
    rules.enrol()
    assert [message["Body"] for message in rules.received()] == [text]


def test_a_function_moves_the_user_with_its_own_rights(rules: Rules) -> None:
    rules.mover()
    rules.rule({"Arn": FUNCTION})
    rules.enrol()
    assert rules.sandbox.user("no.mfa")["tags"]["moved"] == "yes"
    rows = rules.client("logs").filter_log_events(logGroupName="/aws/lambda/mover")["events"]
    assert "moving no.mfa" in [row["message"] for row in rows]
    [tagged] = rules.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "TagUser"}]
    )["Events"]
    assert tagged["Username"] == "mover"


def broken(user: str = "broken") -> dict[str, Any]:
    return {
        "eventSource": "iam.amazonaws.com",
        "eventName": "EnableMFADevice",
        "requestParameters": {"userName": user},
    }


def test_a_function_that_fails_is_tried_thrice_then_its_event_is_kept(rules: Rules) -> None:
    rules.queue("dead", sender="lambda", condition={})
    rules.mover(DeadLetterConfig={"TargetArn": DEAD})
    rules.rule({"Arn": FUNCTION})
    rules.sandbox.emit(broken())
    rules.sandbox.settle()
    [message] = rules.received("dead")
    assert json.loads(message["Body"])["detail"]["requestParameters"] == {"userName": "broken"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "as asked"
    rows = rules.client("logs").filter_log_events(logGroupName="/aws/lambda/mover")["events"]
    assert [row["message"] for row in rows].count("moving broken") == 3


def test_a_failure_goes_to_the_destination_too_and_as_often_as_configured(rules: Rules) -> None:
    rules.queue("dead", sender="lambda", condition={})
    rules.mover()
    rules.client("lambda").put_function_event_invoke_config(
        FunctionName="mover",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": DEAD}},
    )
    rules.rule({"Arn": FUNCTION})
    rules.sandbox.emit(broken())
    rules.sandbox.settle()
    [message] = rules.received("dead")
    assert json.loads(message["Body"])["responsePayload"]["errorMessage"] == "as asked"
    rows = rules.client("logs").filter_log_events(logGroupName="/aws/lambda/mover")["events"]
    assert [row["message"] for row in rows].count("moving broken") == 1


def test_an_alarm_on_the_dead_letter_queue_goes_off(rules: Rules) -> None:
    rules.queue("dead")
    rules.rule({"Arn": f"{QUEUE}-gone", "DeadLetterConfig": {"Arn": DEAD}})
    rules.alarm(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        Dimensions=[{"Name": "QueueName", "Value": "dead"}],
        AlarmActions=[],
    )
    rules.sandbox.settle()
    assert rules.state == "OK"
    rules.enrol()
    assert rules.state == "ALARM"


@pytest.mark.parametrize("kind", ["sns", "sqs", "lambda"])
def test_a_target_that_does_not_let_eventbridge_in_goes_to_the_dead_letters(
    rules: Rules, kind: str
) -> None:
    rules.queue("dead")
    match kind:
        case "sns":
            rules.client("sns").create_topic(Name="alerts")
            arn = TOPIC
        case "sqs":
            rules.queue(condition={"ArnEquals": {"aws:SourceArn": f"{RULE}-of-another"}})
            arn = QUEUE
        case _:
            rules.mover(invited=False)
            arn = FUNCTION
    rules.rule({"Arn": arn, "DeadLetterConfig": {"Arn": DEAD}})
    rules.enrol()
    [message] = rules.received("dead")
    told = {name: it["StringValue"] for name, it in message["MessageAttributes"].items()}
    assert (told["RULE_ARN"], told["TARGET_ARN"]) == (RULE, arn)
    assert told["ERROR_CODE"] == "NO_PERMISSIONS"
    assert json.loads(message["Body"])["detail"]["eventName"] == "EnableMFADevice"


def test_an_encrypted_topic_needs_its_key_for_eventbridge_without_conditions(rules: Rules) -> None:
    allowed = policy(service("events", "sns:Publish", resource=TOPIC))
    conditional = {"StringEquals": {"aws:SourceAccount": HOME_ACCOUNT}}
    opened = service("events", "kms:Decrypt", "kms:GenerateDataKey*", Condition=conditional)
    rules.topic(policy(opened), allowed)
    rules.sandbox.confirm(SUBSCRIBER)
    rules.rule({"Arn": TOPIC})
    rules.enrol()
    assert rules.sandbox.alerts() == []


def test_dead_letters_need_the_queues_policy_too(rules: Rules) -> None:
    rules.queue("dead", sender="sns")
    rules.rule({"Arn": f"{QUEUE}-gone", "DeadLetterConfig": {"Arn": DEAD}})
    rules.enrol()
    assert rules.received("dead") == []


def test_nothing_comes_of_a_disabled_rule_a_stopped_trail_or_a_read(rules: Rules) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE}, names=("EnableMFADevice", "ListUsers"))
    rules.client("iam").list_users()
    rules.client("events").disable_rule(Name="mfa")
    rules.enrol()
    rules.client("events").enable_rule(Name="mfa")
    rules.client("cloudtrail").stop_logging(Name="trail")
    rules.enrol("aged.key")
    assert rules.received() == []


def test_a_duplicate_and_a_failed_event_arrive_as_they_are(rules: Rules) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE})
    given = {**broken("no.mfa"), "eventID": "twice", "errorCode": "AccessDenied"}
    for _ in "ab":
        rules.sandbox.emit(given)
    rules.sandbox.settle()
    details = [json.loads(message["Body"])["detail"] for message in rules.received()]
    assert [(it["eventID"], it["errorCode"]) for it in details] == [("twice", "AccessDenied")] * 2


def test_a_sign_in_matches_by_its_own_detail_type(rules: Rules) -> None:
    rules.queue()
    rules.rule({"Arn": QUEUE})
    pattern = {"detail-type": ["AWS Console Sign In via CloudTrail"], "source": ["aws.signin"]}
    rules.client("events").put_rule(Name="mfa", EventPattern=json.dumps(pattern))
    rules.sandbox.act("no.mfa", "sign_in")
    rules.sandbox.settle()
    assert len(rules.received()) == 1


# --- subscribers ----------------------------------------------------------------------------


def test_a_topics_queue_and_function_must_let_it_in(rules: Rules) -> None:
    sns = rules.client("sns")
    sns.create_topic(Name="alerts")
    rules.queue(sender="sns", condition={"ArnEquals": {"aws:SourceArn": TOPIC}})
    rules.queue("closed", condition=MINE)
    for name in ("work", "closed"):
        arn = f"arn:aws:sqs:{REGION}:{HOME_ACCOUNT}:{name}"
        sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=TOPIC, Message="hello")
    rules.sandbox.settle()
    assert [json.loads(message["Body"])["Message"] for message in rules.received()] == ["hello"]
    assert rules.received("closed") == []
