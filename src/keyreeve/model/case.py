"""What is remembered from day to day: the state, as `state.json` holds it.

State
├── users: UserId → Case          one per user with open or pending findings
│   ├── findings                  one clock each
│   ├── operations                what was begun for this user, step by step
│   └── thread                    ids of the mails already on the wire
├── keys: AccessKeyId → KeyRecord facts that outlive a case, until the key is gone
├── ledger: date → DayLedger      who was opened, disturbed, given keys on which day
├── past_mails: id → PastMail     mails of closed cases that may still come back
└── last_run · summary_sent_on · population
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.identifiers import (
    AccessKeyId,
    AccountId,
    CaseId,
    ControlId,
    OperationId,
    RunId,
    UserId,
    UserName,
)
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import LadderDays

SCHEMA_VERSION = 1


class Stage(StrEnum):
    """The rungs, and the two states beside the ladder."""

    PENDING = "pending"
    """No notice was accepted yet: there is no day 0."""
    NOTIFICATION = "notification"
    REMINDER = "reminder"
    NEW_CREDENTIALS = "new_credentials"
    WARNING = "warning"
    COUNTDOWN = "countdown"
    ENFORCEMENT = "enforcement"
    OVERDUE = "overdue"
    """Past E, or E is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRecord:
    """One accepted notice that listed this finding."""

    stage: Stage
    on: date
    at: datetime
    enforcement_on: date | None
    """The E that it told; None: it said that E is open."""
    message_id: str | None = None
    """As it stands on the wire."""
    to: str | None = None
    no_replacement: str | None = None
    """The reason that it gave for handing nothing over."""
    act: str | None = None
    """The act that it announced for E; empty: none; None: written before this was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A reason that the owner was told, and since when."""

    reason: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRecord:
    """The gate at which a finding is held, as of the last run."""

    gate: str
    reason: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecord:
    """One finding on its way up the ladder, with a clock of its own."""

    control: ControlId
    resource_id: str
    first_seen_on: date
    opened_on: date | None = None
    """Day 0: the date of the first accepted notice; None while pending."""
    opened_at: datetime | None = None
    stage: Stage = Stage.PENDING
    notices: tuple[NoticeRecord, ...] = ()
    promised_on: date | None = None
    """E as told in the first notice; a promise is never shortened."""
    days: LadderDays | None = None
    """The ladder as promised; later settings do not change it."""
    no_replacement: Told | None = None
    """Why there is no replacement, once the owner was told."""
    enforcement_on: date | None = None
    """E, as the last run saw it; None: open."""
    enforced_on: date | None = None
    """When the act of stage 5 was done (or E passed where there is no act)."""
    held: HeldRecord | None = None
    since: datetime | None = None
    """When the flagged condition began, for "days to 90" and the order of opening."""

    @property
    def key(self) -> tuple[ControlId, str]:
        """Identity within the user."""
        return (self.control, self.resource_id)


class OperationKind(StrEnum):
    """What is done in write-ahead steps."""

    ROTATION = "rotation"
    PASSWORD_RESET = "password_reset"  # noqa: S105
    ENFORCEMENT = "enforcement"
    NOTICE = "notice"
    RESEND = "resend"
    REINSTATEMENT = "reinstatement"
    PURGE = "purge"
    """Escrow deleted at the end of its retention."""
    ONBOARDING = "onboarding"
    """A new user with a first password; belongs to no case."""


