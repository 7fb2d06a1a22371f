"""`first_run: observe`: everything is judged, nobody is told, until the project is armed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.proofs.races import EFFECTS
from tests.scenario.people import MONDAY, aged, bystanders, no_mfa, old_password
from tests.scenario.peril import Fate
from tests.scenario.test_undo_races import Moment
from tests.scenario.village import Silence, Village

from keyreeve.model.decisions import Arming
from keyreeve.pipeline.arming import HANDS_OVER, SHUTS, Ahead, ahead
from keyreeve.pipeline.people import standing
from keyreeve.storage.layout import PAUSE

ARMED = Arming(since=MONDAY, by="arn:aws:iam::123456789012:user/msp")
LADDER = [0, 3, 7, 10, 11, 14]
"""Days of the notices of a case that opens on a Monday."""


def observing() -> Village:
    people = (aged(), aged("second.key"), no_mfa(), old_password())
    return Village(*people, *bystanders(6), observe_only=True)


@pytest.fixture(scope="module")
def observed() -> Village:
    """Three weeks in which runs only looked."""
    village = observing()
    village.live(0, 20)
    return village


def test_while_it_observes_nobody_is_told_and_nothing_is_done(observed: Village):
    assert observed.mailer.sent == []
    assert observed.outcomes == []


def test_what_is_seen_while_it_observes_is_kept_and_counts_no_day(observed: Village):
    cases = observed.state.users.values()
    assert {case.user_name for case in cases} == {
        "aged.key",
        "second.key",
        "no.mfa",
        "old.password",
    }
    assert {case.first_seen_on for case in cases} == {MONDAY.date()}
    assert {record.opened_on for case in cases for record in case.findings.values()} == {None}
    assert observed.state.last_run.on == observed.at(20).date()
    assert observed.state.population is not None


def test_the_audit_log_says_of_each_run_that_it_only_observed():
    village = observing()
    village.run(0)
    village.decisions.arm(ARMED)
    village.run(1)
    records = [
        json.loads(line)
        for row in village.store.list("audit/")
        for line in village.store.get(row.key).content.splitlines()
    ]
    started = [r["data"]["observing"] for r in records if r["event"] == "run.started"]
    assert started == [True, False]


def test_the_ladder_begins_with_the_first_notice_after_the_arming():
    village = observing()
    village.live(0, 20)
    village.decisions.arm(ARMED)
    village.live(21, 40)
    assert [day - 21 for day in village.days("aged.key")][: len(LADDER)] == LADDER
    assert village.acts("aged.key") == [
        (28, "create_replacement_key"),
        (35, "deactivate_access_key"),
    ]


def test_a_project_that_is_disarmed_stands_still_and_goes_on_without_a_jump():
    village = observing()
    village.decisions.arm(ARMED)
    village.live(0, 9)
    village.decisions.disarm()
    village.live(10, 20)
    village.decisions.arm(ARMED)
    village.live(21, 40)
    days = village.days("aged.key")
    assert [day for day in days if 9 < day < 21] == []
    (end,) = [d for d, kind in village.acts("aged.key") if kind == "deactivate_access_key"]
    assert end > min(day for day in days if day >= 21)


@pytest.mark.parametrize("day", [7, 14])
def test_whoever_disarms_in_the_middle_of_a_run_stops_it_at_that_moment(day: int):
    """One call may be under way; whatever comes after the next look does not happen."""

    whole = lived_until(day).calls
    assert len(list(effects(whole, 0))) >= 3
    for number in range(0, len(whole), 5):
        calls = lived_until(day, number).calls
        looks = [n for n, call in enumerate(calls) if call == f"MemoryStore.get {PAUSE}"]
        late = list(effects(calls, number))
        assert [n for n in late if any(number <= look < n for look in looks)] == [], number
        assert len(late) <= 1, f"before call {number}"


def lived_until(day: int, disarmed_before: int | None = None) -> Fate:
    """The run of a day of the ladder; somebody disarms before its call of this number."""
    village = observing()
    village.decisions.arm(ARMED)
    for earlier in LADDER[: LADDER.index(day)]:
        village.run(earlier)
    never = 10**6
    moment = never if disarmed_before is None else disarmed_before
    fate = Moment(moment, village.decisions.disarm)
    village.run(day, fate=fate)
    return fate


def effects(calls: list[str], since: int) -> Iterator[int]:
    """Numbers of the calls that change the account or send a mail."""
    for number, call in enumerate(calls):
        if number >= since and call.partition(".")[2].partition(" ")[0] in EFFECTS:
            yield number


def forecast_of(village: Village, day: int, days: int) -> Ahead:
    now = village.at(day)
    account = village.wired()
    village.account.now = now
    facts = standing(account, now, Silence())
    return ahead(account, facts, now, days, Silence())


def test_the_forecast_of_the_arming_is_what_then_happens_if_nobody_acts():
    village = observing()
    village.live(0, 6)
    found = forecast_of(village, 7, 14)
    village.decisions.arm(ARMED)
    village.live(7, 21)
    for user in found.users:
        notices = village.days(user.user_name)
        told = (village.at(notices[0]).date()) if notices else None
        assert user.told_on == told, user.user_name
        lived = [(village.at(day).date(), kind) for day, kind in village.acts(user.user_name)]
        coming = sorted((act.on, act.kind) for act in (*user.handed, *user.shut))
        assert coming == sorted(each for each in lived if each[1] in HANDS_OVER | SHUTS)
    assert found.told == 4
    assert found.shut == 2
    first = found.days[0]
    assert (first.told_first, first.told_again) == (len({u for u in found.users if u.told_on}), 0)


def test_the_forecast_changes_nothing(observed: Village):
    before = [(row.key, observed.store.get(row.key)) for row in observed.store.list("")]
    forecast_of(observed, 21, 14)
    assert [(row.key, observed.store.get(row.key)) for row in observed.store.list("")] == before
    assert observed.mailer.sent == []


def test_whom_no_mail_reaches_is_shown_with_the_reason():
    village = Village(replace(aged(), tags={}), *bystanders(6), observe_only=True)
    village.run(0)
    (user,) = [u for u in forecast_of(village, 1, 14).users if u.user_name == "aged.key"]
    assert user.told_on is None
    assert "cannot be reached" in user.held


def test_a_step_behind_the_forecast_is_named_with_its_date():
    village = observing()
    village.run(0)
    (user,) = [u for u in forecast_of(village, 0, 2).users if u.user_name == "aged.key"]
    assert user.shut == ()
    assert user.later == MONDAY.date() + timedelta(days=14)
