"""The days of notices, credentials and acts, as tables (escalation.md, "Stages")."""

from __future__ import annotations

import pytest
from tests.unit.escalation.ladder import walk

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import Stage
from keyreeve.model.effect import NoticeReason

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
N, R, C = Stage.NOTIFICATION, Stage.REMINDER, Stage.NEW_CREDENTIALS
W, D, E, O = Stage.WARNING, Stage.COUNTDOWN, Stage.ENFORCEMENT, Stage.OVERDUE  # noqa: E741


def timeline(*args, **kwargs):
    """Notices, credentials, act and the promise, in days after the first run."""
    seen = walk(*args, **kwargs)
    upto = len(seen.notices) if seen.act is None else seen.notices.index(seen.act) + 1
    return seen.notices[:upto], seen.credentials, seen.act, seen.promised


BY_WEEKDAY = {
    MON: ([0, 3, 7, 10, 11, 14], [N, R, C, W, D, E]),
    TUE: ([0, 3, 7, 10, 13, 14], [N, R, C, W, D, E]),
    WED: ([0, 5, 7, 12, 13, 14], [N, R, C, D, D, E]),
    THU: ([0, 4, 7, 11, 12, 13, 14], [N, R, C, D, D, D, E]),
    FRI: ([0, 3, 7, 10, 11, 12, 13, 14], [N, R, C, W, D, D, D, E]),
}


@pytest.mark.parametrize("weekday", BY_WEEKDAY)
def test_days_and_stages_of_notices_by_the_weekday_of_day_0(weekday):
    days, stages = BY_WEEKDAY[weekday]
    seen = walk(weekday, until=15)
    assert (seen.notices, seen.stages) == (days, stages)
    assert (seen.credentials, seen.act, seen.promised) == (7, 14, 14)


@pytest.mark.parametrize(("weekday", "day_0"), [(SAT, 2), (SUN, 1)])
def test_a_finding_seen_on_a_weekend_starts_its_clock_on_monday(weekday, day_0):
    notices, credentials, act, promised = timeline(weekday)
    assert [day - day_0 for day in notices] == BY_WEEKDAY[MON][0]
    assert (credentials, act, promised) == (day_0 + 7, day_0 + 14, day_0 + 14)


HOLIDAYS = {
    "day 7, Mon": (MON, (7,), [0, 3, 8, 10, 11, 14], 8, 14, 14),
    "day 7, Tue": (TUE, (7,), [0, 3, 8, 10, 13, 14], 8, 14, 14),
    "day 7, Wed": (WED, (7,), [0, 5, 8, 12, 13, 14], 8, 14, 14),
    "day 7, Thu": (THU, (7,), [0, 4, 8, 11, 12, 13, 14], 8, 14, 14),
    "day 7, Fri": (FRI, (7,), [0, 3, 10, 11, 12, 13, 14], 10, 14, 14),
    "day 7 and the next weekday, Mon": (MON, (7, 8), [0, 3, 9, 10, 11, 14], 9, 14, 14),
    "day 7 and the next weekday, Thu": (THU, (7, 8), [0, 4, 11, 12, 13, 14, 15], 11, 15, 15),
    "day 7 and the next weekday, Fri": (FRI, (7, 10), [0, 3, 11, 13, 14, 17], 11, 17, 17),
    "day 14, Mon": (MON, (14,), [0, 3, 7, 11, 15], 7, 15, 15),
    "day 14, Tue": (TUE, (14,), [0, 3, 7, 13, 15], 7, 15, 15),
    "day 14, Wed": (WED, (14,), [0, 5, 7, 12, 13, 15], 7, 15, 15),
    "day 14, Thu": (THU, (14,), [0, 4, 7, 11, 12, 13, 15], 7, 15, 15),
    "day 14, Fri": (FRI, (14,), [0, 3, 7, 13, 17], 7, 17, 17),
    "day 3": (MON, (3,), [0, 4, 7, 10, 11, 14], 7, 14, 14),
    "day 10": (MON, (10,), [0, 3, 7, 11, 14], 7, 14, 14),
    "days 10 and 11: the warning must be a day of its own": (
        MON,
        (10, 11),
        [0, 3, 7, 14, 15],
        7,
        15,
        15,
    ),
}


