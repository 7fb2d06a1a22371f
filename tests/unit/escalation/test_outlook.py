from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    INACTIVE,
    KEY_1,
    KEY_2,
    KEY_3,
    MFA_CONTROL,
    NOW,
    ROTATION,
    SECOND,
    STALE,
    access_key,
    ago,
    by_id,
    case,
    console,
    delivered,
    key_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    user,
)
from tests.unit.escalation.situations import (
    AGED,
    PASSWORD,
    YOUNG,
    situation,
)

from keyreeve.escalation.machine import HandOver
from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.plan import Gate
from keyreeve.model.snapshot import Absent

# --- why nothing is handed out --------------------------------------------------------------------

OURS = key_record(KEY_2, inactivated_at=ago(30))
WHY = {
    "a free slot": (user("ann", AGED), (), {}, None),
    "an unused key beside it has a free slot no more": (
        user("ann", AGED, YOUNG),
        (),
        {},
        f"slots_taken:{KEY_2}",
    ),
    "an Inactive key takes a slot too": (
        user("ann", AGED, access_key(2, active=False)),
        (),
        {},
        f"slots_taken:{KEY_2}",
    ),
    "a key without a known id takes a slot": (
        user("ann", AGED, access_key(2, key_id=None)),
        (),
        {},
        "slots_taken:2",
    ),
    "both keys are due": (
        user("ann", AGED, old_key(2)),
        (record(ROTATION, KEY_2),),
        {},
        "both_slots_aged",
    ),
    "the key itself is a spare": (
        user("ann", AGED, YOUNG),
        (record(STALE, KEY_1),),
        {},
        "spare",
    ),
    "no key used for 75 days": (user("ann", old_key(last_used=ago(75))), (), {}, "dormant"),
    "a key used a second less than 75 days ago": (
        user("ann", old_key(last_used=ago(75) + SECOND)),
        (),
        {},
        None,
    ),
    "never used": (user("ann", old_key(last_used=Absent.NEVER)), (), {}, "dormant"),
    "replaced before": (
        user("ann", AGED, access_key(2, key_id=KEY_3)),
        (),
        {"keys": {KEY_1: key_record(replaced_by=KEY_3)}},
        "already_replaced",
    ),
    "replaced before, and the replacement is Inactive": (
        user("ann", AGED, access_key(2, key_id=KEY_3, active=False)),
        (),
        {"keys": {KEY_1: key_record(replaced_by=KEY_3)}},
        f"slots_taken:{KEY_3}",
    ),
    "replaced before, and the replacement is gone": (
        user("ann", AGED),
        (),
        {"keys": {KEY_1: key_record(replaced_by=KEY_3)}},
        None,
    ),
    "never replaced": (user("ann", AGED), (), {"keys": {KEY_1: key_record()}}, None),
}


@pytest.mark.parametrize("row", WHY)
def test_why_no_key_can_be_handed_out(row):
    who, others, facts, why = WHY[row]
    at = situation(who, None, *others, **facts)
    assert at.why_nothing == why
    assert at.hand_over is (HandOver.KEY if why is None else HandOver.NOTHING)
    assert at.handed_over_on is None


def test_an_enforced_neighbour_no_longer_counts_as_due():
    who = user("ann", AGED, old_key(2, active=False))
    at = situation(who, None, record(ROTATION, KEY_2, enforced_on=on(0)))
    assert at.why_nothing == f"slots_taken:{KEY_2}"


FREE = {
    "off": (None, OURS, False),
    "made Inactive by us exactly 30 days ago": (30, OURS, True),
    "a second short of 30 days": (
        30,
        key_record(KEY_2, inactivated_at=ago(30) + SECOND),
        False,
    ),
    "made Inactive by somebody else": (30, key_record(KEY_2), False),
}


@pytest.mark.parametrize("row", FREE)
def test_only_a_key_that_keyreeve_shut_long_ago_may_be_deleted_for_its_slot(row):
    after, known, free = FREE[row]
    who = user("ann", AGED, access_key(2, active=False))
    settings = policy(free_slot_after_days=after)
    view = outlook(snapshot(who), settings, keys={KEY_2: known})
    told = case(record(day_0=True))
    assert view.slot_to_free(told, KEY_1) == (KEY_2 if free else None)
    assert (view.blocking_key(told, KEY_1) is None) is free
    assert (view.situation(told, record(day_0=True)).why_nothing is None) is free


