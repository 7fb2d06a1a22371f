"""Bulletins in words: a title and a few lines, short enough for every chat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from keyreeve.model.bulletin import Bulletin, RunDigest
from keyreeve.model.notice import Letterhead, Summary, TeamNotice
from keyreeve.model.plan import Outcome, OutcomeKind, Plan

MOST_NAMED = 5
"""Failures that a digest names; the run's report has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """What is posted; still in words that others chose."""

    title: str
    lines: tuple[str, ...]


def posting(bulletin: Bulletin) -> Posting:
    """Title and lines."""
    match bulletin:
        case TeamNotice():
            return Posting(
                title=_title(bulletin.letterhead, bulletin.headline), lines=bulletin.paragraphs
            )
        case Summary():
            title = f"weekly summary of {bulletin.on.isoformat()}"
            return Posting(
                title=_title(bulletin.letterhead, title), lines=tuple(_figures(bulletin))
            )
        case RunDigest():
            title = f"run of {bulletin.on.isoformat()}"
            return Posting(title=_title(bulletin.letterhead, title), lines=tuple(_run(bulletin)))
        case _:
            assert_never(bulletin)


def run_digest(plan: Plan, outcomes: Iterable[Outcome], letterhead: Letterhead) -> RunDigest:
    """What a run that acted came to, before its channels were told."""
    done: Counter[str] = Counter()
    failed: list[str] = []
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.DONE:
            done[outcome.effect_kind] += 1
        elif outcome.kind is OutcomeKind.FAILED:
            about = outcome.user_name or outcome.resource_id
            failed.append(f"{_plain(outcome.effect_kind)}, {about}: {outcome.reason}")
    return RunDigest(
        letterhead=letterhead,
        on=plan.on,
        run_id=plan.run_id,
        done=tuple(done.items()),
        failed=tuple(failed),
        held=len(plan.held),
        gaps=len(plan.gaps),
        refusal=plan.refusal.reason if plan.refusal else None,
    )


def _title(letterhead: Letterhead, what: str) -> str:
    return f"{letterhead.project_name}: {what}"


def _figures(summary: Summary) -> Iterator[str]:
    """Numbers only: who is meant stands in the mail."""
    yield f"{summary.flagged_users} of {summary.users} users have open findings."
    if summary.unjudged:
        yield f"{summary.unjudged} could not be judged."
    for _, title, number in summary.by_control:
        if number:
            yield f"{number} × {title}"
    counted = {
        "acts due within seven days": summary.due,
        "held": summary.held,
        "overdue": summary.overdue,
        "owners who cannot be reached": summary.unreachable,
        "waivers about to expire": summary.waivers,
        "could not be read": summary.gaps,
    }
    for words, rows in counted.items():
        if rows:
            yield f"{words}: {len(rows)}"
    for words, number in summary.done_this_week:
        yield f"{words} this week: {number}"
    yield "The whole summary is in the mail."


def _run(digest: RunDigest) -> Iterator[str]:
    yield f"Account {digest.letterhead.account_id}, run {digest.run_id}."
    if digest.refusal is not None:
        yield f"Refused, the facts look wrong: {digest.refusal}. Nothing opened and nothing acted."
    # The number first: behind "password:" it would look like one, and be taken out.
    done = ", ".join(f"{number} × {_plain(kind)}" for kind, number in digest.done)
    yield f"Done: {done}." if done else "Nothing was due."
    if digest.held:
        yield f"Held at a gate: {digest.held}."
    if digest.gaps:
        yield f"Could not be read: {digest.gaps}."
    for said in digest.failed[:MOST_NAMED]:
        yield f"Failed: {said}"
    more = len(digest.failed) - MOST_NAMED
    if more > 0:
        yield f"… and {more} more failed."


def _plain(kind: str) -> str:
    return kind.replace("_", " ")
