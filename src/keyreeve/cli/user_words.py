"""What the verbs of `user` say: tables for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from keyreeve.cli import opening, screen, words
from keyreeve.codec.values import Json, to_json
from keyreeve.governance.onboarding import Facts, model_groups, plan_move
from keyreeve.governance.reconcile import administrators
from keyreeve.model.errors import ConfigError
from keyreeve.model.people import Everybody, Member, Move, Sweep
from keyreeve.pipeline.did import Did, failed
from keyreeve.pipeline.move import Moved, row

if TYPE_CHECKING:
    from keyreeve.cli.office import Office
    from keyreeve.pipeline.demote import Demotion
    from keyreeve.pipeline.joiner import Joiner
    from keyreeve.pipeline.offboard import Offboarding
    from keyreeve.pipeline.onboard import Onboarded

REHEARSED = "Rehearsed only: nothing was changed. --execute does it."
LEFT = 1
"""Exit code where something is left for a person."""


def onboarded(desk: Office, joiner: Joiner, done: Onboarded, *, execute: bool) -> None:
    """A joiner."""
    group = desk.roster.model.onboarding_group
    if _json(
        desk,
        "keyreeve.user.onboard/1",
        {
            "user_name": joiner.name,
            "user_id": done.user_id,
            "tags": dict(joiner.tags),
            "group": group,
            "later_group": done.grant.group,
            "mailed_to": done.to,
            "message_id": done.message_id,
            "resumed": done.resumed,
            "executed": execute,
        },
    ):
        return
    who, to = screen.safe(joiner.name), screen.safe(done.to)
    if done.resumed:
        screen.line("An earlier call was stopped: this one goes on where it was.")
    said = "is" if execute else "would be"
    screen.line(f"{who} {said} created in {screen.safe(group)}, with its tags.")
    screen.line(f"The first password {'went' if execute else 'would go'} to {to}, privately.")
    screen.line(f"With MFA the user is moved to {screen.safe(done.grant.group)}.")
    if not execute:
        screen.line(REHEARSED)


# --- looking ----------------------------------------------------------------------------------


def everybody(desk: Office) -> None:
    """One line a user."""
    found = desk.roster.reader.everybody()
    rows = [(m, _move(desk, found, m)) for m in sorted(found.members, key=lambda each: each.name)]
    if _json(desk, "keyreeve.user.list/1", {"users": [_member(desk, m, v) for m, v in rows]}):
        return
    model = desk.roster.model
    table = screen.Table(
        header=("USER", "MFA", model.tags.role.upper(), "GROUPS", "STANDS"), folding=frozenset({3})
    )
    for member, move in rows:
        table.add(
            member.name,
            "yes" if member.has_mfa else "no",
            member.tags.get(model.tags.role),
            ", ".join(sorted(member.groups)),
            words.plain(move.outcome.value),
        )
    screen.table(table)
    screen.line()
    moving = sum(move.outcome.moves for _, move in rows)
    held = sum(move.outcome.needs_person for _, move in rows)
    count = words.count(len(rows), "user")
    screen.line(f"{count} · {moving} to move · {held} for a person to mend")


def one(desk: Office, name: str) -> None:
    """One user in full."""
    roster = desk.roster
    member = roster.member(name)
    move = roster.mover().plan(member.name)
    if _json(desk, "keyreeve.user/1", _member(desk, member, move)):
        return
    tags = roster.model.tags
    screen.line(f"{screen.safe(member.name)} ({member.user_id})")
    facts = [
        ("groups", ", ".join(sorted(member.groups)) or "none"),
        ("MFA", "active" if member.has_mfa else "none"),
        *((name, member.tags.get(name) or "MISSING") for name in tags.all),
        ("stands", f"{words.plain(move.outcome.value)}: {move.reason}"),
        ("would join", move.add or ""),
        ("would leave", ", ".join(move.leave)),
        *(("remark", remark) for remark in move.remarks),
    ]
    for label, text in facts:
        if text:
            screen.line(f"  {screen.safe(label):<16} {screen.safe(text)}")


def tag_report(desk: Office, found: Sweep) -> None:
    """Who lacks which tag (S2.8)."""
    gaps = [to_json(gap) for gap in found.tag_gaps]
    if _json(desk, "keyreeve.user.tag_report/1", {"governed": found.governed, "gaps": gaps}):
        return
    _gaps(desk, found)
    right = found.governed - len(found.tag_gaps)
    screen.line(f"{right} of {words.count(found.governed, 'governed user')} bear every tag.")


# --- acting -----------------------------------------------------------------------------------


def reconciled(desk: Office, found: Sweep, moved: tuple[Moved, ...] | None) -> int:
    """The sweep, and what was done about it. The exit code."""
    left = bool(found.held or found.tag_gaps or found.missing_groups)
    left = left or any(each.needs_person for each in moved or ())
    code = LEFT if left or (moved is None and found.moves) else 0
    document: dict[str, Json] = {
        "sweep": to_json(found),
        "moved": None if moved is None else [row(each) for each in moved],
        "executed": moved is not None,
        "exit_code": code,
    }
    if _json(desk, "keyreeve.user.reconcile/1", document):
        return code
    if moved is None:
        _moves("To move", found.moves)
    else:
        _moved("Moved", moved)
    _moves("For a person to mend", found.held)
    _gaps(desk, found)
    if found.missing_groups:
        screen.heading("Names in access.yaml that no group bears")
        for name in found.missing_groups:
            screen.line(f"  {screen.safe(name)}")
    _moves("Left alone", found.left_alone)
    screen.line()
    if moved is None:
        going, held = f"{len(found.moves)} to move", len(found.held)
    else:
        done = sum(each.move.outcome.moves and each.failure is None for each in moved)
        going, held = f"{done} moved", len(found.held) + sum(each.needs_person for each in moved)
    screen.line(
        f"{words.count(found.users, 'user')} · {found.governed} governed · "
        f"{found.compliant} in order · {going} · {held} held"
    )
    if moved is None and found.moves:
        screen.line(REHEARSED)
    return code


def steps_taken(
    desk: Office, schema: str, what: str, steps: tuple[Did, ...], *, execute: bool
) -> int:
    """A table of steps. The exit code."""
    code = LEFT if failed(steps) else 0
    if _json(desk, schema, {what: [to_json(s) for s in steps], "executed": execute}):
        return code
    _steps(steps)
    _rehearsal(execute=execute, steps=steps)
    return code


def demoted(desk: Office, done: Demotion, *, execute: bool) -> int:
    """Standing rights taken off. The exit code."""
    code = LEFT if failed(done.steps) else 0
    if _json(
        desk,
        "keyreeve.user.demote/1",
        {
            "user_name": done.member.name,
            "user_id": done.member.user_id,
            "role": done.role.arn,
            "steps": [to_json(step) for step in done.steps],
            "remarks": list(done.remarks),
            "executed": execute,
        },
    ):
        return code
    who = screen.safe(done.member.name)
    screen.line(f"Proved: {who} can assume {screen.safe(done.role.name)} with MFA.")
    if not done.steps:
        screen.line("There is no standing administrator policy to take off.")
    _steps(done.steps)
    _remarks(done.remarks)
    _rehearsal(execute=execute, steps=done.steps)
    return code


def released(desk: Office, done: Moved, *, execute: bool) -> int:
    """Out of Quarantine. The exit code."""
    code = LEFT if done.failure is not None else 0
    if _json(desk, "keyreeve.user.release/1", {"moved": row(done), "executed": execute}):
        return code
    move = done.move
    screen.line(f"{screen.safe(move.user_name)}: {screen.safe(move.reason)}.")
    if not execute:
        add = [f"join {move.add}"] if move.add else []
        screen.line("Would " + ", ".join([*add, *(f"leave {group}" for group in move.leave)]) + ".")
    for step in done.steps:
        screen.line(f"  {screen.safe(step)}")
    if done.failure is not None:
        screen.line(f"  failed: {screen.safe(str(done.failure))}")
    _remarks(move.remarks)
    _rehearsal(execute=execute, steps=())
    return code


def offboarded(desk: Office, done: Offboarding, *, execute: bool) -> int:
    """A leaver. The exit code."""
    code = LEFT if failed(done.steps) else 0
    member = done.leaver.member
    if _json(
        desk,
        "keyreeve.user.offboard/1",
        {
            "user_name": member.name,
            "user_id": member.user_id,
            "steps": [to_json(step) for step in done.steps],
            "remarks": list(done.remarks),
            "executed": execute,
        },
    ):
        return code
    if not done.steps:
        screen.line(f"{screen.safe(member.name)} is offboarded already: nothing to do.")
    _steps(done.steps)
    _remarks(done.remarks)
    _rehearsal(execute=execute, steps=done.steps)
    return code


# --- parts ------------------------------------------------------------------------------------


def text_of(file: Path) -> str:
    """A file of a person's. ConfigError if it is no UTF-8 text."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"it cannot be read as UTF-8 text: {error}", where=str(file)) from None


