"""The escalation policy: every setting that a judgement depends on, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Protocol
from zoneinfo import ZoneInfo

from keyreeve.model.identifiers import ControlId, UserName


class StaleScope(StrEnum):
    """Which keys `access_key_stale` looks at (S1.3)."""

    SECOND_SLOT = "second_slot"
    EVERY_KEY = "every_key"


class FinalAct(StrEnum):
    """What day 14 does for the controls that a source leaves open (S1.T5)."""

    NOTHING = "nothing"
    REMIND = "remind"
    QUARANTINE = "quarantine"
    DELETE_LOGIN_PROFILE = "delete_login_profile"
    DEACTIVATE_UNUSED_KEYS = "deactivate_unused_keys"

    @property
    def disruptive(self) -> bool:
        """Whether anything happens in the account."""
        return self not in (FinalAct.NOTHING, FinalAct.REMIND)


class EnforcementDays(StrEnum):
    """On which weekdays disruptive effects may happen."""

    MAIL_DAYS = "mail_days"
    EVERY_DAY = "every_day"


class Delivery(StrEnum):
    """How new credentials reach their owner (S1.T10)."""

    CSV = "csv"
    SECRETS_MANAGER = "secrets_manager"
    BOTH = "both"

    @property
    def by_mail(self) -> bool:
        """Whether the secret is attached to the private mail."""
        return self is not Delivery.SECRETS_MANAGER

    @property
    def by_vault(self) -> bool:
        """Whether the owner can fetch it from Secrets Manager."""
        return self is not Delivery.CSV


class Orphans(StrEnum):
    """What becomes of a key whose secret was lost in an unanswered call."""

    DELETE = "delete"
    KEEP_INACTIVE = "keep_inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When each control flags; compared with instants, `>=`."""

    access_key_rotation: timedelta = timedelta(days=75)
    access_key_stale: timedelta = timedelta(days=15)
    password_age: timedelta = timedelta(days=75)
    user_inactive: timedelta = timedelta(days=75)


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderDays:
    """The days of the stages, counted from day 0; ascending."""

    reminder: int = 3
    new_credentials: int = 7
    warning: int = 10
    countdown: int = 11
    enforcement: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """No disruptive effect from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What happens on E, and on which days it may."""

    console_mfa: FinalAct = FinalAct.REMIND
    user_inactive: FinalAct = FinalAct.REMIND
    password_age: FinalAct = FinalAct.NOTHING
    minimum_overlap_days: int = 4
    weekdays: EnforcementDays = EnforcementDays.MAIL_DAYS
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastLimits:
    """How much one account may be disturbed on one day."""

    disruptive_share: float = 0.25
    disruptive_floor: int = 5


class Tagged(Protocol):
    """What a match looks at."""

    @property
    def name(self) -> UserName:
        """The user's name."""

    @property
    def tags(self) -> Mapping[str, str]:
        """The user's tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Selects users: by a glob on the name, or by `tag=value` (value may be a glob)."""

    user: str | None = None
    tag: str | None = None

    def matches(self, user: Tagged) -> bool:
        """Whether every given part matches; names and values are compared case-sensitively."""
        if self.user is not None and not fnmatchcase(user.name, self.user):
            return False
        if self.tag is not None:
            key, _, value = self.tag.partition("=")
            if key not in user.tags or not fnmatchcase(user.tags[key], value or "*"):
                return False
        return self.user is not None or self.tag is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Structurally out of scope, with the reason."""

    match: Match
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserClass:
    """Users with thresholds and delivery of their own; the first match wins."""

    match: Match
    thresholds: Thresholds
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerRules:
    """How an owner's address is found, and where credentials may go."""

    tag: str = "email"
    user_name_is_address: bool = True
    default_domain: str | None = None
    domains: tuple[str, ...] = ()
    """Empty: anywhere."""
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedClock:
    """A ladder day lasts `day`; only `users` (globs) are touched (S2.14)."""

    day: timedelta
    users: tuple[str, ...]
    password_age: bool = False
    """Whether passwords age: no call tells their age, and the report is hours old. On an emulator
    the report is as fresh as its days are short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """All of it. `config.py` makes one from config.yaml; tests make one by hand."""

    project_name: str
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    mail_weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})
    """Monday is 0."""
    holidays: frozenset[date] = frozenset()
    thresholds: Thresholds = Thresholds()
    stale_scope: StaleScope = StaleScope.SECOND_SLOT
    days: LadderDays = LadderDays()
    closing_mail: bool = True
    free_slot_after_days: int | None = None
    """`free_slot.delete_after_days`; None: off (S1.T3)."""
    orphans: Orphans = Orphans.DELETE
    max_extension_days: int = 30
    enforcement: Enforcement = Enforcement()
    limits: BlastLimits = BlastLimits()
    delivery: Delivery = Delivery.CSV
    backup_retention_days: int = 30
    classes: tuple[UserClass, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    owner: OwnerRules = OwnerRules()
    mail_cc: tuple[str, ...] = ()
    """The MSP team."""
    summary_to: tuple[str, ...] = ()
    own_summary: bool = True
    """False: one summary goes out over all accounts, and none of this one alone."""
    account_name: str | None = None
    """Which of several accounts, for the subjects of notices."""
    summary_weekday: int = 0
    observe_only: bool = False
    """`first_run: observe`: until it is armed, everything is judged and nobody is told."""
    compressed: CompressedClock | None = None
    onboarding_group: str = "MFA-Setup"
    quarantine_group: str = "Quarantine"

    def final_act(self, control: ControlId) -> FinalAct | None:
        """The configured act on E, or None where the act is fixed (keys become Inactive)."""
        match control:
            case ControlId.CONSOLE_MFA:
                return self.enforcement.console_mfa
            case ControlId.USER_INACTIVE:
                return self.enforcement.user_inactive
            case ControlId.PASSWORD_AGE:
                return self.enforcement.password_age
            case _:
                return None

    def class_of(self, user: Tagged) -> UserClass | None:
        """The first class that matches the user."""
        return next((item for item in self.classes if item.match.matches(user)), None)

    def thresholds_for(self, user: Tagged) -> Thresholds:
        """The user's class's thresholds, shrunk under a compressed clock (S2.14)."""
        found = self.class_of(user)
        thresholds = found.thresholds if found else self.thresholds
        return shrink(thresholds, self.compressed.day) if self.compressed else thresholds

    def delivery_for(self, user: Tagged) -> Delivery:
        """How this user's credentials are handed over."""
        found = self.class_of(user)
        return found.delivery if found else self.delivery

    @property
    def uses_vault(self) -> bool:
        """Whether anybody's credentials may go to Secrets Manager."""
        ways = (self.delivery, *(item.delivery for item in self.classes))
        return any(way.by_vault for way in ways)

    def exclusion_for(self, user: Tagged) -> Exclusion | None:
        """Why the user is out of scope, if so; under a compressed clock all but the listed are."""
        found = next((item for item in self.exclusions if item.match.matches(user)), None)
        if found is None and self.compressed is not None:
            listed = any(fnmatchcase(user.name, glob) for glob in self.compressed.users)
            if not listed:
                return Exclusion(match=Match(user="*"), reason="not in compressed_clock.users")
        return found


def shrink(thresholds: Thresholds, day: timedelta) -> Thresholds:
    """Scale every threshold so that one of its days lasts `day`."""
    factor = day / timedelta(days=1)
    return replace(
        thresholds,
        access_key_rotation=thresholds.access_key_rotation * factor,
        access_key_stale=thresholds.access_key_stale * factor,
        password_age=thresholds.password_age * factor,
        user_inactive=thresholds.user_inactive * factor,
    )
