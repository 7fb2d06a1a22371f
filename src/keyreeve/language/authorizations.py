"""What AWS asks before it serves a call of ours: action, resource, context keys.

Source: the Service Authorization Reference (IAM, S3, SES v2, KMS, Secrets Manager, STS, SNS, SQS,
Lambda, EventBridge, CloudWatch, CloudWatch Logs, CloudFormation, CloudTrail, Organizations,
Security Hub) and, where an operation's action bears another name, the operation's own page:

sesv2:SendEmail with raw content is authorised as ses:SendRawEmail (the error message names it).
s3:GetObject of a key that is not there answers 403 instead of 404 unless s3:ListBucket allows; the
key stands in for s3:prefix then.
accessanalyzer:ListFindingsV2 is authorised as access-analyzer:ListFindings, as version 1 is.
iam:CreateUser with tags asks for iam:TagUser besides.
s3:CreateBucket with ObjectOwnership asks for s3:PutBucketOwnershipControls besides.
secretsmanager:CreateSecret with tags asks for secretsmanager:TagResource besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The resource type that an action can be limited to."""

    NONE = "none"
    """No resource-level permissions: `*` is all that a policy can say."""
    USER = "user"
    GROUP = "group"
    MFA = "mfa"
    ROLE = "role"
    POLICY = "policy"
    BUCKET = "bucket"
    OBJECT = "object"
    IDENTITY = "identity"
    KEY = "key"
    TOPIC = "topic"
    SECRET = "secret"  # noqa: S105 - a resource type of Secrets Manager
    QUEUE = "queue"
    FUNCTION = "function"
    RULE = "rule"
    LOG_GROUP = "log-group"
    ALARM = "alarm"
    STACK = "stack"
    TRAIL = "trail"
    DETECTOR = "detector"
    ANALYZER = "analyzer"
    UNIT = "unit"
    """A root or an organisational unit of AWS Organizations."""
    PRODUCT = "product"
    """Of Security Hub: `product/{account}/default` is every account's own."""


def _of(service: str, kind: Kind, *operations: str) -> dict[str, Kind]:
    return {f"{service}:{operation}": kind for operation in operations}


