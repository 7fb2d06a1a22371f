"""Many accounts: one function runs one account, and a pool of threads runs it for each.

    member ─▶ open (role assumed, lock held) ─▶ daily.run ─▶ one small row ─▶ kept ─▶ summary

`run_one` serves the thread pool, and the Lambda function that a state machine invokes once per
account.  Accounts share nothing but the summary: what one of them raises becomes its row (P13).

A day is run once: an account whose row of the day says done is not opened again, so a run that
was killed goes on where it stopped.  Whatever it was in the middle of is the account's own matter:
its lock lapses, and its next run goes on from `ops/`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing
from keyreeve.pipeline import daily
from keyreeve.pipeline.each_account import AT_ONCE, attempt, each, failed_row
from keyreeve.pipeline.fleet_mail import FleetPost, tell_team
from keyreeve.ports import Progress
from keyreeve.ports.fleet import Doors, FleetRecords
from keyreeve.reporting.fleet import fleet_summary, run_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A project's accounts on one day, wired."""

    project: str
    members: tuple[Member, ...]
    doors: Doors[daily.Account]
    records: FleetRecords
    on: date
    """The fleet's day, in the project's zone."""
    now: datetime
    execute: bool
    office: FleetPost
    again: bool = False
    """Also the accounts that are done today."""


class Silence:
    """ports.Progress of one account among many."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nobody watches a single account."""

    def step(self, count: int = 1) -> None:
        """Nobody watches a single account."""


def run_fleet(fleet: Fleet, progress: Progress, at_once: int = AT_ONCE) -> FleetSummary:
    """Every account, `at_once` at a time; those whose lock was held are tried once more at the end.

    A day that acts leaves its summary in the storage. StorageUnreachable if that fails.
    """
    progress.stage("Accounts", len(fleet.members))

    def work(member: Member) -> FleetRow:
        row = run_one(fleet, member)
        progress.step()
        return row

    rows = {row.account_id: row for row in each(fleet.members, work, at_once)}
    locked = [m for m in fleet.members if rows[m.account_id].standing is Standing.LOCKED]
    rows |= {row.account_id: row for row in each(locked, work, at_once)}
    return concluded(
        fleet,
        fleet_summary(fleet.project, fleet.on, fleet.now, rows.values(), executed=fleet.execute),
    )


def concluded(fleet: Fleet, summary: FleetSummary) -> FleetSummary:
    """A day that has acted is told to the team when it is due, and kept. Else nothing is done."""
    if not fleet.execute:
        return summary
    told = tell_team(fleet.office, fleet.records, summary, fleet.now)
    fleet.records.summarise(told)
    return told


def run_one(fleet: Fleet, member: Member) -> FleetRow:
    """One account of one day, whatever becomes of it. Raises nothing but an interruption."""
    try:
        row = _earlier(fleet, member) or _run(fleet, member)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw in one account stops no other
        return failed_row(member, error)
    return row


def _run(fleet: Fleet, member: Member) -> FleetRow:
    row = attempt(member, lambda: _daily(fleet, member))
    if fleet.execute:
        fleet.records.keep(fleet.on, row)
    return row


def _daily(fleet: Fleet, member: Member) -> FleetRow:
    with fleet.doors.open(member) as opened:
        # One summary goes out over all accounts; none of its own.
        account = replace(opened, policy=replace(opened.policy, own_summary=False))
        report = daily.run(account, fleet.now, Silence(), execute=fleet.execute)
    return run_row(member, report.plan, report.outcomes, report.summary, report.exit_code)


def _earlier(fleet: Fleet, member: Member) -> FleetRow | None:
    """The row of this day, if the account is done; a rehearsal does no harm twice."""
    if not fleet.execute or fleet.again:
        return None
    row = fleet.records.row(fleet.on, member.account_id)
    return replace(row, earlier=True) if row is not None and row.clean else None
