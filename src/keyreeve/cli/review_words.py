"""What the verbs of `review` say: tables for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from keyreeve.cli import opening, screen, words
from keyreeve.codec.values import Json, to_json
from keyreeve.model.review import Answers, Campaign, Decision, Removal, Result, ReviewFile

if TYPE_CHECKING:
    from keyreeve.cli.office import Office
    from keyreeve.pipeline.review_mails import Mailed
    from keyreeve.pipeline.review_removals import Carried

LEFT = 1
"""Exit code where something is left for a person."""


def planned(desk: Office, campaign: Campaign) -> int:
    """Who would review whom."""
    if _json(desk, "keyreeve.review.plan/1", {"started": False, **_campaign(campaign)}):
        return 0
    _tasks(campaign)
    screen.line("Nothing was started. --send mails the forms, --out DIR writes them.")
    return 0


def started(
    desk: Office, campaign: Campaign, written: Sequence[Path], mailed: Sequence[Mailed]
) -> int:
    """A review that was started. The exit code."""
    code = LEFT if any(each.failure for each in mailed) else 0
    document: dict[str, Json] = {
        "started": True,
        **_campaign(campaign),
        "written": [str(path) for path in written],
        "mails": [_mail(each) for each in mailed],
    }
    if _json(desk, "keyreeve.review.plan/1", document):
        return code
    screen.line(
        f"Review {screen.safe(campaign.campaign_id)} is started; due {words.day(campaign.due)}."
    )
    _tasks(campaign)
    for path in written:
        screen.note(f"wrote {path}")
    _mails(mailed)
    return code


def standing(
    desk: Office, files: Sequence[ReviewFile], removals: Sequence[Removal], today: date
) -> int:
    """How reviews stand, and what they have decided for later days."""
    document: dict[str, Json] = {
        "reviews": [_standing(file, today) for file in files],
        "removals": [_removal(each, today) for each in removals],
    }
    if _json(desk, "keyreeve.review.status/1", document):
        return 0
    if not files:
        screen.line("No review is open.")
    for file in files:
        _show_standing(file, today)
    _removals("Access that ends by a review", removals, today)
    return 0


def reminded(desk: Office, campaign: Campaign, done: Sequence[Mailed], *, send: bool) -> int:
    """Who was, or would be, mailed. The exit code."""
    code = LEFT if any(each.failure for each in done) else 0
    document: dict[str, Json] = {
        "campaign_id": campaign.campaign_id,
        "mails": [_mail(each) for each in done],
        "sent": send,
    }
    if _json(desk, "keyreeve.review.remind/1", document):
        return code
    if not done:
        screen.line("Everybody has answered: `keyreeve review close` writes the result.")
        return code
    _mails(done)
    if not send:
        screen.line("Nothing was sent. --send mails them.")
    return code


def answered(desk: Office, made: Answers, *, new: bool) -> int:
    """Answers that were handed in."""
    if _json(desk, "keyreeve.review.answer/1", {"new": new, "answers": to_json(made)}):
        return 0
    who, which = screen.safe(made.reviewer), screen.safe(made.campaign_id)
    if not new:
        screen.line(f"These answers of {who} are version {made.version} already.")
        return 0
    late = " They are late, and the result will say so." if made.late else ""
    screen.line(f"Kept: {who}'s answers to {which}, version {made.version}.{late}")
    if made.hander_reviewed:
        screen.line("You are among the users whom they judge: that is kept with them.")
    table = screen.Table(header=("USER", "DECISION", "UNTIL", "REASON"), folding=frozenset({3}))
    for each in made.verdicts:
        table.add(each.user_name, each.decision.value, each.until, each.reason)
    screen.table(table)
    return 0


def closed(
    desk: Office, result: Result, due: Sequence[Removal], done: Sequence[Carried] | None
) -> int:
    """The result, and what was done about it. The exit code."""
    code = LEFT if done and any(each.left for each in done) else 0
    document: dict[str, Json] = {
        "result": to_json(result),
        "due": [_removal(each, result.closed_on) for each in due],
        "executed": done is not None,
        "carried_out": [_carried(each) for each in done or ()],
    }
    if _json(desk, "keyreeve.review.close/1", document):
        return code
    screen.line(f"Review {screen.safe(result.campaign_id)} is closed: {_figures(result)}.")
    if result.missing:
        why = screen.safe(result.incomplete_because or "")
        screen.line(f"Not answered: {screen.safe(', '.join(result.missing))} ({why}).")
    if result.late:
        screen.line(f"Late: {screen.safe(', '.join(result.late))}.")
    _done_or_due(due, result.closed_on, done)
    return code


def due(
    desk: Office, removals: Sequence[Removal], today: date, done: Sequence[Carried] | None
) -> int:
    """Removals, and what was done about those that are due. The exit code."""
    code = LEFT if done and any(each.left for each in done) else 0
    document: dict[str, Json] = {
        "removals": [_removal(each, today) for each in removals],
        "executed": done is not None,
        "carried_out": [_carried(each) for each in done or ()],
    }
    if _json(desk, "keyreeve.review.due/1", document):
        return code
    if not removals:
        screen.line("No closed review has left anything to do.")
        return code
    _done_or_due(removals, today, done)
    return code


# --- parts ------------------------------------------------------------------------------------


def _json(desk: Office, schema: str, document: dict[str, Json]) -> bool:
    """Whether a program reads: it got the document then."""
    if not opening.options().json:
        return False
    head = {"schema": schema, "account_id": desk.door.caller.account_id, "by": desk.by}
    screen.json_document({**head, **document})
    return True


def _campaign(campaign: Campaign) -> dict[str, Json]:
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "due": campaign.due.isoformat(),
        "reviewers": [
            {
                "reviewer": task.reviewer.name,
                "email": task.reviewer.email,
                "users": [row.user_name for row in task.rows],
            }
            for task in campaign.tasks
        ],
    }


def _mail(mailed: Mailed) -> Json:
    return {
        "reviewer": mailed.task.reviewer.name,
        "to": mailed.task.reviewer.email,
        "occasion": mailed.occasion.value,
        "message_id": mailed.message_id,
        "failure": mailed.failure,
    }


def _standing(file: ReviewFile, today: date) -> Json:
    campaign = file.campaign
    return {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "due": campaign.due.isoformat(),
        "started_by": campaign.started_by,
        "result": to_json(file.result),
        "reviewers": [
            {
                "reviewer": task.reviewer.name,
                "users": len(task.rows),
                "mails": sum(told.reviewer == task.reviewer.name for told in file.told),
                "answers": to_json(file.latest(task.reviewer.name)),
                "state": _state(file, task.reviewer.name, today),
            }
            for task in campaign.tasks
        ],
    }


def _removal(removal: Removal, today: date) -> Json:
    written = to_json(removal)
    fields = written if isinstance(written, dict) else {}
    return {**fields, "due": removal.on <= today}


def _carried(carried: Carried) -> Json:
    return {
        "user_name": carried.removal.user_name,
        "user_id": carried.removal.user_id,
        "outcome": _outcome(carried),
        "refused": carried.refused,
        "steps": [to_json(step) for step in carried.done.steps] if carried.done else [],
        "remarks": list(carried.done.remarks) if carried.done else [],
    }


def _outcome(carried: Carried) -> str:
    if carried.refused is not None:
        return "refused"
    if carried.done is None:
        return "already_done"
    return "failed" if carried.left else "done"


def _state(file: ReviewFile, reviewer: str, today: date) -> str:
    given = file.latest(reviewer)
    if given is not None:
        return "answered late" if given.late else "answered"
    if file.result is not None:
        return "did not answer"
    return "late" if today > file.campaign.due else "pending"


def _figures(result: Result) -> str:
    counted = {
        "kept": result.count(Decision.KEEP),
        "revoked": result.count(Decision.REVOKE),
        "time-boxed": result.count(Decision.TIME_BOX),
        "not answered": result.count(None),
    }
    return ", ".join(f"{count} {what}" for what, count in counted.items() if count)


def _tasks(campaign: Campaign) -> None:
    table = screen.Table(
        header=("REVIEWER", "ADDRESS", "USERS", "WHOM"),
        right=frozenset({2}),
        folding=frozenset({3}),
    )
    for task in campaign.tasks:
        whom = ", ".join(row.user_name for row in task.rows)
        table.add(task.reviewer.name, task.reviewer.email, len(task.rows), whom)
    screen.table(table)


def _mails(mailed: Sequence[Mailed]) -> None:
    table = screen.Table(header=("REVIEWER", "TO", "WHAT", "OUTCOME"), folding=frozenset({3}))
    for each in mailed:
        outcome = "sent" if each.message_id else (each.failure or "would be sent")
        table.add(each.task.reviewer.name, each.task.reviewer.email, each.occasion.value, outcome)
    screen.table(table)


def _show_standing(file: ReviewFile, today: date) -> None:
    campaign = file.campaign
    state = f"due {words.day(campaign.due)}"
    if file.result is not None:
        state = f"closed on {words.day(file.result.closed_on)}: {_figures(file.result)}"
    screen.heading(f"{screen.safe(campaign.campaign_id)}: {state}")
    table = screen.Table(
        header=("REVIEWER", "USERS", "STATE", "MAILS", "HANDED IN", "BY"),
        right=frozenset({1, 3}),
        folding=frozenset({5}),
    )
    for task in campaign.tasks:
        name = task.reviewer.name
        given = file.latest(name)
        table.add(
            name,
            len(task.rows),
            _state(file, name, today),
            sum(told.reviewer == name for told in file.told),
            f"{given.handed_in_at:%Y-%m-%d %H:%M} UTC" if given else None,
            given.handed_in_by if given else None,
        )
    screen.table(table)


def _removals(title: str, removals: Iterable[Removal], today: date) -> None:
    table = screen.Table(
        header=("USER", "ENDS", "WHAT", "REVIEWER", "REASON"), folding=frozenset({4})
    )
    for each in removals:
        ends = f"{each.on} (due)" if each.on <= today else each.on
        table.add(each.user_name, ends, each.decision.value, each.reviewer, each.reason)
    if table.rows:
        screen.heading(title)
        screen.table(table)


def _done_or_due(removals: Sequence[Removal], today: date, done: Sequence[Carried] | None) -> None:
    if done is None:
        _removals("Access that ends", removals, today)
        if any(each.on <= today for each in removals):
            screen.line(
                "Nothing was done to anybody. `keyreeve review due --execute` ends what is due."
            )
        return
    table = screen.Table(header=("USER", "OUTCOME", "HOW"), folding=frozenset({2}))
    for each in done:
        steps = each.done.steps if each.done else ()
        how = each.refused or "; ".join(f"{s.what} {s.subject}".strip() for s in steps)
        table.add(each.removal.user_name, _outcome(each), how or "nothing was left to do")
    screen.table(table)
    for each in done:
        for remark in each.done.remarks if each.done else ():
            screen.line(f"Note: {screen.safe(remark)}.")
    if not done:
        screen.line("Nothing is due.")
