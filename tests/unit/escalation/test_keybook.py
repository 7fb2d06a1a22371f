from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    KEY_3,
    NOW,
    SECOND,
    access_key,
    ago,
    key_record,
    old_key,
    snapshot,
    user,
)

from keyreeve.escalation.keybook import observe
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import Absent

LATER = NOW + timedelta(days=1)


def seen(*users, known=(), unreadable=(), now=LATER, **lag):
    before = {r.key_id: r for r in known}
    return observe(before, snapshot(*users), now, frozenset(unreadable), **lag)


def test_a_key_is_remembered_with_what_the_report_said():
    keys, reactivated = seen(user("ann", access_key(2, active=False)))
    assert keys == {
        KEY_2: key_record(KEY_2, created_at=ago(10), slot=2, active=False, last_rotated=ago(10))
    }
    assert reactivated == ()


def test_without_createdate_the_reports_date_is_its_age():
    keys, _ = seen(user("ann", access_key(1, created_at=None, last_rotated=ago(7))))
    assert keys[KEY_1].created_at == ago(7)


def test_a_key_with_an_id_and_no_age_is_a_mistake_of_collection():
    nameless = access_key(1, created_at=None, last_rotated=Absent.UNKNOWN)
    with pytest.raises(ValueError, match="only with its id and its age"):
        seen(user("ann", nameless))


def test_a_slot_whose_id_nobody_read_is_not_remembered():
    assert seen(user("ann", access_key(1, key_id=None)))[0] == {}
    assert seen(user("ann", access_key(1), user_id=None))[0] == {}


def test_a_nameless_slot_hides_no_other():
    keys, _ = seen(user("ann", access_key(1, key_id=None), access_key(2)))
    assert set(keys) == {KEY_2}


def test_a_known_key_keeps_its_history_and_learns_slot_status_and_date():
    known = key_record(made_by_us=True, replaces=AccessKeyId("AKIA0"), rotation_ended_at=ago(3))
    keys, _ = seen(user("ann", access_key(1, last_rotated=Absent.UNKNOWN)), known=[known])
    assert keys[KEY_1].made_by_us
    assert keys[KEY_1].created_at == ago(100)  # an id's CreateDate never changes
    assert (keys[KEY_1].slot, keys[KEY_1].active, keys[KEY_1].last_rotated) == (1, True, None)


# --- gone -----------------------------------------------------------------------------------------

GONE = {
    "the key is gone": (user("ann"), True),
    "another key sits in the only slot": (user("ann", access_key(2)), True),
    "still there": (user("ann", access_key(1)), False),
    "a slot without an id may be it": (user("ann", access_key(2, key_id=None)), False),
    "a report made before the key was created cannot tell": (
        user("ann", observed_at=ago(101)),
        False,
    ),
    "a report of the very instant cannot tell": (user("ann", observed_at=ago(100)), False),
    "nobody knows when it was observed": (user("ann", observed_at=None), False),
    "the user is gone": (user("bob"), True),
}


@pytest.mark.parametrize("row", GONE)
def test_a_key_is_forgotten_once_it_is_known_to_be_gone(row):
    who, gone = GONE[row]
    assert (KEY_1 not in seen(who, known=[key_record()])[0]) is gone


def test_what_a_gap_hides_is_kept():
    ann = user("ann")
    assert KEY_1 in seen(ann, known=[key_record()], unreadable=[ann.user_id])[0]
    assert KEY_1 in seen(known=[key_record()], unreadable=[ann.user_id])[0]
    assert KEY_1 not in seen(ann, known=[key_record()], unreadable=["AIDABOB"])[0]


# --- made Active again ----------------------------------------------------------------------------

LAG = timedelta(hours=4)
REACTIVATED = {
    "active in a report four hours younger": ({"active": True}, NOW - LAG - SECOND, True),
    "active in a report that may be a cached one": ({"active": True}, NOW - LAG, False),
    "active in an older report": ({"active": True}, LATER, False),
    "still inactive": ({"active": False}, ago(1), False),
    "never made inactive by us": ({"active": True}, None, False),
}


@pytest.mark.parametrize("row", REACTIVATED)
def test_a_key_that_somebody_made_active_again_is_noticed(row):
    changes, inactivated_at, noticed = REACTIVATED[row]
    known = key_record(inactivated_at=inactivated_at)
    keys, reactivated = seen(user("ann", old_key(1, **changes)), known=[known])
    assert [r.key_id for r in reactivated] == ([KEY_1] if noticed else [])
    assert keys[KEY_1].reactivated_at == (LATER if noticed else None)
    assert keys[KEY_1].inactivated_at == (None if noticed else inactivated_at)


def test_live_facts_have_no_lag():
    known = key_record(inactivated_at=NOW - SECOND)
    _, reactivated = seen(user("ann", old_key(1)), known=[known], lag=timedelta(0))
    assert len(reactivated) == 1


def test_it_is_noticed_once():
    ann = user("ann", old_key(1))
    keys, first = seen(ann, known=[key_record(inactivated_at=ago(1))])
    again, second = seen(ann, known=keys.values(), now=LATER + timedelta(days=1))
    assert (len(first), second) == (1, ())
    assert again[KEY_1].reactivated_at == LATER


# --- the end of a rotation ------------------------------------------------------------------------

ENDED = {
    "the old key is Active": ((old_key(1),), False),
    "the old key is Inactive, whoever did it": ((old_key(1, active=False),), True),
    "the old key is gone": ((), True),
}


@pytest.mark.parametrize("row", ENDED)
def test_a_rotation_ends_when_the_replaced_key_is_inactive_or_gone(row):
    old, ended = ENDED[row]
    known = [key_record(), key_record(KEY_2, made_by_us=True, replaces=KEY_1)]
    keys, _ = seen(user("ann", *old, access_key(2)), known=known)
    assert keys[KEY_2].rotation_ended_at == (LATER if ended else None)


def test_the_end_of_a_rotation_is_dated_once_and_only_replacements_have_one():
    known = [key_record(KEY_2, replaces=KEY_3, rotation_ended_at=ago(3)), key_record()]
    keys, _ = seen(user("ann", old_key(1), access_key(2)), known=known)
    assert keys[KEY_2].rotation_ended_at == ago(3)
    assert keys[KEY_1].rotation_ended_at is None
