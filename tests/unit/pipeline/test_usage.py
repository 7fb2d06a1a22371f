"""How the use of keys is read: paced, capped, once a day, and never decisive."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from tests.builders import (
    KEY_1,
    KEY_3,
    NOW,
    by_id,
    case,
    console,
    delivered,
    key_record,
    outlook,
    policy,
    reading,
    record,
    snapshot,
    state,
    used,
    user,
)
from tests.fakes.key_usage import KeptUsage, ToldUsage
from tests.fakes.memory_store import SettableClock

from keyreeve.escalation.calendar import Calendar
from keyreeve.model.errors import AccessDenied, NotFound, StorageUnreachable, Throttled
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.policy import Exclusion, Match
from keyreeve.model.snapshot import Absent
from keyreeve.pipeline import usage
from keyreeve.pipeline.usage import (
    UsageTools,
    change_over_rows,
    keep_usage,
    note_usage,
    read_usage,
    recall_usage,
)
from keyreeve.ports.usage import Call, CallPage, LastUse

DAY_11 = NOW + timedelta(days=11)
HERE, THERE = "eu-central-1", "us-east-1"
usage_of = partial(ToldUsage, regions=(HERE, THERE))
OPERATION = delivered(delivered_at=NOW + timedelta(days=7))
ANN = user("ann")


class Silent:
    def stage(self, name, total=None): ...

    def step(self, count=1): ...


def words_of(found):
    return [(gap.step, gap.reason, gap.user_name) for gap in found.unread]


class Audit:
    def __init__(self):
        self.records = []

    def append(self, event, at, data):
        self.records.append((event, data))


def a_call(minute=0, **changes):
    usual = Call(
        event="s3.amazonaws.com:ListBuckets",
        source="203.0.113.9",
        agent="aws-cli/2.15.30",
        at=DAY_11 - timedelta(minutes=minute),
    )
    return replace(usual, **changes)


def a_page(*calls, more=False):
    return CallPage(calls=calls, more=more)


RECENT = LastUse(at=DAY_11 - timedelta(hours=1), service="s3", region=HERE)
BOTH = {KEY_1: RECENT, KEY_3: RECENT}


def a_case(**changes):
    return case(record(day_0=True), operations=by_id(OPERATION), **changes)


def read(told, *, kept=None, before=None, now=DAY_11, clock=None, settings=None, who=ANN):
    return read_usage(
        UsageTools(reader=told, kept=kept or KeptUsage()),
        clock or SettableClock(now),
        before or state(a_case()),
        snapshot(who),
        Calendar(settings or policy()),
        now,
        Silent(),
    )


# --- whom -----------------------------------------------------------------------------------------


def test_both_keys_are_asked_about_once_each_and_cloudtrail_in_both_regions():
    told = usage_of(BOTH)
    found = read(told)
    since = DAY_11 - usage.LOOK_BACK
    assert told.asked == [
        KEY_1,
        KEY_3,
        (KEY_1, HERE, since),
        (KEY_1, THERE, since),
        (KEY_3, HERE, since),
        (KEY_3, THERE, since),
    ]
    assert (found.at, found.unread) == (DAY_11, ())
    old = found.keys[KEY_1]
    assert (old.last_used, old.service, old.region) == (RECENT.at, "s3", HERE)
    assert (old.calls, old.calls_since, old.calls_until) == ((), since, DAY_11)
    assert old.complete


NOBODY = {
    "before day 7": {"now": NOW + timedelta(days=6)},
    "after the act": {"before": state(case(record(day_0=True, enforced_on=DAY_11.date())))},
    "no key to rotate": {"before": state()},
    "the user is gone": {"who": user("bob")},
    "excluded": {"settings": policy(exclusions=(Exclusion(match=Match(user="ann"), reason="x"),))},
}


@pytest.mark.parametrize("told_why", NOBODY)
def test_nothing_is_asked_about_anybody_else(told_why):
    told = usage_of(BOTH)
    found = read(told, **NOBODY[told_why])
    assert (told.asked, found.keys, found.unread) == ([], {}, ())


def test_a_key_that_is_gone_is_left_out_without_a_word():
    told = usage_of({KEY_1: RECENT, KEY_3: NotFound("gone", call="iam:GetAccessKeyLastUsed")})
    found = read(told)
    assert (set(found.keys), found.unread) == ({KEY_1}, ())


@pytest.mark.parametrize("at", [Absent.NEVER, DAY_11 - timedelta(days=15)])
def test_cloudtrail_is_not_asked_where_it_can_have_nothing(at):
    told = usage_of({KEY_1: LastUse(at=at)})
    found = read(told)
    assert told.asked == [KEY_1, KEY_3]
    assert found.keys[KEY_1].calls_since is None


# --- what -----------------------------------------------------------------------------------------


def test_calls_that_look_alike_are_counted_together_most_first():
    pages = {
        (KEY_1, HERE): [
            a_page(a_call(9), a_call(3), more=True),
            a_page(a_call(20), a_call(1, source="198.51.100.7")),
        ],
        (KEY_1, THERE): [a_page(a_call(2))],
    }
    groups = read(usage_of(BOTH, pages)).keys[KEY_1].calls
    assert [(it.region, it.source, it.count) for it in groups] == [
        (HERE, "203.0.113.9", 3),
        (HERE, "198.51.100.7", 1),
        (THERE, "203.0.113.9", 1),
    ]
    assert groups[0].last == DAY_11 - timedelta(minutes=3)


def test_more_groups_than_are_kept_are_not_all_of_them():
    many = tuple(a_call(n, source=f"203.0.113.{n}") for n in range(usage.GROUPS_KEPT + 1))
    old = read(usage_of(BOTH, {(KEY_1, HERE): [a_page(*many)]})).keys[KEY_1]
    assert len(old.calls) == usage.GROUPS_KEPT
    assert not old.complete


# --- pace and caps --------------------------------------------------------------------------------


class Watched(SettableClock):
    def __init__(self, now):
        super().__init__(now)
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        super().sleep(seconds)


def test_a_region_is_asked_twice_a_second_at_most_and_two_regions_do_not_wait_for_each_other():
    clock = Watched(NOW)  # the wall clock may be on another day than the run
    two = [a_page(a_call(), more=True), a_page(a_call())]
    read(usage_of(BOTH, {(KEY_1, HERE): two}), clock=clock)
    # Here: two pages of the old key, one of the new; there: one page each.
    assert [round(seconds, 3) for seconds in clock.slept] == [0.5, 0.5, 0]


def test_a_key_costs_no_more_than_its_pages_and_says_that_there_are_more():
    endless = [a_page(a_call(), more=True)] * 99
    told = usage_of(BOTH, {(KEY_1, HERE): endless})
    old = read(told).keys[KEY_1]
    assert sum(asked[:2] == (KEY_1, HERE) for asked in told.asked) == usage.PAGES_A_KEY
    assert not any(asked[:2] == (KEY_1, THERE) for asked in told.asked)
    assert (old.calls[0].count, old.complete) == (usage.PAGES_A_KEY, False)


def test_a_run_asks_no_more_than_its_cap_and_old_keys_come_before_new_ones(monkeypatch):
    monkeypatch.setattr(usage._Asking, "__init__", _with_left(3))
    people = [user(name) for name in ("ann", "bob")]
    cases = [
        case(
            record(resource_id=f"AKIAOLD{who.name}", day_0=True),
            who=who,
            operations=by_id(
                replace(
                    OPERATION,
                    resource_id=f"AKIAOLD{who.name}",
                    new_key=AccessKeyId(f"AKIANEW{who.name}"),
                )
            ),
        )
        for who in people
    ]
    keys = [f"AKIA{kind}{who.name}" for kind in ("OLD", "NEW") for who in people]
    told = usage_of(dict.fromkeys(keys, RECENT))
    found = read_usage(
        UsageTools(reader=told, kept=KeptUsage()),
        SettableClock(DAY_11),
        state(*cases),
        snapshot(*people),
        Calendar(policy()),
        DAY_11,
        Silent(),
    )
    asked = [it[:2] for it in told.asked if isinstance(it, tuple)]
    assert asked == [("AKIAOLDann", HERE), ("AKIAOLDann", THERE), ("AKIAOLDbob", HERE)]
    assert not found.keys["AKIAOLDbob"].complete
    late = "the calls of 2 keys were not asked for: CloudTrail is asked at most 240 times a run"
    assert words_of(found) == [("cloudtrail:LookupEvents", late, None)]
    assert set(found.keys) == set(keys)


def _with_left(number):
    real = usage._Asking.__init__

    def init(self, *args, **more):
        real(self, *args, **more, left=number)

    return init


def test_cloudtrail_is_asked_once_a_day_and_key_and_the_last_use_on_every_run():
    known = used(
        KEY_1,
        10,
        calls=read(usage_of(BOTH, {(KEY_1, HERE): [a_page(a_call(3))]})).keys[KEY_1].calls,
        calls_since=DAY_11 - usage.LOOK_BACK,
        calls_until=DAY_11,
    )
    kept = KeptUsage(reading(11, known))
    for hours, asked in ((3, [KEY_1, KEY_3]), (24, None)):
        told = usage_of({KEY_1: RECENT})
        found = read(told, kept=kept, now=DAY_11 + timedelta(hours=hours)).keys[KEY_1]
        assert found.last_used == RECENT.at
        if asked is None:
            assert (KEY_1, HERE, DAY_11 + timedelta(hours=24) - usage.LOOK_BACK) in told.asked
            assert found.calls == ()
        else:
            assert told.asked == asked
            assert (found.calls, found.calls_until) == (known.calls, DAY_11)


# --- what goes wrong ------------------------------------------------------------------------------

DENIED = AccessDenied("not allowed", call="iam:GetAccessKeyLastUsed", remedy="Add the action.")


def test_a_last_use_that_cannot_be_read_is_a_gap_with_the_owners_name_and_the_next_is_asked():
    told = usage_of({KEY_1: DENIED, KEY_3: RECENT})
    keys = {KEY_1: key_record(KEY_1)}
    found = read(told, before=state(a_case(), keys=keys))
    assert set(found.keys) == {KEY_3}
    assert words_of(found) == [("iam:GetAccessKeyLastUsed", "AKIA1: not allowed", "ann")]


def test_after_three_keys_that_cannot_be_read_no_more_are_asked_about():
    many = [record(resource_id=f"AKIAOLD{n}", day_0=True) for n in range(5)]
    told = usage_of({seen.resource_id: DENIED for seen in many})
    found = read(told, before=state(case(*many)))
    assert told.asked == ["AKIAOLD0", "AKIAOLD1", "AKIAOLD2"]
    assert (found.keys, len(found.unread)) == ({}, 4)
    assert found.unread[-1].reason == "from AKIAOLD3 on no key was asked about"


def test_a_region_that_does_not_tell_is_asked_once_and_the_other_goes_on():
    mute = Throttled("slow down", call="cloudtrail:LookupEvents")
    told = usage_of(BOTH, {(KEY_1, HERE): [mute], (KEY_1, THERE): [a_page(a_call())]})
    found = read(told)
    assert [it[:2] for it in told.asked if isinstance(it, tuple)] == [
        (KEY_1, HERE),
        (KEY_1, THERE),
        (KEY_3, THERE),
    ]
    why = f"the calls of keys in {HERE} could not be read: slow down"
    assert words_of(found) == [("cloudtrail:LookupEvents", why, None)]
    assert found.keys[KEY_1].calls[0].count == 1
    assert not found.keys[KEY_1].complete
    assert found.keys[KEY_3].last_used == RECENT.at


def test_where_no_region_tells_the_calls_are_unasked():
    denied = AccessDenied("no", call="cloudtrail:LookupEvents")
    found = read(usage_of(BOTH, {(KEY_1, HERE): [denied], (KEY_1, THERE): [denied]}))
    assert found.keys[KEY_1].calls_since is None
    assert found.keys[KEY_3].calls_since is None
    assert len(found.unread) == 2


SHUT = StorageUnreachable("403", where="usage.json")


def test_a_storage_that_does_not_let_in_costs_the_reading_and_nothing_else():
    tools = UsageTools(reader=usage_of(BOTH), kept=KeptUsage(failure=SHUT))
    found = read(usage_of(BOTH), kept=tools.kept)
    assert set(found.keys) == {KEY_1, KEY_3}
    gap = ("usage.json", "the use of keys is not kept: usage.json: 403", None)
    assert words_of(found) == [gap]
    assert keep_usage(tools, found) == found.unread
    assert keep_usage(tools, reading(5)) == found.unread
    assert recall_usage(tools) is None


# --- what is left of it ---------------------------------------------------------------------------


def test_a_reading_is_kept_and_forgotten_when_nobody_is_changing_over_any_more():
    kept = KeptUsage()
    tools = UsageTools(reader=usage_of(), kept=kept)
    assert keep_usage(tools, reading(5)) == ()
    assert kept.writes == 0
    assert keep_usage(tools, reading(11, used(KEY_1, 10))) == ()
    assert recall_usage(tools).keys == {KEY_1: used(KEY_1, 10)}
    assert keep_usage(tools, reading(15)) == ()
    assert keep_usage(tools, reading(16)) == ()
    assert (recall_usage(tools).keys, kept.writes) == ({}, 2)
    assert recall_usage(None) is None


def view_of(told):
    return outlook(snapshot(ANN, console("zoe")), now=DAY_11, usage=told)


def test_cut_over_goes_into_the_audit_log():
    audit, before = Audit(), state(a_case())
    told = reading(11, used(KEY_1, 9), used(KEY_3, 10))
    note_usage(view_of(told), before, audit, DAY_11)
    assert [event for event, _ in audit.records] == ["cut_over.seen"]
    assert audit.records[0][1] == {
        "user_id": "AIDAANN",
        "user_name": "ann",
        "control": "access_key_rotation",
        "resource_id": KEY_1,
        "new_key": KEY_3,
        "old_last_used": "2026-01-14T06:00:00+00:00",
        "new_last_used": "2026-01-15T06:00:00+00:00",
    }
    quiet = Audit()
    note_usage(view_of(reading(11, used(KEY_1, 10.9), used(KEY_3, 10))), before, quiet, DAY_11)
    note_usage(view_of(None), before, quiet, DAY_11)
    assert quiet.records == []


def test_the_summary_has_a_line_for_each_old_key_on_its_last_days():
    told = reading(11, used(KEY_1, 9), used(KEY_3, 10))
    (row,) = change_over_rows(view_of(told), state(a_case()))
    assert (row.user_name, row.what) == ("ann", "AKIA1 → AKIA3")
    assert row.reason.startswith("cut-over seen; old key last used on Wed 14 Jan 2026")
    assert change_over_rows(view_of(None), state(a_case())) == ()
