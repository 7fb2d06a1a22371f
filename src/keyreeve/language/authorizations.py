"""What AWS asks before it serves a call of ours: action, resource, context keys.

Source: the Service Authorization Reference (IAM, S3, SES v2, KMS, Secrets Manager, STS) and, where
an operation's action bears another name, the operation's own page:

sesv2:SendEmail with raw content is authorised as ses:SendRawEmail (the error message names it).
s3:GetObject of a key that is not there answers 403 instead of 404 unless s3:ListBucket allows; the
key stands in for s3:prefix then.
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


ACTIONS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(
        (
            "iam:GenerateCredentialReport",
            "iam:GetAccountAuthorizationDetails",
            "iam:GetAccountPasswordPolicy",
            "cloudtrail:LookupEvents",
            "iam:GetCredentialReport",
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
    "iam:CreateUser": ("iam:CreateUser", "iam:TagUser"),
    "s3:CreateBucket": ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
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
    "sts:GetCallerIdentity": (),
}
"""Operations whose actions bear another name; sts:GetCallerIdentity needs no permission."""
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
