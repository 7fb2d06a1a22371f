"""What was observed in one AWS account at one time, and what could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from keyreeve.model.identifiers import AccessKeyId, AccountId, UserId, UserName


class Absent(StrEnum):
    """Why there is no instant: the two reasons must never be mixed up."""

    NEVER = "never"
    """AWS says that it did not happen (`N/A`, `no_information`)."""
    UNKNOWN = "unknown"
    """Nobody said (`not_supported`, an unreadable value). Unknown is never compliant."""


Moment = datetime | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """One slot of the credential report, with the key that sits in it when it is known."""

    slot: int
    """1 or 2, as the report counts; not stable."""
    active: bool
    last_rotated: Moment
    """From the report; a status toggle may move it (aws-facts E1), so no age by itself."""
    last_used: Moment
    """From the report; NEVER also for keys unused since 2015-04-22."""
    key_id: AccessKeyId | None = None
    """Known after ListAccessKeys, or from the state."""
    created_at: datetime | None = None
    """CreateDate; the true start of the key's age."""
    last_used_service: str | None = None
    last_used_region: str | None = None

    @property
    def since(self) -> Moment:
        """When the key's age began: CreateDate if known, else what the report says."""
        return self.created_at if self.created_at is not None else self.last_rotated


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionsBoundary:
    """The most that a user's identity policies can allow."""

    arn: str
    document: Mapping[str, Any] | None = None
    """None: one of AWS's own policies, whose document was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedPolicies:
    """The identity policies that reach a user, own and by group, and what limits them."""

    managed: frozenset[str] = frozenset()
    """ARNs of attached managed policies."""
    documents: tuple[Mapping[str, Any], ...] = ()
    """Inline and customer-managed policy documents, decoded."""
    group_inline: tuple[str, ...] = ()
    """`group/policy` of each inline policy that a group brings."""
    boundary: PermissionsBoundary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One IAM user as observed. Fields that the source did not carry are None or UNKNOWN."""

    name: UserName
    arn: str
    created_at: datetime
    user_id: UserId | None
    """None only for an offline credential report."""
    path: str = "/"
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    inline_policies: tuple[str, ...] | None = None
    """Names of the user's own inline policies; None: not read."""
    granted: GrantedPolicies = GrantedPolicies()
    password_enabled: bool | None
    """None: unknown."""
    password_last_used: Moment
    password_last_changed: Moment
    mfa_active: bool | None
    keys: tuple[AccessKey, ...] = ()
    """The occupied slots only."""
    observed_at: datetime | None = None
    """When the credential facts were true: the report's GeneratedTime, or now if read live."""

    @property
    def has_live_credential(self) -> bool:
        """Whether the user counts in P, the population of the blast radius."""
        return bool(self.password_enabled) or any(key.active for key in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """The account's password policy; the defaults are AWS's own without a custom policy (E2)."""

    minimum_length: int = 8
    require_uppercase: bool = False
    require_lowercase: bool = False
    require_numbers: bool = False
    require_symbols: bool = False
    users_may_change: bool = False
    """AllowUsersToChangePassword."""
    hard_expiry: bool = False
    reuse_prevention: int = 0
    """How many earlier passwords may not come back; 0: any may."""
    max_age_days: int = 0
    """0: passwords do not expire."""
    custom: bool = False
    """Whether the account has a policy of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionGap:
    """Something that could not be observed, and why. A gap neither opens, advances nor closes."""

    step: str
    """The call or the part of the report, in AWS's words: `GetCredentialReport`, `row 17`."""
    reason: str
    user_name: UserName | None = None
    """None: the gap concerns the whole account."""
    user_id: UserId | None = None
    slot: int | None = None
    """The report slot, where only the id of its key is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who Keyreeve is in this account (sts:GetCallerIdentity)."""

    account_id: AccountId
    arn: str
    user_id: str
    """AIDA… for a user; AROA…:session for a role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSnapshot:
    """Everything a run judges by. A pure value: the same snapshot gives the same plan."""

    account_id: AccountId
    collected_at: datetime
    report_generated_at: datetime | None
    """None: the report came from a file that bears no date."""
    users: tuple[User, ...]
    gaps: tuple[CollectionGap, ...] = ()
    password_policy: PasswordPolicy | None = None
    """None: not read."""
    groups: frozenset[str] = frozenset()
    """Names of the account's groups."""
    caller: Caller | None = None
    """None offline."""
    unconfirmed: frozenset[UserName] = frozenset()
    """Users of the report whom the user list does not hold: gone since, or the list is short."""
    account_readable: bool = True
    """False: an account-wide gap; nothing opens, advances or closes for anybody."""


# --- facts read live, immediately before an act (spec: "looked again") -----------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveKey:
    """One row of ListAccessKeys."""

    key_id: AccessKeyId
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveUser:
    """GetUser: identity and last sign-in as of now."""

    user_id: UserId
    name: UserName
    arn: str
    """With the path and the name of now."""
    created_at: datetime
    tags: Mapping[str, str]
    password_last_used: datetime | None
