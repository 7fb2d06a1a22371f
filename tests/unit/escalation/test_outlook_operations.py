"""What a begun operation means for the situation of its finding."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    NOW,
    access_key,
    by_id,
    case,
    delivered,
    key_record,
    old_key,
    outlook,
    record,
    rotation,
    snapshot,
    user,
)
from tests.unit.escalation.situations import ADMIN, situation

from keyreeve.escalation.machine import HandOver
from keyreeve.escalation.words import REPLACEMENT_GONE
from keyreeve.model.case import StepName
from keyreeve.model.plan import Gate

FULL = user("ann", old_key(), access_key(2))


def with_operation(operation, *, who=FULL, **more):
    return situation(who, told=case(record(day_0=True), operations=by_id(operation)), **more)


def test_a_stuck_operation_never_becomes_a_reason_for_the_act():
    """A person must look: the unknown key in the second slot is no "slot taken"."""
    seen = with_operation(rotation(StepName.INTENT, StepName.STUCK, stuck="two unknown keys"))
    assert (seen.why_nothing, seen.hand_over_held) == (None, (Gate.HUMAN, "two unknown keys"))


def test_an_unfinished_operation_goes_on_whatever_fills_the_slots():
    assert with_operation(rotation(StepName.INTENT)).why_nothing is None


def test_an_orphan_that_was_kept_blocks_the_slot_like_any_key():
    seen = with_operation(rotation(StepName.INTENT, StepName.ORPHANED, orphans=(KEY_2,)))
    assert seen.why_nothing == f"slots_taken:{KEY_2}"


@pytest.mark.parametrize(
    ("new_key", "gone"),
    [
        (key_record(KEY_2, active=True), False),
        (key_record(KEY_2, active=False), True),
        (None, True),
    ],
    ids=["alive", "made Inactive", "deleted"],
)
def test_a_replacement_that_the_owner_took_away_is_no_replacement(new_key, gone):
    keys = {KEY_2: new_key} if new_key else {}
    operation = delivered(day=7, new_key=KEY_2)
    seen = with_operation(operation, keys=keys, now=NOW + timedelta(days=9))
    assert (seen.why_nothing == REPLACEMENT_GONE) is gone
    assert (seen.handed_over_on is None) is gone
    assert seen.hand_over is (HandOver.NOTHING if gone else HandOver.KEY)


@pytest.mark.parametrize("shut", [False, True], ids=["its key is alive", "its key was shut"])
def test_an_administrator_whose_last_key_was_shut_since_the_report_is_none(shut):
    ann = user("ann", old_key(), granted=ADMIN)
    keys = {KEY_1: key_record(inactivated_at=NOW if shut else None)}
    seen = outlook(snapshot(ann), keys=keys)
    assert (ann.user_id in seen.administrators) is not shut
