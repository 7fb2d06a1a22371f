"""`keyreeve baseline verify`: does every alarm reach somebody?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import Span, example

if TYPE_CHECKING:
    from keyreeve.governance.alarm_chain import Chain, Link
    from keyreeve.pipeline.live_verification import Trial
    from keyreeve.wiring.baseline import Watch

BROKEN = 1
_CIS = "6.0"
"""The version whose numbers the table shows; the JSON document has all."""


@click.command(
    epilog=example(
        "keyreeve baseline verify",
        "keyreeve baseline verify --live --execute",
        "keyreeve --output json baseline verify | jq '.alarms[] | select(.whole | not)'",
    )
)
@click.option("--live", is_flag=True, help="Also act on a throw-away user and wait for the alarms.")
@click.option("--execute", is_flag=True, help="With --live: do it; without it, say what would be.")
@click.option(
    "--timeout",
    type=Span(),
    default="20m",
    show_default=True,
    help="How long to wait for the alarms.",
)
def verify(*, live: bool, execute: bool, timeout: timedelta) -> int:
    """Follow every alarm, from the trail to the confirmed subscription.

    Names the first broken link of each: trail, metric filter, metric, alarm, action, topic policy,
    key, subscription. Changes nothing, but for --live --execute, which makes a user without rights
    below /keyreeve/verify/, an access key, a policy and an MFA device for it, and removes them.
    Exits with 1 if a link is broken, or if nobody was told of what was tried.
    """
    if execute and not live:
        raise click.UsageError("--execute is for --live; without it nothing is changed anyway.")
    from keyreeve.pipeline import verify as use_case
    from keyreeve.wiring.baseline import watch

    acting = live and execute
    opened = watch(opening.config(), execute=acting, profile=opening.options().profile)
    chains = use_case.verify(
        opened.alarms,
        opened.reader,
        project=opened.project,
        account_id=opened.caller.account_id,
    )
    trials = _try_out(opened, chains, timeout) if acting else ()
    if opening.options().json:
        screen.json_document(_document(opened, chains, trials))
    else:
        _show(opened, chains)
        if live:
            _show_trials(chains, trials, execute=execute)
    failed = any(chain.broken for chain in chains) or any(trial.failed for trial in trials)
    return BROKEN if failed else 0


def _try_out(opened: Watch, chains: tuple[Chain, ...], timeout: timedelta) -> tuple[Trial, ...]:
    from keyreeve.cli.progress import watched
    from keyreeve.pipeline.live_verification import try_out
    from keyreeve.wiring.baseline import live

    with watched(quiet=opening.options().quiet) as progress:
        return try_out(chains, live(opened, progress, timeout))


# --- for people -----------------------------------------------------------------------------------


def _show(opened: Watch, chains: tuple[Chain, ...]) -> None:
    table = screen.Table(
        header=("ALARM", f"CIS {_CIS}", "FIRES ON", "CHAIN", "BROKEN AT", "STATE"),
        folding=frozenset({0}),
    )
    for chain in chains:
        card = chain.alarm.card
        table.add(
            card.id,
            card.cis.get(_CIS),
            words.count(chain.alarm.threshold, "event"),
            "broken" if chain.broken else "ok",
            chain.broken.step if chain.broken else None,
            chain.watching.state if chain.watching else None,
        )
    screen.table(table)
    for link, alarms in _breaks(chains):
        screen.line()
        found = f"{link.step}: {link.found}"
        screen.labelled("BROKEN", "broken", found, link.remedy)
        screen.listed("stops", alarms if len(alarms) < len(chains) else ["every alarm"])
    _show_choices(opened)
    _conclude(chains)


def _breaks(chains: Iterable[Chain]) -> list[tuple[Link, list[str]]]:
    """Each broken link once, with the alarms that it stops: most have one cause."""
    found: dict[Link, list[str]] = {}
    for chain in chains:
        if chain.broken is not None:
            found.setdefault(chain.broken, []).append(chain.alarm.id)
    return list(found.items())


def _show_choices(opened: Watch) -> None:
    """What differs from the catalogue, and why."""
    table = screen.Table(header=("ALARM", "HOW", "REASON"), folding=frozenset({2}))
    for alarm in opened.alarms:
        if alarm.threshold != alarm.card.threshold:
            table.add(alarm.id, f"fires on {words.count(alarm.threshold, 'event')}", alarm.reason)
    for off in opened.off:
        table.add(off.card.id, "switched off", off.reason)
    if table.rows:
        screen.heading("Other than the catalogue")
        screen.table(table)


def _conclude(chains: tuple[Chain, ...]) -> None:
    lost = sum(chain.broken is not None for chain in chains)
    screen.line()
    if lost:
        arrive = "arrives" if len(chains) - lost == 1 else "arrive"
        screen.line(f"{len(chains) - lost} of {words.count(len(chains), 'alarm')} {arrive}.")
        return
    told = {link.found for chain in chains for link in chain.links[-1:]}
    screen.line(
        f"All {words.count(len(chains), 'alarm')} arrive at {screen.safe(', '.join(told))}."
    )


def _show_trials(chains: tuple[Chain, ...], trials: tuple[Trial, ...], *, execute: bool) -> None:
    from keyreeve.pipeline.live_verification import ACTS

    screen.heading("Live")
    if not execute:
        names = [chain.alarm.id for chain in chains if chain.alarm.id in ACTS]
        screen.listed("would be tried", names)
        screen.line("A user without rights would be made, used and removed: add --execute.")
        return
    table = screen.Table(header=("ALARM", "RESULT", "AFTER", "DETAIL"), folding=frozenset({3}))
    for trial in trials:
        after = f"{trial.after.total_seconds():.0f} s" if trial.after is not None else None
        table.add(trial.alarm_id, trial.result.value, after, trial.detail)
    screen.table(table)
    rest = words.count(len(chains) - len(trials), "other alarm")
    screen.line(f"{rest} cannot be tried without harm.")


# --- for programs ---------------------------------------------------------------------------------


def _document(
    opened: Watch, chains: tuple[Chain, ...], trials: tuple[Trial, ...]
) -> dict[str, Any]:
    return {
        "schema": "keyreeve.baseline.verify/1",
        "account_id": opened.caller.account_id,
        "region": opened.region,
        "whole": all(chain.broken is None for chain in chains),
        "alarms": [_chain(chain) for chain in chains],
        "switched_off": [{"id": each.card.id, "reason": each.reason} for each in opened.off],
        "live": [_trial(trial) for trial in trials],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    card = chain.alarm.card
    return {
        "id": card.id,
        "title": card.title,
        "cis": dict(card.cis),
        "security_hub": card.security_hub,
        "threshold": chain.alarm.threshold,
        "reason": chain.alarm.reason,
        "state": chain.watching.state if chain.watching else None,
        "whole": chain.broken is None,
        "broken": chain.broken.step.value if chain.broken else None,
        "links": [
            {
                "step": link.step.value,
                "sound": link.sound,
                "found": link.found,
                "remedy": link.remedy,
            }
            for link in chain.links
        ],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "alarm": trial.alarm_id,
        "result": trial.result.value,
        "detail": trial.detail,
        "seconds": trial.after.total_seconds() if trial.after is not None else None,
    }
