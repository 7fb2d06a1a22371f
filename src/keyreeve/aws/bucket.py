"""The bucket as it should be: private, encrypted, versioned, by TLS only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keyreeve.aws.failures import calling
from keyreeve.language.authorizations import partition
from keyreeve.model.errors import AccessDenied, AlreadyExists, ConfigError, NotFound

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FIRST_REGION = "us-east-1"
"""The region whose buckets are made without a location constraint (S3 API, CreateBucket)."""


def make(
    client: S3Client, name: str, *, kms_key_id: str | None, tls_only: bool | None
) -> Iterator[str]:
    """Make it, or bring an own one into shape; one sentence per thing done.

    `tls_only` None: where the endpoint itself speaks TLS, since the policy would shut us out of an
    emulator that does not.

    ConfigError if somebody else has the name. A bucket policy that stands already is left alone.
    """
    maker = _Maker(client, name)
    yield maker.create()
    maker.block_public_access()
    yield "Public access is blocked."
    maker.encrypt(kms_key_id)
    yield f"Objects are encrypted with {kms_key_id or 'SSE-S3 (AES256)'}."
    maker.keep_versions()
    yield "Versions are kept."
    if client.meta.endpoint_url.startswith("https:") if tls_only is None else tls_only:
        yield maker.require_tls()


class _Maker:
    """One method per call."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self._name = name

    def create(self) -> str:
        """In the client's region, owned by this account alone (no ACLs).

        Asked for first: in us-east-1 AWS answers a second CreateBucket as if it had made one.
        """
        if self._exists() and self._name in self._list():
            return f"Bucket {self._name} was there already."
        try:
            self._create()
        except AlreadyExists:
            raise ConfigError(
                f"somebody else has a bucket called {self._name}",
                where="storage.bucket",
                remedy="Bucket names are worldwide: choose another, such as one with your "
                "account's name in it.",
            ) from None
        return f"Made bucket {self._name} in {self._client.meta.region_name}."

    def _exists(self) -> bool:
        try:
            self._head()
        except NotFound:
            return False
        except AccessDenied:
            return True
        return True

    @calling("s3:HeadBucket")
    def _head(self) -> None:
        self._client.head_bucket(Bucket=self._name)

    @calling("s3:CreateBucket")
    def _create(self) -> None:
        region = self._client.meta.region_name
        request: dict[str, Any] = {"Bucket": self._name, "ObjectOwnership": "BucketOwnerEnforced"}
        if region != FIRST_REGION:
            request["CreateBucketConfiguration"] = {"LocationConstraint": region}
        self._client.create_bucket(**request)

    @calling("s3:ListBuckets")
    def _list(self) -> set[str]:
        return {bucket["Name"] for bucket in self._client.list_buckets()["Buckets"]}

    @calling("s3:PutPublicAccessBlock")
    def block_public_access(self) -> None:
        """All four switches."""
        self._client.put_public_access_block(
            Bucket=self._name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )

    @calling("s3:PutBucketEncryption")
    def encrypt(self, kms_key_id: str | None) -> None:
        """The default for objects; Keyreeve names it with every object besides."""
        rule = {"SSEAlgorithm": "AES256"}
        if kms_key_id is not None:
            rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms_key_id}
        rules: Any = [
            {
                "ApplyServerSideEncryptionByDefault": rule,
                "BucketKeyEnabled": kms_key_id is not None,
            }
        ]
        self._client.put_bucket_encryption(
            Bucket=self._name, ServerSideEncryptionConfiguration={"Rules": rules}
        )

    @calling("s3:PutBucketVersioning")
    def keep_versions(self) -> None:
        """What `state repair` lives on."""
        self._client.put_bucket_versioning(
            Bucket=self._name, VersioningConfiguration={"Status": "Enabled"}
        )

    def require_tls(self) -> str:
        """A policy that denies requests without TLS, where there is no policy yet."""
        try:
            self._policy()
        except NotFound:
            self._put_policy()
            return "Requests without TLS are refused."
        return "The bucket's own policy was left as it is."

    @calling("s3:GetBucketPolicy")
    def _policy(self) -> str:
        return self._client.get_bucket_policy(Bucket=self._name)["Policy"]

    @calling("s3:PutBucketPolicy")
    def _put_policy(self) -> None:
        arn = f"arn:{partition(self._client.meta.region_name)}:s3:::{self._name}"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
        self._client.put_bucket_policy(Bucket=self._name, Policy=json.dumps(policy))
