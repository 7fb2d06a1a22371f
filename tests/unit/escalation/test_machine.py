"""Single decisions of the machine, where a table of days would hide the rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import notice_record, on, policy, record
from tests.unit.escalation.ladder import WHY, walk
from tests.unit.escalation.single_decisions import BOUNCES, NO_RECIPIENT, D, E, O, decided, warned

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import Stage, Told
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import DecisionReason
from keyreeve.model.policy import Enforcement, EnforcementDays, Freeze, LadderDays

# --- pending --------------------------------------------------------------------------------------


def test_on_a_mail_day_the_first_notice_is_due():
    decision = decided(0, record())
    assert decision.stage is Stage.PENDING
    assert decision.notice_due is NoticeReason.FIRST_NOTICE
    assert decision.reason is DecisionReason.FIRST_NOTICE_DUE
    assert decision.enforcement_on == on(14)


def test_on_a_closed_day_it_waits_and_e_counts_from_the_next_mail_day():
    decision = decided(5, record())
    assert decision.reason is DecisionReason.WAITING_FOR_MAIL_DAY
    assert decision.enforcement_on == on(7 + 14)


def test_a_finding_that_joins_a_case_says_so_and_has_a_clock_of_its_own():
    decision = decided(2, record(), first_in_case=False)
    assert decision.notice_due is NoticeReason.NEW_FINDING_IN_CASE
    assert decision.enforcement_on == on(16)


# --- the promise ----------------------------------------------------------------------------------


def test_a_later_change_of_the_days_never_shortens_a_running_promise():
    short = policy(
        days=LadderDays(reminder=1, new_credentials=2, warning=3, countdown=4, enforcement=6)
    )
    decision = decided(5, record(day_0=True), settings=short)
    assert decision.enforcement_on == on(14)
    assert decision.stage is Stage.REMINDER
    assert decided(0, record(), settings=short).enforcement_on == on(7)  # day 6 is a Sunday


def test_the_promise_stands_even_if_the_frozen_days_would_come_earlier():
    assert decided(1, record(day_0=True, promised_on=on(17))).enforcement_on == on(17)


# --- E, gate by gate ------------------------------------------------------------------------------


def test_the_act_is_due_on_e_and_not_the_day_before():
    assert not decided(13, warned()).act_due
    due = decided(14, warned())
    assert due.act_due
    assert due.reason is DecisionReason.ENFORCEMENT_DUE
    assert due.stage is E
    assert due.notice_due is None  # nobody is told before it was done


def test_a_warning_of_today_is_too_late_for_today():
    assert decided(14, warned(14)).enforcement_on == on(15)
    assert decided(14, warned(13)).enforcement_on == on(14)


def test_a_countdown_counts_as_the_warning():
    told = (notice_record(0), notice_record(13, D))
    assert decided(14, record(day_0=True, notices=told)).act_due


def test_a_warning_alone_is_not_enough_where_every_other_notice_came_back():
    alone = record(day_0=True, notices=(notice_record(10, Stage.WARNING),))
    assert decided(14, alone).enforcement_on == on(15)
    assert decided(11, alone).enforcement_on == on(14)  # a countdown is still to come


def test_a_first_notice_that_came_back_is_said_again():
    lost = record(day_0=True, notices=())
    assert decided(1, lost).notice_due is NoticeReason.STAGE_DUE
    assert decided(1, record(day_0=True)).notice_due is None


def test_notices_that_did_not_warn_are_not_enough():
    told = (notice_record(0), notice_record(3, Stage.REMINDER), notice_record(7))
    decision = decided(14, record(day_0=True, notices=told))
    assert decision.enforcement_on == on(15)
    assert decision.stage is D


def test_with_todays_notice_spent_the_warning_goes_out_tomorrow():
    decision = decided(14, record(day_0=True), noticed_today=True)
    assert decision.enforcement_on == on(16)


@pytest.mark.parametrize(("given", "e"), [(7, 14), (10, 14), (11, 15), (13, 17), (14, 18)])
def test_the_old_key_keeps_four_days_beside_its_replacement(given, e):
    decision = decided(14, warned(), hand_over=HandOver.KEY, handed_over_on=on(given))
    assert decision.enforcement_on == on(e)


@pytest.mark.parametrize(("told", "e"), [(0, 14), (10, 14), (11, 15), (14, 18)])
def test_where_there_is_no_replacement_the_reason_was_told_four_days_ago(told, e):
    seen = warned(no_replacement=Told(reason=WHY, on=on(told)))
    assert decided(14, seen, why_nothing=WHY).enforcement_on == on(e)


def test_another_reason_than_the_one_told_must_be_told_first():
    seen = warned(no_replacement=Told(reason="dormant", on=on(0)))
    assert decided(14, seen, why_nothing=WHY).enforcement_on == on(18)
    assert decided(14, seen, why_nothing=WHY, noticed_today=True).enforcement_on == on(21)


def test_a_hand_over_that_is_late_moves_e_even_before_it_is_made():
    decision = decided(14, warned(), hand_over=HandOver.KEY)
    assert decision.credentials_due
    assert decision.enforcement_on == on(18)
    tomorrow = decided(14, warned(), hand_over=HandOver.KEY, not_today=True)
    assert not tomorrow.credentials_due
    assert tomorrow.enforcement_on == on(21)  # handed over on day 15, and day 19 is a Saturday


def test_an_act_that_a_counting_gate_held_comes_on_the_next_open_day():
    decision = decided(14, warned(), not_today=True)
    assert decision.enforcement_on == on(15)
    assert not decision.act_due
    assert decision.stage is D
    assert decided(11, warned(), not_today=True).enforcement_on == on(14)


def test_in_a_freeze_e_is_the_first_day_after_it():
    frozen = policy(enforcement=Enforcement(freezes=(Freeze(first=on(14), last=on(16)),)))
    assert decided(0, record(), settings=frozen).enforcement_on == on(17)


def test_with_every_day_an_act_may_fall_on_a_weekend_and_is_told_on_monday():
    every_day = policy(enforcement=Enforcement(weekdays=EnforcementDays.EVERY_DAY))
    seen = walk(5, settings=every_day, until=30)  # seen on a Saturday, day 0 is Monday
    assert (seen.notices[0], seen.act) == (2, 16)
    extended = walk(
        0,
        settings=every_day,
        until=30,
        change=lambda day, at: replace(at, extension_days=5 if day else 0),
    )
    assert extended.act == 19  # a Saturday
    assert extended.notices[-2:] == [21, 28]
    assert extended.stages[-2:] == [E, O]


# --- open E ---------------------------------------------------------------------------------------


def test_before_its_day_an_undated_gate_leaves_the_promise_standing():
    decision = decided(13, warned(), act_held=BOUNCES)
    assert decision.enforcement_on == on(14)
    assert decision.held == BOUNCES
    assert decision.reason is DecisionReason.HELD_AT_GATE


def test_on_its_day_an_undated_gate_opens_e():
    decision = decided(14, warned(), act_held=BOUNCES)
    assert decision.enforcement_on is None
    assert decision.stage is O
    assert decision.notice_due is NoticeReason.OVERDUE_WEEKLY
    assert not decision.act_due


def test_an_open_e_is_told_weekly():
    seen = walk(0, until=36, change=lambda _, at: replace(at, act_held=BOUNCES))
    assert seen.notices[-4:] == [14, 21, 28, 35]
    assert set(seen.stages[-4:]) == {O}
    assert {n.enforcement_on for n in seen.record.notices[-4:]} == {None}
    assert seen.act is None


def test_when_the_gate_opens_a_date_is_told_and_the_act_follows_on_the_day_after():
    def gate(day, at):
        return replace(at, act_held=BOUNCES if day < 17 else None)

    seen = walk(0, until=30, hand_over=HandOver.NOTHING, change=gate)
    assert (seen.notices[-4:-1], seen.act) == ([14, 17, 18], 18)


def test_while_the_act_is_held_no_credentials_are_handed_over_either():
    def gate(day, at):
        return replace(at, act_held=BOUNCES if day < 17 else None)

    seen = walk(0, until=30, change=gate)
    assert (seen.credentials, seen.act) == (17, 21)


def test_when_the_hand_over_was_held_e_stays_open_until_it_was_made_and_four_days_passed():
    def gate(day, at):
        return replace(at, hand_over_held=NO_RECIPIENT if day < 16 else None)

    seen = walk(0, until=30, change=gate)
    assert (seen.credentials, seen.act) == (16, 21)
    assert seen.decisions[7][0].held == NO_RECIPIENT
    assert seen.decisions[6][0].held is None
    assert seen.decisions[14][0].enforcement_on is None


def test_an_act_gate_means_nothing_where_nothing_is_acted():
    decision = decided(14, warned(), acts=False, act_held=BOUNCES)
    assert decision.held is None
    assert decision.enforcement_on == on(14)
    assert decision.reason is DecisionReason.NO_ACT_CONFIGURED
    assert decision.notice_due is NoticeReason.STAGE_DUE


def test_a_held_hand_over_leaves_e_alone_where_nothing_is_acted():
    decision = decided(
        8, record(day_0=True), acts=False, hand_over=HandOver.PASSWORD, hand_over_held=NO_RECIPIENT
    )
    assert decision.enforcement_on == on(14)
    assert decision.held == NO_RECIPIENT
