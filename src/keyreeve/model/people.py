"""Users as the access model sees them: tags, groups, MFA; and where the mover sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from keyreeve.model.identifiers import UserId, UserName
from keyreeve.model.snapshot import GrantedPolicies, PermissionsBoundary


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One IAM user, read live or in a sweep."""

    name: UserName
    user_id: UserId
    arn: str
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    has_mfa: bool
    """Whether any MFA device is active: virtual, hardware or passkey (iam:ListMFADevices)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Everybody:
    """All users of the account and the names of all its groups."""

    members: tuple[Member, ...]
    groups: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagAuthor:
    """Who set a user's tag last, as CloudTrail tells (events of the last 90 days, per E6)."""

    arn: str
    user_name: str | None
    """The IAM user who called; for a role session its source identity or session name."""
    value: str | None = None
    """What the tag was set to; None: not told."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """GetRole: what somebody who wants to assume it must know."""

    name: str
    arn: str
    trust: Mapping[str, Any]
    """AssumeRolePolicyDocument, decoded."""
    max_session_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The policies that reach a user, by where they hang."""

    attached: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """ARN → document of the user's own managed policies; None: AWS's own, not read."""
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name → document of the user's own inline policies."""
    groups: Mapping[str, GrantedPolicies] = field(default_factory=dict)
    """Group → what it grants."""
    boundary: PermissionsBoundary | None = None


class HeldKind(StrEnum):
    """What a user may hold beside a password, access keys and MFA devices."""

    SSH_KEY = "SSH key"
    SERVICE_CREDENTIAL = "service credential"
    CERTIFICATE = "signing certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One such credential; AWS wants each gone before DeleteUser."""

    kind: HeldKind
    id: str


class Outcome(StrEnum):
    """What the mover does about a user, and why (S2.6, S2.T1–T7)."""

    TO_ROLE_GROUP = "to_role_group"
    """MFA is active: into the group that the role tag names, then out of onboarding."""
    TO_ONBOARDING = "to_onboarding"
    """No MFA: into onboarding, then out of the role groups (S2.T6)."""
    RELEASED = "released"
    """Out of Quarantine, by a person; where the user belongs otherwise is as it was."""
    IN_PLACE = "in_place"
    """Nothing to do: a second event, or one that came late, ends here."""
    USER_GONE = "user_gone"
    EXCLUDED = "excluded"
    """config.yaml leaves this user alone."""
    OWN_IDENTITY = "own_identity"
    """Keyreeve itself."""
    OUTSIDE = "outside"
    """In no group of the access model and without the role tag: nobody said who this is."""
    QUARANTINED = "quarantined"
    """Only `user release` leads out of Quarantine."""
    OFFBOARDED = "offboarded"
    """A leaver: in no group, and back into none."""
    LAST_ADMINISTRATOR = "last_administrator"
    """Nobody else is in an administrators' group: moving this user would leave none."""
    TAGS_MISSING = "tags_missing"
    """S2.8."""
    ROLE_UNKNOWN = "role_unknown"
    """The role tag names no role of the access model: the allow-list of target groups (S2.T7)."""
    TAGGED_BY_ITSELF = "tagged_by_itself"
    """The user set its own role tag (S2.T7)."""
    TAG_UNACCOUNTED = "tag_unaccounted"
    """CloudTrail tells who set another value, and not yet who set this one (S2.T7)."""
    GROUP_MISSING = "group_missing"
    """A group of the access model does not exist: not the same as "not in the group" (S2.T5)."""

    @property
    def moves(self) -> bool:
        """Whether groups change."""
        return self in (Outcome.TO_ROLE_GROUP, Outcome.TO_ONBOARDING)

    @property
    def needs_person(self) -> bool:
        """Whether somebody must mend something: the user is left where it was, and reported."""
        return self in (
            Outcome.OUTSIDE,
            Outcome.LAST_ADMINISTRATOR,
            Outcome.TAGS_MISSING,
            Outcome.ROLE_UNKNOWN,
            Outcome.TAGGED_BY_ITSELF,
            Outcome.TAG_UNACCOUNTED,
            Outcome.GROUP_MISSING,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where one user goes: first `add`, confirmed, then out of `leave`."""

    user_name: UserName
    outcome: Outcome
    reason: str
    """One sentence for people."""
    add: str | None = None
    """None: already a member."""
    leave: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """What could not be known, or should be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagGap:
    """What one user's tags lack (S2.8)."""

    user_name: UserName
    missing: tuple[str, ...]
    """Required tags that are absent or empty."""
    unknown_role: str | None = None
    """The role tag's value where no role is called so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubleMembership:
    """A user in onboarding and a role group at once, or in several role groups (S2.10)."""

    user_name: UserName
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What reconciling the whole account finds (S2.9, S2.10)."""

    users: int
    governed: int
    """Users whom the access model knows: by a group or by the role tag."""
    moves: tuple[Move, ...] = ()
    """Users who are in the wrong place."""
    held: tuple[Move, ...] = ()
    """Users who are left where they are until a person mends something."""
    left_alone: tuple[Move, ...] = ()
    """Excluded, quarantined, offboarded, Keyreeve itself."""
    tag_gaps: tuple[TagGap, ...] = ()
    doubles: tuple[DoubleMembership, ...] = ()
    missing_groups: tuple[str, ...] = ()
    """Names in access.yaml that no group bears (S2.9)."""
    compliant: int = 0
    """Governed users with every tag, in exactly the group where they belong."""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to mend."""
        found = (self.moves, self.held, self.tag_gaps, self.doubles, self.missing_groups)
        return not any(found)
