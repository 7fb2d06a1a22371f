from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    INACTIVE,
    INLINE,
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    MONDAY,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    SECOND,
    STALE,
    access_key,
    ago,
    by_id,
    case,
    console,
    key_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
)

from keyreeve.escalation.acts import act_for, hand_over_for, reinstatement_over, unfinished_acts
from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.effect import DeactivationCause, finding_key
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.model.snapshot import Absent

KEYS = (
    access_key(1, last_used=ago(75), created_at=ago(99)),
    access_key(2, last_used=ago(75) + SECOND, created_at=ago(99)),
)
SEEN = outlook(snapshot(console("ann", *KEYS)))


def acts(control, resource, final=None, *, keys=KEYS, known=None):
    settings = policy()
    if final is not None:
        settings = policy(enforcement=Enforcement(**{control: final}))
    seen = record(control, resource, day_0=True)
    view = outlook(snapshot(console("ann", *keys)), settings, keys=known)
    return act_for(case(seen), seen, view)


@pytest.mark.parametrize(
    ("control", "cause"),
    [(ROTATION, DeactivationCause.ROTATION), (STALE, DeactivationCause.STALE)],
)
def test_on_e_a_key_becomes_inactive_and_is_never_deleted(control, cause):
    (act,) = acts(control, KEY_1)
    assert (act.kind, act.key_id, act.cause) == ("deactivate_access_key", KEY_1, cause)
    assert (act.user_id, act.user_name, act.due_on) == ("AIDAANN", "ann", MONDAY)
    assert act.reason == "enforcement_due"
    assert finding_key(act) == (control, KEY_1)


CONFIGURED = {
    "nothing": (PASSWORD_AGE, "password", FinalAct.NOTHING, []),
    "remind": (MFA_CONTROL, "mfa", FinalAct.REMIND, []),
    "delete": (PASSWORD_AGE, "password", FinalAct.DELETE_LOGIN_PROFILE, ["delete_login_profile"]),
    "quarantine": (INACTIVE, "user", FinalAct.QUARANTINE, ["quarantine"]),
    "unused keys": (
        INACTIVE,
        "user",
        FinalAct.DEACTIVATE_UNUSED_KEYS,
        ["deactivate_access_key"],
    ),
}


@pytest.mark.parametrize("row", CONFIGURED)
def test_on_e_the_configured_act_is_done(row):
    control, resource, final, kinds = CONFIGURED[row]
    found = acts(control, resource, final)
    assert [act.kind for act in found] == kinds
    assert all(act.reason == "enforcement_due" for act in found)
    assert all(finding_key(act) == (control, resource) for act in found)


def test_a_control_that_is_never_escalated_has_no_act():
    assert acts(INLINE, "inline_policies") == []
    assert acts(MFA_CONTROL, "mfa") == []


@pytest.mark.parametrize(
    ("control", "group"),
    [(MFA_CONTROL, "MFA-Setup"), (PASSWORD_AGE, "Quarantine"), (INACTIVE, "Quarantine")],
)
def test_quarantine_for_missing_mfa_is_the_onboarding_group_else_the_deny_all_group(control, group):
    (act,) = acts(control, "x", FinalAct.QUARANTINE)
    assert act.group == group


def test_of_an_inactive_user_only_active_keys_unused_for_the_threshold_are_shut():
    def shut(*keys, known=None):
        final = FinalAct.DEACTIVATE_UNUSED_KEYS
        return [act.key_id for act in acts(INACTIVE, "user", final, keys=keys, known=known)]

    assert shut(*KEYS) == [KEY_1]
    old = {"created_at": ago(75)}
    assert shut(access_key(1, last_used=Absent.NEVER, **old)) == [KEY_1]
    assert shut(access_key(1, last_used=Absent.UNKNOWN, **old)) == [KEY_1]
    assert shut(access_key(1, last_used=Absent.NEVER, created_at=ago(75) + SECOND)) == []
    assert shut(access_key(1, active=False, last_used=ago(99))) == []
    assert shut(access_key(1, key_id=None, last_used=ago(99))) == []
    ours = {KEY_1: key_record(inactivated_at=NOW)}
    assert shut(access_key(1, last_used=ago(99)), known=ours) == []


