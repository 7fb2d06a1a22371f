"""Decisions with reasons, the plan of a run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.case import Stage
from keyreeve.model.effect import Act, Effect, Message, NoticeReason, SendTeamNotice
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import (
    AccessKeyId,
    AccountId,
    ControlId,
    RunId,
    UserId,
    UserName,
)
from keyreeve.model.snapshot import CollectionGap


class Gate(StrEnum):
    """What must be true before anything that can hurt (spec: gates)."""

    TOLD = "told"
    RECIPIENT = "recipient"
    OVERLAP = "overlap"
    LOOKED_AGAIN = "looked_again"
    BLAST_RADIUS = "blast_radius"
    MAILBOX = "mailbox"
    WINDOW = "window"
    NEVER = "never"
    HUMAN = "human"
    """A person must look: an operation that cannot be reconciled, a held case, a pause."""
    PASSWORD_CHANGE = "password_change"  # noqa: S105
    """The user could not change a generated password (S1.T6)."""
    EVIDENCE = "evidence"
    """A collection gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that is due and does not happen, with the gate and the reason."""

    gate: Gate
    reason: str
    user_id: UserId
    user_name: UserName
    control: ControlId | None = None
    resource_id: str = ""
    enforcement_on: date | None = None
    """E, as it stands now."""
    days_to_90: int | None = None


class DecisionReason(StrEnum):
    """Why a finding stands where it stands today."""

    FIRST_NOTICE_DUE = "first_notice_due"
    WAITING_FOR_MAIL_DAY = "waiting_for_mail_day"
    GRACE_PERIOD_RUNNING = "grace_period_running"
    CREDENTIALS_DUE = "credentials_due"
    ENFORCEMENT_DUE = "enforcement_due"
    NO_ACT_CONFIGURED = "no_act_configured"
    HELD_AT_GATE = "held_at_gate"
    CUT_OVER_SEEN = "cut_over_seen"
    """The owner has changed over: no countdown."""
    ENFORCED = "enforced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where one finding stands today, what is due, and why."""

    stage: Stage
    enforcement_on: date | None
    """E."""
    reason: DecisionReason
    credentials_due: bool = False
    act_due: bool = False
    held: tuple[Gate, str] | None = None
    notice_due: NoticeReason | None = None
    """Set when this finding alone would be reason enough for a notice today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPlan:
    """Everything for one user on one day: acts first, then at most one notice."""

    user_id: UserId
    user_name: UserName
    acts: tuple[Act, ...] = ()
    message: Message | None = None
    held: tuple[Held, ...] = ()
    earliest: date | None = None
    """The earliest E: users are served in this order."""
    postponed: tuple[tuple[ControlId, str], ...] = ()
    """Findings that a gate has put to another day: the day's notice tells of that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the plan refuses to be carried out, with its number."""

    reason: str
    number: int
    """What `--accept-blast-radius N` must name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotBlocked:
    """A key that is due, and no replacement can be made: both slots are taken (S1.T3)."""

    user_id: UserId
    user_name: UserName
    key_id: AccessKeyId
    blocked_by: str
    """The key in the other slot; `slot 2` where its id is not known."""
    both_due: bool = False
    """The other key is due as well."""
    shut_on: date | None = None
    """When Keyreeve made the blocking key Inactive; None: it did not."""
    told_on: date | None = None
    """When the owner was told of it; None: not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What today's run would do."""

    run_id: RunId
    account_id: AccountId
    as_of: datetime
    on: date
    users: tuple[UserPlan, ...]
    team: tuple[SendTeamNotice, ...] = ()
    summary_due: bool = False
    observing: bool = False
    """`first_run: observe`, and nobody has armed the project: nothing is told, nothing is done."""
    findings: tuple[Finding, ...] = ()
    gaps: tuple[CollectionGap, ...] = ()
    refusal: Refusal | None = None
    population: int = 0
    """P."""
    allowed: int = 0
    """How many users may be told first, as many disturbed, and as many given keys today.

    What was done today counts. Each has a number of its own: docs/decisions/0023.
    """
    slot_blocked: tuple[SlotBlocked, ...] = ()
    """Whom the two-key limit keeps from a new key; before the acts of the day."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Every effect in the order in which it would be carried out."""
        out: list[Effect] = []
        for user in self.users:
            out.extend(user.acts)
            if user.message is not None:
                out.append(user.message)
        return (*out, *self.team)

    @property
    def slot_blocked_users(self) -> int:
        """How many users cannot get a new key."""
        return len({blocked.user_id for blocked in self.slot_blocked})

    @property
    def slot_blocked_by_us(self) -> int:
        """How many of them by a key that Keyreeve itself made Inactive."""
        return len({b.user_id for b in self.slot_blocked if b.shut_on is not None})

    @property
    def held(self) -> tuple[Held, ...]:
        """Everything held, over all users."""
        return tuple(item for user in self.users for item in user.held)


class OutcomeKind(StrEnum):
    """What came of an effect."""

    DONE = "done"
    ALREADY_DONE = "already_done"
    DEFERRED = "deferred"
    """Held at a gate that only the live facts could show."""
    REFUSED = "refused"
    """The facts have changed: there is nothing to do any more."""
    FAILED = "failed"
    REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One effect and what came of it."""

    kind: OutcomeKind
    effect_kind: str
    user_id: UserId
    user_name: UserName
    resource_id: str
    reason: str
    gate: Gate | None = None
    message_id: str | None = None
