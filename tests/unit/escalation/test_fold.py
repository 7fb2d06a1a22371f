from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import (
    KEY_1,
    KEY_2,
    MONDAY,
    NOW,
    ROTATION,
    ago,
    case,
    key_record,
    on,
    record,
    state,
    step,
)
from tests.unit.escalation.steps import (
    ACT,
    ANN,
    CREATE,
    KINDS,
    NAMES,
    ROTATE,
    act,
    after,
    ann,
    known,
    notice,
    rotate,
)

from keyreeve.escalation.fold import LEDGER_DAYS, REACTIVATED
from keyreeve.model.case import DayLedger, Stage
from keyreeve.model.identifiers import OperationId

# --- operations -----------------------------------------------------------------------------------


def test_a_rotation_is_remembered_step_by_step():
    folded = after(
        known(record()),
        rotate(NAMES.INTENT, ROTATE),
        rotate(NAMES.CREATED, CREATE),
        rotate(NAMES.DELIVERED, {"message_id": "m", "to": "ann@example.com"}, day=1),
    )
    (made,) = ann(folded).operations.values()
    assert made.steps == (NAMES.INTENT, NAMES.CREATED, NAMES.DELIVERED)
    assert (made.control, made.resource_id, made.old_key) == (ROTATION, KEY_1, KEY_1)
    assert (made.keys_before, made.begun_at) == ((KEY_1,), NOW)
    assert (made.new_key, made.escrow_key) == (KEY_2, "e/1")
    assert (made.delivered_on, made.delivered_at) == (on(1), NOW + timedelta(days=1))
    assert (made.delivered_message_id, made.delivered_to) == ("m", "ann@example.com")
    assert not made.unfinished
    assert folded.ledger == {MONDAY: DayLedger(created=frozenset({ANN}))}
    assert folded.keys[KEY_1].replaced_by == KEY_2
    new = folded.keys[KEY_2]
    assert (new.made_by_us, new.replaces, new.active, new.created_at) == (True, KEY_1, True, NOW)


def test_a_second_attempt_begins_its_steps_anew_and_an_old_step_changes_nothing():
    folded = after(
        known(record()),
        rotate(NAMES.INTENT, ROTATE),
        rotate(NAMES.ORPHANED, {"key_id": "AKIA7"}),
        rotate(NAMES.INTENT, ROTATE, attempt=2, day=1),
    )
    (made,) = ann(folded).operations.values()
    assert (made.attempt, made.steps) == (2, (NAMES.INTENT,))
    assert made.orphans == ("AKIA7",)
    assert made.begun_at == NOW + timedelta(days=1)
    assert after(folded, rotate(NAMES.CREATED, CREATE)).users == folded.users


def test_an_orphan_is_never_anybodys_key_and_goes_when_deleted():
    orphaned = rotate(NAMES.ORPHANED, {"key_id": "AKIA7", "deleted": False})
    folded = after(known(record()), rotate(NAMES.INTENT, ROTATE), orphaned)
    lost = folded.keys["AKIA7"]
    assert (lost.orphan, lost.active, lost.made_by_us) == (True, False, True)
    assert lost.inactivated_at == NOW
    deleted = rotate(NAMES.ORPHANED, {"key_id": "AKIA7", "deleted": True}, attempt=2)
    assert "AKIA7" not in after(folded, deleted).keys


def test_a_person_must_look_where_an_operation_is_stuck():
    stuck = rotate(NAMES.STUCK, {"reason": "two unknown keys"})
    (made,) = ann(after(known(record()), rotate(NAMES.INTENT, ROTATE), stuck)).operations.values()
    assert made.stuck == "two unknown keys"
    assert not made.unfinished  # nothing more is tried


def test_a_password_reset_counts_as_a_disruption():
    begun = step(
        KINDS.PASSWORD_RESET,
        NAMES.INTENT,
        {"control": "password_age", "resource_id": "password", "ledger_day": "2026-01-05"},
    )
    assert after(known(record()), begun).ledger == {MONDAY: DayLedger(disrupted=frozenset({ANN}))}


