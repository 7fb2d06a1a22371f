"""Decisions as effects: notices, closings, credentials, acts, what is resumed or over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    KEY_1,
    KEY_3,
    MFA_CONTROL,
    NOW,
    PASSWORD_AGE,
    access_key,
    ago,
    by_id,
    case,
    console,
    day,
    delivered,
    gap_of,
    key_record,
    kinds,
    notice_record,
    old_key,
    on,
    policy,
    record,
    rotation,
    snapshot,
    state,
    user,
)

from keyreeve.model.case import DayLedger, OperationKind, Population, Stage, StepName, Told
from keyreeve.model.decisions import Hold, HumanDecisions
from keyreeve.model.effect import DeactivationCause
from keyreeve.model.plan import Gate
from keyreeve.model.policy import Enforcement, Exclusion, FinalAct, Match
from keyreeve.model.snapshot import Caller, GrantedPolicies

ANN = user("ann", old_key())
ADMIN = GrantedPolicies(managed=frozenset({"arn:aws:iam::aws:policy/AdministratorAccess"}))
WARNED = (notice_record(0), notice_record(10, Stage.WARNING))
READY = case(record(day_0=True, notices=WARNED), operations=by_id(delivered()))


ROTATED = user("ann", old_key(), access_key(2, key_id=KEY_3, last_used=NOW + timedelta(days=13)))


def planned(day_n, before=READY, who=ROTATED, *, settings=None, **more):
    now = NOW + timedelta(days=day_n)
    crew = snapshot(who, **more.pop("facts", {}))
    keys = more.pop("keys", {})
    return day(crew, state(before, keys=keys), settings, now=now, **more).planned.plan


def effects(*args, **kwargs):
    return [(e.kind, e.reason) for e in planned(*args, **kwargs).effects]


# --- the usual days -------------------------------------------------------------------------------

OPENED = case(record(day_0=True))
USUAL = {
    0: [],
    2: [],
    3: [("send_notice", "stage_due")],
    5: [],
    7: [("create_replacement_key", "credentials_due"), ("send_notice", "stage_due")],
}


@pytest.mark.parametrize("day_n", USUAL)
def test_what_a_day_brings(day_n):
    assert effects(day_n, OPENED, ANN) == USUAL[day_n]


def test_on_e_the_act_comes_first_and_then_the_one_notice():
    plan = planned(14)
    act, notice = plan.effects
    assert (act.kind, act.key_id, act.cause) == (
        "deactivate_access_key",
        KEY_1,
        DeactivationCause.ROTATION,
    )
    assert not act.reconcile_only
    assert act.due_on == on(14)
    assert (notice.kind, notice.reason, notice.to) == ("send_notice", "act_done", "ann@example.com")
    assert plan.users[0].earliest == on(14)


def test_stages_and_e_are_written_into_the_state():
    done = day(snapshot(ANN), state(OPENED), now=NOW + timedelta(days=4))
    (seen,) = done.planned.state.users[OPENED.user_id].findings.values()
    assert (seen.stage, seen.enforcement_on, seen.held) == (Stage.REMINDER, on(14), None)


def test_a_password_is_reset_and_the_owner_hears_of_the_stage_not_of_an_act():
    seen = record(PASSWORD_AGE, "password", day_0=True)
    who = console("ann", password_last_changed=ago(100))
    assert effects(7, case(seen), who) == [
        ("reset_password", "credentials_due"),
        ("send_notice", "stage_due"),
    ]


# --- one notice at most ---------------------------------------------------------------------------


def test_after_todays_notice_there_is_no_second():
    told = replace(OPENED, last_notice_on=on(3))
    assert effects(3, told) == []


def test_no_notice_on_a_closed_day_and_none_while_a_case_is_held():
    assert effects(3, OPENED, settings=policy(holidays=frozenset({on(3)}))) == []
    hold = Hold(user="ann", until=on(9), reason="leave", added_at=NOW, added_by="arn")
    people = HumanDecisions(holds=(hold,))
    plan = planned(7, OPENED, people=people)
    assert plan.effects == ()
    assert [(h.gate, h.reason) for h in plan.held] == [(Gate.HUMAN, "held until 2026-01-14")]


def test_an_owner_nobody_can_reach_gets_nothing_and_every_finding_is_held():
    lost = user("ann", old_key(), tags={})
    plan = planned(0, case(record()), lost)
    assert [e.kind for e in plan.effects] == ["send_team_notice"]
    (held,) = plan.held
    assert held.gate is Gate.RECIPIENT
    assert held.reason.startswith("the owner cannot be reached: ")


def test_when_everything_has_cleared_one_closing_mail_goes_out():
    due = case(closing_due=True, opened_on=on(0), cleared=("x",))
    mended = user("ann", access_key())
    (closing,) = planned(3, due, mended).effects
    assert (closing.kind, closing.reason, closing.to) == (
        "send_closing",
        "resolved",
        "ann@example.com",
    )
    assert effects(5, due, mended) == []  # a Saturday
    assert effects(3, replace(due, last_notice_on=on(3)), mended) == []


# --- resumed and over -----------------------------------------------------------------------------

CUT_OFF = {
    "a rotation": (rotation(StepName.INTENT), OPENED, "create_replacement_key", False),
    "a rotation whose finding is gone": (
        rotation(StepName.INTENT),
        case(record(MFA_CONTROL, "mfa", day_0=True)),
        "create_replacement_key",
        True,
    ),
    "a reset": (
        rotation(
            StepName.INTENT,
            kind=OperationKind.PASSWORD_RESET,
            control=PASSWORD_AGE,
            resource_id="password",
        ),
        case(record(PASSWORD_AGE, "password", day_0=True)),
        "reset_password",
        False,
    ),
}


@pytest.mark.parametrize("row", CUT_OFF)
def test_what_a_stop_cut_off_is_brought_to_an_end_even_on_a_closed_day(row):
    operation, before, kind, only_reconcile = CUT_OFF[row]
    keys = () if only_reconcile else (old_key(),)
    who = console("ann", *keys, mfa_active=False, password_last_changed=ago(100))
    before = replace(before, operations=by_id(operation))
    plan = planned(5, before, who)  # a Saturday
    (act,) = plan.effects
    assert (act.kind, act.reason) == (kind, "resumed")
    assert act.operation_id == operation.operation_id
    assert act.reconcile_only is only_reconcile


def test_a_resumed_act_is_not_begun_a_second_time():
    begun = rotation(StepName.INTENT)
    due = day(snapshot(ANN), state(OPENED), now=NOW + timedelta(days=7)).planned.plan.effects[0]
    begun = replace(begun, operation_id=due.operation_id)
    before = replace(OPENED, operations={due.operation_id: begun})
    assert [k for k, _ in effects(7, before)][:1] == ["create_replacement_key"]
    assert [k for k, _ in effects(7, before)].count("create_replacement_key") == 1


def test_what_a_person_must_look_at_and_excluded_users_are_not_resumed():
    stuck = rotation(StepName.INTENT, stuck="?")
    assert effects(5, replace(OPENED, operations=by_id(stuck))) == []
    settings = policy(exclusions=(Exclusion(match=Match(user="ann"), reason="r"),))
    cut_off = replace(OPENED, operations=by_id(rotation(StepName.INTENT)))
    (act,) = planned(5, cut_off, settings=settings).effects
    assert act.reconcile_only  # what exists is brought to an end, nothing new is begun


def test_an_act_whose_end_is_unknown_is_only_looked_at_before_its_day():
    begun = delivered(), rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT)
    operations = by_id(begun[0], replace(begun[1], operation_id="b"))
    act = planned(12, replace(READY, operations=operations)).effects[0]
    assert act.kind == "deactivate_access_key"
    assert act.reconcile_only


UP = key_record(reinstated_until=NOW, reinstate_reason="audit", inactivated_at=None)


def reinstated(day_n=0, **changes):
    known = replace(UP, **changes)
    now = NOW + timedelta(days=day_n)
    return day(snapshot(ANN), state(keys={KEY_1: known}), now=now).planned.plan


def test_when_a_reinstatement_is_over_its_key_becomes_inactive_again():
    (act,) = reinstated().effects
    assert (act.kind, act.key_id, act.reason) == (
        "deactivate_access_key",
        KEY_1,
        "reinstatement_over",
    )
    assert (act.cause, act.control) == (DeactivationCause.REINSTATEMENT_OVER, None)
    later = reinstated(reinstated_until=NOW + timedelta(seconds=1))
    assert later.effects == ()
    assert kinds(reinstated(user_id="AIDAGONE").effects) == ["send_notice"]  # forgotten by now


def test_the_end_of_a_reinstatement_counts_in_the_blast_radius():
    ledger = {"ledger": {NOW.date(): DayLedger(disrupted=frozenset({"AIDAX"}))}}
    (plan,) = day(snapshot(ANN), state(keys={KEY_1: UP}, **ledger)).planned.plan.users
    assert plan.acts == ()
    assert plan.held[0].gate is Gate.BLAST_RADIUS
    assert plan.held[0].resource_id == KEY_1


def test_a_refused_run_ends_no_reinstatement():
    many = Population(users=frozenset(f"AIDA{n}" for n in range(50)))
    judged = day(snapshot(ANN), state(keys={KEY_1: UP}, population=many))
    assert judged.planned.plan.refusal is not None
    assert judged.planned.plan.users[0].acts == ()


def test_a_reinstatement_that_ends_in_a_weekend_ends_on_monday():
    assert reinstated(5).effects == ()


def test_the_identity_keyreeve_runs_as_is_never_shut_by_a_reinstatement():
    me = Caller(account_id=ACCOUNT, arn="arn", user_id="AIDAANN")
    judged = day(snapshot(ANN, caller=me), state(keys={KEY_1: UP}))
    assert judged.planned.plan.users[0].acts == ()


QUARANTINED = Enforcement(console_mfa=FinalAct.QUARANTINE)


def test_two_findings_on_one_day_are_two_acts_and_one_notice():
    two = case(
        record(day_0=True, notices=WARNED),
        record(MFA_CONTROL, "mfa", day_0=True, notices=WARNED, no_replacement=None),
        operations=by_id(delivered()),
    )
    mfa = two.findings[MFA_CONTROL, "mfa"]
    told = replace(mfa, no_replacement=Told(reason="none_needed", on=on(0)))
    two = replace(two, findings={**two.findings, told.key: told})
    who = console("ann", *ROTATED.keys, mfa_active=False)
    plan = planned(14, two, who, settings=policy(enforcement=QUARANTINED))
    assert [e.kind for e in plan.effects] == [
        "deactivate_access_key",
        "quarantine",
        "send_notice",
    ]


def refusing(operation, mailbox=None):
    many = Population(users=frozenset(f"AIDA{n}" for n in range(50)))
    before = replace(OPENED, operations=by_id(operation))
    judged = day(
        snapshot(ROTATED),
        state(before, population=many),
        now=NOW + timedelta(days=5),
        mailbox=mailbox,
    )
    assert judged.planned.plan.refusal is not None
    return kinds(judged.planned.plan.effects)


def test_a_refused_run_creates_nothing_and_delivers_what_exists():
    assert refusing(rotation(StepName.INTENT)) == []
    assert refusing(rotation(StepName.INTENT, StepName.CREATED)) == ["create_replacement_key"]


def test_what_exists_is_delivered_when_the_mailbox_has_room():
    made = rotation(StepName.INTENT, StepName.CREATED)
    assert refusing(made, mailbox=0) == []
    assert refusing(made, mailbox=1) == ["create_replacement_key"]


def test_the_last_administrator_is_not_shut_by_the_end_of_a_reinstatement():
    admin = replace(ANN, granted=ADMIN)
    judged = day(snapshot(admin), state(keys={KEY_1: UP}))
    assert judged.planned.plan.users[0].acts == ()
    assert judged.planned.plan.users[0].held[0].gate is Gate.NEVER


def test_a_reinstatement_of_a_user_who_could_not_be_read_waits():
    unread = snapshot(ANN, gaps=(gap_of(ANN),))
    assert day(unread, state(keys={KEY_1: UP})).planned.plan.users == ()
