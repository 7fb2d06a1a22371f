from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.builders import NOW, SECOND, on, policy

from keyreeve.escalation.calendar import Calendar
from keyreeve.model.policy import CompressedClock, Enforcement, EnforcementDays, Freeze

SATURDAY = on(5)


def calendar(**changes):
    return Calendar(policy(**changes))


# --- what date it is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "instant", "local"),
    [
        ("UTC", "2026-01-05T23:59:59+00:00", date(2026, 1, 5)),
        ("UTC", "2026-01-06T00:00:00+00:00", date(2026, 1, 6)),
        ("Asia/Kolkata", "2026-01-05T18:29:59+00:00", date(2026, 1, 5)),
        ("Asia/Kolkata", "2026-01-05T18:30:00+00:00", date(2026, 1, 6)),
        ("Pacific/Kiritimati", "2026-01-05T09:59:59+00:00", date(2026, 1, 5)),
        ("Pacific/Kiritimati", "2026-01-05T10:00:00+00:00", date(2026, 1, 6)),
        # The clocks of New York go forward on 8 March 2026 and back on 1 November.
        ("America/New_York", "2026-03-08T04:59:59+00:00", date(2026, 3, 7)),
        ("America/New_York", "2026-03-08T05:00:00+00:00", date(2026, 3, 8)),
        ("America/New_York", "2026-03-09T03:59:59+00:00", date(2026, 3, 8)),
        ("America/New_York", "2026-03-09T04:00:00+00:00", date(2026, 3, 9)),
        ("America/New_York", "2026-11-02T04:59:59+00:00", date(2026, 11, 1)),
        ("America/New_York", "2026-11-02T05:00:00+00:00", date(2026, 11, 2)),
        ("UTC", "2028-02-29T12:00:00+00:00", date(2028, 2, 29)),
        ("UTC", "2026-01-06T01:00:00+05:30", date(2026, 1, 5)),
    ],
)
def test_today_is_the_local_date_of_the_projects_zone(zone, instant, local):
    now = datetime.fromisoformat(instant)
    days = calendar(timezone=ZoneInfo(zone))
    assert days.today(now) == local
    assert days.today(now, anchor=NOW) == local  # an anchor matters to a compressed clock only
    assert days.ledger_day(now) == local


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_a_daily_run_at_one_local_hour_never_skips_or_repeats_a_date(zone):
    days = calendar(timezone=ZoneInfo(zone))
    start = datetime(2026, 1, 1, 6, tzinfo=ZoneInfo(zone))
    dates = [days.today((start + timedelta(days=n)).astimezone(UTC)) for n in range(400)]
    assert dates == [date(2026, 1, 1) + timedelta(days=n) for n in range(400)]


# --- mail days ------------------------------------------------------------------------------------


def test_mail_goes_out_monday_to_friday():
    assert [calendar().is_mail_day(on(n)) for n in range(7)] == [True] * 5 + [False] * 2


def test_no_mail_goes_out_on_a_holiday():
    days = calendar(holidays=frozenset({on(1)}))
    assert [days.is_mail_day(on(n)) for n in range(3)] == [True, False, True]


def test_mail_days_are_a_setting():
    days = calendar(mail_weekdays=frozenset({6, 0}))
    assert [days.is_mail_day(on(n)) for n in range(7)] == [True] + [False] * 5 + [True]


@pytest.mark.parametrize(
    ("day", "holidays", "expected"),
    [(0, (), 0), (4, (), 4), (5, (), 7), (6, (), 7), (4, (4,), 7), (4, (4, 7), 8), (0, (0,), 1)],
)
def test_the_next_mail_day_skips_weekends_and_holidays(day, holidays, expected):
    days = calendar(holidays=frozenset(map(on, holidays)))
    assert days.mail_day_from(on(day)) == on(expected)
    assert days.act_day_from(on(day)) == on(expected)
    assert days.hand_over_day_from(on(day), disruptive=True) == on(expected)


# --- act days -------------------------------------------------------------------------------------


def test_acts_happen_on_mail_days_only():
    days = calendar(holidays=frozenset({on(1)}))
    assert [days.is_act_day(on(n)) for n in range(7)] == [1, 0, 1, 1, 1, 0, 0]


