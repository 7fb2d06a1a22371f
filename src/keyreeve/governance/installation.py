"""One Keyreeve in one account: what its policies name, as ARNs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keyreeve.model.identifiers import AccountId
from keyreeve.model.policy import EscalationPolicy

_GLOB_CLASS = re.compile(r"\[.+?\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The storage, where it is a bucket. Keys and prefixes are relative to `prefix`."""

    name: str
    prefix: str
    """With the slash at its end."""
    written_once: tuple[str, ...]
    """Prefixes: ops/, credentials/ …"""
    replaced: tuple[str, ...]
    """Keys, or prefixes with a `*`, that are written again and again."""
    read: tuple[str, ...]
    """What every verb reads."""
    read_back: tuple[str, ...]
    """What only who acts reads: escrow to deliver, the doctor's probe."""
    secret: str
    """credentials/: never for who only reads; purged at the end of the retention."""
    feedback: str
    """feedback/: written by the handler of mail feedback alone."""
    deleted: tuple[str, ...]
    """What is deleted after use: a corrupt lock, delivered records of the audit inbox, feedback
    that was set aside."""
    versions_of: str
    """The key whose earlier versions `state repair` looks through."""
    inbox: str
    """audit-inbox/: where who does not hold the lock leaves a record."""
    sent: str
    """What Security Hub was sent; read and written by the role that sends, and no other."""
    archived: tuple[str, ...]
    """Prefixes of what evidence packs are made of, purged at the end of their retention."""
    evidence: Evidence
    """What the export and the purge of evidence write."""
    kms_key_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where whoever exports and purges evidence writes, relative to the project's prefix."""

    written_once: tuple[str, ...]
    replaced: tuple[str, ...]
    deleted: tuple[str, ...]
    """What is deleted after use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One Keyreeve in one account."""

    account_id: AccountId
    partition: str
    region: str
    """Of S3, SES and Secrets Manager."""
    project: str
    """As the storage writes it: lower case, `[a-z0-9._-]`."""
    policy: EscalationPolicy
    bucket: Bucket | None
    """None: a directory."""
    sender: str | None
    """The bare address where SES sends; None: another transport."""
    secrets_key_id: str | None = None
    """The KMS key of what is kept in Secrets Manager; None: AWS's own."""
    signing_key_id: str | None = None
    """The asymmetric KMS key that signs evidence packs."""
    governed: bool = False
    """Whether access.yaml says who may do what: the summary then asks CloudTrail."""
    named_policies: tuple[str, ...] = ()
    """ARNs of AWS's own policies that access.yaml names; the doctor looks whether they exist."""

    topics: tuple[str, ...] = ()
    """ARNs of the SNS topics among the channels."""
    counts_runs: bool = False
    """Whether each run that ended is counted in CloudWatch."""

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def regional(self, service: str, resource: str) -> str:
        """An ARN of a service of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def anywhere(self, service: str, resource: str) -> str:
        """An ARN of a service of this account in any region."""
        return f"arn:{self.partition}:{service}:*:{self.account_id}:{resource}"

    def users(self, names: Iterable[str]) -> list[str]:
        """Users of these names under every path."""
        patterns = [p for name in names for p in (f"user/{name}", f"user/*/{name}")]
        return [self.iam("user/*")] if "user/*" in patterns else [self.iam(p) for p in patterns]

    def groups(self, names: Iterable[str]) -> list[str]:
        """Groups of these names under every path."""
        return [self.iam(p) for name in names for p in (f"group/{name}", f"group/*/{name}")]

    def identities(self) -> list[str]:
        """SES takes the address where it is verified, else its domain."""
        address = str(self.sender)
        domain = address.rpartition("@")[2]
        return [self.regional("ses", f"identity/{name}") for name in (address, domain)]

    def secrets(self) -> str:
        """Everything that is kept for owners; AWS adds a hyphen and six characters to a name."""
        return self.regional("secretsmanager", f"secret:keyreeve/{self.project}/*")

    def product(self) -> str:
        """The account's own product in Security Hub."""
        return self.regional("securityhub", f"product/{self.account_id}/default")

    def arn_of(self, bucket: Bucket) -> str:
        """The bucket itself."""
        return f"arn:{self.partition}:s3:::{bucket.name}"

    def objects(self, bucket: Bucket, keys: Iterable[str]) -> list[str]:
        """Keys of the project."""
        return [f"{self.arn_of(bucket)}/{bucket.prefix}{key}" for key in keys]


def sayable(glob: str) -> bool:
    """IAM knows `*` and `?`; a glob's `[a-z]` has no equal there."""
    return _GLOB_CLASS.search(glob) is None
