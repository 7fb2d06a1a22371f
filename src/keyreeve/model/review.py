"""Access reviews: who was shown what of whom, what was decided, and what follows from it.

Campaign ─▶ one Task a reviewer ─▶ Answers, written once a version ─▶ Result ─▶ Removals

Everything here is kept below `reviews/` as it stands: the fields are the fields of the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from keyreeve.model.identifiers import AccountId, UserId, UserName
from keyreeve.model.notice import Letterhead

CampaignId = NewType("CampaignId", str)
"""`2026-01-05-quarterly`: the day of the start, then the name in lower case."""

ReviewerName = NewType("ReviewerName", str)
"""As the reviewers file calls somebody: lower case letters, digits, `.`, `_`, `-`."""


class Decision(StrEnum):
    """What a reviewer says about one user."""

    KEEP = "keep"
    REVOKE = "revoke"
    TIME_BOX = "time-box"
    """Keep until a day, and not after it."""


# --- who reviews whom -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """One person who is asked."""

    name: ReviewerName
    email: str
    user: UserName | None = None
    """The reviewer's own IAM user, if there is one: reviewed by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Whom somebody reviews; exactly one of users, tag, group and named_by is set."""

    reviewer: ReviewerName | None
    """None: for `named_by` only."""
    users: tuple[str, ...] = ()
    """Globs on the user name."""
    tag: str | None = None
    """`key=value`; the value may be a glob."""
    group: str | None = None
    named_by: str | None = None
    """A tag such as `manager`, whose value is the reviewer's name, address or IAM user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewers:
    """What the reviewers file says."""

    reviewers: tuple[Reviewer, ...]
    assignments: tuple[Assignment, ...] = ()
    """In order: the first that names somebody else than the user itself decides."""
    default: ReviewerName | None = None


# --- what was shown -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """An access key as its row shows it."""

    slot: int
    """1 or 2, as the credential report counts."""
    key_id: str | None
    active: bool
    created_on: date | None
    last_used: str
    """A date, `never` or `unknown`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownUser:
    """One row of a form: what a reviewer judges by."""

    user_id: UserId
    user_name: UserName
    created_on: date
    department: str
    email: str
    mfa: bool
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    """That the groups lead to."""
    standing: tuple[str, ...]
    """Policies that reach the user without any role session."""
    console: bool | None
    """Whether there is a console password; None: unknown."""
    signed_in: str
    """With the password: a date, `never` or `unknown`."""
    keys: tuple[ShownKey, ...]
    remarks: tuple[str, ...]
    """What a reviewer should look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One reviewer's part."""

    reviewer: Reviewer
    rows: tuple[ShownUser, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A review as it was started; it never changes."""

    campaign_id: CampaignId
    name: str
    project: str
    account_id: AccountId
    started_at: datetime
    started_by: str
    """The STS caller."""
    due: date
    """The last day on which an answer is in time."""
    tasks: tuple[Task, ...]

    def task_of(self, reviewer: str) -> Task | None:
        """The part of a reviewer; None: nobody is called so."""
        return next((task for task in self.tasks if task.reviewer.name == reviewer), None)


class Occasion(StrEnum):
    """Why a reviewer was mailed."""

    FORM = "form"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    """Late: the team reads it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A mail to a reviewer that was accepted."""

    campaign_id: CampaignId
    reviewer: ReviewerName
    occasion: Occasion
    at: datetime
    by: str
    to: str
    cc: tuple[str, ...]
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewNotice:
    """What the mail with the form says."""

    letterhead: Letterhead
    campaign: str
    occasion: Occasion
    on: date
    due: date
    users: int
    """How many are to be reviewed."""
    form: str
    sheet: str
    """Names of the attachments: the form for a browser, the sheet for a spreadsheet."""


# --- what was answered ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row as it came back, unchecked."""

    where: str
    """`line 3`, `rows[2]`."""
    user_id: str
    user_name: str
    decision: str
    until: str
    reason: str
    cells: Mapping[str, str] = field(default_factory=dict)
    """What it says was shown, its digest among it, by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file of answers as it came back, unchecked."""

    campaign_id: str
    reviewer: str
    rows: tuple[SheetRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision, bound to what was shown by its digest."""

    user_id: UserId
    user_name: UserName
    digest: str
    decision: Decision
    until: date | None
    """Of a time-box: the last day."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A reviewer's answers as handed in; a later version takes the place of an earlier one."""

    campaign_id: CampaignId
    reviewer: ReviewerName
    version: int
    handed_in_at: datetime
    handed_in_by: str
    """The STS caller who read the file in."""
    late: bool
    hander_reviewed: bool
    """Whether who handed it in is among the users that it judges: said, not forbidden."""
    source_sha256: str
    """Of the file."""
    verdicts: tuple[Verdict, ...]


# --- what came of it ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One user in the result."""

    user_id: UserId
    user_name: UserName
    reviewer: ReviewerName
    decision: Decision | None
    """None: nobody answered; the user stays as it is."""
    until: date | None = None
    reason: str = ""
    version: int | None = None
    """Of the answers that counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A review as it was closed; it never changes."""

    campaign_id: CampaignId
    name: str
    project: str
    account_id: AccountId
    started_at: datetime
    started_by: str
    due: date
    closed_at: datetime
    closed_by: str
    closed_on: date
    """The project's local date."""
    missing: tuple[ReviewerName, ...]
    """Reviewers who did not answer."""
    late: tuple[ReviewerName, ...]
    """Reviewers whose answers came after `due`."""
    incomplete_because: str | None
    """Why it was closed with answers missing; None: it is complete."""
    decided: tuple[Decided, ...]

    def count(self, decision: Decision | None) -> int:
        """How many users this was decided of; None: nobody answered."""
        return sum(each.decision is decision for each in self.decided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A user whose access ends by a review."""

    campaign_id: CampaignId
    user_id: UserId
    user_name: UserName
    on: date
    """The first day without access."""
    decision: Decision
    reviewer: ReviewerName
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """That a removal was carried out, or tried."""

    campaign_id: CampaignId
    user_id: UserId
    user_name: UserName
    at: datetime
    by: str
    complete: bool
    """False: a step failed, and the removal is still due."""
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What is left to be done of a closed review shows in these two."""

    result: Result
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFile:
    """Everything that is kept of one review."""

    campaign: Campaign
    told: tuple[Told, ...] = ()
    answers: tuple[Answers, ...] = ()
    """Every version, oldest first."""
    result: Result | None = None
    """None: it is open."""
    result_sha256: str | None = None
    """Of the result as it lies there: an older Keyreeve may have written it in another form."""
    removed: tuple[Removed, ...] = ()

    def latest(self, reviewer: str) -> Answers | None:
        """The version that counts; None: not answered."""
        mine = [each for each in self.answers if each.reviewer == reviewer]
        return max(mine, key=lambda each: each.version, default=None)
