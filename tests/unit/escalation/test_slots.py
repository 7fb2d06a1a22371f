"""Whom the two-key limit keeps from a new key, and by whose key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    MONDAY,
    NOW,
    access_key,
    ago,
    by_id,
    case,
    delivered,
    key_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    snapshot,
    user,
)

from keyreeve.escalation.slots import slot_blocked
from keyreeve.model.case import Told

SHUT = access_key(2, active=False)
TAKEN = f"slots_taken:{KEY_2}"


def blocked(*keys, facts=None, settings=None, findings=None, **more):
    seen = snapshot(user("ann", *keys))
    view = outlook(seen, settings, keys=facts)
    return slot_blocked([case(*(findings or [record(day_0=True)]), **more)], view)


def test_a_key_in_the_other_slot_blocks_and_its_owner_may_not_know_yet():
    (found,) = blocked(old_key(), SHUT)
    assert (found.user_name, found.key_id, found.blocked_by) == ("ann", KEY_1, KEY_2)
    assert (found.both_due, found.shut_on, found.told_on) == (False, None, None)


def test_whoever_was_told_of_it_has_the_date_and_whoever_was_told_something_else_has_none():
    for reason, told_on in ((TAKEN, MONDAY), ("dormant", None)):
        told = record(day_0=True, no_replacement=Told(reason=reason, on=MONDAY))
        (found,) = blocked(old_key(), SHUT, findings=[told])
        assert found.told_on == told_on


@pytest.mark.parametrize("active", [False, True], ids=["inactive", "an older report says active"])
def test_a_key_that_keyreeve_made_inactive_is_known_as_its_own(active):
    ours = key_record(KEY_2, active=active, inactivated_at=ago(9))
    (found,) = blocked(old_key(), access_key(2, active=active), facts={KEY_2: ours})
    assert found.shut_on == on(-9)


def test_of_two_aged_keys_each_blocks_the_other():
    both = [record(day_0=True), record(day_0=True, resource_id=KEY_2)]
    found = blocked(old_key(), old_key(2), findings=both)
    assert [(b.key_id, b.blocked_by, b.both_due) for b in found] == [
        (KEY_1, KEY_2, True),
        (KEY_2, KEY_1, True),
    ]


NOT_BLOCKED = {
    "a slot is free": ((old_key(),), {}),
    "nobody uses the keys": (
        (old_key(last_used=ago(90)), access_key(2, active=False, last_used=ago(90))),
        {},
    ),
    "handed over already": ((old_key(), access_key(2)), {"operations": by_id(delivered())}),
    "the act is done": (
        (old_key(), SHUT),
        {"findings": [record(day_0=True, enforced_on=MONDAY)]},
    ),
    "the slot may be freed": (
        (old_key(), SHUT),
        {
            "settings": policy(free_slot_after_days=5),
            "facts": {KEY_2: key_record(KEY_2, inactivated_at=NOW - timedelta(days=5))},
        },
    ),
}


@pytest.mark.parametrize("row", NOT_BLOCKED)
def test_nobody_is_counted_whom_something_else_keeps_from_a_key(row):
    keys, more = NOT_BLOCKED[row]
    assert blocked(*keys, **more) == ()
