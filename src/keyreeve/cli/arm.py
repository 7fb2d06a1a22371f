"""`keyreeve arm`: a project that began with `first_run: observe` acts from now on."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import Silence, watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from keyreeve.model.decisions import Arming
    from keyreeve.pipeline.arming import Act, Ahead
    from keyreeve.wiring import Door

DAYS = 14
MOST_DAYS = 366


@click.command(
    epilog=example(
        "keyreeve arm                  (shows the coming 14 days, and asks)",
        "keyreeve arm --days 30",
        "keyreeve arm --yes            (for pipelines: asks nothing)",
        "keyreeve arm --undo           (observes again)",
    )
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=MOST_DAYS),
    default=DAYS,
    show_default=True,
    metavar="N",
    help="How far ahead to look.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: arm.")
@click.option("--undo", is_flag=True, help="Observe again: nobody is told, nothing is done.")
@as_of
def arm(*, days: int, yes: bool, undo: bool, as_of: datetime | None) -> int:
    """Let a project that only observes tell owners and act, after showing what will come.

    With `first_run: observe`, `run --execute` judges everything and tells nobody until then. The
    ladder of every user begins with the first notice after it: nobody's days are counted before.
    """
    if undo and yes:
        raise click.UsageError("--undo asks nothing, so --yes does not belong to it.")
    opened = opening.door(execute=False, as_of=as_of)
    if not opened.policy.observe_only:
        return _acts_anyway(opened, undo=undo)
    armed = opening.wired(opened).tools.people.read().armed
    if undo:
        return _undo(as_of)
    if armed is not None:
        return _armed_before(armed)
    found = _shown(opened, days)
    if not yes and not _agreed(found):
        screen.line("Not armed: runs go on observing.")
        return 0
    return _arm(found, days, as_of)


def _acts_anyway(opened: Door, *, undo: bool) -> int:
    """Without `first_run: observe` there is nothing to arm."""
    where = f"{opened.config.path}: first_run"
    if undo:
        raise ConfigError(
            "first_run is act, so runs act whether they were armed or not",
            where=where,
            remedy="Set first_run: observe, or stop everything: `keyreeve run --pause REASON`.",
        )
    if opening.options().json:
        screen.json_document({"schema": "keyreeve.arm/1", "armed": True, "first_run": "act"})
    else:
        screen.line("first_run is act: runs act already, and there is nothing to arm.")
    return 0


def _armed_before(armed: Arming) -> int:
    if opening.options().json:
        screen.json_document(_document(armed, None))
    else:
        screen.line(f"Armed already, {_since(armed)}.")
    return 0


def _shown(opened: Door, days: int) -> Ahead:
    """The forecast, on the screen; with JSON it comes in the one document at the end."""
    from keyreeve.pipeline.arming import ahead
    from keyreeve.pipeline.people import standing
    from keyreeve.wiring import usable_texts

    usable_texts(opened)
    account = opening.wired(opened)
    with watched(quiet=opening.options().quiet) as progress:
        facts = standing(account, opened.now, progress)
        found = ahead(account, facts, opened.now, days, Silence())
    if not opening.options().json:
        from keyreeve.cli.telling import show_pause

        show_pause(facts.judged.people.pause)
        _show(found, days)
    return found


def _agreed(found: Ahead) -> bool:
    """Asked of a person. ConfigError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "nobody can be asked here, so nothing was armed. Read the forecast "
            "(`keyreeve arm` in a terminal), then say: keyreeve arm --yes"
        )
    screen.note("")
    question = f"Arm it? {words.count(found.told, 'user')} will be told as shown above"
    return click.confirm(question, default=False, err=True)


