from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.escalation.limits import Budget, allowed_users, refusal
from keyreeve.model.case import DayLedger, Population
from keyreeve.model.policy import BlastLimits

LIMITS = BlastLimits()


ALLOWED = {0: 1, 1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 8: 4, 9: 5, 10: 5, 20: 5, 21: 6, 24: 6, 25: 7} | {
    40: 10,
    100: 25,
    101: 26,
    5000: 1250,
}


@pytest.mark.parametrize(("population", "allowed"), ALLOWED.items())
def test_allowed_users_by_population(population, allowed):
    assert allowed_users(population, LIMITS) == allowed


@pytest.mark.parametrize(
    ("share", "floor", "population", "allowed"),
    [(0.0, 0, 100, 1), (1.0, 0, 7, 7), (0.1, 5, 100, 10), (0.0, 5, 100, 5), (0.0, 50, 10, 5)],
)
def test_share_and_floor_are_settings(share, floor, population, allowed):
    limits = BlastLimits(disruptive_share=share, disruptive_floor=floor)
    assert allowed_users(population, limits) == allowed


def test_a_share_in_whole_percent_is_exact():
    limits = BlastLimits(disruptive_share=0.07, disruptive_floor=0)
    assert allowed_users(100, limits) == 7


@given(st.integers(0, 5000), st.integers(0, 100), st.integers(0, 50))
def test_the_number_never_exceeds_the_larger_of_share_and_half(population, percent, floor):
    limits = BlastLimits(disruptive_share=percent / 100, disruptive_floor=floor)
    allowed = allowed_users(population, limits)
    assert allowed >= 1
    assert allowed >= percent * population / 100 - 1e-6
    assert allowed <= max(1, ceil(percent / 100 * population), ceil(population / 2))


def people(users, flagged=0, first=0):
    names = [f"u{n}" for n in range(first, first + users)]
    return Population(users=frozenset(names), flagged=frozenset(names[:flagged]))


VANISHED = {
    "20 users, 5 vanish": (20, 15, None),
    "20 users, 6 vanish": (20, 14, 6),
    "40 users, 10 vanish": (40, 30, None),
    "40 users, 11 vanish": (40, 29, 11),
    "3 users, all vanish": (3, 0, None),
}


@pytest.mark.parametrize("row", VANISHED)
def test_too_many_vanished_users_look_like_an_incomplete_list(row):
    before, now, number = VANISHED[row]
    found = refusal(people(before), people(now), now, LIMITS)
    assert (found.number if found else None) == number
    if found:
        assert found.reason == (
            f"{number} of {before} users have vanished since the last run; "
            "an incomplete user list would look just like this"
        )


FLAGGED = {
    "P 20, 5 more": (20, 0, 5, None),
    "P 20, 6 more": (20, 0, 6, 6),
    "P 40, 10 more": (40, 0, 10, None),
    "P 40, 11 more": (40, 0, 11, 11),
    "those known before do not count": (40, 20, 30, None),
}


@pytest.mark.parametrize("row", FLAGGED)
def test_too_many_newly_flagged_users_look_like_a_wrong_report(row):
    population, before, now, number = FLAGGED[row]
    found = refusal(people(50, before), people(50, now), population, LIMITS)
    assert (found.number if found else None) == number
    if found:
        assert found.reason == (
            f"{number} users became flagged since the last run, of {population} with credentials; "
            "a wrong report or a changed threshold would look just like this"
        )


def test_vanished_users_are_named_before_flagged_ones():
    found = refusal(people(40), people(20, 20, first=20), 20, LIMITS)
    assert found.number == 20
    assert "vanished" in found.reason


def test_the_first_run_has_nothing_to_compare_with():
    assert refusal(None, people(100, 60), 100, LIMITS) is None


# --- what is left of a day ------------------------------------------------------------------------


def test_todays_earlier_runs_are_counted_and_a_user_counts_once():
    ledger = DayLedger(opened=frozenset({"a"}), disrupted=frozenset({"b"}))
    budget = Budget.of(2, ledger, None)
    assert budget.take(budget.opened, "a")
    assert budget.take(budget.opened, "x")
    assert not budget.take(budget.opened, "y")
    assert budget.take(budget.opened, "x")
    assert budget.opened == {"a", "x"}
    assert budget.take(budget.disrupted, "c")
    assert not budget.take(budget.disrupted, "a")
    assert budget.take(budget.created, "a")  # each set is counted by itself
    assert ledger.opened == {"a"}


def test_room_in_the_mailbox_is_counted_in_recipients():
    budget = Budget.of(1, DayLedger(), 3)
    assert budget.take_mail(2)
    assert not budget.take_mail(2)
    assert budget.take_mail(1)
    assert not budget.take_mail(1)
    assert budget.mailbox == 0


def test_an_unknown_quota_is_no_limit():
    budget = Budget.of(1, DayLedger(), None)
    assert all(budget.take_mail(50) for _ in range(100))