def _json(desk: Office, schema: str, document: dict[str, Json]) -> bool:
    """Whether a program reads: it got the document then."""
    if not opening.options().json:
        return False
    account = {"schema": schema, "account_id": desk.door.caller.account_id, "by": desk.by}
    screen.json_document({**account, **document})
    return True


def _move(desk: Office, found: Everybody, member: Member) -> Move:
    roster = desk.roster
    facts = Facts(
        user_name=member.name,
        member=member,
        groups=found.groups & model_groups(roster.model),
        administrators=administrators(roster.model, found),
    )
    return plan_move(roster.model, facts, own=roster.own)


def _member(desk: Office, member: Member, move: Move) -> dict[str, Json]:
    facts = to_json(member)
    missing: list[Json] = list(desk.roster.model.missing_tags(member.tags))
    return {
        **(facts if isinstance(facts, dict) else {}),
        "missing_tags": missing,
        "move": to_json(move),
    }


def _moves(title: str, moves: Iterable[Move]) -> None:
    table = screen.Table(header=("USER", "WHAT", "JOIN", "LEAVE", "WHY"), folding=frozenset({4}))
    for move in moves:
        what = words.plain(move.outcome.value)
        table.add(move.user_name, what, move.add, ", ".join(move.leave), move.reason)
    if table.rows:
        screen.heading(title)
        screen.table(table)


