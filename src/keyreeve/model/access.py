"""The access model: who may do what, as `access.yaml` says it; one frozen value.

Stacks, onboarding, tag checks and reviews all read it (S2.2, S2.3, S2.7, S2.15–S2.18).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from unicodedata import category

from keyreeve.model.policy import Exclusion

_LONGEST_TAG = 256
QUARANTINE_GROUP = "Quarantine"
"""Denies everything; mover and reconcile never leave it, only `user release` does."""

OFFBOARDED_TAG = "keyreeve-offboarded"
"""When the user was offboarded (ISO 8601, UTC); whoever bears it is moved nowhere any more."""


def folded_name(name: str) -> str:
    """What people take for the same name: case, hyphens and the like left out (S2.9).

    IAM itself ignores case only: MFASetup and MFA-Setup are two groups.
    """
    return "".join(char for char in name.casefold() if char.isalnum())


def tag_fault(value: str) -> str | None:
    """Why IAM would not take a tag's value, after its name; None: it would.

    AWS: letters, digits, spaces and `_.:/=+-@`, at most 256 of them.
    """
    wrong = next((char for char in value if not _in_tags(char)), None)
    if wrong is not None:
        return f"holds {wrong!r}, which IAM allows in no tag"
    if len(value) > _LONGEST_TAG:
        return f"is longer than {_LONGEST_TAG} characters"
    if value != value.strip():
        return "begins or ends with a space"
    return None


def _in_tags(char: str) -> bool:
    return char in " _.:/=+-@" or category(char)[0] in "LN"


class TrustModel(StrEnum):
    """Whom the roles trust."""

    GROUP = "group"
    """The account, and a policy on the group that allows to assume its role (S2.17, S2.T13)."""
    USERS = "users"
    """Users by name (S2.16). AWS stores their unique ids: a user made anew is not trusted."""


class CharacterClass(StrEnum):
    """What a password must contain."""

    UPPER = "upper"
    LOWER = "lower"
    NUMBER = "number"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredTags:
    """Names of the tags that every user bears (S2.7, S2.8)."""

    role: str = "FunctionalGroup"
    """Its value says which group the user belongs to."""
    department: str = "Department"
    email: str = "email"

    @property
    def all(self) -> tuple[str, ...]:
        """In the order in which people meet them."""
        return (self.role, self.department, self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRules:
    """The account password policy that is wanted; AWS's limits: length 6–128, reuse 1–24."""

    minimum_length: int = 14
    reuse_prevention: int = 24
    """How many earlier passwords may not come back."""
    max_age: int = 90
    """Days."""
    require: frozenset[CharacterClass] = frozenset(CharacterClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One duty: the group of its people, and the role that they may assume (S2.2, S2.15, S2.18)."""

    functional_group: str
    """Value of the role tag."""
    group: str
    role: str
    policies: tuple[str, ...]
    """ARNs of the managed policies that a session of the role has."""
    max_session: timedelta = timedelta(hours=1)
    """AWS: 1 to 12 hours."""
    trusted_users: tuple[str, ...] = ()
    """User names; for TrustModel.USERS only."""

    @property
    def administrator(self) -> bool:
        """Whether a session of the role may do everything."""
        return any(arn.endswith(":policy/AdministratorAccess") for arn in self.policies)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessModel:
    """Everything that access.yaml says."""

    onboarding_group: str = "MFA-Setup"
    tags: RequiredTags = RequiredTags()
    grants: tuple[Grant, ...] = ()
    trust: TrustModel = TrustModel.GROUP
    password_policy: PasswordRules | None = field(default_factory=PasswordRules)
    """None: the account's own policy is left alone."""
    provisioners: tuple[str, ...] = ()
    """ARNs of the roles that may set the role tag; nobody else may (S2.T7)."""
    exclusions: tuple[Exclusion, ...] = ()
    """Whom nobody moves: the exclusions of config.yaml, told to the mover with the model."""

    def grant_for(self, functional_group: str | None) -> Grant | None:
        """The grant of a tag's value, exactly as written: the allow-list of target groups."""
        return next((g for g in self.grants if g.functional_group == functional_group), None)

    def grant_of_group(self, group: str) -> Grant | None:
        """The grant whose people are in this group."""
        return next((g for g in self.grants if g.group == group), None)

    @property
    def role_groups(self) -> frozenset[str]:
        """All groups but the onboarding group."""
        return frozenset(grant.group for grant in self.grants)

    def missing_tags(self, tags: Mapping[str, str]) -> tuple[str, ...]:
        """Required tags that are absent or empty (S2.8)."""
        return tuple(name for name in self.tags.all if not tags.get(name, "").strip())
