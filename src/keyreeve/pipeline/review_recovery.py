"""Steps of reviews that a stop kept from the audit log: told by whoever works on reviews next.

A step is durable below `reviews/` before the log tells of it.  A record that is written later says
`recovered`, when the step was taken and by whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keyreeve.model.errors import StateUnreadable
from keyreeve.model.review import ReviewFile
from keyreeve.pipeline.removals import all_files
from keyreeve.pipeline.review import Reviewing, answered_record, closed_record, started_record
from keyreeve.pipeline.review_mails import mailed_record
from keyreeve.pipeline.review_removals import removed_record
from keyreeve.pipeline.roster import Registrar

LOOKED_BACK: Final = timedelta(days=40)
"""How old a step may be: the log is read no further back."""

_TELLING: Final = ("campaign_id", "reviewer", "version", "message_id", "user_id", "complete")
"""What tells steps of one kind apart."""

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One step as it is kept."""

    event: str
    at: datetime
    by: str
    told: Record
    """As much of its record as tells it from others."""
    record: Callable[[], Record]


def catch_up(reviewing: Reviewing, now: datetime) -> int:
    """How many records had been missing and are written now; the lock must be held.

    None where the log cannot be read: `state verify` says what is wrong with it.
    """
    account = reviewing.roster.account
    files = all_files(reviewing.records)
    steps = [step for file in files for step in _steps(reviewing, file)]
    recent = [step for step in steps if abs(now - step.at) <= LOOKED_BACK]
    if account.history is None or not recent:
        return 0
    first, today = min(step.at for step in recent).date(), reviewing.today(now)
    try:
        entries = account.history.entries(first, today, today)
        told = {_mark(entry.event, entry.data) for entry in entries}
    except StateUnreadable:
        return 0
    missing = [step for step in recent if _mark(step.event, step.told) not in told]
    for step in missing:
        with Registrar(account, now, step.by, about="review") as registrar:
            event = step.event.removeprefix("review.")
            taken = {"recovered": True, "taken_at": step.at.isoformat()}
            registrar.note(event, {**step.record(), **taken})
    return len(missing)


def _mark(event: str, data: Record) -> tuple[object, ...]:
    return (event, *(data.get(name) for name in _TELLING))


def _steps(reviewing: Reviewing, file: ReviewFile) -> Iterator[_Step]:
    campaign, result = file.campaign, file.result
    yield _Step(
        event="review.started",
        at=campaign.started_at,
        by=campaign.started_by,
        told={"campaign_id": campaign.campaign_id},
        record=lambda: started_record(reviewing, campaign),
    )
    for told in file.told:
        yield _known("review.mailed", told.at, told.by, mailed_record(told))
    for each in file.answers:
        yield _known("review.answered", each.handed_in_at, each.handed_in_by, answered_record(each))
    if result is not None:
        record = closed_record(file, result, file.result_sha256)
        yield _known("review.closed", result.closed_at, result.closed_by, record)
    decided = {each.user_id: each for each in result.decided} if result else {}
    for made in file.removed:
        record = removed_record(decided[made.user_id], made)
        yield _known("review.removed", made.at, made.by, record)


def _known(event: str, at: datetime, by: str, record: Record) -> _Step:
    return _Step(event=event, at=at, by=by, told=record, record=lambda: record)
