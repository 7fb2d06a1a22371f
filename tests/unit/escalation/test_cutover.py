"""When cut-over counts as seen, and what it ends: a countdown, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import (
    KEY_1,
    KEY_3,
    MFA_CONTROL,
    NOW,
    by_id,
    case,
    delivered,
    notice_record,
    on,
    outlook,
    policy,
    reading,
    record,
    snapshot,
    used,
    user,
)
from tests.unit.escalation.ladder import walk
from tests.unit.escalation.single_decisions import D, E, W, decided, warned

from keyreeve.escalation.cutover import CutOver, cut_over_of, is_changing_over, judge_cut_over
from keyreeve.model.case import Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import DecisionReason
from keyreeve.model.policy import CompressedClock, LadderDays
from keyreeve.model.snapshot import Absent

GIVEN = NOW + timedelta(days=7)
NEVER, UNKNOWN = None, "unknown"
LATER = timedelta(minutes=5)

TABLE = {
    # old last used, new last used (ladder days), read on day → verdict
    "nothing used since the delivery": (6, NEVER, 11, CutOver.NEW_UNUSED),
    "only the old one used": (10, NEVER, 11, CutOver.NEW_UNUSED),
    "neither ever used": (NEVER, NEVER, 11, CutOver.NEW_UNUSED),
    "the new one used before it was delivered": (6, 6.9, 11, CutOver.NEW_UNUSED),
    "the new one used at the very instant of the delivery": (6, 7, 11, CutOver.NEW_UNUSED),
    "the new one tried, then the old one again": (9, 8, 11, CutOver.OLD_IN_USE),
    "the old one long after": (10.9, 8, 11, CutOver.OLD_IN_USE),
    "the old one an hour ago, the new one since": (10.95, 10.99, 11, CutOver.SETTLING),
    "just short of a day's rest": (10.0001, 10.5, 11, CutOver.SETTLING),
    "a day's rest": (10, 10.5, 11, CutOver.SEEN),
    "both at the same instant, a day ago": (10, 10, 11, CutOver.SEEN),
    "two days' rest": (9, 10.9, 11, CutOver.SEEN),
    "the old one at rest since before the delivery": (6, 8, 11, CutOver.SEEN),
    "the old one never used": (NEVER, 8, 11, CutOver.SEEN),
    "rest counts from the delivery": (1, 7.5, 7.9, CutOver.SETTLING),
    "the old one's last use is not known": (UNKNOWN, 8, 11, CutOver.UNREAD),
    "the new one's last use is not known": (6, UNKNOWN, 11, CutOver.UNREAD),
}


def of(key, told):
    return used(key, last_used=Absent.UNKNOWN) if told is UNKNOWN else used(key, told)


@pytest.mark.parametrize("row", TABLE)
def test_the_decision_table_of_cut_over(row):
    old, new, read, verdict = TABLE[row]
    at = NOW + timedelta(days=read)
    assert judge_cut_over(GIVEN, of(KEY_1, old), of(KEY_3, new), at) is verdict


@pytest.mark.parametrize(("old", "new"), [(None, used(KEY_3, 8)), (used(KEY_1, 6), None)])
def test_a_key_that_could_not_be_read_shows_nothing(old, new):
    assert judge_cut_over(GIVEN, old, new, NOW + timedelta(days=11)) is CutOver.UNREAD


MOMENTS = st.one_of(st.none(), st.floats(0, 20))


@given(MOMENTS, MOMENTS, st.floats(7, 20))
def test_cut_over_is_never_seen_within_a_day_of_a_use_of_the_old_key_or_before_one_of_the_new(
    old, new, read
):
    at = NOW + timedelta(days=read)
    verdict = judge_cut_over(GIVEN, used(KEY_1, old), used(KEY_3, new), at)
    if verdict is CutOver.SEEN:
        assert new is not None
        assert used(KEY_3, new).last_used > GIVEN
        assert at - GIVEN >= timedelta(days=1)
        assert old is None or at - used(KEY_1, old).last_used >= timedelta(days=1)
        assert old is None or used(KEY_3, new).last_used >= used(KEY_1, old).last_used


# --- whose keys are asked about -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "day", "asked"),
    [
        (record(day_0=True), 6, False),
        (record(day_0=True), 7, True),
        (record(day_0=True), 20, True),
        (record(), 20, False),
        (record(day_0=True, enforced_on=on(14)), 14, False),
        (record(MFA_CONTROL, "mfa", day_0=True), 10, False),
        (record(day_0=True, days=LadderDays(new_credentials=9)), 8, False),
        (record(day_0=True, days=LadderDays(new_credentials=9)), 9, True),
    ],
)
def test_keys_change_over_from_the_day_of_new_credentials_until_the_act(seen, day, asked):
    assert is_changing_over(seen, on(day), LadderDays()) is asked


OPERATION = delivered(delivered_at=GIVEN)
CHANGED = reading(11, used(KEY_1, 9), used(KEY_3, 10))


def verdict_of(seen=None, operation=OPERATION, told=CHANGED, **settings):
    seen = seen or record(day_0=True)
    operations = by_id(operation) if operation else {}
    return cut_over_of(case(seen, operations=operations), seen, told, policy(**settings))


def test_cut_over_is_judged_by_the_delivery_of_this_finding_and_the_last_reading():
    assert verdict_of() is CutOver.SEEN
    assert verdict_of(told=None) is CutOver.UNREAD
    assert verdict_of(operation=None) is CutOver.UNREAD
    assert verdict_of(operation=replace(OPERATION, delivered_at=None)) is CutOver.UNREAD
    other = record(MFA_CONTROL, "mfa", day_0=True)
    assert verdict_of(other, replace(OPERATION, resource_id="mfa")) is CutOver.UNREAD


def test_under_a_compressed_clock_a_ladder_day_of_rest_is_enough():
    hour = timedelta(hours=1)
    told = reading(11, used(KEY_1, 10.95), used(KEY_3, 10.96))
    assert verdict_of(told=told) is CutOver.SETTLING
    assert verdict_of(told=told, compressed=CompressedClock(day=hour, users=("*",))) is CutOver.SEEN


def test_that_days_go_by_without_a_look_shows_nothing():
    told = reading(9.1, used(KEY_1, 9), used(KEY_3, 9.05))
    who = user("ann")
    seen = case(record(day_0=True), operations=by_id(OPERATION), who=who)
    for day in (10, 12, 30):
        view = outlook(snapshot(who), now=NOW + timedelta(days=day), usage=told)
        assert not view.situation(seen, record(day_0=True)).cut_over
    view = outlook(snapshot(who), now=NOW + timedelta(days=11), usage=CHANGED)
    assert view.situation(seen, record(day_0=True)).cut_over


# --- what it ends ---------------------------------------------------------------------------------


def test_once_cut_over_is_seen_the_countdown_is_silent_and_says_why():
    for day in (11, 12, 13):
        decision = decided(day, warned(), cut_over=True)
        assert (decision.stage, decision.enforcement_on) == (D, on(14))
        assert decision.notice_due is None
        assert decision.reason is DecisionReason.CUT_OVER_SEEN
        assert decided(day, warned()).notice_due is NoticeReason.COUNTDOWN


def test_the_act_comes_on_the_promised_day_all_the_same():
    due = decided(14, warned(), cut_over=True)
    assert (due.stage, due.act_due, due.reason) == (E, True, DecisionReason.ENFORCEMENT_DUE)
    done = decided(14, warned(enforced_on=on(14)), cut_over=True)
    assert done.notice_due is NoticeReason.ACT_DONE


def test_the_warning_is_sent_whatever_the_keys_do():
    decision = decided(10, record(day_0=True), cut_over=True)
    assert (decision.stage, decision.notice_due) == (W, NoticeReason.STAGE_DUE)


STILL_OWED = {
    "no warning went out": (notice_record(0), notice_record(7, Stage.NEW_CREDENTIALS)),
    "the warning was the only notice that arrived": (notice_record(10, W),),
    "the warning was of a date far from this one": (
        notice_record(0),
        notice_record(5, W, e=9),
    ),
    "the warning announced another act": (
        notice_record(0),
        replace(notice_record(10, W), act="quarantine"),
    ),
}


@pytest.mark.parametrize("notices", STILL_OWED.values(), ids=STILL_OWED)
def test_a_countdown_that_gate_1_needs_is_sent_although_cut_over_is_seen(notices):
    seen = record(day_0=True, notices=notices)
    facts = {"act": "deactivate_access_key", "cut_over": True}
    decision = decided(12, seen, **facts)
    assert (decision.stage, decision.notice_due) == (D, NoticeReason.COUNTDOWN)
    assert decision.reason is not DecisionReason.CUT_OVER_SEEN


def test_a_date_that_moves_is_told_although_cut_over_is_seen():
    moved = warned(promised_on=on(16))
    decision = decided(13, moved, cut_over=True)
    assert (decision.stage, decision.enforcement_on) == (D, on(16))
    assert decision.notice_due is NoticeReason.ENFORCEMENT_MOVED


def test_what_is_overdue_is_told_weekly_all_the_same():
    facts = {"act_held": ("told", "held"), "cut_over": True}
    decision = decided(21, warned(), **facts)
    assert decision.notice_due is NoticeReason.OVERDUE_WEEKLY


@pytest.mark.parametrize("weekday", range(7))
@pytest.mark.parametrize("since", range(8, 16))
def test_cut_over_takes_away_countdowns_and_moves_no_day_of_act_or_credentials(weekday, since):
    plain = walk(weekday, until=25)
    seen = walk(weekday, until=25, change=lambda day, at: replace(at, cut_over=day >= since))
    assert (seen.act, seen.credentials, seen.promised) == (
        plain.act,
        plain.credentials,
        plain.promised,
    )
    left_out = dict(zip(plain.notices, plain.stages, strict=True))
    for day, stage in zip(seen.notices, seen.stages, strict=True):
        assert left_out.pop(day) is stage
    assert set(left_out.values()) <= {D}
    assert all(day >= since for day in left_out)
    assert [n for n in seen.told(W, D) if n.on < seen.start + timedelta(days=seen.act)]


def test_an_owner_who_changes_over_on_day_9_gets_no_countdown():
    quiet = walk(0, until=16, change=lambda day, at: replace(at, cut_over=day >= 11))
    assert (quiet.notices, quiet.act) == ([0, 3, 7, 10, 14], 14)
    back = walk(4, until=16, change=lambda day, at: replace(at, cut_over=day in (11, 12)))
    assert (back.notices, back.act) == ([0, 3, 7, 10, 13, 14], 14)
