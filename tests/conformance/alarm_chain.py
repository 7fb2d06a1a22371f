"""A whole alarm chain in the sandbox, and how each of its links is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from tests.sandbox_fixture import aws

from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

GROUP = "trail"
TOPIC = f"arn:aws:sns:{REGION}:{HOME_ACCOUNT}:alerts"
ALARM = "policy-changes"
SUBSCRIBER = "security@example.com"
PATTERN = '{ ($.eventName = "PutUserPolicy") && ($.errorCode NOT EXISTS) }'
HARMLESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **it} for it in statements]}
    )


def service(name: str, *actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {
        "Principal": {"Service": f"{name}.amazonaws.com"},
        "Action": list(actions),
        "Resource": resource,
        **more,
    }


def trust(name: str) -> str:
    return policy({"Principal": {"Service": f"{name}.amazonaws.com"}, "Action": "sts:AssumeRole"})


class Chain:
    """Trail → log group → filter → metric → alarm → encrypted topic → subscriber."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def client(self, name: str) -> Any:
        return aws(self.sandbox.url, name)

    def build(
        self, *, confirmed: bool = True, key_policy: str = "", topic_policy: str = ""
    ) -> None:
        self.trail()
        self.topic(key_policy, topic_policy)
        self.client("logs").put_metric_filter(
            logGroupName=GROUP,
            filterName=ALARM,
            filterPattern=PATTERN,
            metricTransformations=[
                {"metricName": ALARM, "metricNamespace": "Keyreeve", "metricValue": "1"}
            ],
        )
        self.alarm()
        if confirmed:
            self.sandbox.confirm(SUBSCRIBER)

    def trail(self) -> None:
        logs = self.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        group = f"arn:aws:logs:{REGION}:{HOME_ACCOUNT}:log-group:{GROUP}"
        iam = self.client("iam")
        role = iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=trust("cloudtrail"))
        writing = {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{group}:*",
        }
        iam.put_role_policy(RoleName="delivery", PolicyName="p", PolicyDocument=policy(writing))
        cloudtrail = self.client("cloudtrail")
        cloudtrail.create_trail(
            Name="trail",
            S3BucketName=BUCKET,
            IsMultiRegionTrail=True,
            CloudWatchLogsLogGroupArn=f"{group}:*",
            CloudWatchLogsRoleArn=role["Role"]["Arn"],
        )
        cloudtrail.start_logging(Name="trail")

    def topic(self, key_policy: str, topic_policy: str) -> None:
        opened = service("cloudwatch", "kms:Decrypt", "kms:GenerateDataKey*")
        key = self.client("kms").create_key(Policy=key_policy or policy(opened))
        sns = self.client("sns")
        sns.create_topic(Name="alerts", Attributes={"KmsMasterKeyId": key["KeyMetadata"]["KeyId"]})
        published = service(
            "cloudwatch",
            "sns:Publish",
            resource=TOPIC,
            Condition={"StringEquals": {"aws:SourceAccount": HOME_ACCOUNT}},
        )
        sns.set_topic_attributes(
            TopicArn=TOPIC,
            AttributeName="Policy",
            AttributeValue=topic_policy or policy(published),
        )
        sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint=SUBSCRIBER)

    def alarm(self, **options: Any) -> None:
        self.client("cloudwatch").put_metric_alarm(
            **{
                "AlarmName": ALARM,
                "Namespace": "Keyreeve",
                "MetricName": ALARM,
                "Statistic": "Sum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 1.0,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [TOPIC],
                **options,
            }
        )

    def change_a_policy(self, user: str = "no.mfa") -> None:
        self.client("iam").put_user_policy(
            UserName=user, PolicyName="p", PolicyDocument=json.dumps(HARMLESS)
        )
        self.sandbox.settle()

    @property
    def state(self) -> str:
        told = self.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
        return str(told[0]["StateValue"])

    def history(self, kind: str) -> list[str]:
        told = self.client("cloudwatch").describe_alarm_history(
            AlarmName=ALARM, HistoryItemType=kind
        )
        return [item["HistorySummary"] for item in told["AlarmHistoryItems"]]


def code(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"
