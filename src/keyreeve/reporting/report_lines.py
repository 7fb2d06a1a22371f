"""What the report is made of, line by line: values that a page, a CSV and a JSON all show.

Dates are days on the ladder (the project's timezone), instants are UTC, ages are whole days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from keyreeve.model.case import NoticeRecord, Stage
from keyreeve.model.compliance import Citation
from keyreeve.model.control import Severity
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import (
    AccessKeyId,
    AnyControlId,
    CaseId,
    RunId,
    UserId,
    UserName,
)
from keyreeve.model.snapshot import Moment
from keyreeve.model.usage import KeyUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Posture at a glance. Counts of users unless the name says otherwise."""

    users: int
    in_order: int
    """Without an open finding; users that could not be read are not among them."""
    with_findings: int
    excluded: int
    unread: int
    console: int
    """With a console password."""
    mfa: int
    """Of those, with MFA."""
    active_keys: int
    oldest_key_days: int | None
    open_findings: int
    waived_findings: int
    cases: int
    not_begun: int
    """Cases whose owner was not told yet: there is no day 0."""
    due_today: int
    """Cases."""
    due_this_week: int
    """Cases whose act is due within seven days, today included."""
    held: int
    """Cases with something due that a gate holds."""
    overdue: int
    """Cases."""
    unreachable: int
    waivers: int
    """In force."""
    posture_findings: int | None
    """None: the account itself was not looked at."""
    gaps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlLine:
    """One control: what it found, and which requirements it supports."""

    control: AnyControlId
    title: str
    severity: Severity
    escalated: bool
    judged: bool
    """False: its facts could not be read, of everybody or of one; never the same as no finding."""
    open: int
    waived: int
    excluded: int
    why: str
    risk: str
    cited: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A stage that is still to come, and its day as things stand."""

    stage: Stage
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAt:
    """A gate that holds something due today, and why."""

    gate: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFinding:
    """One finding of a case, with its clock."""

    control: AnyControlId
    resource_id: str
    title: str
    resource: str
    """In words."""
    severity: Severity
    stage: Stage
    detail: str
    first_seen_on: date
    opened_on: date | None
    """Day 0; None: nobody was told yet."""
    promised_on: date | None
    """E as the first notice told it."""
    enforcement_on: date | None
    """E as it stands; None: open."""
    enforced_on: date | None
    days_left: int | None
    days_to_90: int | None
    """Until the credential is 90 days old; negative: past."""
    told: tuple[NoticeRecord, ...]
    coming: tuple[Rung, ...]
    held: tuple[HeldAt, ...]
    consequence: str
    done: tuple[str, ...]
    remarks: tuple[str, ...]
    old_key: AccessKeyId | None = None
    new_key: AccessKeyId | None = None
    """What was made in place of the old one."""
    handed_over_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One user's case on its way up the ladder."""

    case_id: CaseId
    user_id: UserId
    user_name: UserName
    stage: Stage
    """The most advanced one of its findings."""
    first_seen_on: date
    opened_on: date | None
    enforcement_on: date | None
    """The earliest E still to come, or the latest that has passed."""
    next: Rung | None
    """What is due next, on which day; today's stage is not among it."""
    today: tuple[str, ...]
    """What today's run would do, in words."""
    held: tuple[HeldAt, ...]
    """Each gate once."""
    held_until: date | None
    """A person stopped the case until then."""
    extension_days: int
    addresses: tuple[str, ...]
    closing: bool
    """Every finding has cleared; one closing mail is owed."""
    unread: bool
    """The user could not be read today: the case stands still."""
    findings: tuple[CaseFinding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """One access key of one user."""

    key_id: AccessKeyId | None
    """None: its id was not needed and not asked for."""
    slot: int
    user_id: UserId | None
    user_name: UserName
    active: bool
    since: Moment
    """When its age began."""
    age_days: int | None
    last_used: Moment
    unused_days: int | None
    """Since it was last used; None: never, or not known."""
    service: str | None
    region: str | None
    flagged: tuple[AnyControlId, ...]
    """Open findings."""
    made_by_us: bool = False
    replaces: AccessKeyId | None = None
    replaced_by: AccessKeyId | None = None
    inactivated_at: datetime | None = None
    """When Keyreeve made it Inactive."""
    reinstated_until: datetime | None = None
    orphan: bool = False
    usage: KeyUsage | None = None
    """None: it was not looked at closer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFinding:
    """One control that one user does not meet."""

    control: AnyControlId
    resource_id: str
    severity: Severity
    status: FindingStatus
    observed: int | bool
    threshold: int | bool
    detail: str
    since: datetime | None
    waived_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """One IAM user."""

    user_id: UserId | None
    user_name: UserName
    arn: str
    created_at: datetime
    owner: str | None
    """Where the user's mail goes; None: nowhere."""
    owner_reason: str
    groups: tuple[str, ...]
    console: bool | None
    """Whether there is a console password; None: unknown."""
    mfa: bool | None
    password_days: int | None
    """Age of the console password."""
    signed_in: Moment
    active_keys: int
    oldest_key_days: int | None
    """Of the Active keys."""
    last_seen_days: int | None
    """Since the user signed in or used a key; None: never, or not known."""
    excluded: str | None
    """Why the user is never touched."""
    unread: tuple[str, ...]
    """What could not be read; such a user is not judged."""
    findings: tuple[UserFinding, ...]
    case_id: CaseId | None
    stage: Stage | None
    enforcement_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableLine:
    """Somebody who could not be told."""

    user_id: UserId
    user_name: UserName
    address: str | None
    reason: str
    since: date | None
    again_on: date | None
    """When the address is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverLine:
    """A finding that was accepted until a day."""

    waiver_id: str
    user: str
    control: AnyControlId | None
    """None: every control."""
    resource_id: str | None
    reason: str
    requested_by: str
    approved_by: str
    added_at: datetime
    expires_on: date
    days_left: int
    """Negative: expired."""
    revoked_at: datetime | None
    covers: int
    """Findings of today that it accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLine:
    """One day of the past: found by its last run, done by all of its runs."""

    on: date
    run_id: RunId | None
    """None: today, and no run was made yet."""
    exit_code: int | None
    findings: Mapping[str, int] = field(default_factory=dict)
    """By control; excluded and waived ones count as well."""
    users: int
    """With at least one."""
    told: int
    """Notices sent."""
    handed_over: int
    """New keys and passwords."""
    enforced: int
    held: int
    """By the last run."""
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceLine:
    """One record of the audit log that tells of an act or a decision."""

    seq: int
    at: datetime
    run_id: RunId
    event: str
    what: str
    """In words."""
    user_id: str | None
    user_name: str | None
    case_id: str | None
    operation_id: str | None
    previous: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the audit log tells of the days that were read."""

    lines: tuple[EvidenceLine, ...]
    """Oldest first; runs that did nothing are left out."""
    records: int
    """Records read, those left out included: each matches its digest."""
    since: date | None
    """The day of the first of them; where there is none, the first day that was read."""
    left_out: int
    """Older acts that are in the audit log, and not here."""
    problem: str | None
    """Where the chain breaks; None: each record follows the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLine:
    """One requirement of one framework, and the controls that support it."""

    id: str
    controls: tuple[AnyControlId, ...]
    ours: bool
    """No published mapping carries it: our own judgement."""
    open: int
    waived: int
    judged: bool
    """Every one of the controls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkLine:
    """One version of one framework. Its requirements are supported, never said to be met."""

    title: str
    requirements: tuple[RequirementLine, ...]
