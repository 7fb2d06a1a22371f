"""One finding walked up the ladder day by day, with every mail accepted and every act done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from tests.builders import MONDAY, policy

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.machine import HandOver, Situation, decide
from keyreeve.model.case import FindingRecord, NoticeRecord, Stage, Told
from keyreeve.model.identifiers import ControlId
from keyreeve.model.plan import Decision
from keyreeve.model.policy import EscalationPolicy

WHY = "slots_taken:AKIA9"


@dataclass(slots=True)
class Walk:
    """What happened, in days since the first run."""

    start: date
    record: FindingRecord
    notices: list[int] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    credentials: int | None = None
    act: int | None = None
    decisions: dict[int, list[Decision]] = field(default_factory=dict)

    @property
    def promised(self) -> int | None:
        """The E of the first notice."""
        on = self.record.promised_on
        return None if on is None else (on - self.start).days

    def told(self, *stages: Stage) -> list[NoticeRecord]:
        """The accepted notices of these stages."""
        return [n for n in self.record.notices if n.stage in stages]


Change = Callable[[int, Situation], Situation]


def walk(
    weekday: int = 0,
    *,
    hand_over: HandOver = HandOver.KEY,
    acts: bool = True,
    holidays: Collection[int] = (),
    skip: Collection[int] = (),
    twice: Collection[int] = (),
    until: int = 45,
    settings: EscalationPolicy | None = None,
    change: Change = lambda _, situation: situation,
) -> Walk:
    """Runs on days 0, 1, …; `holidays` and `skip` (no run) count from day 0's `weekday`."""
    start = MONDAY + timedelta(days=weekday)
    off = frozenset(start + timedelta(days=n) for n in holidays)
    settings = replace(settings or policy(), holidays=off)
    seen = FindingRecord(
        control=ControlId.ACCESS_KEY_ROTATION, resource_id="AKIA1", first_seen_on=start
    )
    out = Walk(start=start, record=seen)
    for day in range(until):
        if day in skip:
            continue
        for _ in range(2 if day in twice else 1):
            _run(out, day, Calendar(settings), hand_over, acts=acts, change=change)
    return out


def _run(
    out: Walk, day: int, calendar: Calendar, hand_over: HandOver, *, acts: bool, change: Change
) -> None:
    """Acts first, then the one notice, which says what was done."""
    today = out.start + timedelta(days=day)
    days = calendar.policy.days

    def now() -> Situation:
        given = None if out.credentials is None else out.start + timedelta(days=out.credentials)
        usual = Situation(
            today=today,
            acts=acts,
            hand_over=hand_over,
            handed_over_on=given,
            why_nothing=WHY if hand_over is HandOver.NOTHING else None,
            noticed_today=any(n.on == today for n in out.record.notices),
            overlap_days=calendar.policy.enforcement.minimum_overlap_days,
        )
        return change(day, usual)

    decision = decide(out.record, now(), calendar, days)
    out.decisions.setdefault(day, []).append(decision)
    if decision.credentials_due:
        out.credentials = day
    if decision.act_due:
        out.act = day
        out.record = replace(out.record, enforced_on=today)
    decision = decide(out.record, now(), calendar, days)
    if decision.notice_due and calendar.is_mail_day(today) and not now().noticed_today:
        _tell(out, day, decision, calendar, now().why_nothing)


def _tell(
    out: Walk, day: int, decision: Decision, calendar: Calendar, why_nothing: str | None
) -> None:
    today = out.start + timedelta(days=day)
    record, e = out.record, decision.enforcement_on
    stage = Stage.NOTIFICATION if decision.stage is Stage.PENDING else decision.stage
    notice = NoticeRecord(
        stage=stage, on=today, at=datetime.combine(today, time(6), UTC), enforcement_on=e
    )
    told = record.no_replacement
    if why_nothing is not None and (told is None or told.reason != why_nothing):
        told = Told(reason=why_nothing, on=today)
    out.record = replace(
        record,
        stage=stage,
        opened_on=record.opened_on or today,
        promised_on=record.promised_on or e,
        days=record.days or calendar.policy.days,
        notices=(*record.notices, notice),
        no_replacement=told,
    )
    out.notices.append(day)
    out.stages.append(stage)
