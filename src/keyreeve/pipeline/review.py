"""An access review from its start to its end; every step is kept below `reviews/` and audited.

    start    read the account, assign, keep what is shown
    remind   mail whoever has not answered (`pipeline/review_mails.py`)
    answer   check what came back against what was shown, keep it
    close    the result, once; with answers missing only for a reason

What follows from a result is `pipeline/review_removals.py`.  A step is durable before the audit
log tells of it (`pipeline/review_recovery.py`), and asking again goes on with what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from keyreeve.codec.review import encode
from keyreeve.codec.review_sheet import read_sheet, shown_cells, write_sheet
from keyreeve.codec.seal import content_digest
from keyreeve.escalation.calendar import Calendar
from keyreeve.governance.assigning import assign
from keyreeve.governance.reviewing import campaign_id, check_sheet, result_of
from keyreeve.model.errors import (
    AccountUnreadable,
    ConfigError,
    StorageConflict,
)
from keyreeve.model.evidence import KEPT
from keyreeve.model.review import (
    Answers,
    Campaign,
    CampaignId,
    Result,
    Reviewers,
    ReviewFile,
    Task,
)
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.access_document import Archives, read_access
from keyreeve.pipeline.collect import collect
from keyreeve.pipeline.removals import all_files
from keyreeve.pipeline.roster import Registrar, Roster
from keyreeve.ports import Progress
from keyreeve.ports.reviews import ReviewForms, ReviewRecords
from keyreeve.reporting.review_rows import shown_users


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """What the verbs of `review` work with."""

    roster: Roster
    archives: Archives
    records: ReviewRecords
    forms: ReviewForms

    def today(self, now: datetime) -> date:
        """The project's local date."""
        return Calendar(self.roster.account.policy).today(now)

    def chosen(self, wanted: str | None) -> ReviewFile:
        """The review of this id, or the only one that is open. ConfigError if there is none."""
        files = all_files(self.records)
        if wanted is not None:
            found = [file for file in files if file.campaign.campaign_id == wanted]
        else:
            found = [file for file in files if file.result is None]
        if len(found) == 1:
            return found[0]
        known = ", ".join(file.campaign.campaign_id for file in (found or files))
        what = "several reviews are open" if found else "there is no such review"
        if wanted is None and not found:
            what = "no review is open"
        raise ConfigError(what, where="--campaign", remedy=f"There are: {known or 'none'}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A review as somebody wants it."""

    name: str
    due: date
    by: str
    """The STS caller."""


# --- start ----------------------------------------------------------------------------------------


def prepare(
    reviewing: Reviewing, plan: Reviewers, draft: Draft, now: datetime, progress: Progress
) -> Campaign:
    """Who would be shown what; nothing is kept. ConfigError naming whoever has no reviewer."""
    today = reviewing.today(now)
    name = campaign_id(today, draft.name)
    if name is None:
        raise ConfigError("no letter or digit is in it", where="--name")
    if draft.due < today:
        raise ConfigError(f"{draft.due} is over already", where="--due")
    account, model = reviewing.roster.account, reviewing.roster.model
    snapshot = _snapshot(reviewing, now, progress)
    assigned = assign(plan, snapshot.users, model.tags.email)
    if assigned.unassigned:
        raise ConfigError(
            "\n".join(f"{user}: {why}" for user, why in assigned.unassigned),
            remedy="Nothing was started: everybody needs a reviewer, and nobody reviews himself.",
        )
    report = read_access(reviewing.archives, model, account.account_id, now)
    rows = {row.user_name: row for row in shown_users(report, snapshot.users, model.tags)}
    lost = sorted({user.name for user in snapshot.users} ^ rows.keys())
    if lost:
        raise AccountUnreadable(
            f"the account changed while it was read: {', '.join(lost)}", remedy="Try again."
        )
    return Campaign(
        campaign_id=name,
        name=draft.name,
        project=account.project,
        account_id=account.account_id,
        started_at=now,
        started_by=draft.by,
        due=draft.due,
        tasks=tuple(
            Task(reviewer=reviewer, rows=tuple(rows[user] for user in users))
            for reviewer, users in assigned.of
        ),
    )


def _snapshot(reviewing: Reviewing, now: datetime, progress: Progress) -> AccountSnapshot:
    """AccountUnreadable if the credentials are not known: nobody could judge by them."""
    account = reviewing.roster.account
    state = account.tools.states.load()
    known = state.keys if state else {}
    snapshot, _ = collect(account.tools.reader, account.policy, known, now, progress)
    if not snapshot.account_readable:
        gaps = "; ".join(f"{gap.step}: {gap.reason}" for gap in snapshot.gaps)
        raise AccountUnreadable(gaps, remedy="A review needs the facts: try again later.")
    return snapshot


def start(reviewing: Reviewing, campaign: Campaign, now: datetime) -> None:
    """Keep what is shown to whom, and the forms; the lock must be held. ConfigError if it exists.

    Mails are `remind`'s, so that a stop in between is mended by asking that.
    """
    account = reviewing.roster.account
    account.tools.lease.check()
    try:
        reviewing.records.begin(campaign)
    except StorageConflict:
        raise ConfigError(
            f"there is a review {campaign.campaign_id} already",
            where="--name",
            remedy="`keyreeve review remind --send` mails its forms; another --name makes another.",
        ) from None
    with Registrar(account, now, campaign.started_by, about="review") as registrar:
        registrar.note("started", started_record(reviewing, campaign))


def started_record(reviewing: Reviewing, campaign: Campaign) -> dict[str, object]:
    """Keeps each form as it goes out; what the audit log says of the start."""
    forms = {}
    for task in campaign.tasks:
        for name, content in form_files(reviewing, campaign, task).items():
            reviewing.records.keep_form(campaign.campaign_id, task.reviewer.name, name, content)
            forms[name] = content_digest(content)
    return {
        "campaign_id": campaign.campaign_id,
        "due": campaign.due.isoformat(),
        "reviewers": {task.reviewer.name: len(task.rows) for task in campaign.tasks},
        "forms": forms,
    }


def form_files(reviewing: Reviewing, campaign: Campaign, task: Task) -> dict[str, bytes]:
    """The form and the sheet of one reviewer, by file name."""
    stem = f"review-{campaign.campaign_id}-{task.reviewer.name}"
    return {
        f"{stem}.html": reviewing.forms.page(campaign, task).encode("utf-8"),
        # Spreadsheet programs take a CSV for UTF-8 only if it says so.
        f"{stem}.csv": write_sheet(campaign, task).encode("utf-8-sig"),
    }


# --- answer ---------------------------------------------------------------------------------------


def answer(
    reviewing: Reviewing, content: bytes, where: str, now: datetime, by: str
) -> tuple[Answers, bool]:
    """Check and keep a file of answers; the lock must be held. Whether it is new.

    ConfigError with every mistake at once; nothing is kept then.
    """
    sheet = read_sheet(content, where)
    known = sheet.campaign_id in reviewing.records.campaigns()
    file = reviewing.records.file(CampaignId(sheet.campaign_id)) if known else None
    if file is None:
        raise ConfigError(
            f"there is no review {sheet.campaign_id!r}",
            where=where,
            remedy="`keyreeve review status --all` names them.",
        )
    still_open(file)
    task = file.campaign.task_of(sheet.reviewer)
    if task is None:
        raise ConfigError(f"{sheet.reviewer!r} is no reviewer of {sheet.campaign_id}", where=where)
    today = reviewing.today(now)
    verdicts, mistakes = check_sheet(task, sheet, shown_cells(file.campaign, task), today)
    if mistakes:
        raise ConfigError(
            "\n".join(f"{where}: {mistake}" for mistake in mistakes),
            remedy=f"Nothing was kept: {task.reviewer.name} mends it and sends it again.",
        )
    before = file.latest(task.reviewer.name)
    if before is not None and before.source_sha256 == content_digest(content):
        return before, False
    made = Answers(
        campaign_id=file.campaign.campaign_id,
        reviewer=task.reviewer.name,
        version=before.version + 1 if before else 1,
        handed_in_at=now,
        handed_in_by=by,
        late=today > file.campaign.due,
        hander_reviewed=any(row.user_name in reviewing.roster.own for row in task.rows),
        source_sha256=content_digest(content),
        verdicts=verdicts,
    )
    _keep(reviewing, made, now, by)
    return made, True


def _keep(reviewing: Reviewing, made: Answers, now: datetime, by: str) -> None:
    account = reviewing.roster.account
    account.tools.lease.check()
    reviewing.records.answered(made)
    with Registrar(account, now, by, about="review") as registrar:
        registrar.note("answered", answered_record(made))


def answered_record(made: Answers) -> dict[str, object]:
    """What the audit log says of it."""
    return {
        "campaign_id": made.campaign_id,
        "reviewer": made.reviewer,
        "version": made.version,
        "late": made.late,
        "hander_reviewed": made.hander_reviewed,
        "source_sha256": made.source_sha256,
        "revoked": [v.user_name for v in made.verdicts if v.decision == "revoke"],
        "time_boxed": [v.user_name for v in made.verdicts if v.decision == "time-box"],
    }


# --- close ----------------------------------------------------------------------------------------


def may_close(file: ReviewFile, reason: str | None) -> None:
    """ConfigError, naming who has not answered, where no `reason` says why they may be missing."""
    names = [task.reviewer.name for task in file.campaign.tasks]
    missing = [name for name in names if file.latest(name) is None]
    if missing and reason is None and file.result is None:
        raise ConfigError(
            f"not answered: {', '.join(missing)}",
            where=file.campaign.campaign_id,
            remedy=(
                "`keyreeve review remind --send` asks them again; "
                '--incomplete --reason "…" closes without them, and says so.'
            ),
        )


def close(
    reviewing: Reviewing, file: ReviewFile, now: datetime, by: str, reason: str | None
) -> Result:
    """Write the result, once; the lock must be held. `reason`: why answers may be missing.

    A review that is closed already keeps its result. ConfigError naming who has not answered.
    """
    if file.result is not None:
        return file.result
    may_close(file, reason)
    today = reviewing.today(now)
    result = result_of(file, at=now, by=by, today=today, reason=reason)
    account = reviewing.roster.account
    account.tools.lease.check()
    reviewing.records.close(result)
    with Registrar(account, now, by, about="review") as registrar:
        registrar.note("closed", closed_record(file, result, content_digest(encode(result))))
    return result


def closed_record(file: ReviewFile, result: Result, digest: str | None) -> dict[str, object]:
    """What the audit log says of it; `digest` is that of result.json as it lies there."""
    return {
        "campaign_id": result.campaign_id,
        "missing": list(result.missing),
        "late": list(result.late),
        "incomplete_because": result.incomplete_because,
        "answers": {each.reviewer: each.version for each in _counted(file)},
        KEPT: {f"reviews/{result.campaign_id}/result.json": digest} if digest else {},
    }


def _counted(file: ReviewFile) -> list[Answers]:
    found = (file.latest(task.reviewer.name) for task in file.campaign.tasks)
    return [each for each in found if each is not None]


def still_open(file: ReviewFile) -> None:
    """ConfigError, saying when and by whom, if the review is closed."""
    if file.result is not None:
        raise ConfigError(
            f"it was closed on {file.result.closed_on} by {file.result.closed_by}",
            where=file.campaign.campaign_id,
            remedy="Nothing was changed: a closed review stays as it is.",
        )