class StepName(StrEnum):
    """The steps of an operation, as its write-once objects are called (promises.md)."""

    INTENT = "intent"
    CREATED = "created"
    KEEPING = "keeping"
    """The secret goes into Secrets Manager from here on; written before it does."""
    DELIVERED = "delivered"
    ENFORCING = "enforcing"
    DONE = "done"
    ABANDONED = "abandoned"
    ACCEPTED = "accepted"
    """A notice was accepted by the mail system."""
    ORPHANED = "orphaned"
    """A key whose secret was lost was made Inactive, or deleted."""
    STUCK = "stuck"
    """A person must look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One write-once object `ops/{operation_id}/{attempt}-{step}.json`: facts, no secret."""

    operation_id: OperationId
    attempt: int
    name: StepName
    kind: OperationKind
    run_id: RunId
    case_id: CaseId
    user_id: UserId
    user_name: UserName
    at: datetime
    """The `now` of the run."""
    on: date
    """The ladder's date of `at`."""
    data: Mapping[str, object] = field(default_factory=dict)
    """Facts of the step; JSON values only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """A private mail that a person has sent once more, while the delivery before it stood."""

    message_id: str
    to: str
    on: date
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """An operation as far as it got; folded from its steps."""

    operation_id: OperationId
    kind: OperationKind
    attempt: int
    steps: tuple[StepName, ...]
    """Steps of the newest attempt, in order."""
    control: ControlId | None = None
    resource_id: str | None = None
    act: str | None = None
    """For enforcement: the effect's kind."""
    old_key: AccessKeyId | None = None
    new_key: AccessKeyId | None = None
    keys_before: tuple[AccessKeyId, ...] = ()
    begun_at: datetime | None = None
    """The `now` of the newest intent."""
    begun_by_wall: datetime | None = None
    """The wall clock at the newest intent: a run may take hours after its `now`."""
    escrow_key: str | None = None
    delivered_on: date | None = None
    delivered_at: datetime | None = None
    delivered_message_id: str | None = None
    delivered_to: str | None = None
    resent: tuple[Resent, ...] = ()
    """The same credential once more, oldest first: what a person sent besides the delivery."""
    returned: str | None = None
    """Why the newest private mail came back; None once another was accepted, or what it held is
    given up."""
    orphans: tuple[AccessKeyId, ...] = ()
    stuck: str | None = None
    """Why a person must look: nothing more is tried."""

    @property
    def unfinished(self) -> bool:
        """Begun, and neither delivered, done, abandoned nor left to a person."""
        last = self.steps[-1] if self.steps else None
        return last in (
            StepName.INTENT,
            StepName.CREATED,
            StepName.KEEPING,
            StepName.ENFORCING,
            StepName.ORPHANED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One mail conversation (S1.20)."""

    root: str
    """Synthetic id, belonging to no mail: Gmail's anchor."""
    subject: str
    message_ids: tuple[str, ...] = ()
    """Ids as they appear on the wire, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A mail that did not reach its reader."""

    address: str
    on: date
    """When it was sent; where it was refused at once, when that was."""
    reason: str
    lasting: bool
    """The address refuses mail for good."""
    again_on: date
    """The first day on which the address may be tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All open findings of one user; one mail thread."""

    case_id: CaseId
    user_id: UserId
    user_name: UserName
    first_seen_on: date
    thread: Thread
    findings: Mapping[tuple[ControlId, str], FindingRecord]
    operations: Mapping[OperationId, OperationRecord] = field(default_factory=dict)
    opened_on: date | None = None
    """The date of the case's first accepted notice."""
    anchor: datetime | None = None
    """Under a compressed clock: the instant of day 0."""
    addresses: tuple[str, ...] = ()
    """Addresses that accepted a notice, first first."""
    last_notice_on: date | None = None
    last_notice_stage: Stage | None = None
    closing_due: bool = False
    """Every finding has cleared; one closing mail is owed."""
    cleared: tuple[str, ...] = ()
    """What cleared, in words, for the closing mail."""
    team_told: Mapping[str, date] = field(default_factory=dict)
    """Topics that the team was told about, once each: `unreachable`, `held/password_age` …"""
    bounced: Bounce | None = None
    """The address that is known to bounce or to be suppressed; None once it took a notice."""
    returned: Mapping[str, Bounce] = field(default_factory=dict)
    """Accepted mails that came back, by the mail system's id: each counts once."""


class MailSort(StrEnum):
    """What a mail of a closed case was."""

    NOTICE = "notice"
    CLOSING = "closing"
    ACCESS_KEY = "access_key"
    PASSWORD = "password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMail:
    """An accepted mail whose case has been closed since: it may still come back."""

    case_id: CaseId
    user_id: UserId
    user_name: UserName
    sort: MailSort
    to: tuple[str, ...]
    on: date
    closed_on: date
    new_key: AccessKeyId | None = None
    old_key: AccessKeyId | None = None
    returned: str | None = None
    """Why it came back; the team was not told yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLedger:
    """Who was opened, disturbed or given a key on one local day (counted in users)."""

    opened: frozenset[UserId] = frozenset()
    disrupted: frozenset[UserId] = frozenset()
    created: frozenset[UserId] = frozenset()
    closed: frozenset[UserId] = frozenset()
    """Whose case got its closing mail: the day's one notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Who existed and who was flagged in the last run that was not refused."""

    users: frozenset[UserId] = frozenset()
    flagged: frozenset[UserId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The run that wrote the state."""

    run_id: RunId
    as_of: datetime
    on: date
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The newest record of the audit chain that the state knows of."""

    run_id: RunId
    segment: int
    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything remembered about one account of one project. Holds no secret."""

    project: str
    account_id: AccountId
    users: Mapping[UserId, Case] = field(default_factory=dict)
    keys: Mapping[AccessKeyId, KeyRecord] = field(default_factory=dict)
    ledger: Mapping[date, DayLedger] = field(default_factory=dict)
    past_mails: Mapping[str, PastMail] = field(default_factory=dict)
    """Mails of cases closed of late, by the mail system's id."""
    population: Population | None = None
    """None: no run yet."""
    last_run: LastRun | None = None
    summary_sent_on: date | None = None
    audit_head: AuditHead | None = None
    schema_version: int = SCHEMA_VERSION
