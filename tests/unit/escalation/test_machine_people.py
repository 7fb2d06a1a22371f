"""Single decisions of the machine, about people, hand-overs and what follows the act."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import notice_record, on, policy, record
from tests.unit.escalation.ladder import walk
from tests.unit.escalation.single_decisions import BOUNCES, D, E, O, W, decided, warned

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import DecisionReason, Gate
from keyreeve.model.policy import Enforcement, Freeze

# --- people ---------------------------------------------------------------------------------------


def test_an_extension_moves_e_and_the_owner_hears_of_it_at_once():
    decision = decided(8, record(day_0=True), extension_days=7)
    assert decision.enforcement_on == on(21)
    assert decision.stage is Stage.NEW_CREDENTIALS


def test_while_a_gate_holds_e_is_still_an_open_day():
    seen = decided(8, record(day_0=True), extension_days=5, act_held=BOUNCES)
    assert seen.enforcement_on == on(21)  # day 19 is a Saturday


def test_after_an_extension_the_warning_is_counted_back_from_the_new_e():
    seen = walk(0, until=30, change=lambda day, at: replace(at, extension_days=7 * (day >= 11)))
    assert seen.act == 21
    assert list(zip(seen.notices, seen.stages, strict=True))[3:] == [
        (10, W),
        (11, Stage.NEW_CREDENTIALS),  # E moved: said at once, with the stage of the day
        (17, W),
        (18, D),
        (21, E),
        (28, O),
    ]


def test_a_moved_e_is_a_reason_of_its_own_where_the_stage_was_told():
    told = (notice_record(0), notice_record(7, Stage.NEW_CREDENTIALS))
    seen = record(day_0=True, notices=told)
    assert decided(8, seen).notice_due is None
    assert decided(8, seen, extension_days=7).notice_due is NoticeReason.ENFORCEMENT_MOVED


def test_a_warning_of_another_e_is_said_again():
    seen = warned(10)
    assert decided(10, seen).notice_due is None
    assert decided(17, seen, extension_days=7).notice_due is NoticeReason.STAGE_DUE


@pytest.mark.parametrize(("until", "e"), [(9, 14), (14, 14), (15, 15), (18, 18)])
def test_a_hold_keeps_the_act_back_until_it_ends(until, e):
    assert decided(8, warned(8), held_until=on(until)).enforcement_on == on(e)


def test_a_warning_of_a_date_long_past_warns_of_nothing():
    seen = warned(10)
    assert decided(11, seen, extension_days=4).enforcement_on == on(18)
    assert decided(11, seen, extension_days=7).enforcement_on == on(21)  # warned again on day 17
    over = decided(21, seen, held_until=on(21))
    assert over.enforcement_on == on(22)
    assert over.stage is D


def test_while_a_case_is_held_nothing_is_due_and_the_reason_is_a_person():
    decision = decided(9, record(day_0=True), hand_over=HandOver.KEY, held_until=on(10))
    assert not decision.credentials_due
    assert decision.held == (Gate.HUMAN, "held until 2026-01-15")
    over = decided(10, record(day_0=True), hand_over=HandOver.KEY, held_until=on(10))
    assert over.credentials_due
    assert over.held is None


def test_a_held_case_without_a_warning_is_warned_on_the_day_the_hold_ends():
    decision = decided(8, record(day_0=True), held_until=on(21))
    assert decision.enforcement_on == on(22)


# --- the hand-over --------------------------------------------------------------------------------


def test_credentials_are_due_from_day_7_on_once():
    key = HandOver.KEY
    assert not decided(6, record(day_0=True), hand_over=key).credentials_due
    due = decided(7, record(day_0=True), hand_over=key)
    assert due.credentials_due
    assert due.reason is DecisionReason.CREDENTIALS_DUE
    assert decided(9, record(day_0=True), hand_over=key).credentials_due
    assert not decided(9, record(day_0=True), hand_over=key, handed_over_on=on(7)).credentials_due
    assert not decided(12, record(day_0=True), hand_over=key).credentials_due  # a Saturday


def test_a_password_is_not_reset_in_a_freeze_and_a_key_is_handed_over():
    frozen = policy(enforcement=Enforcement(freezes=(Freeze(first=on(7), last=on(8)),)))
    facts = {"settings": frozen, "seen": record(day_0=True)}
    assert decided(7, **facts, hand_over=HandOver.KEY).credentials_due
    assert not decided(8, **facts, hand_over=HandOver.PASSWORD).credentials_due
    assert decided(9, **facts, hand_over=HandOver.PASSWORD).credentials_due


# --- after the act --------------------------------------------------------------------------------


def test_an_act_is_told_until_its_owner_knows_then_weekly():
    done = warned(enforced_on=on(14))
    assert decided(14, done).notice_due is NoticeReason.ACT_DONE
    assert decided(18, done).notice_due is NoticeReason.ACT_DONE
    assert decided(18, done).stage is E
    told = replace(done, notices=(*done.notices, notice_record(16, E)))
    assert decided(16, told).notice_due is None
    assert decided(17, told).stage is O
    assert decided(20, told).notice_due is None
    assert decided(21, told).notice_due is NoticeReason.OVERDUE_WEEKLY
    assert decided(21, told).enforcement_on == on(14)
    assert decided(21, told).reason is DecisionReason.ENFORCED


def test_an_act_whose_end_is_unknown_is_looked_at_whatever_the_day_is():
    assert decided(12, warned(), reconcile=True).act_due
    assert decided(12, warned(), reconcile=True).reason is DecisionReason.GRACE_PERIOD_RUNNING
    assert decided(16, warned(enforced_on=on(14)), reconcile=True).act_due


def test_days_left_are_true_days_not_ladder_days():
    decision = decided(11, record(day_0=True))
    assert decision.enforcement_on - on(11) == timedelta(days=3)
    assert decision.stage is D
    assert decision.notice_due is NoticeReason.COUNTDOWN
