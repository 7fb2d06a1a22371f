"""`keyreeve plan`: what today's run would do, and the days after it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched

if TYPE_CHECKING:
    from keyreeve.pipeline.daily import Report
    from keyreeve.pipeline.forecast import ForecastDay
    from keyreeve.wiring import Door

MOST_DAYS = 366


@click.command(
    epilog=example(
        "keyreeve plan",
        "keyreeve plan --days 16                      (day by day, if nobody acts)",
        "keyreeve --output json plan --as-of 2026-01-05T06:00:00Z",
        "keyreeve --output json plan --days 14 > before.json    (then change config.yaml)",
        "keyreeve plan --against before.json",
    )
)
@click.option(
    "--days",
    type=click.IntRange(min=0, max=MOST_DAYS),
    metavar="N",
    help="Forecast: today and the N days after it, if nobody acts.",
)
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Show what differs from this plan, kept as JSON: judged as at its time, for its days.",
)
@as_of
def plan(*, days: int | None, against: Path | None, as_of: datetime | None) -> int:
    """Show what today's run would do. Reads only; exits as the run would."""
    if against is not None:
        if days is not None or as_of is not None:
            raise click.UsageError("--against takes days and time from the plan in its file.")
        return _compared(against)
    if days is None and opening.several():
        from keyreeve.cli import fleet

        return fleet.run(execute=False, as_of=as_of, what="plan")
    opened = opening.door(execute=False, as_of=as_of)
    return _today(opened) if days is None else _forecast(opened, days)


def _today(opened: Door) -> int:
    from keyreeve.cli.telling import show_pause, show_plan
    from keyreeve.pipeline.publish import plan_document

    report = _rehearsed(opened)
    if opening.options().json:
        screen.json_document(plan_document(report.plan, None, report.exit_code))
    else:
        show_pause(opening.wired(opened).tools.people.read().pause)
        show_plan(report.plan)
    return report.exit_code


def _rehearsed(opened: Door) -> Report:
    from keyreeve.pipeline.daily import run

    account = opening.wired(opened)
    with watched(quiet=opening.options().quiet) as progress:
        return run(account, opened.now, progress, execute=False)


def _forecast(opened: Door, days: int) -> int:
    coming, code = _coming(opened, days)
    if opening.options().json:
        screen.json_document(_document(coming, code))
    else:
        _show(coming)
    return code


def _compared(against: Path) -> int:
    """The same plan by today's config, and what differs."""
    from keyreeve.cli.plan_difference import earlier, moment, show_difference
    from keyreeve.codec.plan_difference import horizon
    from keyreeve.pipeline.publish import plan_document

    before = earlier(against)
    opened = opening.door(execute=False, as_of=moment(against, before))
    days = horizon(before)
    if days is None:
        report = _rehearsed(opened)
        after = plan_document(report.plan, None, report.exit_code)
        code = report.exit_code
    else:
        coming, code = _coming(opened, days)
        after = _document(coming, code)
    show_difference(against, before, after)
    return code


def _coming(opened: Door, days: int) -> tuple[list[ForecastDay], int]:
    """Day by day if nobody acts, and the exit code of today's run."""
    from keyreeve.cli.progress import Silence
    from keyreeve.pipeline.collect import collect
    from keyreeve.pipeline.daily import exit_code
    from keyreeve.pipeline.forecast import forecast
    from keyreeve.pipeline.memory import recall

    account = opening.wired(opened)
    tools, policy = account.tools, account.policy
    with watched(quiet=opening.options().quiet) as progress:
        state, _ = recall(account.project, account.account_id, tools, policy.days)
        snapshot, _ = collect(tools.reader, policy, state.keys, opened.now, progress)
        people = tools.people.read()
        coming = forecast(account, state, snapshot, people, opened.now, days, Silence())
    return coming, exit_code(coming[0].plan, [])


def _document(coming: list[ForecastDay], code: int) -> dict[str, object]:
    """Today's plan as without `--days`, and every day below `days`."""
    from keyreeve.pipeline.publish import plan_document

    days = [plan_document(day.plan, day.outcomes, code) for day in coming]
    return {**plan_document(coming[0].plan, None, code), "days": days}


def _show(coming: list[ForecastDay]) -> None:
    from keyreeve.cli.telling import show_observing

    screen.line(f"If nobody acts, account {coming[0].plan.account_id}:")
    show_observing(coming[0].plan)
    held: list[str] = []
    for day in coming:
        held = _show_day(day, held)
    screen.line()
    screen.line("A forecast: owners act, people decide, and the plan of each day is made anew.")


def _show_day(day: ForecastDay, held_before: list[str]) -> list[str]:
    """What happens on the day; who is held is told when it changes. Who is held now."""
    effects = words.by_identity(day.plan)
    users: defaultdict[str, list[str]] = defaultdict(list)
    for outcome in day.outcomes:
        kind, effect = outcome.effect_kind, effects.get(words.identity(outcome))
        if words.is_act(kind):
            what = words.act_words(kind, "").strip().removesuffix(" in place of")
        else:
            what = words.mail_words(effect, kind)
        suffix = "" if outcome.kind.value == "done" else f" ({words.plain(outcome.kind.value)})"
        users[what + suffix].append(screen.safe(outcome.user_name) or "the team")
    if day.plan.summary_due and "weekly summary" not in users:
        users["weekly summary"].append("the team")
    if day.plan.refusal is not None:
        users["refused"].append(screen.safe(day.plan.refusal.reason))
    held = sorted({screen.safe(held.user_name) for held in day.plan.held})
    if held != held_before:
        users["held"] = held or ["nobody any more"]
    screen.heading(words.day(day.on) + ("" if users else "  –"))
    for what, names in users.items():
        screen.listed(what, names)
    return held
