"""`keyreeve org`: several accounts of one project."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from keyreeve.cli import fleet, opening, screen
from keyreeve.cli.options import as_of, example
from keyreeve.cli.progress import watched

if TYPE_CHECKING:
    from keyreeve.model.fleet import Member, StoredStanding
    from keyreeve.wiring.fleet import Home

PARTLY = 1
_SCHEMA = "keyreeve.fleet.accounts/1"


@click.group(epilog=example("keyreeve org accounts", "keyreeve org run --execute"))
def org() -> None:
    """The accounts of a project that has several: a list, or an organisation.

    Any other verb takes one of them: keyreeve --account ID case list
    """


@org.command(epilog=example("keyreeve org accounts"))
def accounts() -> int:
    """List every account, and whether Keyreeve can look at it. Changes nothing.

    Exits with 1 if one of them is not covered.
    """
    home = fleet.home(execute=False)
    rows = _looked_at(home)
    if opening.options().json:
        screen.json_document(
            {
                "schema": _SCHEMA,
                "accounts": [
                    {
                        "account_id": each.account_id,
                        "name": each.name,
                        "role_arn": each.role_arn,
                        "covered": not why,
                        "why": why,
                    }
                    for each, why in rows
                ],
            }
        )
    else:
        _show_accounts(rows)
    return PARTLY if any(why for _, why in rows) else 0


def _looked_at(home: Home) -> list[tuple[Member, str]]:
    """Each account with the reason why it is not covered; empty: it is."""
    from keyreeve.codec.redaction import redact
    from keyreeve.model.errors import KeyreeveError
    from keyreeve.pipeline.each_account import AT_ONCE, each
    from keyreeve.wiring.fleet import door_of, members

    def look(member: Member) -> tuple[Member, str]:
        try:
            door_of(home, member)
        except KeyreeveError as error:
            return member, redact(error.what)
        except Exception as error:  # noqa: BLE001 - one account stops no other
            return member, redact(f"unexpected: {type(error).__name__}: {error}")
        return member, ""

    found = each(members(home), look, AT_ONCE)
    return sorted(found, key=lambda pair: (not pair[1], pair[0].account_id))


def _show_accounts(rows: list[tuple[Member, str]]) -> None:
    table = screen.Table(
        header=("ACCOUNT", "NAME", "COVERED", "WHY NOT"), folding=frozenset({1, 3})
    )
    for member, why in rows:
        table.add(member.account_id, member.name, "no" if why else "yes", why)
    screen.table(table)
    lacking = sum(bool(why) for _, why in rows)
    screen.line()
    screen.line(f"{len(rows) - lacking} of {len(rows)} accounts are covered.")
    if lacking:
        screen.line("The stack `member-role` makes the role; accounts.exclude leaves one out.")


@org.command(
    epilog=example(
        "keyreeve org run                   (rehearses: nothing is changed, nobody is told)",
        "keyreeve org run --execute",
        "keyreeve org run --execute         (again: goes on where a killed run stopped)",
    )
)
@click.option("--execute", is_flag=True, help="Act and send; without it, only rehearse.")
@click.option("--again", is_flag=True, help="Also the accounts that are done today.")
@click.option("--at-once", type=click.IntRange(1, 64), metavar="N", help="Accounts at a time.  [8]")
@as_of
def run(*, execute: bool, again: bool, at_once: int | None, as_of: datetime | None) -> int:
    """Do the daily run of every account: one of them stops no other.

    An account that is done today is not run again. Exits with 1 if an account failed or is not
    covered; with the accounts' own code where all of them agree.
    """
    return fleet.run(execute=execute, as_of=as_of, again=again, at_once=at_once)


@org.command(epilog=example("keyreeve org status", "keyreeve --output json org status"))
@as_of
def status(*, as_of: datetime | None) -> int:
    """Show how every account stands, from the storage alone: no account is asked.

    Exits with 1 if one of them could not be read.
    """
    from keyreeve.reporting.fleet import by_urgency
    from keyreeve.wiring.fleet import members
    from keyreeve.wiring.fleet_status import standing_of

    home = fleet.home(execute=False, as_of=as_of)
    known = members(home)
    with watched(quiet=opening.options().quiet) as progress:
        progress.stage("Accounts", len(known))
        rows = []
        for member in known:
            rows.append(standing_of(home, member))
            progress.step()
    ordered = by_urgency(rows)
    if opening.options().json:
        from keyreeve.codec.fleet import status_document

        screen.json_document(status_document(ordered))
    else:
        _show_status(ordered)
    return PARTLY if any(row.problem for row in ordered) else 0


def _show_status(rows: tuple[StoredStanding, ...]) -> None:
    header = ("ACCOUNT", "NAME", "LOOK AT", "LAST RUN", "EXIT", "DUE TODAY", "HELD", "FAILED")
    table = screen.Table(
        header=(*header, "OVERDUE", "CASES"),
        right=frozenset(range(4, 10)),
        folding=frozenset({1, 2}),
    )
    for row in rows:
        alarms = ", ".join(alarm.value for alarm in row.alarms) or "in order"
        table.add(row.account_id, row.name, alarms, *([None] * 7 if row.problem else _cells(row)))
    screen.table(table)
    for row in rows:
        if row.problem:
            screen.line()
            screen.labelled("·", "not read", f"{row.account_id}: {row.problem}", row.remedy)
        elif row.pause:
            screen.line(f"{row.account_id} is paused: {screen.safe(row.pause)}")


def _cells(row: StoredStanding) -> tuple[object, ...]:
    return (
        f"{row.last_run_at:%Y-%m-%d %H:%M}" if row.last_run_at else "never",
        row.exit_code,
        row.due_today,
        row.held,
        "?" if row.failed is None and row.last_run_at else row.failed or 0,
        row.overdue,
        row.cases,
    )
