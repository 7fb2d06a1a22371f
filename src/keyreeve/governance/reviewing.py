"""From answers to a result, and from results to removals; pure.

The newest closed review that decided about a user counts: a later `keep` takes back an earlier
time-box, and nobody is removed twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

from keyreeve.model.identifiers import UserId
from keyreeve.model.policy import BlastLimits
from keyreeve.model.review import (
    Answers,
    Campaign,
    CampaignId,
    Closed,
    Decided,
    Decision,
    Occasion,
    Removal,
    Result,
    ReviewerName,
    ReviewFile,
    Sheet,
    SheetRow,
    ShownUser,
    Task,
    Verdict,
)

PATIENCE = timedelta(days=14)
"""How long reviewers have, where nobody says otherwise."""
LONGEST_REASON = 1000
"""Characters."""
_DAY = timedelta(days=1)


def campaign_id(on: date, name: str) -> CampaignId | None:
    """The day and the name, fit for a path; None where nothing of the name is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].rstrip("-")
    return CampaignId(f"{on.isoformat()}-{slug}") if slug else None


def occasion_of(file: ReviewFile, task: Task, today: date) -> Occasion | None:
    """Why this reviewer would be mailed today; None: the answers are there."""
    name = task.reviewer.name
    if file.latest(name) is not None:
        return None
    if today > file.campaign.due:
        return Occasion.ESCALATION
    told = any(each.reviewer == name for each in file.told)
    return Occasion.REMINDER if told else Occasion.FORM


