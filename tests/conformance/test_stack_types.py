"""Every type of the sandbox's CloudFormation: made, changed in place, taken away.

Each row is looked at through the service's own API, never through CloudFormation's answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.sandbox_fixture import MONDAY, sandbox
from tests.sandbox_stacks import Stacks, one, package

from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.stacks.kinds import KINDS

__all__ = ["sandbox"]

ACCOUNT = "123456789012"
GONE = "gone"


def policy(*actions: str, **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@dataclass(frozen=True, kw_only=True)
class Row:
    type: str
    made: Mapping[str, Any]
    changed: Mapping[str, Any]
    """Properties that are other than in `made`; `...` takes one away."""
    read: Callable[[Stacks, str], Any]
    """Stacks, physical id → what the service tells; a ClientError or LookupError: gone."""
    first: Any
    then: Any
    left: Any = GONE
    """What is told after the stack was deleted."""
    before: Callable[[Stacks], None] = field(default=lambda _: None)


# --- what must be there before ------------------------------------------------------------------


def bucket(stacks: Stacks) -> None:
    stacks.client("s3").create_bucket(Bucket="before")


def code(stacks: Stacks) -> None:
    bucket(stacks)
    role(stacks)
    other = package("def handler(event, context):\n    return 'other'\n")
    stacks.client("s3").put_object(Bucket="before", Key="a.zip", Body=package())
    stacks.client("s3").put_object(Bucket="before", Key="b.zip", Body=other)


def role(stacks: Stacks) -> None:
    document = json.dumps(trust("lambda.amazonaws.com"))
    stacks.client("iam").create_role(RoleName="before", AssumeRolePolicyDocument=document)


def function(stacks: Stacks) -> None:
    code(stacks)
    stacks.client("lambda").create_function(
        FunctionName="before",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/before",
        Code={"ZipFile": package()},
    )


def log_group(stacks: Stacks) -> None:
    stacks.client("logs").create_log_group(logGroupName="before")


def topic(stacks: Stacks) -> None:
    stacks.client("sns").create_topic(Name="before")


def queue(stacks: Stacks) -> None:
    stacks.client("sqs").create_queue(QueueName="before")


def key(stacks: Stacks) -> None:
    stacks.client("kms").create_key(Description="before")
    stacks.client("kms").create_key(Description="other")


def people(stacks: Stacks) -> None:
    iam = stacks.client("iam")
    iam.create_group(GroupName="before")
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)


def recorder(stacks: Stacks) -> None:
    bucket(stacks)
    stacks.client("config").put_configuration_recorder(
        ConfigurationRecorder={"name": "default", "roleARN": f"arn:aws:iam::{ACCOUNT}:role/before"}
    )


def channel(stacks: Stacks) -> None:
    bucket(stacks)
    recorder(stacks)
    config = stacks.client("config")
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "before"})
    config.delete_configuration_recorder(ConfigurationRecorderName="default")


# --- what the services tell ---------------------------------------------------------------------


def read_group(stacks: Stacks, name: str) -> Any:
    iam = stacks.client("iam")
    inline = sorted(iam.list_group_policies(GroupName=name)["PolicyNames"])
    actions = [
        iam.get_group_policy(GroupName=name, PolicyName=it)["PolicyDocument"]["Statement"][0][
            "Action"
        ]
        for it in inline
    ]
    attached = iam.list_attached_group_policies(GroupName=name)["AttachedPolicies"]
    return inline, actions, [it["PolicyName"] for it in attached]


def read_role(stacks: Stacks, name: str) -> Any:
    iam = stacks.client("iam")
    told = iam.get_role(RoleName=name)["Role"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "trusts": told["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"],
        "session": told["MaxSessionDuration"],
        "words": told.get("Description"),
        "tags": {it["Key"]: it["Value"] for it in told.get("Tags", ())},
        "boundary": told.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "inline": iam.list_role_policies(RoleName=name)["PolicyNames"],
        "attached": [it["PolicyName"] for it in attached],
    }


def read_managed(stacks: Stacks, arn: str) -> Any:
    iam = stacks.client("iam")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    told = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    groups = iam.list_entities_for_policy(PolicyArn=arn)["PolicyGroups"]
    return told["Document"]["Statement"][0]["Action"], [it["GroupName"] for it in groups]


def read_members(stacks: Stacks, _: str) -> Any:
    users = stacks.client("iam").get_group(GroupName="before")["Users"]
    return sorted(it["UserName"] for it in users) or GONE


def read_inline(stacks: Stacks, _: str) -> Any:
    told = stacks.client("iam").get_group_policy(GroupName="before", PolicyName="inline")
    return told["PolicyDocument"]["Statement"][0]["Action"]


def read_bucket(stacks: Stacks, name: str) -> Any:
    s3 = stacks.client("s3")
    s3.head_bucket(Bucket=name)

    def told(ask: Callable[..., Any], *path: Any) -> Any:
        try:
            found = ask(Bucket=name)
            for step in path:
                found = found[step]
        except (ClientError, KeyError):
            return None
        return found

    encryption = ("ServerSideEncryptionConfiguration", "Rules", 0)
    rule = told(s3.get_bucket_lifecycle_configuration, "Rules", 0) or {}
    return {
        "versioning": told(s3.get_bucket_versioning, "Status"),
        "closed": told(
            s3.get_public_access_block, "PublicAccessBlockConfiguration", "BlockPublicAcls"
        ),
        "encryption": told(
            s3.get_bucket_encryption,
            *encryption,
            "ApplyServerSideEncryptionByDefault",
            "SSEAlgorithm",
        ),
        "kept": rule.get("Expiration", {}).get("Days"),
        "moved": [it["Days"] for it in rule.get("Transitions", ())],
        "lock": told(
            s3.get_object_lock_configuration,
            "ObjectLockConfiguration",
            "Rule",
            "DefaultRetention",
            "Days",
        ),
        "owner": told(
            s3.get_bucket_ownership_controls, "OwnershipControls", "Rules", 0, "ObjectOwnership"
        ),
        "tags": told(s3.get_bucket_tagging, "TagSet", 0, "Value"),
    }


def read_bucket_policy(stacks: Stacks, name: str) -> Any:
    told = json.loads(stacks.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    return told["Statement"][0]["Action"]


def read_key(stacks: Stacks, id_: str) -> Any:
    kms = stacks.client("kms")
    told = kms.describe_key(KeyId=id_)["KeyMetadata"]
    if told["KeyState"] == "PendingDeletion":
        return "waits for deletion"
    document = json.loads(kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"])
    rotates = kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"]
    return told["Description"], told["KeyState"], rotates, document["Statement"][0]["Sid"]


def read_alias(stacks: Stacks, name: str) -> Any:
    kms = stacks.client("kms")
    target = next(
        it["TargetKeyId"] for it in kms.list_aliases()["Aliases"] if it["AliasName"] == name
    )
    return kms.describe_key(KeyId=target)["KeyMetadata"]["Description"]


def read_trail(stacks: Stacks, name: str) -> Any:
    trails = stacks.client("cloudtrail")
    told = trails.get_trail(Name=name)["Trail"]
    selectors = trails.get_event_selectors(TrailName=name)
    insights = trails.get_insight_selectors(TrailName=name).get("InsightSelectors", ())
    return {
        "regions": told["IsMultiRegionTrail"],
        "validated": told["LogFileValidationEnabled"],
        "key": told.get("KmsKeyId"),
        "group": told.get("CloudWatchLogsLogGroupArn"),
        "organization": told["IsOrganizationTrail"],
        "logging": trails.get_trail_status(Name=name)["IsLogging"],
        "events": [it["ReadWriteType"] for it in selectors.get("EventSelectors", ())],
        "insights": [it["InsightType"] for it in insights],
    }


def read_log_group(stacks: Stacks, name: str) -> Any:
    rows = stacks.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    row = next(it for it in rows if it["logGroupName"] == name)
    return row.get("retentionInDays"), row.get("kmsKeyId")


def read_filter(stacks: Stacks, name: str) -> Any:
    logs = stacks.client("logs")
    told = logs.describe_metric_filters(logGroupName="before", filterNamePrefix=name)
    newest = told["metricFilters"][-1]
    return newest["filterPattern"], newest["metricTransformations"][0]["metricName"]


def read_alarm(stacks: Stacks, name: str) -> Any:
    told = stacks.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return told["Threshold"], told["AlarmActions"], told.get("TreatMissingData")


def read_topic(stacks: Stacks, arn: str) -> Any:
    sns = stacks.client("sns")
    told = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    rows = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return told.get("DisplayName"), told.get("KmsMasterKeyId"), [it["Endpoint"] for it in rows]


def read_topic_policy(stacks: Stacks, _: str) -> Any:
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:before"
    told = stacks.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return json.loads(told["Policy"])["Statement"][0]["Sid"]


def read_subscription(stacks: Stacks, arn: str) -> Any:
    told = stacks.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return told["Protocol"], told["Endpoint"], told.get("RawMessageDelivery")


def read_queue(stacks: Stacks, url: str) -> Any:
    told = stacks.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes = told["Attributes"]
    return attributes["MessageRetentionPeriod"], attributes["VisibilityTimeout"]


def read_queue_policy(stacks: Stacks, _: str) -> Any:
    sqs = stacks.client("sqs")
    url = sqs.get_queue_url(QueueName="before")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return json.loads(told["Policy"])["Statement"][0]["Action"] if told.get("Policy") else GONE


def read_rule(stacks: Stacks, name: str) -> Any:
    events = stacks.client("events")
    told = events.describe_rule(Name=name)
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    dead = [it.get("DeadLetterConfig", {}).get("Arn") for it in targets]
    return json.loads(told["EventPattern"]), [it["Id"] for it in targets], dead


def read_function(stacks: Stacks, name: str) -> Any:
    functions = stacks.client("lambda")
    told = functions.get_function(FunctionName=name)["Configuration"]
    reserved = functions.get_function_concurrency(FunctionName=name)
    return {
        "seconds": told["Timeout"],
        "variables": told.get("Environment", {}).get("Variables"),
        "code": told["CodeSize"],
        "group": told["LoggingConfig"]["LogGroup"],
        "reserved": reserved.get("ReservedConcurrentExecutions"),
    }


def read_permission(stacks: Stacks, _: str) -> Any:
    told = stacks.client("lambda").get_policy(FunctionName="before")["Policy"]
    rows = json.loads(told)["Statement"]
    return [it["Principal"]["Service"] for it in rows] or GONE


def read_invocation(stacks: Stacks, _: str) -> Any:
    told = stacks.client("lambda").get_function_event_invoke_config(
        FunctionName="before", Qualifier="$LATEST"
    )
    return told["MaximumRetryAttempts"]


def read_schedule(stacks: Stacks, name: str) -> Any:
    told = stacks.client("scheduler").get_schedule(Name=name)
    return told["ScheduleExpression"], told["Target"]["Arn"], told["State"]


def read_detector(stacks: Stacks, id_: str) -> Any:
    told = stacks.client("guardduty").get_detector(DetectorId=id_)
    return told["Status"], told["FindingPublishingFrequency"]


def read_analyzer(stacks: Stacks, arn: str) -> Any:
    analyzers = stacks.client("accessanalyzer")
    told = analyzers.get_analyzer(analyzerName=arn.rpartition("/")[2])["analyzer"]
    findings = analyzers.list_findings_v2(analyzerArn=arn)["findings"]
    return told["type"], told["configuration"]["unusedAccess"]["unusedAccessAge"], findings


def read_recorder(stacks: Stacks, name: str) -> Any:
    config = stacks.client("config")
    told = config.describe_configuration_recorders(ConfigurationRecorderNames=[name])
    status = config.describe_configuration_recorder_status(ConfigurationRecorderNames=[name])
    row = told["ConfigurationRecorders"][0]
    running = status["ConfigurationRecordersStatus"][0]["recording"]
    return row["roleARN"].rpartition("/")[2], row["recordingGroup"]["allSupported"], running


def read_channel(stacks: Stacks, name: str) -> Any:
    config = stacks.client("config")
    told = config.describe_delivery_channels(DeliveryChannelNames=[name])["DeliveryChannels"][0]
    running = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    return told["s3BucketName"], told.get("s3KeyPrefix"), running[0]["recording"]


def read_config_rule(stacks: Stacks, name: str) -> Any:
    told = stacks.client("config").describe_config_rules(ConfigRuleNames=[name])["ConfigRules"][0]
    return told["Source"]["SourceIdentifier"], json.loads(told["InputParameters"])


# --- the rows -----------------------------------------------------------------------------------

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:before"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:before"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:before"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/before"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
VIEW = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"


def key_policy(sid: str) -> dict[str, Any]:
    return policy("kms:*", Sid=sid, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})


ROWS = (
    Row(
        type="AWS::IAM::Group",
        made={
            "GroupName": "Developers",
            "Policies": [
                {"PolicyName": "a", "PolicyDocument": policy("sts:AssumeRole")},
                {"PolicyName": "b", "PolicyDocument": policy("iam:GetUser")},
            ],
            "ManagedPolicyArns": [AUDIT],
        },
        changed={
            "Policies": [{"PolicyName": "b", "PolicyDocument": policy("iam:ListUsers")}],
            "ManagedPolicyArns": [VIEW],
        },
        read=read_group,
        first=(["a", "b"], [["sts:AssumeRole"], ["iam:GetUser"]], ["SecurityAudit"]),
        then=(["b"], [["iam:ListUsers"]], ["ViewOnlyAccess"]),
    ),
    Row(
        type="AWS::IAM::Role",
        made={
            "RoleName": "DeveloperRole",
            "Description": "first",
            "AssumeRolePolicyDocument": trust("ec2.amazonaws.com"),
            "MaxSessionDuration": "28800",
            "ManagedPolicyArns": [AUDIT],
            "Policies": [{"PolicyName": "a", "PolicyDocument": policy("s3:GetObject")}],
            "PermissionsBoundary": VIEW,
            "Tags": [{"Key": "team", "Value": "one"}, {"Key": "old", "Value": "x"}],
        },
        changed={
            "Description": "second",
            "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
            "MaxSessionDuration": 3600,
            "ManagedPolicyArns": ...,
            "Policies": [{"PolicyName": "b", "PolicyDocument": policy("s3:PutObject")}],
            "PermissionsBoundary": ...,
            "Tags": [{"Key": "team", "Value": "two"}],
        },
        read=read_role,
        first={
            "trusts": "ec2.amazonaws.com",
            "session": 28800,
            "words": "first",
            "tags": {"team": "one", "old": "x"},
            "boundary": VIEW,
            "inline": ["a"],
            "attached": ["SecurityAudit"],
        },
        then={
            "trusts": "lambda.amazonaws.com",
            "session": 3600,
            "words": "second",
            "tags": {"team": "two"},
            "boundary": None,
            "inline": ["b"],
            "attached": [],
        },
    ),
    Row(
        type="AWS::IAM::ManagedPolicy",
        made={"ManagedPolicyName": "own", "PolicyDocument": policy("iam:GetUser")},
        changed={"PolicyDocument": policy("iam:ListUsers"), "Groups": ["before"]},
        read=read_managed,
        first=(["iam:GetUser"], []),
        then=(["iam:ListUsers"], ["before"]),
        before=people,
    ),
    Row(
        type="AWS::IAM::Policy",
        made={
            "PolicyName": "inline",
            "PolicyDocument": policy("iam:GetUser"),
            "Groups": ["before"],
        },
        changed={"PolicyDocument": policy("iam:ListUsers")},
        read=read_inline,
        first=["iam:GetUser"],
        then=["iam:ListUsers"],
        before=people,
    ),
    Row(
        type="AWS::IAM::UserToGroupAddition",
        made={"GroupName": "before", "Users": ["ann"]},
        changed={"Users": ["bob"]},
        read=read_members,
        first=["ann"],
        then=["bob"],
        before=people,
    ),
    Row(
        type="AWS::S3::Bucket",
        made={
            "BucketName": "keyreeve-rows",
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": "true"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "keep",
                        "Status": "Enabled",
                        "ExpirationInDays": 400,
                        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
                    }
                ]
            },
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}},
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "Tags": [{"Key": "team", "Value": "one"}],
        },
        changed={
            "PublicAccessBlockConfiguration": ...,
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
            "LifecycleConfiguration": ...,
            "ObjectLockConfiguration": {
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 9}},
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
            "Tags": [{"Key": "team", "Value": "two"}],
        },
        read=read_bucket,
        first={
            "versioning": "Enabled",
            "closed": True,
            "encryption": "aws:kms",
            "kept": 400,
            "moved": [90],
            "lock": 7,
            "owner": "BucketOwnerEnforced",
            "tags": "one",
        },
        then={
            "versioning": "Enabled",
            "closed": None,
            "encryption": "AES256",
            "kept": None,
            "moved": [],
            "lock": 9,
            "owner": "BucketOwnerPreferred",
            "tags": "two",
        },
    ),
    Row(
        type="AWS::S3::BucketPolicy",
        made={"Bucket": "before", "PolicyDocument": policy("s3:GetObject", Principal="*")},
        changed={"PolicyDocument": policy("s3:PutObject", Principal="*")},
        read=read_bucket_policy,
        first=["s3:GetObject"],
        then=["s3:PutObject"],
        before=bucket,
    ),
    Row(
        type="AWS::KMS::Key",
        made={
            "Description": "first",
            "EnableKeyRotation": True,
            "KeyPolicy": key_policy("First"),
            "PendingWindowInDays": 7,
        },
        changed={
            "Description": "second",
            "EnableKeyRotation": False,
            "KeyPolicy": key_policy("Second"),
        },
        read=read_key,
        first=("first", "Enabled", True, "First"),
        then=("second", "Enabled", False, "Second"),
        left="waits for deletion",
    ),
    Row(
        type="AWS::KMS::Alias",
        made={"AliasName": "alias/rows", "TargetKeyId": "before"},
        changed={"TargetKeyId": "other"},
        read=read_alias,
        first="before",
        then="other",
        before=key,
    ),
    Row(
        type="AWS::CloudTrail::Trail",
        made={
            "TrailName": "rows",
            "S3BucketName": "before",
            "IsLogging": True,
            "IsMultiRegionTrail": "true",
            "EnableLogFileValidation": True,
            "IsOrganizationTrail": False,
            "KMSKeyId": "alias/trail",
            "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:1:log-group:a:*",
            "CloudWatchLogsRoleArn": ROLE,
            "EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True}],
            "InsightSelectors": [
                {"InsightType": "ApiCallRateInsight"},
                {"InsightType": "ApiErrorRateInsight"},
            ],
        },
        changed={
            "IsLogging": False,
            "EnableLogFileValidation": False,
            "IsMultiRegionTrail": False,
            "KMSKeyId": "alias/other",
            "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}],
            "InsightSelectors": [{"InsightType": "ApiErrorRateInsight"}],
        },
        read=read_trail,
        first={
            "regions": True,
            "validated": True,
            "key": "alias/trail",
            "group": "arn:aws:logs:us-east-1:1:log-group:a:*",
            "organization": False,
            "logging": True,
            "events": ["WriteOnly"],
            "insights": ["ApiCallRateInsight", "ApiErrorRateInsight"],
        },
        then={
            "regions": False,
            "validated": False,
            "key": "alias/other",
            "group": "arn:aws:logs:us-east-1:1:log-group:a:*",
            "organization": False,
            "logging": False,
            "events": ["All"],
            "insights": ["ApiErrorRateInsight"],
        },
        before=bucket,
    ),
    Row(
        type="AWS::Logs::LogGroup",
        made={"LogGroupName": "/keyreeve/rows", "RetentionInDays": "365", "KmsKeyId": "a-key"},
        changed={"RetentionInDays": 30},
        read=read_log_group,
        first=(365, "a-key"),
        then=(30, "a-key"),
    ),
    Row(
        type="AWS::Logs::MetricFilter",
        made={
            "FilterName": "rows",
            "LogGroupName": "before",
            "FilterPattern": "{ $.a = 1 }",
            "MetricTransformations": [
                {"MetricName": "one", "MetricNamespace": "Keyreeve", "MetricValue": 1}
            ],
        },
        changed={"FilterPattern": "{ $.a = 2 }"},
        read=read_filter,
        first=("{ $.a = 1 }", "one"),
        then=("{ $.a = 2 }", "one"),
        before=log_group,
    ),
    Row(
        type="AWS::CloudWatch::Alarm",
        made={
            "AlarmName": "rows",
            "Namespace": "Keyreeve",
            "MetricName": "one",
            "Statistic": "Sum",
            "Period": "300",
            "EvaluationPeriods": "1",
            "Threshold": "1",
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "AlarmActions": [TOPIC],
            "TreatMissingData": "notBreaching",
        },
        changed={"Threshold": 5, "AlarmActions": ...},
        read=read_alarm,
        first=(1.0, [TOPIC], "notBreaching"),
        then=(5.0, [], "notBreaching"),
    ),
    Row(
        type="AWS::SNS::Topic",
        made={
            "TopicName": "rows",
            "DisplayName": "First",
            "KmsMasterKeyId": "alias/a",
            "Subscription": [{"Protocol": "sqs", "Endpoint": QUEUE}],
        },
        changed={
            "DisplayName": "Second",
            "KmsMasterKeyId": "alias/b",
            "Subscription": [{"Protocol": "sqs", "Endpoint": QUEUE + "-two"}],
        },
        read=read_topic,
        first=("First", "alias/a", [QUEUE]),
        then=("Second", "alias/b", [QUEUE + "-two"]),
    ),
    Row(
        type="AWS::SNS::TopicPolicy",
        made={"Topics": [TOPIC], "PolicyDocument": policy("sns:Publish", Sid="First")},
        changed={"PolicyDocument": policy("sns:Publish", Sid="Second")},
        read=read_topic_policy,
        first="First",
        then="Second",
        left="__default_statement_ID",
        before=topic,
    ),
    Row(
        type="AWS::SNS::Subscription",
        made={"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE},
        changed={"RawMessageDelivery": True},
        read=read_subscription,
        first=("sqs", QUEUE, "false"),
        then=("sqs", QUEUE, "true"),
        before=lambda stacks: (topic(stacks), queue(stacks)),
    ),
    Row(
        type="AWS::SQS::Queue",
        made={
            "QueueName": "rows",
            "MessageRetentionPeriod": 1209600,
            "SqsManagedSseEnabled": True,
        },
        changed={"MessageRetentionPeriod": ..., "VisibilityTimeout": "60"},
        read=read_queue,
        first=("1209600", "30"),
        then=("345600", "60"),
    ),
    Row(
        type="AWS::SQS::QueuePolicy",
        made={
            "Queues": ["before"],
            "PolicyDocument": policy("sqs:SendMessage", Principal="*"),
        },
        changed={"PolicyDocument": policy("sqs:ReceiveMessage", Principal="*")},
        read=read_queue_policy,
        first=["sqs:SendMessage"],
        then=["sqs:ReceiveMessage"],
        before=queue,
    ),
    Row(
        type="AWS::Events::Rule",
        made={
            "Name": "rows",
            "EventPattern": {"source": ["aws.iam"]},
            "Targets": [
                {"Id": "a", "Arn": TOPIC, "DeadLetterConfig": {"Arn": QUEUE}},
                {"Id": "b", "Arn": TOPIC},
            ],
        },
        changed={
            "EventPattern": {"source": ["aws.guardduty"]},
            "Targets": [{"Id": "a", "Arn": TOPIC, "DeadLetterConfig": {"Arn": QUEUE}}],
        },
        read=read_rule,
        first=({"source": ["aws.iam"]}, ["a", "b"], [QUEUE, None]),
        then=({"source": ["aws.guardduty"]}, ["a"], [QUEUE]),
    ),
    Row(
        type="AWS::Lambda::Function",
        made={
            "FunctionName": "rows",
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": ROLE,
            "Code": {"S3Bucket": "before", "S3Key": "a.zip"},
            "Timeout": 60,
            "Environment": {"Variables": {"A": "1"}},
            "LoggingConfig": {"LogGroup": "/keyreeve/rows"},
            "ReservedConcurrentExecutions": 1,
        },
        changed={
            "Code": {"S3Bucket": "before", "S3Key": "b.zip"},
            "Timeout": 90,
            "Environment": {"Variables": {"A": "2"}},
            "ReservedConcurrentExecutions": ...,
        },
        read=read_function,
        first={
            "seconds": 60,
            "variables": {"A": "1"},
            "code": len(package()),
            "group": "/keyreeve/rows",
            "reserved": 1,
        },
        then={
            "seconds": 90,
            "variables": {"A": "2"},
            "code": len(package("def handler(event, context):\n    return 'other'\n")),
            "group": "/keyreeve/rows",
            "reserved": None,
        },
        before=code,
    ),
    Row(
        type="AWS::Lambda::Permission",
        made={
            "FunctionName": "before",
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        },
        changed={"Principal": "sns.amazonaws.com"},
        read=read_permission,
        first=["events.amazonaws.com"],
        then=["sns.amazonaws.com"],
        before=function,
    ),
    Row(
        type="AWS::Lambda::EventInvokeConfig",
        made={"FunctionName": "before", "Qualifier": "$LATEST", "MaximumRetryAttempts": 0},
        changed={"MaximumRetryAttempts": 2},
        read=read_invocation,
        first=0,
        then=2,
        before=function,
    ),
    Row(
        type="AWS::Scheduler::Schedule",
        made={
            "Name": "rows",
            "ScheduleExpression": "cron(0 6 * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": FUNCTION, "RoleArn": ROLE},
        },
        changed={"ScheduleExpression": "rate(1 day)", "State": "DISABLED"},
        read=read_schedule,
        first=("cron(0 6 * * ? *)", FUNCTION, "ENABLED"),
        then=("rate(1 day)", FUNCTION, "DISABLED"),
    ),
    Row(
        type="AWS::GuardDuty::Detector",
        made={"Enable": True, "FindingPublishingFrequency": "ONE_HOUR"},
        changed={"Enable": False, "FindingPublishingFrequency": "SIX_HOURS"},
        read=read_detector,
        first=("ENABLED", "ONE_HOUR"),
        then=("DISABLED", "SIX_HOURS"),
    ),
    Row(
        type="AWS::AccessAnalyzer::Analyzer",
        made={
            "AnalyzerName": "rows",
            "Type": "ACCOUNT_UNUSED_ACCESS",
            "AnalyzerConfiguration": {"UnusedAccessConfiguration": {"UnusedAccessAge": 90}},
        },
        changed={
            "AnalyzerConfiguration": {"UnusedAccessConfiguration": {"UnusedAccessAge": 60}},
        },
        read=read_analyzer,
        first=("ACCOUNT_UNUSED_ACCESS", 90, []),
        then=("ACCOUNT_UNUSED_ACCESS", 60, []),
    ),
    Row(
        type="AWS::Config::ConfigurationRecorder",
        made={
            "RoleARN": f"arn:aws:iam::{ACCOUNT}:role/one",
            "RecordingGroup": {"AllSupported": True},
        },
        changed={"RoleARN": f"arn:aws:iam::{ACCOUNT}:role/two"},
        read=read_recorder,
        first=("one", True, True),
        then=("two", True, True),
        before=channel,
    ),
    Row(
        type="AWS::Config::DeliveryChannel",
        made={"S3BucketName": "before"},
        changed={"S3KeyPrefix": "config"},
        read=read_channel,
        first=("before", None, True),
        then=("before", "config", True),
        before=recorder,
    ),
    Row(
        type="AWS::Config::ConfigRule",
        made={
            "ConfigRuleName": "rows",
            "Source": {"Owner": "AWS", "SourceIdentifier": "IAM_PASSWORD_POLICY"},
            "InputParameters": {"MinimumPasswordLength": 14},
        },
        changed={"InputParameters": {"MinimumPasswordLength": 16}},
        read=read_config_rule,
        first=("IAM_PASSWORD_POLICY", {"MinimumPasswordLength": "14"}),
        then=("IAM_PASSWORD_POLICY", {"MinimumPasswordLength": "16"}),
    ),
)
CASES = [pytest.param(row, id=row.type.removeprefix("AWS::")) for row in ROWS]


@pytest.fixture
def stacks(sandbox: Sandbox) -> Stacks:
    sandbox.reset("empty", MONDAY)
    return Stacks(sandbox)


def named(stacks: Stacks, properties: Mapping[str, Any]) -> dict[str, Any]:
    """With the ids of what was there before in the place of its names."""
    given = dict(properties)
    if "TargetKeyId" in given:
        kms = stacks.client("kms")
        for row in kms.list_keys()["Keys"]:
            told = kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"]
            if told["Description"] == given["TargetKeyId"]:
                given["TargetKeyId"] = row["KeyId"]
                break
    if "Queues" in given:
        given["Queues"] = [stacks.client("sqs").get_queue_url(QueueName="before")["QueueUrl"]]
    return given


def told(row: Row, stacks: Stacks, id_: str) -> Any:
    try:
        return row.read(stacks, id_)
    except (ClientError, IndexError, StopIteration):
        return GONE


@pytest.mark.parametrize("row", CASES)
def test_a_resource_is_made_changed_in_place_and_taken_away(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    made = named(stacks, row.made)
    assert stacks.create("rows", one(row.type, made))["StackStatus"] == "CREATE_COMPLETE", (
        stacks.reasons("rows")
    )
    id_ = stacks.physical("rows")
    assert told(row, stacks, id_) == row.first
    assert stacks.drift("rows").get("It") in ("IN_SYNC", None), stacks.drifts("rows")

    merged = {**row.made, **row.changed}
    changed = named(stacks, {key: it for key, it in merged.items() if it is not ...})
    assert stacks.update("rows", one(row.type, changed))["StackStatus"] == "UPDATE_COMPLETE", (
        stacks.reasons("rows")
    )
    assert told(row, stacks, stacks.physical("rows")) == row.then
    assert stacks.drift("rows").get("It") in ("IN_SYNC", None), stacks.drifts("rows")

    stack = stacks.describe("rows")["StackId"]
    assert stacks.delete("rows")["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(stack)
    assert told(row, stacks, id_) == row.left


@pytest.mark.parametrize("row", CASES)
def test_a_change_that_fails_later_is_taken_back(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    made = named(stacks, row.made)
    stacks.create("rows", one(row.type, made))
    merged = {**row.made, **row.changed}
    changed = named(stacks, {key: it for key, it in merged.items() if it is not ...})
    template = one(row.type, changed)
    template["Resources"]["Fails"] = {
        "Type": "AWS::IAM::UserToGroupAddition",
        "Properties": {"GroupName": "nowhere", "Users": ["nobody"]},
        "DependsOn": "It",
    }
    assert stacks.update("rows", template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", (
        stacks.reasons("rows")
    )
    assert told(row, stacks, stacks.physical("rows")) == row.first


UNIQUE = {"AWS::GuardDuty::Detector", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy"}


@pytest.mark.parametrize(
    "row", [it for it in CASES if KINDS[it.values[0].type].name or it.values[0].type in UNIQUE]
)
def test_what_is_there_already_is_not_taken_over(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    given = named(stacks, row.made)
    if row.type.startswith("AWS::Config::Config") or "Channel" in row.type:
        given = {KINDS[row.type].name: "rows"} | given
    stacks.create("rows", one(row.type, given))
    assert stacks.create("more", one(row.type, given))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.resources("more")["It"].get("PhysicalResourceId") is None
    assert told(row, stacks, stacks.physical("rows")) == row.first


def test_there_is_a_row_for_every_type() -> None:
    elsewhere = {"AWS::CloudFormation::CustomResource"}  # test_stacks.py
    assert {row.type for row in ROWS} | elsewhere == set(KINDS)
