"""A fleet's rows: from a run's figures, ordered into one summary; and what storage alone knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from keyreeve.model.case import FindingRecord, Stage, State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing, StoredStanding
from keyreeve.model.notice import Summary
from keyreeve.model.plan import Outcome, OutcomeKind, Plan
from keyreeve.model.projects import Alarm
from keyreeve.reporting.fleet_words import matters_of
from keyreeve.reporting.projects import alarms_of, pressing

A_DAY = timedelta(days=1)
_STANDINGS = tuple(Standing)
_OF_CODE = {0: Standing.DONE, 1: Standing.PARTLY, 4: Standing.REFUSED, 5: Standing.LOCKED}
_COUNTED = frozenset({OutcomeKind.DONE, OutcomeKind.REHEARSED})
_MAIL = "send_"


def run_row(
    member: Member, plan: Plan, outcomes: Iterable[Outcome], summary: Summary, exit_code: int
) -> FleetRow:
    """What a run of this account amounts to."""
    told = tuple(outcomes)
    done = [outcome for outcome in told if outcome.kind in _COUNTED]
    failed = [outcome for outcome in told if outcome.kind is OutcomeKind.FAILED]
    mails = sum(outcome.effect_kind.startswith(_MAIL) for outcome in done)
    return FleetRow(
        account_id=member.account_id,
        name=member.name,
        standing=_OF_CODE.get(exit_code, Standing.FAILED),
        exit_code=exit_code,
        run_id=plan.run_id,
        as_of=plan.as_of,
        users=plan.population,
        findings=sum(count for _, _, count in summary.by_control),
        cases=sum(count for _, count in summary.cases_by_stage),
        acts=len(done) - mails,
        mails=mails,
        held=len(plan.held),
        overdue=len(summary.overdue),
        failed=len(failed),
        gaps=len(plan.gaps),
        problem=_first_problem(plan, failed),
        flagged=summary.flagged_users,
        by_control={control: count for control, _, count in summary.by_control if count},
        cases_by_stage=dict(summary.cases_by_stage),
        named=matters_of(summary),
    )


def _first_problem(plan: Plan, failed: list[Outcome]) -> str:
    if plan.refusal is not None:
        return plan.refusal.reason
    if failed:
        return f"{failed[0].user_name}: {failed[0].reason}"
    if plan.gaps:
        gap = plan.gaps[0]
        who = f"{gap.step}, {gap.user_name}" if gap.user_name else gap.step
        return f"{who}: {gap.reason}"
    return ""


def unheard(member: Member, problem: str, remedy: str = "") -> FleetRow:
    """An account of which no result has come: never a clean one."""
    return FleetRow(
        account_id=member.account_id,
        name=member.name,
        standing=Standing.NOT_RUN,
        exit_code=1,
        problem=problem,
        remedy=remedy,
    )


def fleet_summary(
    project: str, on: date, as_of: datetime, rows: Iterable[FleetRow], *, executed: bool
) -> FleetSummary:
    """Those with the most pressing standing first, then by name."""
    return FleetSummary(
        project=project,
        on=on,
        as_of=as_of,
        executed=executed,
        rows=tuple(sorted(rows, key=_pressing)),
    )


def _pressing(row: FleetRow) -> tuple[int, str, str]:
    return (_STANDINGS.index(row.standing), row.name.casefold(), row.account_id)


# --- from storage alone -------------------------------------------------------------------------


def stored_standing(
    member: Member,
    state: State | None,
    people: HumanDecisions,
    failed: int | None,
    today: date,
    now: datetime,
    *,
    observing: bool,
) -> StoredStanding:
    """How the account stands as its last run left it; `state` None: it never ran."""
    cases = tuple(state.users.values()) if state else ()
    records = [record for case in cases for record in case.findings.values()]
    run = state.last_run if state else None
    standing = StoredStanding(
        account_id=member.account_id,
        name=member.name,
        alarms=(),
        last_run_at=run.as_of if run else None,
        exit_code=run.exit_code if run else None,
        due_today=sum(_due(record, today) for record in records),
        held=sum(record.held is not None for record in records),
        failed=failed if run else None,
        overdue=sum(record.stage is Stage.OVERDUE for record in records),
        cases=sum(bool(case.findings) for case in cases),
        pause=people.pause.reason if people.pause else "",
    )
    alarms = alarms_of(
        now,
        last_run_at=standing.last_run_at,
        failed=bool(standing.exit_code or standing.failed),
        paused=bool(standing.pause),
        observing=observing,
        overdue=standing.overdue,
        held=standing.held,
    )
    return replace(standing, alarms=alarms)


def unread_standing(member: Member, problem: str, remedy: str = "") -> StoredStanding:
    """An account whose storage could not be read, or that is not covered: never a clean one."""
    return StoredStanding(
        account_id=member.account_id,
        name=member.name,
        alarms=(Alarm.NOT_READ,),
        problem=problem,
        remedy=remedy,
    )


def by_urgency(rows: Iterable[StoredStanding]) -> tuple[StoredStanding, ...]:
    """Those with the most pressing alarm first, then by name."""
    return tuple(
        sorted(rows, key=lambda row: (pressing(row.alarms), row.name.casefold(), row.account_id))
    )


def _due(record: FindingRecord, today: date) -> bool:
    opened = record.opened_on is not None and record.enforced_on is None
    return opened and record.enforcement_on == today