def _moved(title: str, moved: Iterable[Moved]) -> None:
    table = screen.Table(header=("USER", "WHAT", "OUTCOME", "HOW"), folding=frozenset({3}))
    for each in moved:
        failure = each.failure
        outcome = "failed" if failure else "done" if each.move.outcome.moves else "refused"
        how = "; ".join(each.steps) or each.move.reason
        how = f"{how}; {failure.call}: {failure.what}" if failure else how
        table.add(each.move.user_name, words.plain(each.move.outcome.value), outcome, how)
    if table.rows:
        screen.heading(title)
        screen.table(table)


def _gaps(desk: Office, found: Sweep) -> None:
    table = screen.Table(header=("USER", "MISSING", "UNKNOWN"), folding=frozenset({1}))
    role = desk.roster.model.tags.role
    for gap in found.tag_gaps:
        unknown = f"{role}={gap.unknown_role}" if gap.unknown_role is not None else None
        table.add(gap.user_name, ", ".join(gap.missing), unknown)
    if table.rows:
        screen.heading("Tags")
        screen.table(table)


def _steps(steps: tuple[Did, ...]) -> None:
    table = screen.Table(header=("STEP", "ABOUT", "OUTCOME", "DETAIL"), folding=frozenset({0, 3}))
    for step in steps:
        table.add(step.what, step.subject, step.outcome.value, step.detail)
    screen.table(table)


def _remarks(remarks: Iterable[str]) -> None:
    for remark in remarks:
        screen.line(f"Note: {screen.safe(remark)}.")


def _rehearsal(*, execute: bool, steps: tuple[Did, ...]) -> None:
    if not execute:
        screen.line(REHEARSED)
    elif failed(steps):
        screen.line("Some steps failed. Ask again: what is done is not done twice.")