@pytest.mark.parametrize("control", [ROTATION, PASSWORD_AGE])
def test_a_hand_over_has_one_operation_per_finding_and_day_0(control):
    seen = record(control, KEY_1, day_0=True)
    view = outlook(snapshot(console("ann", old_key())))
    one = hand_over_for(case(seen), seen, view)
    assert one.operation_id == hand_over_for(case(seen), seen, view).operation_id
    anew = replace(seen, opened_at=NOW + timedelta(days=90))
    assert one.operation_id != hand_over_for(case(anew), anew, view).operation_id
    assert one.kind == ("create_replacement_key" if control is ROTATION else "reset_password")
    assert (one.reason, one.due_on, one.reconcile_only) == ("credentials_due", MONDAY, False)


def test_a_hand_over_that_was_begun_goes_on_under_its_own_id():
    begun = rotation(StepName.INTENT)
    told = case(record(day_0=True), operations=by_id(begun))
    view = outlook(snapshot(console("ann", old_key())))
    assert hand_over_for(told, record(day_0=True), view).operation_id == begun.operation_id


def test_the_key_whose_slot_may_be_freed_is_named():
    keys = {KEY_2: key_record(KEY_2, inactivated_at=ago(30))}
    who = console("ann", old_key(), access_key(2, active=False))
    view = outlook(snapshot(who), policy(free_slot_after_days=30), keys=keys)
    told = case(record(day_0=True))
    assert hand_over_for(told, record(day_0=True), view).free_slot_of == KEY_2


def test_two_acts_of_a_finding_and_two_openings_of_it_are_different_operations():
    first = acts(ROTATION, KEY_1)[0]
    assert first.operation_id == acts(ROTATION, KEY_1)[0].operation_id
    anew = record(day_0=True, opened_at=NOW + timedelta(days=90))
    ids = {
        first.operation_id,
        acts(ROTATION, KEY_2)[0].operation_id,
        acts(STALE, KEY_1)[0].operation_id,
        act_for(case(anew), anew, SEEN)[0].operation_id,
    }
    assert len(ids) == 4
    pending = record()
    assert act_for(case(pending), pending, SEEN)[0].operation_id not in ids


def test_the_end_of_a_reinstatement_has_one_operation_however_late_the_run():
    known = key_record(reinstated_until=NOW)
    one = reinstatement_over(known, "ann", SEEN, MONDAY)
    two = reinstatement_over(known, "ann", SEEN, on(3))
    assert one.operation_id == two.operation_id
    assert one.operation_id.startswith("20260105-")
    assert (one.reason, one.control, finding_key(one)) == ("reinstatement_over", None, None)
    again = reinstatement_over(replace(known, reinstated_until=NOW + SECOND), "ann", SEEN, MONDAY)
    assert again.operation_id != one.operation_id


UNFINISHED = {
    "nothing to resume": (rotation(StepName.INTENT, StepName.DELIVERED), []),
    "stuck": (rotation(StepName.INTENT, stuck="?"), []),
    "a rotation": (rotation(StepName.CREATED), ["create_replacement_key"]),
    "a rotation that forgot its key": (rotation(StepName.CREATED, old_key=None), []),
    "an operation that forgot its finding": (rotation(StepName.CREATED, control=None), []),
    "an operation that forgot its resource": (rotation(StepName.CREATED, resource_id=None), []),
    "an act is reconciled by its finding": (
        rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT),
        [],
    ),
}


@pytest.mark.parametrize("row", UNFINISHED)
def test_what_can_be_resumed(row):
    operation, kinds = UNFINISHED[row]
    told = case(record(day_0=True), operations=by_id(operation))
    assert [act.kind for act in unfinished_acts(told, SEEN)] == kinds


def test_every_control_has_a_judgement_about_its_act():
    for control in ControlId:
        assert isinstance(acts(control, "x"), list)