def _arm(found: Ahead, days: int, at: datetime | None) -> int:
    from keyreeve.cli.deciding import Desk

    desk = Desk.open(at)
    shown = {"days": days, "told": found.told, "handed": found.handed, "shut": found.shut}
    armed = desk.arm(shown)
    if opening.options().json:
        screen.json_document(_document(armed, found))
    else:
        screen.line(f"Armed {_since(armed)}. The next `keyreeve run --execute` acts.")
        screen.line("To stop it again: `keyreeve arm --undo`, or `keyreeve run --pause REASON`.")
    return 0


def _undo(at: datetime | None) -> int:
    from keyreeve.cli.deciding import Desk

    before = Desk.open(at).disarm()
    if opening.options().json:
        screen.json_document(_document(None, None))
    elif before is None:
        screen.line("It was not armed: runs observe.")
    else:
        screen.line("Disarmed: runs observe again; nobody is told, nothing is done.")
    return 0


def _since(armed: Arming) -> str:
    return f"since {armed.since:%Y-%m-%d %H:%M} UTC by {screen.safe(armed.by)}"


# --- the forecast ---------------------------------------------------------------------------------


def _show(found: Ahead, days: int) -> None:
    screen.line(
        f"Account {found.account_id}, if it is armed now and nobody acts: "
        f"today and the {days} days after it"
    )
    _show_days(found)
    _show_users(found)
    if found.gaps:
        screen.heading("Could not be read: these neither open, advance nor close")
        for gap in found.gaps:
            screen.line("  " + screen.safe(words.gap_words(gap.step, gap.reason, gap.user_name)))
    if found.refusal is not None:
        screen.heading("Refused: the facts look wrong")
        screen.line(f"  {screen.safe(found.refusal.reason)}.")
    screen.line()
    screen.line(
        f"{words.count(found.told, 'user')} told · {found.handed} given new credentials · "
        f"{found.shut} with something disabled · at most {found.allowed} users a day of each"
    )
    screen.line("A forecast: owners act, people decide, and the plan of each day is made anew.")


def _show_days(found: Ahead) -> None:
    """Days on which nothing happens are left out."""
    table = screen.Table(
        header=("DAY", "TOLD FIRST", "TOLD AGAIN", "NEW CREDENTIALS", "DISABLED"),
        right=frozenset({1, 2, 3, 4}),
    )
    for day in found.days:
        counts = (day.told_first, day.told_again, day.handed, day.shut)
        if any(counts):
            table.add(words.day(day.on), *(count or "–" for count in counts))
    screen.heading("Users a day")
    screen.table(table)
    if not table.rows:
        screen.line("  Nobody is told anything in these days.")


def _show_users(found: Ahead) -> None:
    table = screen.Table(
        header=("USER", "TOLD FIRST", "AT", "NEW CREDENTIALS", "DISABLED, OR NEXT"),
        folding=frozenset({2, 4}),
    )
    for user in found.users:
        told = words.day(user.told_on) if user.told_on else "–"
        later = f"next step {words.day(user.later)}" if user.later else ""
        held = f"held: {user.held}" if user.held else ""
        handed = ", ".join(words.day(act.on) for act in user.handed)
        shut = "; ".join(_act(act) for act in user.shut) or later or held
        shut = shut or ("" if handed else "mails only")  # the policy asks for no act
        table.add(user.user_name, told, user.to, handed, shut)
    if table.rows:
        screen.heading("Who, and when")
        screen.table(table)


def _act(act: Act) -> str:
    what = {
        "deactivate_access_key": f"key {act.resource_id}",
        "delete_login_profile": "console password",
        "quarantine": "everything (quarantine)",
    }
    return f"{words.day(act.on)} {what.get(act.kind, act.kind)}"


def _document(armed: Arming | None, found: Ahead | None) -> dict[str, object]:
    from keyreeve.codec.values import to_json

    return {
        "schema": "keyreeve.arm/1",
        "armed": armed is not None,
        "first_run": "observe",
        "since": to_json(armed.since) if armed else None,
        "by": armed.by if armed else None,
        "forecast": to_json(found) if found else None,
    }
