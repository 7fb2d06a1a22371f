"""Rows of what holds state and secrets: S3, Secrets Manager, KMS."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conformance.rows import COSTS, Clients, Row, outcome

SECRET = "keyreeve/conformance"


def new_bucket(clients: Clients) -> Any:
    s3, bucket = clients("s3"), f"keyreeve-conformance-{secrets.token_hex(6)}"
    region = s3.meta.region_name
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else place))
    return s3, bucket


def put_if_absent_twice(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*"))


def put_over_a_newer_version(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    old = s3.put_object(Bucket=bucket, Key="state", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="state", Body=b"2")
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="state", Body=b"3", IfMatch=old))


@contextmanager
def new_secret(clients: Clients) -> Iterator[Any]:
    """The client of an account with one secret, which is taken away again."""
    client = clients("secretsmanager")
    client.create_secret(Name=SECRET, SecretString="x")
    try:
        yield client
    finally:
        client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def secret_policy(effect: str, **condition: Any) -> str:
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        **condition,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def secret_that_its_policy_denies(clients: Clients) -> Any:
    others = secret_policy("Deny", Condition={"StringNotEquals": {"aws:userid": "AIDANOBODY"}})
    with new_secret(clients) as client:
        client.put_resource_policy(SecretId=SECRET, ResourcePolicy=others)
        return outcome(lambda: client.get_secret_value(SecretId=SECRET))


def policy_that_opens_a_secret(clients: Clients) -> Any:
    opened = secret_policy("Allow")
    with new_secret(clients) as client:
        return outcome(
            lambda: client.put_resource_policy(
                SecretId=SECRET, ResourcePolicy=opened, BlockPublicPolicy=True
            )
        )


def same_value_put_twice(clients: Clients) -> Any:
    with new_secret(clients) as client:
        for _ in "ab":
            client.put_secret_value(SecretId=SECRET, SecretString="y", ClientRequestToken="t" * 32)
        return len(client.describe_secret(SecretId=SECRET)["VersionIdsToStages"])


def name_of_a_secret_taken_twice(clients: Clients) -> Any:
    with new_secret(clients) as client:
        return outcome(lambda: client.create_secret(Name=SECRET))


def missing_secret_discarded(clients: Clients) -> Any:
    client = clients("secretsmanager")
    return outcome(lambda: client.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True))


def encryption_of_a_plain_put(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"1")
    return s3.head_object(Bucket=bucket, Key="plain").get("ServerSideEncryption", "none told")


def put_where_the_expected_version_is_gone(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    gone = '"d41d8cd98f00b204e9800998ecf8427e"'
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="gone", Body=b"1", IfMatch=gone))


def key_that_does_not_exist(clients: Clients) -> Any:
    s3, bucket = new_bucket(clients)
    nowhere = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": nowhere}
    return outcome(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"1", **named))


def version_under_object_lock(clients: Clients) -> Any:
    """Why it may not be deleted: the code is that of any denial."""
    s3 = clients("s3")
    bucket = f"keyreeve-conformance-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    until = datetime.now(UTC) + timedelta(days=1)
    version = s3.put_object(
        Bucket=bucket,
        Key="kept",
        Body=b"x",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
    )["VersionId"]
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket=bucket, Key="kept", VersionId=version)
    return refused.value.response["Error"]["Message"]


def name_of_a_signing_key(clients: Clients) -> Any:
    kms = clients("kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]
    told = kms.get_public_key(KeyId=key["KeyId"])["KeyId"]
    return {key["KeyId"]: "id", key["Arn"]: "ARN"}[told]


DIFFERENCES = (
    Row(secret_that_its_policy_denies, "accepted", "AccessDeniedException"),
    Row(policy_that_opens_a_secret, "accepted", "PublicPolicyException"),
    Row(
        version_under_object_lock,
        "Access Denied",
        "Access Denied because object protected by object lock.",
        COSTS,
    ),
    Row(name_of_a_signing_key, "id", "ARN", COSTS),
)
AS_AWS = (
    Row(put_if_absent_twice, "PreconditionFailed", "PreconditionFailed"),
    Row(put_over_a_newer_version, "PreconditionFailed", "PreconditionFailed"),
    Row(put_where_the_expected_version_is_gone, "NoSuchKey", "NoSuchKey"),
    Row(same_value_put_twice, 2, 2),
    Row(name_of_a_secret_taken_twice, "ResourceExistsException", "ResourceExistsException"),
    Row(missing_secret_discarded, "accepted", "accepted"),
)
LEFT_UNLIKE_AWS = (
    Row(encryption_of_a_plain_put, "none told", "none told", "AES256"),
    Row(key_that_does_not_exist, "accepted", "accepted", "KMS.NotFoundException"),
)