# --- acts -----------------------------------------------------------------------------------------


def test_an_act_marks_its_finding_its_key_the_ledger_and_the_end_of_the_rotation():
    keys = {
        KEY_1: key_record(replaced_by=KEY_2, reinstated_until=NOW, reinstate_reason="x"),
        KEY_2: key_record(KEY_2, made_by_us=True, replaces=KEY_1),
    }
    start = state(case(record(day_0=True)), keys=keys)
    begun = after(start, act(NAMES.ENFORCING))
    assert begun.ledger == {MONDAY: DayLedger(disrupted=frozenset({ANN}))}
    assert ann(begun).findings[ROTATION, KEY_1].enforced_on is None
    folded = after(begun, act(NAMES.DONE))
    seen = ann(folded).findings[ROTATION, KEY_1]
    assert (seen.enforced_on, seen.stage, seen.held) == (MONDAY, Stage.ENFORCEMENT, None)
    old = folded.keys[KEY_1]
    assert (old.active, old.inactivated_at) == (False, NOW)
    assert (old.reinstated_until, old.reinstate_reason) == (None, None)
    assert folded.keys[KEY_2].rotation_ended_at == NOW
    (done,) = ann(folded).operations.values()
    assert (done.act, done.unfinished) == ("deactivate_access_key", False)


def test_an_act_without_a_key_or_on_a_key_that_is_gone_marks_the_finding_only():
    for changes in ({"key_id": None}, {"key_id": "AKIA9"}):
        folded = after(known(record(day_0=True)), act(NAMES.DONE, **changes))
        assert folded.keys == {KEY_1: key_record()}
        assert ann(folded).findings[ROTATION, KEY_1].enforced_on == MONDAY


def test_an_act_whose_finding_is_gone_or_unnamed_is_kept_as_an_operation():
    for changes in ({"resource_id": "AKIA9"}, {"control": None}, {"resource_id": None}):
        folded = after(known(record(day_0=True)), act(NAMES.DONE, **changes))
        assert ann(folded).findings[ROTATION, KEY_1].enforced_on is None


def test_the_first_date_of_an_act_stands():
    later = step(KINDS.ENFORCEMENT, NAMES.DONE, ACT, on=on(3), operation_id=OperationId("b"))
    folded = after(known(record(day_0=True)), act(NAMES.DONE), later)
    assert ann(folded).findings[ROTATION, KEY_1].enforced_on == MONDAY
    assert folded.keys[KEY_1].inactivated_at == NOW


def test_a_reinstated_key_is_active_until_its_time_is_up():
    back = {"key_id": KEY_1, "until": (NOW + timedelta(hours=24)).isoformat(), "reason": "audit"}
    done = step(KINDS.REINSTATEMENT, NAMES.DONE, back, case_id="none")
    folded = after(state(keys={KEY_1: key_record(inactivated_at=ago(3), active=False)}), done)
    key = folded.keys[KEY_1]
    assert (key.active, key.inactivated_at) == (True, None)
    assert (key.reinstated_until, key.reinstate_reason) == (NOW + timedelta(hours=24), "audit")
    assert after(state(), done).keys == {}


def test_an_act_without_a_finding_counts_in_the_days_ledger_too():
    facts = {**ACT, "control": None}
    over = step(KINDS.ENFORCEMENT, NAMES.ENFORCING, facts, case_id="20260105-no-case")
    folded = after(state(keys={KEY_1: key_record()}), over)
    assert folded.ledger == {MONDAY: DayLedger(disrupted=frozenset({ANN}))}


def test_facts_about_keys_are_folded_even_when_their_case_has_closed():
    done = step(KINDS.ENFORCEMENT, NAMES.DONE, ACT)
    assert after(state(keys={KEY_1: key_record()}), done).keys[KEY_1].inactivated_at == NOW