def test_with_every_day_acts_happen_on_weekends_and_holidays_too():
    settings = Enforcement(weekdays=EnforcementDays.EVERY_DAY)
    days = calendar(enforcement=settings, holidays=frozenset({on(1)}))
    assert all(days.is_act_day(on(n)) for n in range(7))
    assert not days.is_mail_day(SATURDAY)
    assert days.act_day_from(SATURDAY) == SATURDAY


@pytest.mark.parametrize("weekdays", EnforcementDays)
def test_in_a_freeze_nothing_is_done_first_and_last_day_included(weekdays):
    freeze = Freeze(first=on(1), last=on(3))
    days = calendar(enforcement=Enforcement(weekdays=weekdays, freezes=(freeze,)))
    assert [days.is_act_day(on(n)) for n in range(5)] == [True, False, False, False, True]
    assert days.act_day_from(on(1)) == on(4)
    assert all(days.is_mail_day(on(n)) for n in range(5))  # words go on


def test_a_key_may_be_handed_over_in_a_freeze_but_no_password_reset():
    days = calendar(enforcement=Enforcement(freezes=(Freeze(first=on(0), last=on(1)),)))
    assert days.hand_over_day_from(on(0), disruptive=False) == on(0)
    assert days.hand_over_day_from(on(0), disruptive=True) == on(2)


def test_a_project_without_any_mail_day_waits_ten_years_and_does_not_hang():
    days = calendar(mail_weekdays=frozenset())
    far = on(3660)
    assert days.mail_day_from(on(0)) == far
    assert days.act_day_from(on(0)) == far
    assert days.hand_over_day_from(on(0), disruptive=False) == far


def test_the_last_day_within_the_horizon_is_found():
    busy = frozenset(on(n) for n in range(3659))
    days = calendar(mail_weekdays=frozenset(range(7)), holidays=busy)
    assert days.mail_day_from(on(0)) == on(3659)


# --- the compressed clock (S2.14) -----------------------------------------------------------------

TEN_MINUTES = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("elapsed", "day"),
    [
        (timedelta(0), 0),
        (TEN_MINUTES - SECOND, 0),
        (TEN_MINUTES, 1),
        (14 * TEN_MINUTES - SECOND, 13),
        (14 * TEN_MINUTES, 14),
        (timedelta(minutes=-5), 0),
    ],
)
def test_a_compressed_day_is_counted_from_the_instant_of_day_0(elapsed, day):
    days = calendar(compressed=CompressedClock(day=TEN_MINUTES, users=("*",)))
    assert days.today(NOW + elapsed, anchor=NOW) == on(day)


def test_without_day_0_a_compressed_clock_tells_the_local_date():
    clock = CompressedClock(day=TEN_MINUTES, users=("*",))
    days = calendar(compressed=clock, timezone=ZoneInfo("Pacific/Kiritimati"))
    assert days.today(datetime(2026, 1, 5, 12, tzinfo=UTC)) == date(2026, 1, 6)
    assert days.today(datetime(2026, 1, 5, 12, tzinfo=UTC), anchor=NOW) == on(36)


def test_a_compressed_ladder_begins_on_the_local_date_of_its_day_0():
    clock = CompressedClock(day=TEN_MINUTES, users=("*",))
    days = calendar(compressed=clock, timezone=ZoneInfo("Pacific/Kiritimati"))
    evening = datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert days.today(evening + 2 * TEN_MINUTES, anchor=evening) == date(2026, 1, 8)


def test_under_a_compressed_clock_every_day_is_a_mail_day_and_an_act_day():
    clock = CompressedClock(day=TEN_MINUTES, users=("*",))
    days = calendar(compressed=clock, holidays=frozenset({on(5)}))
    assert all(days.is_mail_day(on(n)) and days.is_act_day(on(n)) for n in range(7))


def test_under_a_compressed_clock_the_blast_radius_is_counted_per_compressed_day():
    days = calendar(compressed=CompressedClock(day=TEN_MINUTES, users=("*",)))
    first = days.ledger_day(NOW)
    assert days.ledger_day(NOW + TEN_MINUTES - SECOND) == first
    assert days.ledger_day(NOW + TEN_MINUTES) == first + timedelta(days=1)
    assert first == date(1970, 1, 1) + timedelta(days=(int(NOW.timestamp()) // 600) % 2_000_000)