def check_sheet(
    task: Task, sheet: Sheet, shown: Mapping[UserId, Mapping[str, str]], today: date
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """The verdicts, and every mistake; the verdicts are good only without mistakes.

    `shown`: what each row was made of, by column, its digest among it.
    """
    rows = {row.user_id: row for row in task.rows}
    verdicts: dict[UserId, Verdict] = {}
    mistakes: list[str] = []
    for answer in sheet.rows:
        user_id = UserId(answer.user_id)
        row = rows.get(user_id)
        if row is None:
            mistakes.append(f"{answer.where}: {_who(answer)} is not among those to be reviewed")
            continue
        if user_id in verdicts:
            mistakes.append(f"{answer.where}: {row.user_name} stands here twice")
        mistakes += [f"{answer.where}: {row.user_name}: {w}" for w in _altered(answer, shown)]
        verdict, wrong = _verdict(row, answer, shown[user_id]["digest"], today)
        mistakes += [f"{answer.where}: {row.user_name}: {what}" for what in wrong]
        verdicts[user_id] = verdict
    left = [row.user_name for row in task.rows if row.user_id not in verdicts]
    if left:
        mistakes.append(f"not complete: nothing is said of {', '.join(left)}")
    return tuple(verdicts[row.user_id] for row in task.rows if row.user_id in verdicts), tuple(
        mistakes
    )


def _who(answer: SheetRow) -> str:
    return answer.user_name or answer.user_id or "a row without user_id"


def _altered(answer: SheetRow, shown: Mapping[UserId, Mapping[str, str]]) -> Iterator[str]:
    wanted = shown[UserId(answer.user_id)]
    for column, cell in answer.cells.items():
        if wanted.get(column) != cell:
            yield f"{column} is not what was shown"
    if "digest" not in answer.cells:
        yield "the digest of what was shown is missing"


def _verdict(
    row: ShownUser, answer: SheetRow, digest: str, today: date
) -> tuple[Verdict, list[str]]:
    wrong = []
    decision, until = Decision.KEEP, None
    try:
        decision = Decision(answer.decision)
    except ValueError:
        said = f"{answer.decision!r} is no decision" if answer.decision else "no decision"
        wrong.append(f"{said}: keep, revoke or time-box")
    else:
        until, wrong = _until(decision, answer.until, today)
        if decision is not Decision.KEEP and not answer.reason.strip():
            wrong.append(f"{decision} needs a reason")
    if len(answer.reason) > LONGEST_REASON:
        wrong.append(f"the reason is longer than {LONGEST_REASON} characters")
    verdict = Verdict(
        user_id=row.user_id,
        user_name=row.user_name,
        digest=digest,
        decision=decision,
        until=until,
        reason=answer.reason.strip(),
    )
    return verdict, wrong


def _until(decision: Decision, text: str, today: date) -> tuple[date | None, list[str]]:
    """The last day of a time-box, and what is wrong with it."""
    if decision is not Decision.TIME_BOX:
        return None, ["until belongs to time-box only"] if text else []
    try:
        until = date.fromisoformat(text)
    except ValueError:
        return None, [f"time-box needs a last day like {today.year + 1}-01-31, not {text!r}"]
    if until < today:
        return until, [f"{until} is over already: revoke says that"]
    if until == date.max:
        return until, [f"no day comes after {until}: keep says that"]
    return until, []


# --- closing --------------------------------------------------------------------------------------


def result_of(
    file: ReviewFile, *, at: datetime, by: str, today: date, reason: str | None
) -> Result:
    """What the answers so far amount to. The caller has seen to it that it may be closed."""
    campaign = file.campaign
    answers = {t.reviewer.name: file.latest(t.reviewer.name) for t in campaign.tasks}
    missing = tuple(name for name, each in answers.items() if each is None)
    return Result(
        campaign_id=campaign.campaign_id,
        name=campaign.name,
        project=campaign.project,
        account_id=campaign.account_id,
        started_at=campaign.started_at,
        started_by=campaign.started_by,
        due=campaign.due,
        closed_at=at,
        closed_by=by,
        closed_on=today,
        missing=missing,
        late=tuple(name for name, each in answers.items() if each is not None and each.late),
        incomplete_because=reason if missing else None,
        decided=tuple(_decided(campaign, answers)),
    )


def _decided(
    campaign: Campaign, answers: Mapping[ReviewerName, Answers | None]
) -> Iterator[Decided]:
    for task in campaign.tasks:
        name = task.reviewer.name
        given = answers[name]
        verdicts = {verdict.user_id: verdict for verdict in given.verdicts} if given else {}
        for row in task.rows:
            verdict = verdicts.get(row.user_id)
            yield Decided(
                user_id=row.user_id,
                user_name=row.user_name,
                reviewer=name,
                decision=verdict.decision if verdict else None,
                until=verdict.until if verdict else None,
                reason=verdict.reason if verdict else "",
                version=given.version if given else None,
            )


# --- what follows ---------------------------------------------------------------------------------


def removals(closed: Iterable[Closed]) -> tuple[Removal, ...]:
    """Removals that are not carried out yet, by day and name, whether due or not."""
    newest: dict[UserId, Removal | None] = {}
    for review in sorted(closed, key=lambda c: (c.result.closed_at, c.result.campaign_id)):
        done = {each.user_id for each in review.removed if each.complete}
        for each in review.result.decided:
            if each.decision is not None:
                left = None if each.user_id in done else _removal(review.result, each)
                newest[each.user_id] = left
    found = (removal for removal in newest.values() if removal is not None)
    return tuple(sorted(found, key=lambda removal: (removal.on, removal.user_name)))


def _removal(result: Result, decided: Decided) -> Removal | None:
    if decided.decision is None or decided.decision is Decision.KEEP:
        return None
    return Removal(
        campaign_id=result.campaign_id,
        user_id=decided.user_id,
        user_name=decided.user_name,
        on=_after(decided.until) if decided.until else result.closed_on,
        decision=decided.decision,
        reviewer=decided.reviewer,
        reason=decided.reason,
    )


def _after(last: date) -> date:
    """The day after a time-box; results of earlier versions may name the last day of all."""
    return last if last == date.max else last + _DAY


def too_many(going: int, users: int, limits: BlastLimits) -> str | None:
    """Why so many must not be removed at once; None: they may.

    A column filled down by mistake would shut out a whole department.
    """
    most = max(limits.disruptive_floor, ceil(Fraction(str(limits.disruptive_share)) * users))
    if going <= most:
        return None
    return f"{going} users of {users} would be shut out at once, and the limit is {most}"


def due(found: Iterable[Removal], today: date) -> tuple[Removal, ...]:
    """Those whose day has come."""
    return tuple(removal for removal in found if removal.on <= today)
