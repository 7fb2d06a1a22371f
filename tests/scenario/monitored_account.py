"""The monitoring of an account made by direct calls, as the stacks would make it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.sandbox_fixture import aws

from keyreeve.governance.alarms import Alarm, metric_namespace, resource_name

ACCOUNT = "123456789012"
REGION = "us-east-1"
GROUP = "keyreeve-etv-trail"
NAMESPACE = metric_namespace("etv")
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


class Monitored:
    """One account's trail, log group, filters, alarms, topic and key."""

    def __init__(self, url: str, alarms: Iterable[Alarm]) -> None:
        self._url = url
        self.topic = self._topic()
        self._trail()
        for alarm in alarms:
            self.filter(alarm)
            self.alarm(alarm)

    def client(self, service: str) -> Any:
        return aws(self._url, service)

    @property
    def logs(self) -> Any:
        return self.client("logs")

    @property
    def cloudwatch(self) -> Any:
        return self.client("cloudwatch")

    @property
    def sns(self) -> Any:
        return self.client("sns")

    @property
    def kms(self) -> Any:
        return self.client("kms")

    @property
    def cloudtrail(self) -> Any:
        return self.client("cloudtrail")

    def _trail(self) -> None:
        self.client("s3").create_bucket(Bucket="keyreeve-etv-trail")
        self.logs.create_log_group(logGroupName=GROUP)
        iam, name = self.client("iam"), "keyreeve-etv-trail"
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_policy(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ),
        )
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*"
        delivery = ("logs:CreateLogStream", "logs:PutLogEvents")
        iam.put_role_policy(
            RoleName=name,
            PolicyName="deliver",
            PolicyDocument=_policy({"Effect": "Allow", "Action": delivery, "Resource": group}),
        )
        self.cloudtrail.create_trail(
            Name="keyreeve-etv",
            S3BucketName="keyreeve-etv-trail",
            IsMultiRegionTrail=True,
            CloudWatchLogsLogGroupArn=group,
            CloudWatchLogsRoleArn=role["Role"]["Arn"],
        )
        self.cloudtrail.start_logging(Name="keyreeve-etv")

    def _topic(self) -> str:
        arn = self.sns.create_topic(Name="keyreeve-etv-alerts")["TopicArn"]
        self.let_publish(arn)
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.let_use_key()
        self.sns.set_topic_attributes(
            TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=self.key
        )
        self.sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="msp@example.com")
        return str(arn)

    def let_publish(self, topic: str, service: str = "cloudwatch.amazonaws.com") -> None:
        statement = {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"},
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
            },
        }
        self.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=_policy(statement)
        )

    def let_use_key(self, *actions: str) -> None:
        owner = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        alarms = {
            "Effect": "Allow",
            "Principal": CLOUDWATCH,
            "Action": actions or ("kms:Decrypt", "kms:GenerateDataKey*"),
            "Resource": "*",
        }
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=_policy(owner, alarms))

    def filter(self, alarm: Alarm, **changes: Any) -> None:
        made = {
            "logGroupName": GROUP,
            "filterName": resource_name("etv", alarm.id),
            "filterPattern": alarm.card.pattern,
            "metricTransformations": [
                {
                    "metricNamespace": NAMESPACE,
                    "metricName": alarm.card.metric,
                    "metricValue": "1",
                }
            ],
        }
        self.logs.put_metric_filter(**made | changes)

    def alarm(self, alarm: Alarm, **changes: Any) -> None:
        made = {
            "AlarmName": resource_name("etv", alarm.id),
            "Namespace": NAMESPACE,
            "MetricName": alarm.card.metric,
            "Statistic": "Sum",
            "Period": alarm.card.period_seconds,
            "EvaluationPeriods": 1,
            "Threshold": alarm.threshold,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [self.topic],
        }
        self.cloudwatch.put_metric_alarm(**made | changes)


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
