"""The overview of several projects: what each stands at, and which to look at first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from keyreeve.model.case import FindingRecord, Stage, State
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.identifiers import ControlId, UserId, UserName
from keyreeve.model.plan import Plan
from keyreeve.model.projects import (
    Alarm,
    NextAct,
    Overview,
    ProjectLine,
    ProjectStanding,
)
from keyreeve.reporting.summary import cases_by_stage

A_DAY = timedelta(days=1)
_ORDER = tuple(Alarm)


def project_standing(
    plan: Plan,
    state: State,
    last: State,
    people: HumanDecisions,
    failed: int | None,
    mails_only: Collection[tuple[UserId, tuple[ControlId, str]]] = (),
) -> ProjectStanding:
    """From today's plan and the cases it was made with; `last` is the state as a run left it.

    `mails_only`: findings on whose E a mail goes out, and nothing is done.
    """
    run = last.last_run
    messages = sum(user.message is not None for user in plan.users)
    records = [(case, r) for case in state.users.values() for r in case.findings.values()]
    acting = [
        (case.user_name, record)
        for case, record in records
        if (case.user_id, record.key) not in mails_only
    ]
    return ProjectStanding(
        account_id=plan.account_id,
        last_run_at=run.as_of if run else None,
        exit_code=run.exit_code if run else None,
        acts_due=sum(len(user.acts) for user in plan.users),
        mails_due=messages + len(plan.team) + plan.summary_due,
        held=len(plan.held),
        failed=failed if run else None,
        overdue=sum(record.stage is Stage.OVERDUE for _, record in records),
        cases_by_stage=cases_by_stage(state.users.values()),
        gaps=tuple(_gap(gap.step, gap.user_name, gap.reason) for gap in plan.gaps),
        refusal=plan.refusal.reason if plan.refusal else "",
        pause=people.pause.reason if people.pause else "",
        observing=plan.observing,
        next_act=_next_act(acting, plan.on),
    )


def project_line(
    config: str, project: str, standing: ProjectStanding, now: datetime
) -> ProjectLine:
    """One project that was read, with what a person must look at."""
    alarms = alarms_of(
        now,
        last_run_at=standing.last_run_at,
        refused=bool(standing.refusal),
        partly_read=bool(standing.gaps),
        failed=bool(standing.exit_code or standing.failed),
        paused=bool(standing.pause),
        observing=standing.observing,
        overdue=standing.overdue,
        held=standing.held,
    )
    return ProjectLine(config=config, project=project, standing=standing, alarms=alarms)


def unread_line(config: str, project: str, problem: str, remedy: str = "") -> ProjectLine:
    """One project that could not be read: never a clean one."""
    return ProjectLine(
        config=config, project=project, alarms=(Alarm.NOT_READ,), problem=problem, remedy=remedy
    )


def overview(folder: str, lines: Iterable[ProjectLine], now: datetime) -> Overview:
    """Those with the most pressing alarm first, then by name."""
    return Overview(as_of=now, folder=folder, lines=tuple(sorted(lines, key=_pressing)))


def _pressing(line: ProjectLine) -> tuple[list[int], str, str]:
    return (pressing(line.alarms), line.project.casefold(), line.config)


def pressing(alarms: Iterable[Alarm]) -> list[int]:
    """To order by: the most pressing alarms first, and last where there is none."""
    return [*(_ORDER.index(alarm) for alarm in alarms), len(_ORDER)]


def alarms_of(
    now: datetime,
    *,
    last_run_at: datetime | None,
    failed: bool,
    paused: bool,
    observing: bool,
    overdue: int,
    held: int,
    refused: bool = False,
    partly_read: bool = False,
) -> tuple[Alarm, ...]:
    """Why a person must look at what was read, a project or an account; the most pressing first.

    `last_run_at` None: it never ran.
    """
    seen = {
        Alarm.NOT_RUN: last_run_at is None or now - last_run_at > A_DAY,
        Alarm.REFUSED: refused,
        Alarm.PARTLY_READ: partly_read,
        Alarm.FAILED: failed,
        Alarm.PAUSED: paused,
        Alarm.OBSERVING: observing,
        Alarm.OVERDUE: overdue,
        Alarm.HELD: held,
    }
    return tuple(alarm for alarm, holds in seen.items() if holds)


def _next_act(records: Iterable[tuple[UserName, FindingRecord]], today: date) -> NextAct | None:
    """The earliest E from today on that is not done."""
    coming = sorted(
        (record.enforcement_on, name, record.control)
        for name, record in records
        if record.enforcement_on is not None
        and record.enforcement_on >= today
        and record.opened_on is not None
        and record.enforced_on is None
    )
    if not coming:
        return None
    on, name, control = coming[0]
    more = sum(other == on for other, _, _ in coming[1:])
    return NextAct(on=on, user_name=name, control=control, more=more)


def _gap(step: str, user: UserName | None, reason: str) -> str:
    return f"{step}, {user}: {reason}" if user else f"{step}: {reason}"
