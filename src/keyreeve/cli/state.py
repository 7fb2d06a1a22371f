"""`keyreeve state …`: the storage, when something went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import example

if TYPE_CHECKING:
    from keyreeve.cli.restoration import Repaired
    from keyreeve.storage.lock import LockRecord

BROKEN = 1


@click.group(epilog=example("keyreeve state verify"))
def state() -> None:
    """Look at, verify, repair or unlock what Keyreeve keeps."""


@state.command(epilog=example("keyreeve state show", "keyreeve --output json state show"))
def show() -> int:
    """Show what is remembered: the last run, open cases, known keys. Holds no secret."""
    from keyreeve.cli.upkeep import overview

    found = overview(opening.door(execute=False))
    if opening.options().json:
        screen.json_document(found.document)
        return 0
    for label, text in found.lines:
        screen.line(f"{label:<13} {screen.safe(text)}")
    return 0


@state.command(epilog=example("keyreeve state verify"))
def verify() -> int:
    """Read everything that is kept and check it: state, steps, escrow, decisions, audit chain …

    Exits with 1 and names each problem if anything was altered, is missing or cannot be read.
    """
    from keyreeve.cli.upkeep import examine

    checked = examine(opening.door(execute=False))
    problems = [problem for part in checked for problem in part.problems]
    if opening.options().json:
        parts = [{"part": p.name, "checked": p.count, "problems": p.problems} for p in checked]
        screen.json_document({"schema": "keyreeve.verify/1", "sound": not problems, "parts": parts})
        return BROKEN if problems else 0
    for part in checked:
        verdict = words.count(len(part.problems), "problem") if part.problems else "sound"
        screen.line(f"{part.name:<10} {words.count(part.count, part.unit):<16} {verdict}")
        for problem in part.problems:
            screen.line(f"  {screen.safe(problem)}")
    if problems:
        screen.note("`keyreeve state repair` puts a good state.json back; S3 keeps every version.")
    return BROKEN if problems else 0


@state.command(
    epilog=example("keyreeve state repair", "keyreeve state repair --from backup/state.json")
)
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A copy of state.json to put back.",
)
def repair(*, source: Path | None) -> int:
    """Put a good state.json back where it is corrupt or gone; never starts empty.

    What lies unreadable in feedback/ or audit-inbox/, and stops every run, is moved to set-aside/.

    It takes FILE; else the newest readable version that the bucket keeps; else the broken file
    itself, if only its checksum is wrong. The broken file is kept beside it.
    """
    from keyreeve.cli.restoration import repair as put_back

    done = put_back(opening.door(execute=True), source)
    if opening.options().json:
        screen.json_document(_repair_document(done))
        return 0
    for text in _repair_told(done):
        screen.line(screen.safe(text))
    return 0


@state.command(epilog=example("keyreeve state migrate"))
def migrate() -> int:
    """Write state.json anew in the current schema; every run does so by itself as well."""
    from keyreeve.cli.restoration import migrate as write_anew

    schema = write_anew(opening.door(execute=True))
    if opening.options().json:
        document = {"migrated": schema is not None, "state_schema": schema}
        screen.json_document({"schema": "keyreeve.migrate/1", **document})
    elif schema is None:
        screen.line("There is no state yet: nothing to migrate.")
    else:
        screen.line(f"state.json is written in schema {schema}.")
    return 0


@state.command(epilog=example("keyreeve state unlock", "keyreeve state unlock --force"))
@click.option("--force", is_flag=True, help="End a lease that still runs; it is audited.")
def unlock(*, force: bool) -> int:
    """End a dead run's lock: only a lapsed lease, or any with --force.

    The daily run takes a lapsed lease over by itself. After --force a living holder stops when it
    next renews its lease, within 30 seconds: end its process first.
    """
    from keyreeve.cli.deciding import record
    from keyreeve.storage.lock import unlock as end_lease
    from keyreeve.wiring.machine import WallClock

    opened = opening.door(execute=True)
    ended = end_lease(opened.store, clock=WallClock(), force=force)
    if opening.options().json:
        screen.json_document(_unlock_document(ended, forced=force))
    elif ended is None:
        screen.line("The lock is free.")
    else:
        holder = screen.safe(ended.holder)
        screen.line(f"Ended the lease of {holder} ({ended.since:%Y-%m-%d %H:%M}).")
    if ended is None:
        return 0
    record(
        opened,
        "state.unlocked",
        {"holder": ended.holder, "forced": force, "by": opened.caller.arn},
    )
    return 0


# --- in words and for programs --------------------------------------------------------------------


def _repair_told(done: Repaired) -> Iterator[str]:
    for bad in done.set_aside:
        yield f"{bad.key} cannot be read ({bad.reason}): it is kept as {bad.kept_as}."
    if done.broken_kept_as is not None:
        yield f"The broken file is kept as {done.broken_kept_as}."
    if done.source is not None:
        at = f"{done.saved_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"state.json is as it was saved at {at}, from {done.source}."
        yield "Now run `keyreeve state verify`; the next run folds newer steps in."
    elif not done.set_aside:
        yield "state.json is sound: nothing to repair."


def _repair_document(done: Repaired) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    written = to_json(done)
    assert isinstance(written, Mapping)  # noqa: S101 - a dataclass becomes an object
    repaired = bool(done.set_aside) or done.source is not None
    return {"schema": "keyreeve.repair/1", "repaired": repaired, **written}


def _unlock_document(ended: LockRecord | None, *, forced: bool) -> dict[str, object]:
    """Whose lease has ended; its token stays where it is."""
    from keyreeve.codec.values import to_json

    told = (
        {
            "holder": ended.holder,
            "since": to_json(ended.since),
            "until": to_json(ended.until),
        }
        if ended
        else None
    )
    return {"schema": "keyreeve.unlock/1", "ended": told, "forced": forced}
