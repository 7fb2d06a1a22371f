from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    INACTIVE,
    KEY_1,
    KEY_2,
    LETTERHEAD,
    MFA_CONTROL,
    MONDAY,
    NOW,
    ROTATION,
    RUN,
    case,
    console,
    old_key,
    on,
    outlook,
    record,
    snapshot,
    state,
    user,
)
from tests.samples import month

from keyreeve.controls.catalogue import CARDS
from keyreeve.model.case import DayLedger, HeldRecord, Stage
from keyreeve.model.control import Severity
from keyreeve.model.decisions import HumanDecisions, Waiver
from keyreeve.model.identifiers import ControlId
from keyreeve.model.months import Months
from keyreeve.model.plan import Gate, Held, Plan, SlotBlocked, UserPlan
from keyreeve.model.snapshot import CollectionGap
from keyreeve.reporting.summary import summarise


def written(before=None, *, people=None, months=None, **plan):
    usual = Plan(run_id=RUN, account_id=ACCOUNT, as_of=NOW, on=MONDAY, users=())
    return summarise(
        replace(usual, **plan),
        before or state(),
        people or HumanDecisions(),
        CARDS,
        LETTERHEAD,
        42,
        months=months,
    )


def placed(stage, e, **changes):
    usual = {"stage": stage, "enforcement_on": None if e is None else on(e)}
    return record(day_0=True, **{**usual, **changes})


def names(rows):
    return [row.user_name for row in rows]


def test_posture_counts_users_and_findings_by_control():
    seen = snapshot(
        console("ann", old_key(), mfa_active=False),
        user("bob", old_key(key_id=KEY_2)),
        user("cid", inline_policies=("p",)),
    )
    found = tuple(f for user in outlook(seen).findings.values() for f in user.values())
    summary = written(findings=found)
    assert (summary.users, summary.flagged_users, summary.on) == (42, 3, MONDAY)
    counts = {control: count for control, _, count in summary.by_control}
    assert counts == dict.fromkeys(ControlId, 0) | {
        ROTATION: 2,
        MFA_CONTROL: 1,
        ControlId.INLINE_POLICIES: 1,
    }
    assert [row.what for row in summary.inline_policies] == ["Inline: p."]


def test_a_case_is_counted_once_at_its_most_advanced_finding():
    both = case(
        placed(Stage.REMINDER, 14), record(MFA_CONTROL, "mfa", day_0=True, stage=Stage.COUNTDOWN)
    )
    summary = written(state(both, case(record(), who=user("bob"))))
    assert summary.cases_by_stage == ((Stage.PENDING, 1), (Stage.COUNTDOWN, 1))
    assert dict(summary.by_stage)[Stage.REMINDER] == 1


def test_months_stand_in_the_summary_and_an_unread_log_among_the_gaps():
    figures = (month(11), month(12))
    assert written(months=Months(figures=figures)).months == figures
    summary = written(months=Months(unread="the log is gone"))
    assert (summary.months, summary.gaps) == ((), ("figures of the past months: the log is gone",))


def test_open_findings_are_counted_by_stage_in_the_order_of_the_ladder():
    cases = [
        case(placed(stage, 14), who=user(f"u{n}"))
        for n, stage in enumerate([Stage.WARNING, Stage.NOTIFICATION, Stage.WARNING])
    ]
    assert written(state(*cases)).by_stage == ((Stage.NOTIFICATION, 1), (Stage.WARNING, 2))


SECTIONS = {
    "E today": (placed(Stage.ENFORCEMENT, 0), "due"),
    "E in seven days": (placed(Stage.NEW_CREDENTIALS, 7), "due"),
    "E in eight days": (placed(Stage.REMINDER, 8), "open_findings"),
    "pending": (replace(record(), enforcement_on=on(3)), "open_findings"),
    "overdue": (placed(Stage.OVERDUE, -1), "overdue"),
    "E open": (placed(Stage.OVERDUE, None), "overdue"),
    "done": (placed(Stage.ENFORCEMENT, 0, enforced_on=on(0)), None),
}


@pytest.mark.parametrize("row", SECTIONS)
def test_every_finding_stands_in_one_section(row):
    seen, section = SECTIONS[row]
    summary = written(state(case(seen)))
    where = [s for s in ("due", "open_findings", "overdue") if getattr(summary, s)]
    assert where == ([section] if section else [])


def test_a_row_shows_title_key_stage_e_and_days_to_90():
    held = HeldRecord(gate="blast_radius", reason="25 a day", since=MONDAY)
    (row,) = written(state(case(placed(Stage.COUNTDOWN, 2, held=held)))).due
    assert row.what == "Access key is due for rotation (AKIA1)"
    assert (row.stage, row.on, row.severity) == (Stage.COUNTDOWN, on(2), Severity.MEDIUM)
    assert row.reason == "blast_radius: 25 a day"
    assert row.days_to_90 == -10
    (bare,) = written(state(case(placed(Stage.COUNTDOWN, 2, since=None)))).due
    assert (bare.days_to_90, bare.reason) == (None, "")


def test_only_keys_are_named_by_their_id():
    seen = record(INACTIVE, "user", day_0=True, stage=Stage.OVERDUE)
    assert written(state(case(seen))).overdue[0].what == CARDS[INACTIVE].title


