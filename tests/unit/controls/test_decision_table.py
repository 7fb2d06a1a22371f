"""Every control, cell by cell: facts in, verdict out (escalation.md, "One decision table").

Report words become values in codec.credential_report: `N/A` and `no_information` are NEVER,
`not_supported` and unreadable fields are UNKNOWN or None.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    INACTIVE,
    INLINE,
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    SECOND,
    STALE,
    access_key,
    ago,
    console,
    key_record,
    old_key,
    user,
)

from keyreeve.controls.catalogue import CATALOGUE
from keyreeve.controls.subject import Subject
from keyreeve.model.finding import Finding
from keyreeve.model.policy import StaleScope, Thresholds
from keyreeve.model.snapshot import Absent

NEVER, UNKNOWN = Absent.NEVER, Absent.UNKNOWN
GAP = "gap"
NOTHING = ()


def verdicts(control, who, *, scope=StaleScope.SECOND_SLOT, known=None, thresholds=None):
    """`(resource, observed, threshold)` per finding, and the word gap per gap."""
    subject = Subject(
        account_id=ACCOUNT,
        user=who,
        now=NOW,
        thresholds=thresholds or Thresholds(),
        stale_scope=scope,
        known_keys=known or {},
    )
    check = next(item.check for item in CATALOGUE if item.card.id is control)
    return tuple(
        (v.resource_id, v.observed, v.threshold) if isinstance(v, Finding) else GAP
        for v in check(subject)
    )


def key(slot=1, **changes):
    return access_key(slot, **changes)


def born(days, seconds=0, slot=1, **more):
    made = ago(days) + seconds * SECOND
    return key(slot, created_at=made, last_rotated=made, **more)


ROTATION_TABLE = {
    "no key": (user(), NOTHING),
    "brand-new key": (user("ann", born(0)), NOTHING),
    "a second under 75 days": (user("ann", born(75, 1)), NOTHING),
    "exactly 75 days": (user("ann", born(75)), ((KEY_1, 75, 75),)),
    "76 days less a second is 75 whole days": (user("ann", born(76, 1)), ((KEY_1, 75, 75),)),
    "100 days, never used": (user("ann", born(100, last_used=NEVER)), ((KEY_1, 100, 75),)),
    "100 days, last use not told": (user("ann", born(100, last_used=UNKNOWN)), ((KEY_1, 100, 75),)),
    "Inactive": (user("ann", born(100, active=False)), NOTHING),
    "Inactive of unknown age": (
        user("ann", key(active=False, created_at=None, last_rotated=UNKNOWN)),
        NOTHING,
    ),
    "the report's date may move, CreateDate counts": (
        user("ann", key(created_at=ago(80), last_rotated=ago(2))),
        ((KEY_1, 80, 75),),
    ),
    "CreateDate young, the report's date old": (
        user("ann", key(created_at=ago(2), last_rotated=ago(80))),
        NOTHING,
    ),
    "without CreateDate the report's date counts": (
        user("ann", key(created_at=None, last_rotated=ago(80))),
        ((KEY_1, 80, 75),),
    ),
    "age not told": (user("ann", key(created_at=None, last_rotated=UNKNOWN)), (GAP,)),
    "age N/A of an Active key": (user("ann", key(created_at=None, last_rotated=NEVER)), (GAP,)),
    "old, id not read": (user("ann", born(100, key_id=None)), (GAP,)),
    "young, id not read": (user("ann", born(74, key_id=None)), NOTHING),
    "old, offline": (
        user("ann", born(100, key_id=None), user_id=None),
        (("access_key_1", 100, 75),),
    ),
    "the aged key may sit in slot 2": (
        user("ann", key(1), born(90, slot=2)),
        ((KEY_2, 90, 75),),
    ),
    "two aged keys are two findings": (
        user("ann", born(90), born(80, slot=2)),
        ((KEY_1, 90, 75), (KEY_2, 80, 75)),
    ),
    "one slot unknown, the other old": (
        user("ann", key(created_at=None, last_rotated=UNKNOWN), born(90, slot=2)),
        (GAP, (KEY_2, 90, 75)),
    ),
    "one id unread, the other old": (
        user("ann", born(90, key_id=None), born(90, slot=2)),
        (GAP, (KEY_2, 90, 75)),
    ),
    "one Inactive, the other old": (
        user("ann", born(90, active=False), born(90, slot=2)),
        ((KEY_2, 90, 75),),
    ),
    "one young, the other old": (user("ann", born(1), born(90, slot=2)), ((KEY_2, 90, 75),)),
}

FIRST = access_key(1)
STALE_TABLE = {
    "no key": (user(), NOTHING),
    "the only live key is never a spare": (user("ann", key(2, last_used=ago(50))), NOTHING),
    "the other key is Inactive": (
        user("ann", key(1, active=False), key(2, last_used=ago(50))),
        NOTHING,
    ),
    "slot 2 Inactive": (user("ann", FIRST, key(2, active=False, last_used=ago(50))), NOTHING),
    "unused for a second under 15 days": (
        user("ann", FIRST, key(2, last_used=ago(15) + SECOND)),
        NOTHING,
    ),
    "unused for exactly 15 days": (
        user("ann", FIRST, key(2, last_used=ago(15))),
        ((KEY_2, 15, 15),),
    ),
    "never used, created a second under 15 days ago": (
        user("ann", FIRST, born(15, 1, slot=2, last_used=NEVER)),
        NOTHING,
    ),
    "never used counts from its creation": (
        user("ann", FIRST, born(15, slot=2, last_used=NEVER)),
        ((KEY_2, 15, 15),),
    ),
    "never used, brand-new": (user("ann", FIRST, born(0, slot=2, last_used=NEVER)), NOTHING),
    "used recently though old": (user("ann", FIRST, born(300, slot=2)), NOTHING),
    "last use not told": (user("ann", FIRST, key(2, last_used=UNKNOWN)), (GAP,)),
    "never used, age not told": (
        user("ann", FIRST, key(2, last_used=NEVER, created_at=None, last_rotated=UNKNOWN)),
        (GAP,),
    ),
    "unused, id not read": (user("ann", FIRST, key(2, last_used=ago(20), key_id=None)), (GAP,)),
    "unused, offline": (
        user("ann", FIRST, key(2, last_used=ago(20), key_id=None), user_id=None),
        (("access_key_2", 20, 15),),
    ),
    "slot 1 is not looked at": (user("ann", key(1, last_used=ago(50)), key(2)), NOTHING),
}

EVERY_KEY_TABLE = {
    "slot 1 unused, slot 2 in use": (
        user("ann", key(1, last_used=ago(20)), key(2)),
        ((KEY_1, 20, 15),),
    ),
    "slot 2 unused, slot 1 in use": (
        user("ann", FIRST, key(2, last_used=ago(20))),
        ((KEY_2, 20, 15),),
    ),
    "both unused: the one used last is no spare": (
        user("ann", key(1, last_used=ago(20)), key(2, last_used=ago(30))),
        ((KEY_2, 30, 15),),
    ),
    "both used at the same instant: slot 1 is kept": (
        user("ann", key(1, last_used=ago(20)), key(2, last_used=ago(20))),
        ((KEY_2, 20, 15),),
    ),
    "a use that nobody told is never the latest": (
        user("ann", key(1, last_used=UNKNOWN), key(2, last_used=ago(20))),
        (GAP,),
    ),
    "a single key": (user("ann", key(1, last_used=ago(50))), NOTHING),
}

PASSWORD_TABLE = {
    "no password": (user("ann", password_last_changed=ago(300)), NOTHING),
    "password unknown": (console("ann", password_enabled=None), (GAP,)),
    "a second under 75 days": (console("ann", password_last_changed=ago(75) + SECOND), NOTHING),
    "exactly 75 days": (
        console("ann", password_last_changed=ago(75)),
        (("password", 75, 75),),
    ),
    "change not told": (console("ann", password_last_changed=UNKNOWN), (GAP,)),
    "change N/A though there is a password": (
        console("ann", password_last_changed=NEVER),
        (GAP,),
    ),
    "brand-new": (console("ann", password_last_changed=NOW), NOTHING),
}

MFA_TABLE = {
    "no password, no MFA": (user("ann"), NOTHING),
    "no password, MFA unknown": (user("ann", mfa_active=None), NOTHING),
    "password and MFA": (console("ann"), NOTHING),
    "password, no MFA": (console("ann", mfa_active=False), (("mfa", False, True),)),
    "password, MFA unknown": (console("ann", mfa_active=None), (GAP,)),
    "password unknown": (console("ann", password_enabled=None, mfa_active=False), (GAP,)),
}

INACTIVE_TABLE = {
    "no password": (user("ann", password_last_used=ago(300)), NOTHING),
    "password unknown": (console("ann", password_enabled=None), (GAP,)),
    "signed in a second under 75 days ago": (
        console("ann", password_last_used=ago(75) + SECOND),
        NOTHING,
    ),
    "signed in exactly 75 days ago": (
        console("ann", password_last_used=ago(75)),
        (("user", 75, 75),),
    ),
    "sign-in not told": (console("ann", password_last_used=UNKNOWN), (GAP,)),
    "never signed in, created long ago, password new": (
        console("ann", password_last_used=NEVER, password_last_changed=ago(74)),
        NOTHING,
    ),
    "never signed in, created and password 75 days ago": (
        console("ann", password_last_used=NEVER, password_last_changed=ago(75), created_at=ago(80)),
        (("user", 75, 75),),
    ),
    "never signed in: creation later than the password's date counts": (
        console(
            "ann", password_last_used=NEVER, password_last_changed=ago(300), created_at=ago(74)
        ),
        NOTHING,
    ),
    "never signed in, change not told": (
        console("ann", password_last_used=NEVER, password_last_changed=UNKNOWN),
        (GAP,),
    ),
    "an access key in use does not help": (
        console("ann", key(), password_last_used=ago(90)),
        (("user", 90, 75),),
    ),
}

INLINE_TABLE = {
    "none": (user("ann", inline_policies=()), NOTHING),
    "not read (offline)": (user("ann", inline_policies=None), NOTHING),
    "one": (user("ann", inline_policies=("a",)), (("inline_policies", 1, 0),)),
    "two": (user("ann", inline_policies=("b", "a")), (("inline_policies", 2, 0),)),
}

TABLE = [
    pytest.param(control, who, expected, id=f"{control}: {cell}")
    for control, cells in {
        ROTATION: ROTATION_TABLE,
        STALE: STALE_TABLE,
        PASSWORD_AGE: PASSWORD_TABLE,
        MFA_CONTROL: MFA_TABLE,
        INACTIVE: INACTIVE_TABLE,
        INLINE: INLINE_TABLE,
    }.items()
    for cell, (who, expected) in cells.items()
]


@pytest.mark.parametrize(("control", "who", "expected"), TABLE)
def test_every_cell_of_the_decision_table_gives_its_verdict(control, who, expected):
    assert verdicts(control, who) == expected


@pytest.mark.parametrize("cell", EVERY_KEY_TABLE)
def test_with_every_key_each_spare_is_looked_at_but_never_the_key_used_last(cell):
    who, expected = EVERY_KEY_TABLE[cell]
    assert verdicts(STALE, who, scope=StaleScope.EVERY_KEY) == expected


GRACE = {
    "made by a person: no grace": (key_record(KEY_2), True),
    "rotation not ended": (key_record(KEY_2, made_by_us=True), False),
    "rotation ended a second under 15 days ago": (
        key_record(KEY_2, made_by_us=True, rotation_ended_at=ago(15) + SECOND),
        False,
    ),
    "rotation ended exactly 15 days ago": (
        key_record(KEY_2, made_by_us=True, rotation_ended_at=ago(15)),
        True,
    ),
}


@pytest.mark.parametrize("cell", GRACE)
def test_a_replacement_is_exempt_until_its_rotation_ended_and_15_more_days_passed(cell):
    known, flagged = GRACE[cell]
    who = user("ann", old_key(1), born(40, slot=2, last_used=NEVER))
    assert bool(verdicts(STALE, who, known={KEY_2: known})) is flagged


@pytest.mark.parametrize(
    ("control", "who"),
    [
        (ROTATION, user("ann", born(10))),
        (PASSWORD_AGE, console("ann", password_last_changed=ago(10))),
        (INACTIVE, console("ann", password_last_used=ago(10))),
        (STALE, user("ann", FIRST, key(2, last_used=ago(10)))),
    ],
)
def test_each_control_obeys_its_own_threshold(control, who):
    def flagged(limit):
        far = dict.fromkeys((ROTATION, STALE, PASSWORD_AGE, INACTIVE), timedelta(days=9999))
        return bool(verdicts(control, who, thresholds=Thresholds(**{**far, control: limit})))

    assert flagged(timedelta(days=10))
    assert not flagged(timedelta(days=10, seconds=1))
