"""Single decisions of the machine about one finding."""

from __future__ import annotations

from tests.builders import notice_record, on, policy, record

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.machine import HandOver, Situation, decide
from keyreeve.model.case import Stage
from keyreeve.model.plan import Gate

BOUNCES = (Gate.TOLD, "mail to ann@example.com bounces")
NO_RECIPIENT = (Gate.RECIPIENT, "the address is of the team")
W, D, E, O = Stage.WARNING, Stage.COUNTDOWN, Stage.ENFORCEMENT, Stage.OVERDUE  # noqa: E741


def decided(day, seen, *, settings=None, **facts):
    at = Situation(today=on(day), **{"acts": True, "hand_over": HandOver.NOTHING, **facts})
    settings = settings or policy()
    return decide(seen, at, Calendar(settings), settings.days)


def warned(day=10, **changes):
    told = (notice_record(0), notice_record(day, W))
    return record(day_0=True, notices=told, **changes)
