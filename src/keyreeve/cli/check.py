"""`keyreeve check`: findings only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyreeve.cli import opening, screen, words
from keyreeve.cli.options import DEFAULT_CONFIG, as_of, example
from keyreeve.cli.progress import watched
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from keyreeve.cli.findings import Judged
    from keyreeve.model.finding import Finding
    from keyreeve.model.identifiers import ControlId
    from keyreeve.model.policy import EscalationPolicy

PARTLY, FINDINGS = 1, 3
AT_ONCE = 8
"""Calls under way: IAM's rate limit is the whole account's."""
_FRESH = timedelta(hours=24)


@click.command(
    epilog=example(
        "keyreeve check",
        "keyreeve check --credential-report report.csv   (no AWS access, no config needed)",
        "keyreeve --output json check --fail-on-findings > findings.json",
        "keyreeve check --posture   (root, policies, roles, what watches the account)",
    )
)
@click.option(
    "--credential-report",
    "report",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Judge this credential report, offline.",
)
@click.option(
    "--posture",
    is_flag=True,
    help="Also judge the account beyond users' credentials; nothing of it is ever escalated.",
)
@click.option("--fail-on-findings", is_flag=True, help="Exit with 3 if any finding is open.")
@as_of
def check(
    *, report: Path | None, posture: bool, fail_on_findings: bool, as_of: datetime | None
) -> int:
    """Collect and judge: what breaks the rules, and what could not be read. Changes nothing.

    Exits with 1 if something could not be read.
    """
    if report and posture:
        raise ConfigError(
            "a credential report tells nothing of the account's posture",
            where="--posture",
            remedy="Leave out --credential-report, or leave out --posture.",
        )
    if report is None and not posture and opening.several():
        from keyreeve.cli import fleet

        return fleet.check(as_of=as_of, fail_on_findings=fail_on_findings)
    judged = _offline(report, as_of) if report else _live(as_of, posture=posture)
    if opening.options().json:
        screen.json_document(judged.document())
    else:
        _show(judged, offline=report is not None)
    if judged.partly:
        return PARTLY
    return FINDINGS if fail_on_findings and judged.open else 0


def _live(at: datetime | None, *, posture: bool) -> Judged:
    with _several_at_once() as pool:
        pool.submit(import_module, "keyreeve.cli.findings")  # while AWS says who we are
        opened = opening.door(execute=False, as_of=at, pool=pool)
        from keyreeve.cli.findings import live

        survey = None
        if posture:
            from keyreeve.wiring.posture import survey_of

            survey = survey_of(opened)
        with watched(quiet=opening.options().quiet) as progress:
            return live(opened, progress, survey, each=pool.map)


@contextmanager
def _several_at_once() -> Iterator[ThreadPoolExecutor]:
    """Who only looks need not wait for one answer to ask for the next."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="read")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)  # an interruption does not wait for what is not begun


def _offline(report: Path, at: datetime | None) -> Judged:
    from keyreeve.cli.findings import offline

    now = at or datetime.now(UTC)
    try:
        content = report.read_bytes()
        changed = datetime.fromtimestamp(report.stat().st_mtime, UTC)
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=f"--credential-report {report}"
        ) from None
    if abs(now - changed) > _FRESH:
        hours = abs(now - changed) // timedelta(hours=1)
        side = "older" if changed < now else "newer"
        click.echo(
            f"warning: {screen.safe(str(report))} is {hours} hours {side} than the time it is "
            f"judged at ({now:%Y-%m-%dT%H:%M:%SZ}); --as-of names another time",
            err=True,
        )
    click.echo(
        "note: a credential report does not tell of inline policies, tags or key ids", err=True
    )
    return offline(content, _policy(), now)


def _policy() -> EscalationPolicy:
    """The config's thresholds and exclusions where there is a config; else the defaults."""
    from keyreeve.model.policy import EscalationPolicy

    given = opening.options()
    if given.config is None and not DEFAULT_CONFIG.exists():
        return EscalationPolicy(project_name="offline")
    return opening.config().escalation_policy()


def _show(judged: Judged, *, offline: bool) -> None:
    from keyreeve.controls.catalogue import CARDS

    where = " (from a credential report)" if offline else ""
    screen.line(f"Account {judged.account_id}{where}, {judged.as_of:%Y-%m-%d %H:%M} UTC")
    order = list(CARDS)

    def by_control(pair: tuple[Finding, Any]) -> int:
        return order.index(pair[0].control)

    for number, group in groupby(sorted(judged.findings, key=by_control), key=by_control):
        _show_control(order[number], list(group))
    if judged.gaps:
        screen.heading("Could not be read")
        for gap in judged.gaps:
            screen.line("  " + screen.safe(words.gap_words(gap.step, gap.reason, gap.user_name)))
    if judged.posture is not None:
        from keyreeve.cli.posture_table import show_posture

        show_posture(judged.posture)
    screen.line()
    screen.line(_total(judged))


def _show_control(control: ControlId, found: list[tuple[Finding, Any]]) -> None:
    from keyreeve.controls.catalogue import CARDS
    from keyreeve.model.finding import FindingStatus

    card = CARDS[control]
    screen.heading(f"{card.title} · {card.severity} · {len(found)}")
    header = ("USER", "RESOURCE", "WHAT", "STATUS")
    settled = any(status is not FindingStatus.OPEN for _, status in found)
    table = screen.Table(header=header[: 4 if settled else 3], folding=frozenset({2}))
    for finding, status in sorted(found, key=lambda pair: (-int(pair[0].observed), pair[0].key)):
        row = (finding.user_name, finding.resource_id, finding.detail, status.value)
        table.add(*row[: len(table.header)])
    screen.table(table)


def _total(judged: Judged) -> str:
    posture = judged.posture
    if not judged.findings and not judged.gaps and not (posture and posture.findings):
        return f"Nothing breaks the rules: {words.count(judged.users, 'user')} looked at."
    parts = [words.count(len(judged.findings), "finding")]
    parts += [f"{number} {status}" for status, number in judged.by_status.items()]
    if judged.gaps:
        parts.append(f"{words.count(len(judged.gaps), 'gap')}: these users are not judged")
    if posture is not None:
        parts.append(f"{len(posture.findings)} of posture")
        parts += [f"{words.count(len(posture.gaps), 'gap')} of posture"] if posture.gaps else []
    return " · ".join([*parts, words.count(judged.users, "user")])
