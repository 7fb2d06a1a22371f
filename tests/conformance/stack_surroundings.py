"""What the rows of stack types need before, and what the services tell of what was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from tests.sandbox_stacks import Stacks, package

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


# --- state machines -----------------------------------------------------------------------------


def machine_roles(stacks: Stacks) -> None:
    document = json.dumps(trust("states.amazonaws.com"))
    for name in ("before", "other"):
        stacks.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)


def read_machine(stacks: Stacks, arn: str) -> Any:
    told = stacks.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    first = json.loads(told["definition"])["StartAt"]
    return told["name"], first, told["roleArn"].rpartition("/")[2], told["type"]