def test_an_active_key_is_never_deleted_for_its_slot():
    who = user("ann", AGED, YOUNG)
    view = outlook(snapshot(who), policy(free_slot_after_days=1), keys={KEY_2: OURS})
    assert view.slot_to_free(case(record()), KEY_1) is None
    assert not view.may_free(access_key(2, active=False, key_id=None))


def test_no_slot_is_freed_where_one_is_free():
    view = outlook(snapshot(user("ann", AGED)), policy(free_slot_after_days=1), keys={KEY_1: OURS})
    assert view.slot_to_free(case(record()), KEY_1) is None


OTHERS = {
    "a spare": (record(STALE, KEY_1, day_0=True), "spare"),
    "MFA": (record(MFA_CONTROL, "mfa", day_0=True), "none_needed"),
    "inactivity": (record(INACTIVE, "user", day_0=True), "none_needed"),
}


@pytest.mark.parametrize("row", OTHERS)
def test_controls_that_hand_nothing_out_say_so(row):
    seen, why = OTHERS[row]
    at = situation(console("ann"), seen)
    assert (at.why_nothing, at.hand_over, at.hand_over_held) == (why, HandOver.NOTHING, None)


def test_no_password_is_reset_while_the_user_is_inactive():
    open_one = situation(console("ann"), PASSWORD, record(INACTIVE, "user"))
    assert (open_one.why_nothing, open_one.hand_over) == ("dormant", HandOver.NOTHING)
    enforced = situation(console("ann"), PASSWORD, record(INACTIVE, "user", enforced_on=on(0)))
    assert (enforced.why_nothing, enforced.hand_over) == ("dormant", HandOver.NOTHING)


# --- operations under way -------------------------------------------------------------------------


def test_a_delivered_replacement_is_remembered_with_its_day():
    told = case(record(day_0=True), operations=by_id(delivered(7)))
    at = situation(user("ann", AGED, YOUNG), told=told)
    assert (at.handed_over_on, at.why_nothing, at.hand_over) == (on(7), None, HandOver.KEY)


def test_a_rotation_under_way_is_no_reason_for_none():
    told = case(record(day_0=True), operations=by_id(rotation(StepName.CREATED)))
    assert situation(user("ann", AGED, YOUNG), told=told).why_nothing is None


def test_where_a_person_must_look_the_hand_over_is_held():
    stuck = rotation(StepName.INTENT, stuck="two unknown keys")
    told = case(record(day_0=True), operations=by_id(stuck))
    at = situation(user("ann", AGED), told=told)
    assert at.hand_over_held == (Gate.HUMAN, "two unknown keys")


def test_an_act_whose_end_is_unknown_is_reconciled():
    begun = rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT)
    told = case(record(day_0=True), operations=by_id(begun))
    assert situation(user("ann", AGED), told=told).reconcile
    assert not situation(user("ann", AGED)).reconcile


GONE = {
    "deleted": ({}, True),
    "made Inactive by its owner": ({KEY_3: key_record(KEY_3, active=False)}, True),
    "Active": ({KEY_3: key_record(KEY_3, active=True)}, False),
}


@pytest.mark.parametrize("row", GONE)
def test_a_replacement_that_is_gone_is_no_replacement_and_its_owner_must_be_told(row):
    keys, gone = GONE[row]
    told = case(record(day_0=True), operations=by_id(delivered(7)))
    view = outlook(snapshot(user("ann", AGED)), now=NOW + timedelta(days=8), keys=keys)
    at = view.situation(told, record(day_0=True))
    assert at.why_nothing == ("replacement_gone" if gone else None)
    assert at.handed_over_on == (None if gone else on(7))
    early = outlook(snapshot(user("ann", AGED)), now=NOW + timedelta(days=7), keys=keys)
    assert early.situation(told, record(day_0=True)).handed_over_on == on(7)
