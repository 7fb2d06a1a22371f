"""Several accounts on the command line: run, plan and check them all, and show what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keyreeve.cli import opening, screen, words
from keyreeve.cli.progress import Silence, watched
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing
from keyreeve.pipeline.heartbeat import has_ended, tell_watchers, with_heartbeats

if TYPE_CHECKING:
    from keyreeve.model.heartbeat import Beat
    from keyreeve.wiring.fleet import Home

FINDINGS = 3


def home(*, execute: bool, as_of: datetime | None = None) -> Home:
    """The central account. ConfigError where the config has one account."""
    from keyreeve.wiring.fleet import open_home

    given = opening.options()
    return open_home(
        opening.config(),
        execute=execute,
        profile=given.profile,
        region=given.region,
        as_of=as_of,
    )


def run(
    *,
    execute: bool,
    as_of: datetime | None = None,
    again: bool = False,
    at_once: int | None = None,
    what: str = "run",
) -> int:
    """The daily run of every account, or its rehearsal; the fleet's exit code."""
    from keyreeve.pipeline.each_account import AT_ONCE
    from keyreeve.pipeline.fleet import run_fleet
    from keyreeve.wiring.fleet import fleet_of

    opened = home(execute=execute, as_of=as_of)
    with watched(quiet=opening.options().quiet) as progress, fleet_of(opened, again=again) as fleet:
        summary = run_fleet(fleet, progress, at_once or AT_ONCE)
    beats = _told_watchers(opened, summary)
    _give(
        summary,
        what if execute else f"rehearsal of the {what}" if what == "run" else what,
        beats=beats,
    )
    if not execute and not opening.options().json:
        screen.line(
            "Rehearsed only: nothing was changed, nobody was told. --execute acts; "
            "`keyreeve --account ID plan` shows one account whole."
        )
    return with_heartbeats(summary.exit_code, beats)


def _told_watchers(opened: Home, summary: FleetSummary) -> tuple[Beat, ...]:
    """The dead man's switch, once the day has ended; it is one for all accounts."""
    from keyreeve.wiring.heartbeat import watchers

    if not (summary.executed and has_ended(summary.exit_code)):
        return ()
    return tell_watchers(watchers(opened.config, opened.sessions))


def check(*, as_of: datetime | None, fail_on_findings: bool) -> int:
    """What breaks the rules in every account; nothing is changed."""
    from keyreeve.cli.findings import live
    from keyreeve.pipeline.each_account import LOOKED_AT_ONCE, attempt, each
    from keyreeve.reporting.fleet import fleet_summary
    from keyreeve.wiring.fleet import door_of, members

    opened = home(execute=False, as_of=as_of)
    with watched(quiet=opening.options().quiet) as progress:
        who = members(opened)
        progress.stage("Accounts", len(who))

        def work(member: Member) -> FleetRow:
            row = attempt(member, lambda: _checked(member))
            progress.step()
            return row

        def _checked(member: Member) -> FleetRow:
            judged = live(door_of(opened, member), Silence())
            return FleetRow(
                account_id=member.account_id,
                name=member.name,
                standing=Standing.PARTLY if judged.partly else Standing.DONE,
                exit_code=int(judged.partly),
                as_of=judged.as_of,
                users=judged.users,
                findings=judged.open,
                gaps=len(judged.gaps),
                problem=judged.gaps[0].reason if judged.gaps else "",
            )

        rows = each(who, work, LOOKED_AT_ONCE)
    project = opened.config.project_name
    summary = fleet_summary(project, opened.on, opened.now, rows, executed=False)
    _give(summary, "check", ("users", "findings", "gaps"))
    if not opening.options().json:
        screen.line("`keyreeve --account ID check` shows the findings of one account.")
    found = summary.total("findings")
    return summary.exit_code or (FINDINGS if fail_on_findings and found else 0)


_FIGURES = ("users", "cases", "acts", "mails", "held", "overdue", "failed")


def _give(
    summary: FleetSummary,
    what: str,
    figures: tuple[str, ...] = _FIGURES,
    beats: tuple[Beat, ...] = (),
) -> None:
    from keyreeve.cli.telling import beats_document, show_beats

    if opening.options().json:
        from keyreeve.codec.fleet import summary_document

        code = with_heartbeats(summary.exit_code, beats)
        told = beats_document(beats) if summary.executed else {}
        screen.json_document({**summary_document(summary), **told, "exit_code": code})
        return
    show(summary, what, figures)
    show_beats(beats)


def show(summary: FleetSummary, what: str, figures: tuple[str, ...]) -> None:
    """One line an account, those to look at first; then why, and the sum."""
    from keyreeve.reporting.fleet_words import headline

    screen.line(f"{words.day(summary.on)} · {screen.safe(summary.project)} · {what}")
    screen.line(f"{headline(summary)}.")
    screen.line()
    table = screen.Table(
        header=("ACCOUNT", "NAME", "STANDING", *(each.upper() for each in figures)),
        right=frozenset(range(3, 3 + len(figures))),
        folding=frozenset({1}),
    )
    for row in summary.rows:
        told = f"{row.standing.value} before" if row.earlier else row.standing.value
        known = row.run_id is not None or row.as_of is not None
        cells = [getattr(row, figure) if known else None for figure in figures]
        table.add(row.account_id, row.name, told, *cells)
    table.add("all", "", "", *(summary.total(figure) for figure in figures))
    screen.table(table)
    _explain(summary)
    screen.line()


def _explain(summary: FleetSummary) -> None:
    if summary.unsent:
        screen.note(f"warning: {screen.safe(summary.unsent)}")
    told = [row for row in summary.rows if row.problem]
    if not told:
        return
    screen.heading("To look at")
    for row in told:
        name = f"{row.account_id} {row.name}" if row.name != row.account_id else row.account_id
        screen.labelled("·", row.standing.value, f"{name}: {row.problem}", row.remedy)
