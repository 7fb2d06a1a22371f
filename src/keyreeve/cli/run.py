"""`keyreeve run`: the daily run, its pause and its end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched
from keyreeve.pipeline.heartbeat import tell_watchers, with_heartbeats

if TYPE_CHECKING:
    from keyreeve.model.decisions import Pause
    from keyreeve.model.heartbeat import Beat
    from keyreeve.pipeline.daily import Report
    from keyreeve.wiring import Door


@click.command(
    epilog=example(
        "keyreeve run                       (rehearses: nothing is changed, nobody is told)",
        "keyreeve run --execute",
        'keyreeve run --pause "migration weekend"     keyreeve run --resume',
    )
)
@click.option("--execute", is_flag=True, help="Act and send; without it, only rehearse.")
@click.option(
    "--accept-blast-radius",
    "accepted",
    type=click.IntRange(min=1),
    metavar="N",
    help="The facts that were refused are right: N as the refusal named it, for this run only.",
)
@click.option("--pause", "reason", metavar="REASON", help="Stop every act and mail from now on.")
@click.option("--resume", is_flag=True, help="End the pause.")
@as_of
def run(
    *,
    execute: bool,
    accepted: int | None,
    reason: str | None,
    resume: bool,
    as_of: datetime | None,
) -> int:
    """Do today's run: tell owners, hand out new credentials, shut old ones.

    A project of several accounts is run in all of them (`org run`), or in the one that --account
    names.

    Exits with 1 if some parts failed or could not be read, 4 if the facts look wrong, 5 if another
    run holds the lock.
    """
    if reason is not None or resume:
        if execute or accepted or (reason is not None and resume):
            raise click.UsageError("--pause and --resume stand alone.")
        return _pause(reason, as_of)
    if accepted is None and opening.several():
        from keyreeve.cli import fleet

        return fleet.run(execute=execute, as_of=as_of)
    opened = opening.door(execute=execute, as_of=as_of)
    report = _run(opened, execute=execute, accepted=accepted)
    beats = _told_watchers(opened) if execute else ()
    _show(opened, report, beats)
    return with_heartbeats(report.exit_code, beats)


def _told_watchers(opened: Door) -> tuple[Beat, ...]:
    """The dead man's switch, once the run has ended and its lock is given back."""
    from keyreeve.wiring.heartbeat import watchers

    return tell_watchers(watchers(opened.config, opened.sessions))


def _show(opened: Door, report: Report, beats: tuple[Beat, ...]) -> None:
    from keyreeve.cli.telling import beats_document, run_document, show_beats, show_pause, show_run

    if opening.options().json:
        code = with_heartbeats(report.exit_code, beats)
        screen.json_document({**run_document(report), **beats_document(beats), "exit_code": code})
        return
    show_pause(opening.wired(opened).tools.people.read().pause)
    show_run(report)
    show_beats(beats)


def _run(opened: Door, *, execute: bool, accepted: int | None) -> Report:
    from keyreeve.pipeline.daily import run as run_daily
    from keyreeve.wiring import account_for_writing, usable_texts

    usable_texts(opened)
    with watched(quiet=opening.options().quiet) as progress:
        if not execute:
            account = opening.wired(opened)
            return run_daily(account, opened.now, progress, execute=False, accepted=accepted)
        with account_for_writing(opened) as account:
            return run_daily(account, opened.now, progress, execute=True, accepted=accepted)


def _pause(reason: str | None, at: datetime | None) -> int:
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(at)
    before = desk.resume() if reason is None else desk.pause(reason)
    if opening.options().json:
        stands = before if reason is None else desk.decisions.read().pause
        changed = (before is None) is (reason is not None)
        screen.json_document(_pause_document(stands, paused=reason is not None, changed=changed))
    elif reason is None:
        screen.line("The daily run goes on." if before else "It was not paused.")
    else:
        screen.line(
            f"Paused since {before.since:%Y-%m-%d %H:%M} UTC already: {screen.safe(before.reason)}"
            if before
            else "Paused: nothing is sent and nothing is changed until `keyreeve run --resume`."
        )
    return 0


def _pause_document(pause: Pause | None, *, paused: bool, changed: bool) -> dict[str, object]:
    """The pause that stands, or the one that has ended; None: there was none."""
    return {
        "schema": "keyreeve.pause/1",
        "paused": paused,
        "changed": changed,
        "reason": pause.reason if pause else None,
        "since": pause.since.isoformat() if pause else None,
        "by": pause.by if pause else None,
    }
