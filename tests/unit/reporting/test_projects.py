from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    MFA_CONTROL,
    MONDAY,
    NOW,
    ROTATION,
    RUN,
    case,
    gap_of,
    on,
    record,
    state,
    user,
)
from tests.sample_projects import AS_OF, at

from keyreeve.model.case import LastRun, Stage
from keyreeve.model.decisions import HumanDecisions, Pause
from keyreeve.model.effect import DeactivateAccessKey, DeactivationCause, SendNotice
from keyreeve.model.plan import Gate, Held, NoticeReason, Plan, Refusal, UserPlan
from keyreeve.model.projects import Alarm, NextAct
from keyreeve.reporting.projects import overview, project_line, project_standing, unread_line

HOUR = timedelta(hours=1)
USUAL = Plan(run_id=RUN, account_id=ACCOUNT, as_of=NOW, on=MONDAY, users=())
RAN = LastRun(run_id=RUN, as_of=NOW - 2 * HOUR, on=MONDAY)


def standing(*cases, plan=USUAL, last=RAN, people=None, failed=0, mails_only=()):
    now, last = state(*cases), replace(state(*cases), last_run=last)
    return project_standing(plan, now, last, people or HumanDecisions(), failed, mails_only)


def test_what_is_due_is_what_a_run_would_do_now():
    common = {"user_id": "AIDAANN", "user_name": "ann", "due_on": MONDAY, "reason": "r"}
    act = DeactivateAccessKey(
        **common,
        operation_id="o",
        control=ROTATION,
        key_id="AKIA1",
        cause=DeactivationCause.ROTATION,
    )
    mail = SendNotice(
        **{**common, "reason": NoticeReason.ACT_DONE.value}, to="a@b.c", stage=Stage.WARNING
    )
    users = (
        UserPlan(user_id="AIDAANN", user_name="ann", acts=(act, act), message=mail),
        UserPlan(user_id="AIDABOB", user_name="bob", message=mail),
        UserPlan(
            user_id="AIDACID",
            user_name="cid",
            held=(Held(gate=Gate.HUMAN, reason="x", user_id="AIDACID", user_name="cid"),),
        ),
    )
    found = standing(plan=replace(USUAL, users=users, summary_due=True))
    assert (found.acts_due, found.mails_due, found.held) == (2, 3, 1)


def test_each_case_stands_once_at_its_most_advanced_finding():
    mixed = case(
        record(day_0=True, stage=Stage.REMINDER),
        record(MFA_CONTROL, "mfa", day_0=True, stage=Stage.OVERDUE),
    )
    other = case(record(), who=user("bob"))
    found = standing(mixed, other)
    assert found.cases_by_stage == ((Stage.PENDING, 1), (Stage.OVERDUE, 1))
    assert (found.open_cases, found.overdue) == (2, 1)


def dated(e, **changes):
    return record(day_0=True, enforcement_on=on(e), **changes)


NEXT = {
    "none": ([], None),
    "the earliest": ([dated(9), dated(4, resource_id="AKIA2")], (4, 0)),
    "today counts": ([dated(0)], (0, 0)),
    "past ones are overdue, not next": ([dated(-1)], None),
    "done ones are done": ([dated(4, enforced_on=on(0))], None),
    "nobody was told yet": ([record(enforcement_on=on(4))], None),
    "E is open": ([record(day_0=True)], None),
    "several on one day": ([dated(4), dated(4, resource_id="AKIA2")], (4, 1)),
}


@pytest.mark.parametrize("row", NEXT)
def test_the_next_act_is_the_earliest_date_that_is_told_and_not_done(row):
    records, expected = NEXT[row]
    found = standing(case(*records)).next_act if records else standing().next_act
    if expected is None:
        assert found is None
        return
    day, more = expected
    assert found == NextAct(on=on(day), user_name="ann", control=ROTATION, more=more)


def test_a_day_on_which_only_a_mail_goes_out_is_no_act():
    mfa = record(MFA_CONTROL, "mfa", day_0=True, enforcement_on=on(4))
    known = case(mfa, dated(9))
    found = standing(known, mails_only={(known.user_id, mfa.key)})
    assert found.next_act == NextAct(on=on(9), user_name="ann", control=ROTATION)


def test_a_project_that_never_ran_has_no_exit_code_and_no_failures():
    found = standing(last=None, failed=0)
    assert (found.last_run_at, found.exit_code, found.failed) == (None, None, None)


def test_gaps_refusal_and_pause_are_told_in_words():
    refusal = Refusal(reason="too many", number=3)
    plan = replace(USUAL, gaps=(gap_of(user()),), refusal=refusal, observing=True)
    pause = Pause(reason="audit", since=NOW, by="arn")
    found = standing(plan=plan, people=HumanDecisions(pause=pause))
    assert found.gaps == ("ListAccessKeys, ann: AccessDenied",)
    assert (found.refusal, found.pause, found.observing) == ("too many", "audit", True)


ALARMS = {
    "in order": ({}, ()),
    "a day ago to the second": ({"last_run_at": AS_OF - timedelta(days=1)}, ()),
    "older than a day": ({"last_run_at": AS_OF - timedelta(days=1, seconds=1)}, (Alarm.NOT_RUN,)),
    "never": (
        {"last_run_at": None, "exit_code": None, "failed": None},
        (Alarm.NOT_RUN,),
    ),
    "no record of the last run": ({"failed": None}, ()),
    "its exit code": ({"exit_code": 4}, (Alarm.FAILED,)),
    "a failed act": ({"failed": 1}, (Alarm.FAILED,)),
    "waits to be armed": ({"observing": True}, (Alarm.OBSERVING,)),
    "held": ({"held": 1}, (Alarm.HELD,)),
    "overdue": ({"overdue": 1}, (Alarm.OVERDUE,)),
    "all at once, the most pressing first": (
        {
            "last_run_at": None,
            "refusal": "r",
            "gaps": ("g",),
            "exit_code": 1,
            "pause": "p",
            "observing": True,
            "overdue": 1,
            "held": 1,
        },
        tuple(Alarm)[1:],
    ),
}


@pytest.mark.parametrize("row", ALARMS)
def test_what_a_person_must_look_at(row):
    changes, alarms = ALARMS[row]
    assert project_line("x.yaml", "x", at(**changes), AS_OF).alarms == alarms


def test_what_cannot_be_read_stands_first_and_makes_the_overview_incomplete():
    fine = project_line("a.yaml", "a", at(), AS_OF)
    held = project_line("c.yaml", "c", at(held=1), AS_OF)
    stale = project_line("d.yaml", "d", at(last_run_at=None), AS_OF)
    broken = unread_line("z.yaml", "z", "no config")
    found = overview("all", [fine, held, stale, broken], AS_OF)
    assert [line.project for line in found.lines] == ["z", "d", "c", "a"]
    assert not found.complete
    assert overview("all", [fine, held, stale], AS_OF).complete
    assert (broken.complete, broken.alarms) == (False, (Alarm.NOT_READ,))
    part = project_line("b.yaml", "b", at(gaps=("g",)), AS_OF)
    assert not overview("all", [fine, part], AS_OF).complete
    assert [found.count(alarm) for alarm in (Alarm.NOT_READ, Alarm.HELD, Alarm.PAUSED)] == [1, 1, 0]
