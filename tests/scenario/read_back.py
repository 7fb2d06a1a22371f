"""Every type of the stacks, asked for at its own service: is the resource really there?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Client = Callable[[str], Any]
Read = Callable[[Client, str], Any]
"""Clients, physical id → something that is not empty."""


def _named(name: str) -> str:
    return name.rpartition("/")[2]


def _metric_filter(aws: Client, name: str) -> Any:
    rows = aws("logs").describe_metric_filters(filterNamePrefix=name)["metricFilters"]
    return [row for row in rows if row["filterName"] == name]


def _log_group(aws: Client, name: str) -> Any:
    return aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]


def _queue_policy(aws: Client, url: str) -> Any:
    asked = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    return asked.get("Attributes", {}).get("Policy")


def _topic(aws: Client, arn: str) -> Any:
    """That of alerts is encrypted by a key of its own; that of mails has a policy of its own."""
    told = aws("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return told["KmsMasterKeyId" if arn.endswith("-alerts") else "Policy"]


def _analyzer(aws: Client, arn: str) -> Any:
    return [row for row in aws("accessanalyzer").list_analyzers()["analyzers"] if row["arn"] == arn]


def _inline_of_a_role(aws: Client, name: str) -> Any:
    """`AWS::IAM::Policy`: CloudFormation names it as it likes; it is on the role of the run."""
    return aws("iam").get_role_policy(RoleName="keyreeve-etv-actor", PolicyName="run-works")


def _recorder(aws: Client, name: str) -> Any:
    asked = aws("config").describe_configuration_recorder_status(ConfigurationRecorderNames=[name])
    return [row for row in asked["ConfigurationRecordersStatus"] if row["recording"]]


READ_BACK: dict[str, Read] = {
    "AWS::AccessAnalyzer::Analyzer": _analyzer,
    "AWS::CloudTrail::Trail": lambda aws, id_: aws("cloudtrail").get_trail_status(Name=id_)[
        "IsLogging"
    ],
    "AWS::CloudWatch::Alarm": lambda aws, id_: aws("cloudwatch").describe_alarms(AlarmNames=[id_])[
        "MetricAlarms"
    ],
    "AWS::Config::ConfigRule": lambda aws, id_: aws("config").describe_config_rules(
        ConfigRuleNames=[id_]
    )["ConfigRules"],
    "AWS::Config::ConfigurationRecorder": _recorder,
    "AWS::Config::DeliveryChannel": lambda aws, id_: aws("config").describe_delivery_channels(
        DeliveryChannelNames=[id_]
    )["DeliveryChannels"],
    "AWS::Events::Rule": lambda aws, id_: aws("events").list_targets_by_rule(Rule=_named(id_))[
        "Targets"
    ],
    "AWS::GuardDuty::Detector": lambda aws, id_: aws("guardduty").get_detector(DetectorId=id_)[
        "Status"
    ],
    "AWS::IAM::Group": lambda aws, id_: aws("iam").get_group(GroupName=id_)["Group"],
    "AWS::IAM::ManagedPolicy": lambda aws, id_: aws("iam").get_policy(PolicyArn=id_)["Policy"],
    "AWS::IAM::Policy": _inline_of_a_role,
    "AWS::IAM::Role": lambda aws, id_: aws("iam").get_role(RoleName=id_)["Role"],
    "AWS::KMS::Alias": lambda aws, id_: aws("kms").describe_key(KeyId=id_)["KeyMetadata"],
    "AWS::KMS::Key": lambda aws, id_: aws("kms").get_key_rotation_status(KeyId=id_)[
        "KeyRotationEnabled"
    ],
    "AWS::Lambda::EventInvokeConfig": lambda aws, id_: aws(
        "lambda"
    ).get_function_event_invoke_config(FunctionName=id_.partition("|")[0]),
    "AWS::Lambda::Function": lambda aws, id_: aws("lambda").get_function(FunctionName=id_)["Code"],
    "AWS::Lambda::Permission": lambda aws, id_: aws("lambda").get_policy(
        FunctionName="keyreeve-etv-onboarding"
    )["Policy"],
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::MetricFilter": _metric_filter,
    "AWS::S3::Bucket": lambda aws, id_: aws("s3").get_bucket_versioning(Bucket=id_)["Status"],
    "AWS::S3::BucketPolicy": lambda aws, id_: aws("s3").get_bucket_policy(Bucket=id_)["Policy"],
    "AWS::SNS::Subscription": lambda aws, id_: [
        row
        for row in aws("sns").list_subscriptions()["Subscriptions"]
        if row["SubscriptionArn"] in (id_, "PendingConfirmation")
    ],
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": lambda aws, id_: aws("sns").get_topic_attributes(
        TopicArn="arn:aws:sns:us-east-1:123456789012:keyreeve-etv-alerts"
    )["Attributes"]["Policy"],
    "AWS::SQS::Queue": lambda aws, id_: aws("sqs").get_queue_attributes(
        QueueUrl=id_, AttributeNames=["QueueArn"]
    )["Attributes"],
    "AWS::SQS::QueuePolicy": lambda aws, id_: _queue_policy(
        aws, "https://queue.amazonaws.com/123456789012/keyreeve-etv-onboarding-dead"
    ),
    "AWS::Scheduler::Schedule": lambda aws, id_: aws("scheduler").get_schedule(Name=id_)["Target"],
    "Custom::AccountPasswordPolicy": lambda aws, id_: (
        aws("iam").get_account_password_policy()["PasswordPolicy"]["MinimumPasswordLength"] >= 14
    ),
}
