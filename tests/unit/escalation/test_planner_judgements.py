"""Decisions as effects: notices, closings, credentials, acts, what is resumed or over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    NOW,
    RUN,
    ago,
    day,
    gap_of,
    old_key,
    on,
    outlook,
    policy,
    record,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.standing import (
    days_to_90,
    headline,
    population_of,
    strongest,
    told_today,
)
from keyreeve.model.case import LastRun, Population, Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.identifiers import ControlId
from keyreeve.model.plan import Decision, DecisionReason
from keyreeve.model.policy import Exclusion, Match

ANN = user("ann", old_key())

# --- the summary ----------------------------------------------------------------------------------

SUMMARY = {
    "first run on its day": (0, None, None, True),
    "first run on another day": (1, None, None, False),
    "sent today": (0, 0, None, False),
    "its day again": (7, 0, None, True),
    "the day after, sent in time": (8, 7, None, False),
    "its day was missed": (8, 0, None, True),
    "never sent, its day was missed": (8, None, 4, True),
    "never sent, runs began after its day": (9, None, 8, False),
    "never sent, last run on its day": (8, None, 7, False),
    "a weekend": (12, 0, None, False),
}


@pytest.mark.parametrize("row", SUMMARY)
def test_the_summary_is_due_on_its_day_or_the_first_mail_day_after_it_once(row):
    today, sent, last, due = SUMMARY[row]
    run = None if last is None else LastRun(run_id=RUN, as_of=NOW, on=on(last))
    before = state(summary_sent_on=None if sent is None else on(sent), last_run=run)
    at = NOW + timedelta(days=today)
    assert day(snapshot(ANN), before, now=at).planned.plan.summary_due is due
    nobody = policy(summary_to=())
    assert not day(snapshot(ANN), before, nobody, now=at).planned.plan.summary_due


def test_the_summarys_day_is_a_setting_and_a_holiday_moves_it():
    friday = policy(summary_weekday=4)
    assert day(snapshot(), None, friday, now=NOW + timedelta(days=4)).planned.plan.summary_due
    assert not day(snapshot(), None, friday).planned.plan.summary_due
    off = policy(holidays=frozenset({on(7)}))
    sent = state(summary_sent_on=on(0))
    assert not day(snapshot(), sent, off, now=NOW + timedelta(days=7)).planned.plan.summary_due
    assert day(snapshot(), sent, off, now=NOW + timedelta(days=8)).planned.plan.summary_due


# --- small judgements -----------------------------------------------------------------------------


def decision(stage, due=None):
    return Decision(
        stage=stage,
        enforcement_on=None,
        reason=DecisionReason.GRACE_PERIOD_RUNNING,
        notice_due=due,
    )


def test_the_headline_is_the_most_advanced_stage_and_pending_reads_as_notification():
    assert headline([decision(Stage.PENDING)]) is Stage.NOTIFICATION
    stages = [Stage.WARNING, Stage.PENDING, Stage.REMINDER]
    assert headline(map(decision, stages)) is Stage.WARNING
    assert headline(map(decision, [Stage.ENFORCEMENT, Stage.OVERDUE])) is Stage.OVERDUE


def test_the_strongest_reason_leads():
    due = [NoticeReason.NEW_FINDING_IN_CASE, NoticeReason.COUNTDOWN, None]
    assert strongest(decision(Stage.WARNING, d) for d in due) is NoticeReason.COUNTDOWN
    assert strongest([decision(Stage.WARNING)]) is None
    assert strongest([]) is None


def test_a_refused_run_tells_of_no_finding_without_a_day_0():
    running, new = (ControlId.ACCESS_KEY_ROTATION, KEY_1), (ControlId.CONSOLE_MFA, "password")
    found = {
        running: decision(Stage.WARNING),
        new: decision(Stage.PENDING, NoticeReason.NEW_FINDING_IN_CASE),
    }
    assert told_today(found, opens=True) == found
    assert list(told_today(found, opens=False)) == [running]


@pytest.mark.parametrize(("age", "left"), [(0, 90), (75, 15), (90, 0), (90.99, 0), (100, -10)])
def test_days_to_90_are_whole_days_of_age(age, left):
    assert days_to_90(record(since=ago(age)), NOW) == left


def test_without_a_date_nobody_knows_the_days_to_90():
    assert days_to_90(record(since=None), NOW) is None


def test_the_population_of_tomorrow_leaves_out_the_excluded_and_inline_policies():
    crew = snapshot(ANN, user("bob", inline_policies=("p",)), user("cid", old_key(key_id="AKIAC")))
    settings = policy(exclusions=(Exclusion(match=Match(user="cid"), reason="r"),))
    seen = population_of(outlook(crew, settings), None)
    assert seen.users == {"AIDAANN", "AIDABOB", "AIDACID"}
    assert seen.flagged == {"AIDAANN"}


def test_a_user_who_could_not_be_read_counts_as_before():
    unread = outlook(snapshot(ANN, gaps=(gap_of(ANN),)))
    known = Population(users=frozenset({"AIDAANN"}), flagged=frozenset({"AIDAANN", "AIDAOLD"}))
    assert population_of(unread, known).flagged == {"AIDAANN"}
    assert population_of(unread, None).flagged == frozenset()