@pytest.mark.parametrize("row", HOLIDAYS)
def test_holidays_move_days_and_the_first_notice_already_promises_so(row):
    weekday, off, *expected = HOLIDAYS[row]
    assert list(timeline(weekday, holidays=off)) == expected


MISSED = {
    "days 1-10": (range(1, 11), HandOver.KEY, [0, 11, 14, 15], 11, 15, 14),
    "days 1-14": (range(1, 15), HandOver.KEY, [0, 15, 17, 18, 21], 15, 21, 14),
    "days 1-14, nothing to hand over": (range(1, 15), HandOver.NOTHING, [0, 15, 16], None, 16, 14),
    "days 10-13": (range(10, 14), HandOver.KEY, [0, 3, 7, 14, 15], 7, 15, 14),
    "day 14 only": ((14,), HandOver.KEY, [0, 3, 7, 10, 11, 15], 7, 15, 14),
    "day 3 only": ((3,), HandOver.KEY, [0, 4, 7, 10, 11, 14], 7, 14, 14),
    "day 7 only": ((7,), HandOver.KEY, [0, 3, 8, 10, 11, 14], 8, 14, 14),
}


@pytest.mark.parametrize("row", MISSED)
def test_missed_runs_never_skip_onto_a_disruptive_rung(row):
    skip, hand_over, *expected = MISSED[row]
    assert list(timeline(MON, skip=skip, hand_over=hand_over)) == expected


def test_a_skipped_stages_mail_is_not_sent_late():
    seen = walk(MON, skip=range(1, 11), until=16)
    assert seen.stages == [N, W, D, E]  # no reminder, no stage 3 of its own


@pytest.mark.parametrize("weekday", range(5))
def test_a_second_run_on_the_same_day_changes_nothing(weekday):
    once = walk(weekday, until=16)
    twice = walk(weekday, until=16, twice=range(16))
    assert (twice.notices, twice.stages) == (once.notices, once.stages)
    assert twice.record == once.record
    for day, (_, again) in twice.decisions.items():
        assert not again.credentials_due or day not in twice.notices
        assert not again.act_due


# --- where E changes nothing in the account -------------------------------------------------------

REMIND = {
    MON: [0, 3, 7, 10, 11, 14, 21, 28, 35, 42],
    TUE: [0, 3, 7, 10, 13, 14, 21, 28, 35, 42],
    WED: [0, 5, 7, 12, 13, 14, 21, 28, 35, 42],
    THU: [0, 4, 7, 11, 12, 13, 14, 21, 28, 35, 42],
    FRI: [0, 3, 7, 10, 11, 12, 13, 14, 21, 28, 35, 42],
}


@pytest.mark.parametrize("weekday", REMIND)
def test_without_an_act_the_owner_is_told_on_e_and_weekly_from_then_on(weekday):
    seen = walk(weekday, acts=False, hand_over=HandOver.NOTHING)
    assert seen.notices == REMIND[weekday]
    assert seen.stages[seen.notices.index(14) :] == [E, O, O, O, O]
    assert seen.act is None


def test_a_weekly_notice_that_falls_on_a_holiday_goes_out_on_the_next_mail_day_and_week_stays():
    seen = walk(MON, acts=False, hand_over=HandOver.NOTHING, holidays=(21,), until=36)
    assert seen.notices[-4:] == [14, 22, 28, 35]


def test_missed_weeks_are_told_once_not_in_a_burst():
    seen = walk(MON, acts=False, hand_over=HandOver.NOTHING, skip=range(15, 37), until=44)
    assert seen.notices[-3:] == [14, 37, 42]


def test_a_missed_e_without_an_act_is_told_as_overdue():
    seen = walk(MON, acts=False, hand_over=HandOver.NOTHING, skip=(14,), until=22)
    assert seen.notices[-2:] == [15, 21]
    assert seen.stages[-2:] == [O, O]


def test_after_an_act_that_did_not_end_the_finding_it_is_overdue_weekly():
    seen = walk(MON, until=30)
    assert seen.notices[-3:] == [14, 21, 28]
    assert seen.stages[-3:] == [E, O, O]
    assert seen.decisions[20][-1].notice_due is None
    assert seen.decisions[21][-1].notice_due is NoticeReason.OVERDUE_WEEKLY