def test_a_resent_mail_leaves_the_case_alone():
    start = known(record())
    assert after(start, step(KINDS.RESEND, NAMES.ACCEPTED, {"to": "ann@example.com"})) == start


def test_the_ledger_keeps_its_last_days():
    old = {on(-n): DayLedger() for n in range(1, 60)}
    folded = after(known(record(), ledger=old), act(NAMES.ENFORCING))
    assert len(folded.ledger) == LEDGER_DAYS == 40
    assert min(folded.ledger) == on(-39)
    assert max(folded.ledger) == MONDAY


# --- read again after a stop ----------------------------------------------------------------------

UNTIL = (NOW + timedelta(hours=24)).isoformat()
EVERY_STEP = [
    notice(ledger_day="2026-01-05"),
    step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "unreachable"}),
    notice(3, Stage.REMINDER, why="spare"),
    rotate(NAMES.INTENT, ROTATE),
    rotate(NAMES.ORPHANED, {"key_id": "AKIA7"}),
    rotate(NAMES.ORPHANED, {"key_id": "AKIA7", "deleted": True}),
    rotate(NAMES.ABANDONED),
    rotate(NAMES.INTENT, ROTATE, attempt=2, day=1),
    rotate(NAMES.CREATED, CREATE, attempt=2, day=1),
    rotate(NAMES.STUCK, {"reason": "?"}, attempt=2),
    rotate(NAMES.DELIVERED, {"message_id": "m", "to": "ann@example.com"}, attempt=2, day=1),
    notice(10, Stage.WARNING, e=17),
    act(NAMES.ENFORCING),
    act(NAMES.ABANDONED),
    act(NAMES.DONE),
    step(
        KINDS.REINSTATEMENT,
        NAMES.DONE,
        {"key_id": KEY_1, "until": UNTIL, "reason": "x"},
        case_id="none",
        operation_id=OperationId("r"),
    ),
    step(KINDS.ENFORCEMENT, NAMES.DONE, ACT, case_id="none", operation_id=OperationId("over")),
    step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": f"{REACTIVATED}{KEY_1}"}),
    step(KINDS.RESEND, NAMES.ACCEPTED, {"to": "ann@example.com"}),
    step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "summary"}, user_id="", case_id="none"),
    step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "closing"}),
]
"""In the order of a case's life."""


@pytest.mark.parametrize("one", EVERY_STEP, ids=lambda s: f"{s.kind}-{s.name}-{s.attempt}")
def test_every_kind_of_step_folded_twice_is_folded_once(one):
    once = after(known(record()), one)
    assert after(once, one) == once


masks = st.lists(st.booleans(), min_size=len(EVERY_STEP), max_size=len(EVERY_STEP))


@settings(max_examples=300, deadline=None)
@given(happened=masks, read_again=st.integers(0, len(EVERY_STEP)))
def test_the_newest_steps_read_again_in_their_order_change_nothing(happened, read_again):
    steps = [one for one, did in zip(EVERY_STEP, happened, strict=True) if did]
    saved = after(known(record()), *steps)
    assert after(saved, *steps[-read_again:]) == saved


def test_an_act_that_was_given_up_is_begun_and_unfinished_no_more():
    begun = after(known(record(day_0=True)), act(NAMES.ENFORCING))
    assert [o.unfinished for o in ann(begun).operations.values()] == [True]
    given_up = after(begun, _given_up("slow down"))
    (operation,) = ann(given_up).operations.values()
    assert (operation.steps, operation.unfinished) == ((NAMES.ENFORCING, NAMES.ABANDONED), False)


def _given_up(reason):
    """As the pipeline writes it: of the finding it says nothing."""
    data = {"reason": reason}
    return step(KINDS.ENFORCEMENT, NAMES.ABANDONED, data, operation_id=OperationId("act"))
