"""The words of a policy: allow, deny, and the conditions that many statements share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from keyreeve.governance.installation import Bucket, Installation
from keyreeve.language.policy_document import VERSION

Json = dict[str, Any]
"""A statement or a document, as JSON holds it."""

ONCE: Json = {"Null": {"s3:if-none-match": "false"}}
"""A write on the condition that nothing is there yet."""


def allow(sid: str, actions: Iterable[str], *rest: str | Json) -> Json:
    """`rest`: resources, then blocks of conditions, which all must hold."""
    return _statement(sid, "Allow", actions, rest)


def deny(sid: str, actions: Iterable[str], *rest: str | Json) -> Json:
    """The same, refused."""
    return _statement(sid, "Deny", actions, rest)


def deny_all_but(sid: str, actions: Iterable[str], *rest: str | Json) -> Json:
    """Refuses every action that is not named; it allows none of the named either."""
    return _statement(sid, "Deny", actions, rest, element="NotAction")


def document(statements: Iterable[Json]) -> Json:
    """The policy of these statements."""
    return {"Version": VERSION, "Statement": list(statements)}


def _statement(
    sid: str,
    verdict: str,
    actions: Iterable[str],
    rest: Iterable[str | Json],
    *,
    element: str = "Action",
) -> Json:
    given = list(rest)
    resources = [each for each in given if isinstance(each, str)]
    made: Json = {"Sid": sid, "Effect": verdict, element: sorted(actions), "Resource": resources}
    condition: Json = {}
    for block in (each for each in given if not isinstance(each, str)):
        for operator, keys in block.items():
            condition.setdefault(operator, {}).update(keys)
    if condition:
        made["Condition"] = condition
    return made


def ours(at: Installation) -> Json:
    """Buckets of this account only, and never without TLS."""
    return {
        "StringEquals": {"aws:ResourceAccount": at.account_id},
        "Bool": {"aws:SecureTransport": "true"},
    }


def below(bucket: Bucket, prefix: str) -> Json:
    """Lists of what lies below a prefix of the project."""
    return {"StringLike": {"s3:prefix": f"{bucket.prefix}{prefix}*"}}


def encrypted(bucket: Bucket) -> Json:
    """The request must name the encryption of the config."""
    if bucket.kms_key_id is None:
        return {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}
    named: Json = {"s3:x-amz-server-side-encryption": "aws:kms"}
    if bucket.kms_key_id.startswith("arn:") and ":key/" in bucket.kms_key_id:
        named["s3:x-amz-server-side-encryption-aws-kms-key-id"] = bucket.kms_key_id
    return {"StringEquals": named}


def escrow(at: Installation, bucket: Bucket) -> list[str]:
    """Every credential that lies in the bucket."""
    return at.objects(bucket, (f"{bucket.secret}*",))


def never_escrow(at: Installation) -> Iterator[Json]:
    """Whatever else the role may be given: no credential is read."""
    if at.bucket is not None:
        actions = ("s3:GetObject", "s3:GetObjectVersion")
        yield deny("NeverReadCredentials", actions, *escrow(at, at.bucket))


def key_for_objects(sid: str, action: str, at: Installation, bucket: Bucket) -> Json:
    """The bucket's KMS key, only through S3, only for the project's objects (or a bucket key)."""
    arn = at.arn_of(bucket)
    context = {"kms:EncryptionContext:aws:s3:arn": [arn, f"{arn}/{bucket.prefix}*"]}
    return _use_of_key(sid, (action,), at, str(bucket.kms_key_id), "s3", context)


def key_for_secrets(sid: str, at: Installation, key: str) -> Json:
    """The KMS key of the owners' secrets, only through Secrets Manager, only for them.

    CreateSecret tries the key with both actions; PutSecretValue encrypts, and reads to compare.
    Source: Secrets Manager User Guide, "Secret encryption and decryption".
    """
    both = ("kms:Decrypt", "kms:GenerateDataKey")
    context = {"kms:EncryptionContext:SecretARN": at.secrets()}
    return _use_of_key(sid, both, at, key, "secretsmanager", context)


def key_that_signs(sid: str, at: Installation, key: str) -> Json:
    """An asymmetric key, with which whoever takes evidence out signs it."""
    return _on_key(sid, ("kms:GetPublicKey", "kms:Sign"), at, key, {})


def _use_of_key(
    sid: str, actions: Iterable[str], at: Installation, key: str, service: str, context: Json
) -> Json:
    through: Json = {
        "StringEquals": {"kms:ViaService": f"{service}.{at.region}.amazonaws.com"},
        "StringLike": context,
    }
    return _on_key(sid, actions, at, key, through)


def _on_key(sid: str, actions: Iterable[str], at: Installation, key: str, through: Json) -> Json:
    """By its id, its ARN, or an alias, which IAM knows as a condition only."""
    if "alias/" in key:
        alias = key[key.index("alias/") :]
        aliased = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
        return allow(sid, actions, at.regional("kms", "key/*"), through, aliased)
    named = key if key.startswith("arn:") else at.regional("kms", f"key/{key}")
    return allow(sid, actions, named, through)
