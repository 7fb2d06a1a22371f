"""What differs between two plans, and what is no difference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.codec.plan_difference import (
    SCHEMA,
    Difference,
    NotComparable,
    Part,
    difference_document,
    differences,
    horizon,
    readable,
)

NOTICE = {
    "kind": "send_notice",
    "user_id": "AIDA1",
    "user_name": "ann",
    "due_on": "2026-01-05",
    "reason": "first_notice",
    "stage": "notification",
    "to": "ann@example.com",
}
KEY = {
    "kind": "create_replacement_key",
    "user_id": "AIDA1",
    "user_name": "ann",
    "due_on": "2026-01-05",
    "reason": "credentials_due",
    "operation_id": "20260105-a",
    "old_key": "AKIA1",
}
HELD = {
    "gate": "told",
    "reason": "no warning yet",
    "user_id": "AIDA2",
    "user_name": "bob",
    "control": "access_key_rotation",
    "resource_id": "AKIA2",
}
GAP = {"step": "iam:GetUser", "reason": "AccessDenied", "user_name": "zoe", "user_id": None}


def day(on: str = "2026-01-05", *effects: dict[str, Any], **more: Any) -> dict[str, Any]:
    usual = {
        "schema": SCHEMA,
        "run_id": "r",
        "account_id": "123456789012",
        "on": on,
        "population": 40,
        "allowed": 10,
        "refusal": None,
        "summary_due": False,
        "effects": list(effects),
        "held": [],
        "gaps": [],
    }
    return usual | more


def seen(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    return list(differences(readable(before), readable(after)))


def test_the_same_plan_made_again_differs_in_nothing():
    again = day("2026-01-05", {**KEY, "operation_id": "20260106-b"}, NOTICE, run_id="other")
    assert seen(day("2026-01-05", NOTICE, KEY), again) == []


@pytest.mark.parametrize(
    ("part", "row"),
    [(Part.EFFECTS, NOTICE), (Part.EFFECTS, KEY), (Part.HELD, HELD), (Part.GAPS, GAP)],
)
def test_what_is_there_once_only_was_added_or_removed(part: Part, row: dict[str, Any]):
    with_it = day(**{part.value: [row]})
    (added,) = seen(day(), with_it)
    (removed,) = seen(with_it, day())
    assert (added.part, added.before, added.changed) == (part, None, ())
    assert (removed.part, removed.after, removed.changed) == (part, None, ())
    assert added.about["user_name"] == removed.about["user_name"] == row["user_name"]


@pytest.mark.parametrize(
    ("part", "row", "change"),
    [
        (Part.EFFECTS, NOTICE, {"to": "other@example.com"}),
        (Part.EFFECTS, KEY, {"reason": "free_slot"}),
        (Part.HELD, HELD, {"gate": "window", "reason": "a freeze"}),
        (Part.GAPS, GAP, {"reason": "Throttling"}),
    ],
)
def test_the_same_thing_otherwise_is_one_change_that_names_its_fields(part, row, change):
    (found,) = seen(day(**{part.value: [row]}), day(**{part.value: [row | change]}))
    assert (found.part, set(found.changed)) == (part, set(change))


@pytest.mark.parametrize(
    "change",
    [{"population": 41}, {"allowed": 3}, {"summary_due": True}, {"refusal": {"reason": "many"}}],
)
def test_a_days_figures_are_compared(change: dict[str, Any]):
    (found,) = seen(day(), day(**change))
    assert (found.part, found.changed) == (Part.FIGURES, tuple(change))


def test_two_things_of_one_kind_for_one_user_are_told_apart():
    first, second = KEY, {**KEY, "old_key": "AKIA2"}
    (found,) = seen(day("2026-01-05", first, second), day("2026-01-05", second))
    assert found.about["old_key"] == "AKIA1"
    twice = day("2026-01-05", NOTICE, NOTICE)
    assert len(seen(day("2026-01-05", NOTICE), twice)) == 1


def test_a_forecast_is_compared_day_by_day():
    days = [day("2026-01-05"), day("2026-01-06", NOTICE)]
    later = [day("2026-01-05", NOTICE), day("2026-01-06")]
    found = seen({**days[0], "days": days}, {**later[0], "days": later})
    assert [(each.on, each.before is None) for each in found] == [
        ("2026-01-05", True),
        ("2026-01-06", False),
    ]
    assert horizon({"days": days}) == 1
    assert horizon(days[0]) is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (day(account_id="999999999999"), "account 999999999999"),
        (day("2026-01-06"), "for other days"),
        ({**day(), "days": [day(), day("2026-01-06")]}, "for other days"),
    ],
)
def test_plans_of_other_accounts_or_days_are_not_compared(other: dict[str, Any], said: str):
    with pytest.raises(NotComparable, match=said):
        seen(other, day())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"schema": "keyreeve.run/1"},
        {"schema": SCHEMA},
        day(effects=["x"]),
        day(held=None),
        {**day(), "days": []},
        {**day(), "days": [1]},
    ],
)
def test_what_is_no_plan_is_refused_before_anything_is_asked(document: object):
    with pytest.raises(NotComparable):
        readable(document)


ROWS = st.lists(
    st.sampled_from([NOTICE, KEY, {**NOTICE, "to": "b@example.com"}, {**KEY, "old_key": "AKIA9"}]),
    max_size=5,
)


@given(ROWS, ROWS)
def test_what_one_side_adds_the_other_removes(left, right):
    before, after = day("2026-01-05", *left), day("2026-01-05", *right)
    there, back = seen(before, after), seen(after, before)
    assert [(e.before, e.after) for e in there] == [(e.after, e.before) for e in back]
    assert seen(before, copy.deepcopy(before)) == []
    document = difference_document(there)
    assert len(document["differences"]) == len(there)
