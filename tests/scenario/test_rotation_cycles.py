"""The two-key limit, and two whole rotations of one user, with `free_slot` on and off."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest
from tests.scenario.people import aged, bystanders, key, person
from tests.scenario.village import Village

from keyreeve.model.case import Stage
from keyreeve.model.errors import Doubtful
from keyreeve.model.notice import MailKind
from keyreeve.model.snapshot import LiveKey


def through_two_cycles(free_slot: int | None) -> Village:
    """The owner uses whatever key is Active, and never deletes one.

    The replacement of day 7 is 75 days old on day 82, a Saturday; its case opens on day 84.
    """
    village = Village(aged(), *bystanders(5), free_slot_after_days=free_slot)
    for day in range(110):
        village.account.use_keys("aged.key", village.at(day))
        for other in range(5):
            name = f"fine{other:03d}"
            village.account.change(name, keys=(key(20, start=village.at(day)),))
        village.run(day)
    return village


def test_two_cycles_without_free_slot_leave_the_second_without_a_replacement():
    village = through_two_cycles(None)
    assert village.acts("aged.key") == [
        (7, "create_replacement_key"),
        (14, "deactivate_access_key"),
        (98, "deactivate_access_key"),
    ]
    assert list(village.account.keys_of("aged.key").values()) == [False, False]
    assert village.account.deleted == []
    assert len(village.mails(MailKind.CREDENTIALS)) == 1


def test_the_owner_without_a_slot_is_told_from_day_0_which_key_blocks_it():
    village = through_two_cycles(None)
    told = [
        step
        for row in village.store.list("ops/")
        if (step := village.store.get(row.key).content.decode()) and '"notice"' in step
    ]
    blocking = next(iter(village.account.keys_of("aged.key")))
    first = [text for text in told if f"slots_taken:{blocking}" in text]
    assert len(first) == len([day for day in village.days("aged.key") if 84 <= day <= 98])


def test_the_plan_counts_whom_the_two_keys_keep_from_a_new_one_and_whom_by_a_key_that_we_shut():
    ours = person("ours", key(100))
    people = (
        ours,
        person("theirs", key(100), key(400, 300, active=False)),
        person("both", key(100), key(90)),
        person("dormant", key(100, 90), key(400, 300, active=False)),
        aged("free"),
    )
    village = Village(*people, *bystanders(15))
    first = village.run(0).plan
    assert (first.slot_blocked_users, first.slot_blocked_by_us) == (2, 0)
    assert {(b.user_name, b.both_due, b.told_on) for b in first.slot_blocked} == {
        ("theirs", False, None),
        ("both", True, None),
    }
    village.live(1, 15)
    for day in range(16, 83):
        village.account.use_keys("ours", village.at(day))
        village.run(day)
    plan = village.run(84).plan
    (blocked,) = [b for b in plan.slot_blocked if b.user_name == "ours"]
    old, new = village.account.keys_of("ours")
    assert (blocked.key_id, blocked.blocked_by) == (new, old)
    assert blocked.shut_on == village.at(14).date()
    assert plan.slot_blocked_by_us == 1


def test_two_cycles_with_free_slot_replace_the_key_twice_and_delete_only_what_was_ours_to_delete():
    village = through_two_cycles(30)
    acts = village.acts("aged.key")
    assert [kind for _, kind in acts] == [
        "create_replacement_key",
        "deactivate_access_key",
        "create_replacement_key",
        "deactivate_access_key",
    ]
    first_old = person("aged.key", key(100)).keys[0].key_id
    assert village.account.deleted == [first_old]
    assert list(village.account.keys_of("aged.key").values()) == [False, True]
    assert len(village.mails(MailKind.CREDENTIALS)) == 2
    assert acts[3][0] - acts[2][0] >= 4


def test_free_slot_never_deletes_a_key_that_somebody_else_made_inactive():
    blocked = person("blocked", key(400, 300, active=False), key(100))
    village = Village(blocked, *bystanders(5), free_slot_after_days=1)
    village.live(0, 16)
    assert village.account.deleted == []
    assert "create_replacement_key" not in [kind for _, kind in village.acts("blocked")]


def test_a_young_key_in_the_other_slot_blocks_a_replacement_and_the_old_key_still_ends():
    village = Village(person("two", key(100), key(10)), *bystanders(5))
    village.live(0, 16)
    assert village.acts("two") == [(14, "deactivate_access_key")]
    assert list(village.account.keys_of("two").values()) == [False, True]


def test_two_aged_keys_both_end_and_the_owner_is_told_that_none_is_left():
    village = Village(person("two", key(100), key(90)), *bystanders(5))
    for day in range(17):
        village.run(day)
        village.account.use_keys("two", village.at(day))
    assert village.acts("two") == [(14, "deactivate_access_key")] * 2
    assert list(village.account.keys_of("two").values()) == [False, False]
    assert village.days("two") == [0, 3, 7, 10, 11, 14, 15]


def test_a_slot_that_becomes_free_before_day_7_gets_the_replacement_after_all():
    blocked = person("blocked", key(400, 300, active=False), key(100))
    village = Village(blocked, *bystanders(5))
    village.live(0, 4)
    (user,) = [u for u in village.account.snapshot().users if u.name == "blocked"]
    village.account.change("blocked", keys=user.keys[1:])
    village.live(5, 16)
    assert village.acts("blocked") == [
        (7, "create_replacement_key"),
        (14, "deactivate_access_key"),
    ]


@pytest.mark.parametrize("day", [9, 12])
def test_an_owner_who_ends_the_old_key_early_is_left_alone(day: int):
    village = Village(aged(), *bystanders(5))
    village.live(0, day)
    old = next(iter(village.account.keys_of("aged.key")))
    village.account.change_key("aged.key", old, active=False)
    village.live(day + 1, 20)
    assert village.acts("aged.key") == [(7, "create_replacement_key")]
    assert village.notices("aged.key")[-1][1].startswith("closing")
    assert village.case("aged.key") is None


def test_a_replacement_is_no_spare_until_its_rotation_has_ended_and_fifteen_days_have_passed():
    village = Village(aged(), *bystanders(5))
    village.live(0, 13)
    assert {r.control.value for r in village.case("aged.key").findings.values()} == {
        "access_key_rotation"
    }
    village.live(14, 35)
    assert village.case("aged.key") is None


def test_a_stage_is_reached_even_where_no_replacement_can_be_made():
    village = Village(person("two", key(100), key(10)), *bystanders(5))
    village.live(0, 9)
    (record,) = village.case("two").findings.values()
    assert (record.stage, record.no_replacement.reason.split(":")[0]) == (
        Stage.NEW_CREDENTIALS,
        "slots_taken",
    )


def test_an_outage_of_one_day_does_not_use_up_the_tries_to_create_a_key():
    village = Village(aged(), *bystanders(5))
    village.live(0, 6)
    asked = []

    def silence(user: str) -> NoReturn:
        asked.append(user)
        raise Doubtful("no answer", call="iam:CreateAccessKey")

    village.account.create_access_key = silence
    assert village.run(7).exit_code == 1
    assert len(asked) == 2
    del village.account.create_access_key
    village.live(8, 22)
    assert [kind for _, kind in village.acts("aged.key")] == [
        "create_replacement_key",
        "deactivate_access_key",
    ]


@pytest.mark.parametrize("another", [False, True], ids=["the same key", "another CreateDate"])
def test_a_slot_is_freed_only_of_exactly_the_key_that_was_made_inactive(*, another: bool):
    """Gate 4: the key id alone is no proof; both keys are aged, so the second one is replaced."""
    village = Village(person("two", key(100), key(200)), *bystanders(5), free_slot_after_days=0)
    village.live(0, 14)
    first = next(k for k, active in village.account.keys_of("two").items() if not active)
    read = village.account.access_keys

    def looked(name: str) -> tuple[LiveKey, ...]:
        now = village.at(15)
        return tuple(
            replace(live, created_at=now) if another and live.key_id == first else live
            for live in read(name)
        )

    village.account.access_keys = looked
    village.run(15)
    assert village.account.deleted == ([] if another else [first])
