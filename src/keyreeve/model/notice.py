"""What a mail says, before anyone renders it, and what goes to the mail system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.case import Stage
from keyreeve.model.control import Severity
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.identifiers import AccessKeyId, AccountId, ControlId, UserName
from keyreeve.model.months import MonthFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """What every mail of a project carries."""

    project_name: str
    account_id: AccountId
    account_name: str | None
    """Set only where a project has several accounts."""
    timezone: str
    """IANA name; every date in the mail is a date there."""
    contact: str
    help_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """One finding as its owner reads it."""

    control: ControlId
    title: str
    severity: Severity
    stage: Stage
    resource: str
    """What it is about, in words: `Access key AKIA… (slot 1)`, `Console password`."""
    key_id: AccessKeyId | None
    detail: str
    """What was observed against what is allowed, one sentence."""
    why: str
    risk: str
    remediation: tuple[str, ...]
    """Steps, already filled in."""
    opened_on: date | None
    """Day 0; in the first notice, today."""
    promised_on: date | None
    """E as the first notice told it; None: none was told yet."""
    enforcement_on: date | None
    """E; None: open."""
    days_left: int | None
    consequence: str
    """What happens on E: one sentence."""
    done: tuple[str, ...] = ()
    """What Keyreeve has done about it, newest last, one sentence each."""
    usage: tuple[str, ...] = ()
    """How the old key and the new one are used, one sentence each: from day 7 on."""
    remarks: tuple[str, ...] = ()
    """What the owner must know besides: a blocked slot, no replacement and why, a held act."""
    timeline: tuple[tuple[Stage, date], ...] = ()
    """The promised dates of the coming stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The one consolidated notice of a case on a day (S1.9)."""

    letterhead: Letterhead
    user_name: UserName
    stage: Stage
    """The most advanced stage among the findings: leads body and preview."""
    on: date
    enforcement_on: date | None
    """The earliest E."""
    days_left: int | None
    moved_from: date | None
    """The E told before, where that of a finding has moved."""
    moved_to: date | None
    """The E of that finding now; None: open."""
    findings: tuple[FindingLine, ...]
    """Most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingNotice:
    """Everything has cleared: the last mail of a thread."""

    letterhead: Letterhead
    user_name: UserName
    on: date
    cleared: tuple[str, ...]
    """One sentence per finding that cleared, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPlace:
    """Where an owner fetches a secret in AWS Secrets Manager."""

    name: str
    arn: str
    region: str
    console_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsNotice:
    """The private mail's words; the secret itself is in the attachment, or where it says."""

    letterhead: Letterhead
    user_name: UserName
    kind: CredentialKind
    on: date
    old_key: AccessKeyId | None
    new_key: AccessKeyId | None
    enforcement_on: date | None
    """When the old key becomes Inactive; None for passwords or when open."""
    attachment_name: str
    """The CSV's name: attached, or to be given to what is fetched."""
    attached: bool = True
    place: SecretPlace | None = None
    """Set where the secret lies in Secrets Manager."""
    kept_until: date | None = None
    """The first day on which it may be gone from there."""
    first: bool = False
    """The user is new: how to sign in for the first time and enrol MFA (S2.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamNotice:
    """Something the MSP team must know or do."""

    letterhead: Letterhead
    on: date
    headline: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One line of the summary's tables."""

    user_name: UserName
    what: str
    """The finding or the matter, in words."""
    stage: Stage | None = None
    on: date | None = None
    """E, expiry, or since when."""
    reason: str = ""
    days_to_90: int | None = None
    """Days until the credential is 90 days old; negative: past."""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The weekly summary (S1.27): what the MSP team reads on its day."""

    letterhead: Letterhead
    on: date
    users: int
    """IAM users in the account."""
    flagged_users: int
    by_control: tuple[tuple[ControlId, str, int], ...]
    """Control, title, open findings."""
    by_stage: tuple[tuple[Stage, int], ...]
    """Findings."""
    cases_by_stage: tuple[tuple[Stage, int], ...] = ()
    """Open cases, each at the most advanced stage of its findings."""
    due: tuple[SummaryRow, ...] = ()
    """Acts due within seven days."""
    change_over: tuple[SummaryRow, ...] = ()
    """Old keys on their last days: whether they and the new ones are used."""
    open_findings: tuple[SummaryRow, ...] = ()
    held: tuple[SummaryRow, ...] = ()
    overdue: tuple[SummaryRow, ...] = ()
    unreachable: tuple[SummaryRow, ...] = ()
    slots: str = ""
    """How many users cannot get a new key for want of a slot, in a sentence; empty: none."""
    slot_blocked: tuple[SummaryRow, ...] = ()
    inline_policies: tuple[SummaryRow, ...] = ()
    waivers: tuple[SummaryRow, ...] = ()
    """About to expire, or expired."""
    gaps: tuple[str, ...] = ()
    done_this_week: tuple[tuple[str, int], ...] = ()
    """Acts of the past seven days by kind, in words."""
    access: tuple[tuple[str, int], ...] = ()
    """How many users stand as the access model wants, in words; empty without one."""
    admin_sessions: tuple[SummaryRow, ...] = ()
    """Sessions of administrator roles in the past seven days, and what they were used for."""
    iam_changes: tuple[SummaryRow, ...] = ()
    """What changed in IAM in the past seven days, by whom (S2.29)."""
    to_move: tuple[SummaryRow, ...] = ()
    to_place: tuple[SummaryRow, ...] = ()
    """Users whom only a person can place, and groups that do not exist."""
    tag_gaps: tuple[SummaryRow, ...] = ()
    removals: tuple[SummaryRow, ...] = ()
    """Access that ends by an access review, now or within seven days."""
    months: tuple[MonthFigures, ...] = ()
    """The month before last and the last one; empty without figures."""
    observing: bool = False
    """Nobody is told and nothing is done until the project is armed."""
    unjudged: int = 0
    """IAM users of whom something could not be read: not among the flagged ones, nor in order."""


# --- on the way to the mail system --------------------------------------------------------------


class MailKind(StrEnum):
    """Who may receive it depends on what it is (S1.22)."""

    NOTICE = "notice"
    CLOSING = "closing"
    CREDENTIALS = "credentials"
    TEAM = "team"
    SUMMARY = "summary"
    REVIEW = "review"
    """An access review's form, to one reviewer; the team in CC once it is late."""
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMail:
    """Body and preview, in both forms that every mail carries."""

    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The private CSV. `repr` never shows the content."""

    name: str
    content: bytes
    media_type: str = "text/csv"

    def __repr__(self) -> str:
        """Name and size only: the content is the secret."""
        return f"Attachment({self.name!r}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMail:
    """One mail, ready to be put into MIME."""

    kind: MailKind
    sender: str
    """`Name <address>`."""
    to: tuple[str, ...]
    cc: tuple[str, ...]
    reply_to: str | None
    subject: str
    body: RenderedMail
    sent_at: datetime
    """The `Date` header: the run's `now`."""
    references: tuple[str, ...] = ()
    """Ids without angle brackets, the synthetic root first."""
    in_reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()

    @property
    def recipients(self) -> tuple[str, ...]:
        """The envelope: everybody, once. SES's quota counts these."""
        return tuple(dict.fromkeys((*self.to, *self.cc)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The mail system took the mail. "Accepted" is not "delivered"."""

    message_id: str
    """As it stands on the wire, without angle brackets."""
    kept: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the copy that is kept, by its key; empty as the mail system answers."""
