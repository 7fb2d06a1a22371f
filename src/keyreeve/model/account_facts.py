"""What posture is judged by: one account as it was read, part by part; None: not read.

A part that could not be read is None and has a gap of its own; the controls that need it are then
not judged, for unknown is never compliant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.model.snapshot import Moment, PasswordPolicy

Document = Mapping[str, Any]
"""A policy document, decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFacts:
    """GetAccountSummary, as far as it is about the root user."""

    mfa: bool
    """AccountMFAEnabled."""
    access_keys: bool
    """AccountAccessKeysPresent."""


class HolderKind(StrEnum):
    """Who can hold policies."""

    USER = "user"
    GROUP = "group"
    ROLE = "role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A user, a group or a role, with the policies that hang on itself."""

    kind: HolderKind
    name: str
    arn: str
    path: str
    created_at: datetime
    attached: tuple[str, ...] = ()
    """ARNs of managed policies."""
    inline: Mapping[str, Document] = field(default_factory=dict)
    """Name → document."""
    boundary: str | None = None
    """ARN of the permissions boundary."""
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    """A user's groups by name."""
    trust: Document | None = None
    """A role's AssumeRolePolicyDocument."""
    last_used: Moment | None = None
    """A role's RoleLastUsed, which goes back 400 days; NEVER: not in them. None: no role."""

    @property
    def of_aws(self) -> bool:
        """A role that AWS itself made and alone can change: service-linked, Identity Center's."""
        return self.path.startswith(("/aws-service-role/", "/aws-reserved/"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """GetAccountAuthorizationDetails, whole."""

    holders: tuple[Holder, ...]
    policies: Mapping[str, Document] = field(default_factory=dict)
    """ARN → default version, of managed policies that the account made or uses."""

    def of_kind(self, kind: HolderKind) -> tuple[Holder, ...]:
        """Users, groups or roles; AWS's own roles left out."""
        return tuple(each for each in self.holders if each.kind is kind and not each.of_aws)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """A TLS certificate kept in IAM."""

    name: str
    arn: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCredential:
    """An SSH public key, or the user name and password of one service."""

    user_name: UserName
    id: str
    active: bool
    created_at: datetime
    service: str
    """`codecommit.amazonaws.com`, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFacts:
    """One CloudTrail trail."""

    name: str
    arn: str
    multi_region: bool
    logging: bool
    validated: bool
    """Whether CloudTrail writes digests of its log files."""


class AnalyzerKind(StrEnum):
    """What an analyzer of IAM Access Analyzer looks for."""

    EXTERNAL = "external"
    UNUSED = "unused"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """One analyzer of the region."""

    name: str
    arn: str
    kind: AnalyzerKind
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyzerFinding:
    """One active finding of an analyzer."""

    id: str
    kind: AnalyzerKind
    type: str
    """AWS's word: ExternalAccess, UnusedIAMRole, UnusedPermission, …"""
    resource: str
    """ARN, where AWS gives one."""
    resource_type: str
    """`AWS::IAM::Role`, `AWS::S3::Bucket`, …"""
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One account, and what is regional of one region. None: that part was not read."""

    account_id: AccountId
    partition: str
    region: str
    root: RootFacts | None = None
    root_last_used: Moment | None = None
    """The root row of the credential report: the latest use of password and keys."""
    password_policy: PasswordPolicy | None = None
    identities: Identities | None = None
    certificates: tuple[ServerCertificate, ...] | None = None
    ssh_keys: tuple[OtherCredential, ...] | None = None
    service_credentials: tuple[OtherCredential, ...] | None = None
    trails: tuple[TrailFacts, ...] | None = None
    recorders: Mapping[str, bool] | None = None
    """AWS Config's recorders of the region by name: whether they record."""
    detectors: Mapping[str, bool] | None = None
    """GuardDuty's detectors of the region by id: whether they are enabled."""
    analyzers: tuple[Analyzer, ...] | None = None
    analyzer_findings: tuple[AnalyzerFinding, ...] | None = None
    """Active findings of all active analyzers of the region."""