_PEOPLE: Final[Mapping[str, Kind]] = {
    **_of(
        *("iam", Kind.NONE),
        *("CreateAccountAlias", "DeleteAccountPasswordPolicy", "GetAccountSummary"),
        *("GetServiceLastAccessedDetails", "ListAccountAliases", "ListGroups", "ListPolicies"),
        *("ListRoles", "ListUsers", "ListVirtualMFADevices", "SimulateCustomPolicy"),
        "UpdateAccountPasswordPolicy",
    ),
    **_of(
        *("iam", Kind.USER),
        *("AttachUserPolicy", "ChangePassword", "CreateLoginProfile", "CreateUser"),
        *("DeactivateMFADevice", "DeleteSSHPublicKey", "DeleteServiceSpecificCredential"),
        *("DeleteSigningCertificate", "DeleteUser", "DeleteUserPermissionsBoundary"),
        *("DeleteUserPolicy", "DetachUserPolicy", "EnableMFADevice"),
        *("GenerateServiceLastAccessedDetails", "GetMFADevice", "GetUserPolicy"),
        *("ListAttachedUserPolicies", "ListGroupsForUser", "ListServiceSpecificCredentials"),
        *("ListSSHPublicKeys", "ListSigningCertificates", "ListUserPolicies", "ListUserTags"),
        *("PutUserPermissionsBoundary", "PutUserPolicy", "ResyncMFADevice"),
        *("SimulatePrincipalPolicy", "TagUser", "UntagUser", "UpdateUser"),
    ),
    **_of(
        *("iam", Kind.GROUP),
        *("AttachGroupPolicy", "CreateGroup", "DeleteGroup", "DeleteGroupPolicy"),
        *("DetachGroupPolicy", "GetGroup", "GetGroupPolicy", "ListAttachedGroupPolicies"),
        *("ListGroupPolicies", "PutGroupPolicy", "RemoveUserFromGroup", "UpdateGroup"),
    ),
    **_of(
        *("iam", Kind.ROLE),
        *("DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DetachRolePolicy"),
        *("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"),
        *("ListRoleTags", "PassRole", "PutRolePermissionsBoundary", "PutRolePolicy", "TagRole"),
        *("UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
    ),
    **_of(
        *("iam", Kind.POLICY),
        *("DeletePolicy", "DeletePolicyVersion", "GetPolicy", "GetPolicyVersion"),
        *("ListEntitiesForPolicy", "ListPolicyVersions", "SetDefaultPolicyVersion", "TagPolicy"),
    ),
    **_of(
        *("iam", Kind.MFA),
        *("CreateVirtualMFADevice", "DeleteVirtualMFADevice", "TagMFADevice"),
    ),
    **_of("sts", Kind.ROLE, "AssumeRole", "SetSourceIdentity", "TagSession"),
    **_of("organizations", Kind.NONE, "ListAccounts"),
    **_of(
        *("organizations", Kind.UNIT),
        *("ListAccountsForParent", "ListOrganizationalUnitsForParent"),
    ),
}
"""What people, the onboarding function and administrators of the access model do."""

_STACKS: Final[Mapping[str, Kind]] = {
    **_of(
        *("sns", Kind.TOPIC),
        *("CreateTopic", "DeleteTopic", "GetTopicAttributes", "ListSubscriptionsByTopic"),
        *("ListTagsForResource", "Publish", "SetTopicAttributes", "Subscribe", "TagResource"),
    ),
    **_of("sns", Kind.NONE, "GetSubscriptionAttributes"),
    **_of(
        *("sqs", Kind.QUEUE),
        *("CreateQueue", "DeleteMessage", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl"),
        *("ReceiveMessage", "SendMessage", "SetQueueAttributes", "TagQueue"),
    ),
    **_of(
        *("lambda", Kind.FUNCTION),
        *("AddPermission", "CreateFunction", "DeleteFunction", "GetFunction"),
        *("GetFunctionConfiguration", "GetPolicy", "InvokeFunction", "RemovePermission"),
        *("UpdateFunctionCode", "UpdateFunctionConfiguration"),
    ),
    **_of(
        *("events", Kind.RULE),
        *("DeleteRule", "DescribeRule", "DisableRule", "EnableRule", "ListTargetsByRule"),
        *("PutRule", "PutTargets", "RemoveTargets"),
    ),
    **_of(
        *("logs", Kind.LOG_GROUP),
        *("AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "DeleteLogGroup"),
        *("DeleteMetricFilter", "DescribeLogStreams", "DescribeMetricFilters"),
        *("FilterLogEvents", "GetLogEvents", "PutLogEvents", "PutMetricFilter"),
        *("PutRetentionPolicy",),
    ),
    **_of(
        *("cloudwatch", Kind.ALARM),
        *("DeleteAlarms", "DescribeAlarmHistory", "DescribeAlarms", "DisableAlarmActions"),
        *("EnableAlarmActions", "PutMetricAlarm", "SetAlarmState"),
    ),
    **_of(
        *("cloudformation", Kind.STACK),
        *("CreateChangeSet", "CreateStack", "DeleteChangeSet", "DeleteStack"),
        *("DescribeChangeSet", "DescribeStackEvents", "DescribeStackResources"),
        *("DescribeStacks", "DetectStackDrift", "ExecuteChangeSet", "GetTemplate"),
        *("ListStackResources", "SetStackPolicy", "UpdateStack", "UpdateTerminationProtection"),
    ),
    **_of(
        *("cloudtrail", Kind.TRAIL),
        *("CreateTrail", "DeleteTrail", "GetEventSelectors", "GetTrail", "GetTrailStatus"),
        *("PutEventSelectors", "PutInsightSelectors", "StartLogging", "StopLogging"),
        "UpdateTrail",
    ),
    **_of(
        *("kms", Kind.KEY),
        *("DescribeKey", "DisableKey", "EnableKeyRotation", "Encrypt", "GetKeyPolicy"),
        *("GetKeyRotationStatus", "GetPublicKey", "PutKeyPolicy", "ScheduleKeyDeletion", "Sign"),
    ),
}
"""What whoever deploys and verifies the baseline's stacks does."""

ACTIONS: Final[Mapping[str, Kind]] = {
    **_PEOPLE,
    **_STACKS,
    **dict.fromkeys(
        (
            "iam:GenerateCredentialReport",
            "iam:GetAccountAuthorizationDetails",
            "iam:GetAccountPasswordPolicy",
            "cloudtrail:DescribeTrails",
            "cloudtrail:LookupEvents",
            "cloudwatch:PutMetricData",
            "config:DescribeConfigurationRecorderStatus",
            "iam:GetCredentialReport",
            "iam:ListServerCertificates",
            "iam:ListVirtualMFADevices",
            "s3:ListAllMyBuckets",
            "ses:GetAccount",
        ),
        Kind.NONE,
    ),
    **dict.fromkeys(
        (
            "iam:CreateAccessKey",
            "iam:CreateLoginProfile",
            "iam:CreateUser",
            "iam:DeactivateMFADevice",
            "iam:DeleteAccessKey",
            "iam:DeleteLoginProfile",
            "iam:DeleteUser",
            "iam:DeleteUserPolicy",
            "iam:DetachUserPolicy",
            "iam:GetAccessKeyLastUsed",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListGroupsForUser",
            "iam:ListMFADevices",
            "iam:PutUserPolicy",
            "iam:TagUser",
            "iam:UpdateAccessKey",
            "iam:UpdateLoginProfile",
        ),
        Kind.USER,
    ),
    **dict.fromkeys(("iam:AddUserToGroup", "iam:GetGroup", "iam:RemoveUserFromGroup"), Kind.GROUP),
    "iam:DeleteVirtualMFADevice": Kind.MFA,
    **dict.fromkeys(("iam:AttachRolePolicy", "iam:CreateRole", "iam:GetRole"), Kind.ROLE),
    **dict.fromkeys(("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:GetPolicy"), Kind.POLICY),
    **dict.fromkeys(
        (
            "s3:CreateBucket",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
        ),
        Kind.BUCKET,
    ),
    **dict.fromkeys(
        (
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
        ),
        Kind.OBJECT,
    ),
    **dict.fromkeys(("ses:GetEmailIdentity", "ses:SendRawEmail"), Kind.IDENTITY),
    "sns:Publish": Kind.TOPIC,
    "access-analyzer:ListAnalyzers": Kind.NONE,
    "access-analyzer:ListFindings": Kind.ANALYZER,
    "guardduty:GetDetector": Kind.DETECTOR,
    "guardduty:ListDetectors": Kind.NONE,
    "securityhub:BatchImportFindings": Kind.PRODUCT,
    **dict.fromkeys(("kms:Decrypt", "kms:GenerateDataKey"), Kind.KEY),
    **dict.fromkeys(
        (
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutResourcePolicy",
            "secretsmanager:PutSecretValue",
            "secretsmanager:TagResource",
        ),
        Kind.SECRET,
    ),
}
"""Every action that a call of ours is authorised by, or that our policies deny."""

_RENAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "accessanalyzer:ListAnalyzers": ("access-analyzer:ListAnalyzers",),
    **dict.fromkeys(
        ("access-analyzer:ListFindingsV2", "accessanalyzer:ListFindingsV2"),
        ("access-analyzer:ListFindings",),
    ),
    "iam:CreateUser": ("iam:CreateUser", "iam:TagUser"),
    "s3:CreateBucket": ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "secretsmanager:CreateSecret": ("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
    "sesv2:GetAccount": ("ses:GetAccount",),
    "sesv2:GetEmailIdentity": ("ses:GetEmailIdentity",),
    "sesv2:SendEmail": ("ses:SendRawEmail",),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "sts:GetCallerIdentity": (),
    "sts:GetSessionToken": (),
}
"""Operations whose actions bear another name; the two of STS need no permission, and no policy can
refuse them (STS API Reference)."""
_OF_A_VERSION: Final = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
}

MISSING_OBJECT: Final = "s3:ListBucket"
"""What decides whether the key of an object that is not there answers 404 or 403."""


def actions_of(operation: str, *, version: bool = False) -> tuple[str, ...] | None:
    """The actions of an operation (`service:Operation`); None: not one of ours.

    `version`: the call names a version of an object.
    """
    actions = _RENAMED.get(operation)
    if actions is None and operation in ACTIONS:
        actions = (operation,)
    if actions is None:
        return None
    return tuple(_OF_A_VERSION.get(action, action) if version else action for action in actions)


def partition(region: str) -> str:
    """The second part of every ARN in a region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