def test_rows_stand_in_the_order_of_e_then_name_and_open_ones_last():
    cases = [
        case(placed(Stage.OVERDUE, None), who=user("a")),
        case(placed(Stage.OVERDUE, -1), who=user("c")),
        case(placed(Stage.OVERDUE, -1), who=user("b")),
    ]
    assert names(written(state(*cases)).overdue) == ["b", "c", "a"]


def held(name, gate, reason, **more):
    return Held(gate=gate, reason=reason, user_id=f"AIDA{name}", user_name=name, **more)


def test_held_findings_and_unreachable_owners_are_told_apart():
    rows = (
        held("bob", Gate.RECIPIENT, "the owner cannot be reached: no tag email"),
        held("ann", Gate.RECIPIENT, "the owner cannot be reached: no tag email"),
        held("bob", Gate.RECIPIENT, "the owner cannot be reached: no tag email"),
        held(
            "cid",
            Gate.RECIPIENT,
            "changed",
            control=ROTATION,
            resource_id=KEY_1,
            enforcement_on=on(3),
            days_to_90=4,
        ),
        held("dan", Gate.EVIDENCE, "AccessDenied"),
        held("eve", Gate.BLAST_RADIUS, "spent", resource_id=KEY_2),
    )
    summary = written(users=(UserPlan(user_id="x", user_name="x", held=rows),))
    assert names(summary.unreachable) == ["ann", "bob"]
    assert names(summary.held) == ["cid", "dan", "eve"]
    key, whole, other = summary.held
    assert (key.what, key.on, key.days_to_90) == (
        "Access key is due for rotation (AKIA1)",
        on(3),
        4,
    )
    assert key.reason == "recipient: changed"
    assert (whole.what, whole.reason) == ("the whole case", "evidence: AccessDenied")
    assert other.what == KEY_2


def test_users_without_a_free_slot_are_named_with_what_blocks_it():
    blocked = (full("ann"), full("bob", both_due=True, told_on=MONDAY), full("cid", shut_on=on(-9)))
    summary = written(slot_blocked=blocked)
    assert [(row.what, row.reason, row.on) for row in summary.slot_blocked] == [
        (KEY_1, f"slot taken by {KEY_2}", None),
        (KEY_1, "both keys are due", MONDAY),
        (KEY_1, f"slot taken by {KEY_2}, which Keyreeve made Inactive on 2025-12-27", None),
    ]


def full(name, **facts):
    return SlotBlocked(user_id=name, user_name=name, key_id=KEY_1, blocked_by=KEY_2, **facts)


TAKEN = "cannot get a new key: both slots are taken"
COUNTED = {
    "": (),
    f"1 user {TAKEN}.": (full("ann"),),
    f"1 user {TAKEN}, one by a key that Keyreeve made Inactive.": (full("ann", shut_on=MONDAY),),
    f"2 users {TAKEN}; 1 of them by a key that Keyreeve made Inactive.": (
        *(full("ann", both_due=True),) * 2,
        full("bob", shut_on=MONDAY),
    ),
}


@pytest.mark.parametrize("said", COUNTED)
def test_users_without_a_free_slot_are_counted_once_each(said):
    assert written(slot_blocked=COUNTED[said]).slots == said


def waiver(expires, **changes):
    usual = Waiver(
        waiver_id="w",
        user="ann",
        control=None,
        resource_id=None,
        reason="vendor",
        requested_by="a",
        approved_by="b",
        expires_on=on(expires),
        added_at=NOW,
        added_by="arn",
    )
    return replace(usual, **changes)


@pytest.mark.parametrize(("expires", "named"), [(-8, 0), (-7, 1), (0, 1), (14, 1), (15, 0)])
def test_waivers_that_expire_within_two_weeks_or_did_last_week_are_named(expires, named):
    people = HumanDecisions(waivers=(waiver(expires), waiver(expires, revoked_at=NOW)))
    assert len(written(people=people).waivers) == named


def test_a_waivers_row_says_what_until_when_and_who_agreed():
    people = HumanDecisions(waivers=(waiver(1), waiver(1, control=ROTATION)))
    every, one = written(people=people).waivers
    assert (every.what, every.on, every.reason) == (
        "waiver of every control",
        on(1),
        "vendor (approved by b)",
    )
    assert one.what == "waiver of access_key_rotation"


def test_gaps_are_named_with_their_user_if_they_have_one():
    gaps = (
        CollectionGap(step="GetPolicy", reason="denied"),
        CollectionGap(step="row 3", reason="cut", user_name="ann"),
    )
    assert written(gaps=gaps).gaps == ("GetPolicy: denied", "row 3, ann: cut")


def test_the_week_counts_its_last_seven_days():
    ledger = {
        on(-7): DayLedger(opened=frozenset("x")),
        on(-6): DayLedger(opened=frozenset("ab"), created=frozenset("c")),
        on(0): DayLedger(opened=frozenset("d")),
        on(1): DayLedger(disrupted=frozenset("e")),
    }
    assert written(state(ledger=ledger)).done_this_week == (
        ("cases opened", 3),
        ("users given new keys", 1),
    )
    assert written().done_this_week == ()
    shut = {on(0): DayLedger(disrupted=frozenset("ab"))}
    assert written(state(ledger=shut)).done_this_week == (("users whose access was changed", 2),)
    assert timedelta(days=7) == on(7) - MONDAY
