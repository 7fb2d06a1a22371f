"""Days and dates at which one wrong sign would go unnoticed elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import notice_record, on, record
from tests.unit.escalation.single_decisions import BOUNCES, D, E, O, W, decided, warned

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import DecisionReason

SAID_ON_14 = (notice_record(0), notice_record(10, W), notice_record(14, E))


def remind(day, *notices, **facts):
    seen = record(day_0=True, notices=(notice_record(0), notice_record(10, W), *notices))
    return decided(day, seen, acts=False, **facts)


def test_the_overlap_counts_from_day_0_where_nothing_is_handed_out_or_said():
    assert decided(1, record(day_0=True), overlap_days=21).enforcement_on == on(21)
    assert decided(1, record(day_0=True), overlap_days=22).enforcement_on == on(22)


def test_a_hand_over_that_was_held_today_is_expected_tomorrow():
    late = decided(16, warned(), hand_over=HandOver.KEY, not_today=True)
    assert late.enforcement_on == on(21)  # made on day 17


@pytest.mark.parametrize(
    ("notices", "due"),
    [
        ((notice_record(13, D),), NoticeReason.STAGE_DUE),
        ((notice_record(14, E),), None),
        ((notice_record(14, Stage.REMINDER),), NoticeReason.STAGE_DUE),
        ((notice_record(7, E),), NoticeReason.STAGE_DUE),
    ],
)
def test_e_without_an_act_is_told_once_for_this_e(notices, due):
    assert remind(14, *notices).notice_due is due


def test_without_an_act_the_reason_says_so_only_from_e_on():
    assert remind(13).reason is DecisionReason.GRACE_PERIOD_RUNNING
    assert remind(14).reason is DecisionReason.NO_ACT_CONFIGURED
    assert remind(15).reason is DecisionReason.NO_ACT_CONFIGURED
    assert remind(8, act_held=BOUNCES).held is None


def test_a_countdown_is_told_once_a_day():
    assert remind(11).notice_due is NoticeReason.COUNTDOWN
    assert remind(11, notice_record(11, D)).notice_due is None
    assert remind(14 - 1, notice_record(11, D)).notice_due is NoticeReason.COUNTDOWN


def test_weeks_are_counted_from_the_e_that_came_not_from_the_promise():
    said = notice_record(15, E, e=15)
    assert remind(21, said, extension_days=1).notice_due is None
    assert remind(22, said, extension_days=1).notice_due is NoticeReason.OVERDUE_WEEKLY
    done = record(day_0=True, enforced_on=on(15), notices=(*SAID_ON_14, said))
    assert decided(21, done).notice_due is None
    assert decided(22, done).notice_due is NoticeReason.OVERDUE_WEEKLY


def test_weeks_of_an_open_e_are_counted_from_the_promise():
    seen = record(
        day_0=True,
        promised_on=on(16),
        notices=(notice_record(0, e=16), notice_record(16, O, e=None)),
    )
    assert decided(21, seen, act_held=BOUNCES).notice_due is None
    assert decided(23, seen, act_held=BOUNCES).notice_due is NoticeReason.OVERDUE_WEEKLY


def test_only_a_notice_of_the_act_tells_of_the_act():
    done = record(day_0=True, enforced_on=on(14))
    for before in (notice_record(13, E), notice_record(15, Stage.REMINDER)):
        seen = replace(done, notices=(notice_record(0), before))
        assert decided(16, seen).notice_due is NoticeReason.ACT_DONE
    told = replace(done, notices=SAID_ON_14)
    assert decided(14, told).stage is E
    assert decided(15, told).stage is O


def told(*notices):
    return record(day_0=True, notices=(notice_record(0), notice_record(10, W), *notices))


def test_the_act_never_comes_before_the_date_told_last():
    moved = told(notice_record(14, D, e=15))
    assert decided(14, moved, noticed_today=True).enforcement_on == on(15)
    assert not decided(14, moved, noticed_today=True).act_due
    assert decided(15, moved).act_due


def test_a_date_that_comes_nearer_is_told_the_day_before():
    far = told(notice_record(12, D, e=30))
    assert decided(14, far).enforcement_on == on(15)
    assert decided(14, far).notice_due is not None
    assert decided(14, far, noticed_today=True).enforcement_on == on(16)
    assert decided(15, told(notice_record(14, D, e=15))).act_due
    assert decided(14, far, acts=False).enforcement_on == on(14)


ACT = "quarantine"
"""What day 14 does; the notices below announced it, another act, or none."""


@pytest.mark.parametrize(
    ("announced", "e"),
    [
        ((ACT, ACT, ACT), 14),
        ((None, None, None), 14),  # told before the act was kept
        (("", "", ACT), 15),  # warned; told once: a second notice, and the day after it
        (("", ACT, ACT), 14),
        (("", "", ""), 16),  # told of nothing yet: today, once more tomorrow, and the day after it
        (("delete_login_profile",) * 3, 16),
        ((ACT, ACT, ""), 15),  # the warning of another thing warns of nothing
    ],
)
def test_only_a_notice_that_announced_the_act_counts_as_told(announced, e):
    days = ((0, Stage.NOTIFICATION), (7, Stage.NEW_CREDENTIALS), (11, D))
    notices = tuple(
        replace(notice_record(day, stage), act=act)
        for (day, stage), act in zip(days, announced, strict=True)
    )
    seen = record(day_0=True, notices=notices)
    assert decided(14, seen, act=ACT).enforcement_on == on(e)
    assert decided(14, seen, acts=False).enforcement_on == on(14)
