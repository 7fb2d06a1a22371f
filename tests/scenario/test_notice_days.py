"""The table of notice days in the specification of the ladder, lived through the daily run."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.scenario.people import MONDAY, aged
from tests.scenario.village import Village

from keyreeve.model.notice import MailKind

MON, TUE, WED, THU, FRI = range(5)


def lived(weekday: int, *, off: set[int] = frozenset(), no_run: set[int] = frozenset()) -> Village:
    """One user with an aged key whose day 0 falls on a weekday; `off`: holidays by ladder day."""
    start = MONDAY + timedelta(days=weekday)
    holidays = frozenset((start + timedelta(days=day)).date() for day in off)
    village = Village(aged(start=start), start=start, holidays=holidays)
    for day in range(24):
        if day not in no_run:
            village.run(day)
    return village


def until_the_act(village: Village) -> list[int]:
    """Days of notices, the one about the act included; what follows is about the end."""
    days = village.notices("aged.key")
    return [day for day, stage in days if stage != "closing"]


def acted_on(village: Village) -> int:
    (day,) = [day for day, kind in village.acts("aged.key") if kind == "deactivate_access_key"]
    return day


def credentials_on(village: Village) -> int:
    (day,) = [day for day, kind in village.acts("aged.key") if kind == "create_replacement_key"]
    return day


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        (MON, [0, 3, 7, 10, 11, 14]),
        (TUE, [0, 3, 7, 10, 13, 14]),
        (WED, [0, 5, 7, 12, 13, 14]),
        (THU, [0, 4, 7, 11, 12, 13, 14]),
        (FRI, [0, 3, 7, 10, 11, 12, 13, 14]),
    ],
    ids=["Mon", "Tue", "Wed", "Thu", "Fri"],
)
def test_notices_go_out_on_the_days_that_the_weekday_of_day_0_gives(weekday: int, days: list[int]):
    village = lived(weekday)
    assert until_the_act(village) == days
    assert (credentials_on(village), acted_on(village)) == (7, 14)
    assert len(village.mails(MailKind.CREDENTIALS)) == 1
    sent_on = [(m.sent_at - village.start).days for m in village.mails(MailKind.NOTICE)]
    assert sent_on == days


@pytest.mark.parametrize(
    ("weekday", "off", "credentials", "act"),
    [
        *[(day, {7}, 8, 14) for day in (MON, TUE, WED, THU)],
        (FRI, {7}, 10, 14),
        (THU, {7, 8}, 11, 15),
        (FRI, {7, 10}, 11, 17),
        *[(day, {14}, 7, 15) for day in (MON, TUE, WED, THU)],
        (FRI, {14}, 7, 17),
    ],
)
def test_a_holiday_moves_credentials_and_act_as_far_as_it_must(
    weekday: int, off: set[int], credentials: int, act: int
):
    village = lived(weekday, off=off)
    assert (credentials_on(village), acted_on(village)) == (credentials, act)
    assert not set(village.days("aged.key")) & off


def test_a_holiday_on_day_14_is_promised_around_from_the_first_notice():
    village = Village(aged(), holidays=frozenset({date(2026, 1, 19)}))
    village.run(0)
    assert village.e("aged.key") == date(2026, 1, 20)


@pytest.mark.parametrize(
    ("no_run", "credentials", "act"),
    [(range(1, 11), 11, 15), (range(1, 15), 15, 21)],
    ids=["days 1-10", "days 1-14"],
)
def test_missed_runs_delay_the_act_and_never_send_a_burst(
    no_run: range, credentials: int, act: int
):
    village = lived(MON, no_run=set(no_run))
    assert (credentials_on(village), acted_on(village)) == (credentials, act)
    days = village.days("aged.key")
    assert days[:2] == [0, credentials]
    assert len(days) == len(set(days))


@pytest.mark.parametrize("missed", [{day} for day in range(1, 15)], ids=str)
def test_one_missed_run_never_lets_the_act_come_early_or_without_a_warning(missed: set[int]):
    village = lived(MON, no_run=missed)
    act = acted_on(village)
    stages = [stage for day, stage in village.notices("aged.key") if day < act]
    assert act >= 14
    assert {"warning", "countdown"} & set(stages)
    assert act - credentials_on(village) >= 4


def test_two_runs_on_one_day_are_one_day():
    village = Village(aged())
    for day in range(18):
        village.run(day)
        before = len(village.mailer.sent)
        again = village.run(day + 0.3)
        assert (len(village.mailer.sent), again.outcomes) == (before, ())
    assert until_the_act(village) == [0, 3, 7, 10, 11, 14]


def test_day_0_is_a_mail_day():
    start = MONDAY + timedelta(days=5)
    village = Village(aged(start=start), start=start)
    village.live(0, 2)
    assert village.days("aged.key") == [2]
    assert village.case("aged.key").opened_on == date(2026, 1, 12)


def test_a_run_before_the_last_one_is_refused():
    village = Village(aged())
    village.run(3)
    with pytest.raises(Exception, match="before this project's last run"):
        village.run(2)
