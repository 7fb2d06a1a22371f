from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.builders import (
    ACCOUNT,
    KEY_2,
    MFA_CONTROL,
    NOW,
    PASSWORD_AGE,
    SECOND,
    STALE,
    by_id,
    case,
    record,
    rotation,
    state,
)

from keyreeve.escalation.operations import (
    disarmed_users,
    enforcement_begun,
    hand_over_operation,
    no_case,
    operation_id,
)
from keyreeve.model.case import OperationKind, StepName
from keyreeve.model.identifiers import AccountId, CaseId

CASE = CaseId("20260105-0123456789abcdef")


def test_an_operations_id_is_the_same_tomorrow_and_begins_with_its_cases_date():
    one = operation_id(ACCOUNT, CASE, OperationKind.ROTATION, "AKIA1")
    assert one == operation_id(ACCOUNT, CASE, OperationKind.ROTATION, "AKIA1")
    assert one.startswith("20260105-")
    assert len(one) == 8 + 1 + 20


def test_every_part_of_an_operation_makes_another_id():
    ids = {
        operation_id(ACCOUNT, CASE, OperationKind.ROTATION, "AKIA1"),
        operation_id(AccountId("210987654321"), CASE, OperationKind.ROTATION, "AKIA1"),
        operation_id(ACCOUNT, CaseId("20260106-x"), OperationKind.ROTATION, "AKIA1"),
        operation_id(ACCOUNT, CASE, OperationKind.RESEND, "AKIA1"),
        operation_id(ACCOUNT, CASE, OperationKind.ROTATION, "AKIA2"),
        operation_id(ACCOUNT, CASE, OperationKind.ROTATION, "AKIA1", "again"),
    }
    assert len(ids) == 6


def test_an_operation_without_a_case_is_listed_under_its_day():
    assert no_case(date(2026, 1, 5)) == "20260105-no-case"


def found(operation, seen):
    return hand_over_operation(case(seen, operations=by_id(operation)), seen) is not None


DONE = rotation(StepName.INTENT, StepName.DELIVERED)
HAND_OVERS = {
    "its rotation": (rotation(StepName.INTENT), record(), True),
    "its rotation, done": (DONE, record(day_0=True), True),
    "done for an earlier finding of this key": (
        replace(DONE, begun_at=NOW - SECOND),
        record(day_0=True),
        False,
    ),
    "done, and the finding is pending anew": (DONE, record(), False),
    "done, and nobody knows when it was begun": (
        replace(DONE, begun_at=None),
        record(day_0=True),
        False,
    ),
    "given up": (rotation(StepName.INTENT, StepName.ABANDONED), record(), False),
    "of another key": (rotation(StepName.INTENT, resource_id=KEY_2), record(), False),
    "its reset": (
        rotation(StepName.INTENT, kind=OperationKind.PASSWORD_RESET, resource_id="password"),
        record(PASSWORD_AGE, "password"),
        True,
    ),
    "a stale key is never replaced": (rotation(StepName.INTENT), record(STALE), False),
    "MFA has no hand-over": (rotation(StepName.INTENT), record(MFA_CONTROL, "mfa"), False),
    "an act is no hand-over": (
        rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT),
        record(),
        False,
    ),
}


@pytest.mark.parametrize("row", HAND_OVERS)
def test_a_finding_knows_its_hand_over_unless_it_was_given_up(row):
    operation, seen, expected = HAND_OVERS[row]
    assert found(operation, seen) is expected


BEGUN = {
    "enforcing": ((StepName.ENFORCING,), {}, True),
    "done": ((StepName.ENFORCING, StepName.DONE), {}, False),
    "given up": ((StepName.ENFORCING, StepName.ABANDONED), {}, False),
    "of another key": ((StepName.ENFORCING,), {"resource_id": KEY_2}, False),
    "of another control": ((StepName.ENFORCING,), {"control": STALE}, False),
    "no act": ((StepName.ENFORCING,), {"kind": OperationKind.ROTATION}, False),
}


@pytest.mark.parametrize("row", BEGUN)
def test_an_act_is_begun_from_its_first_step_until_its_end_is_known(row):
    steps, changes, expected = BEGUN[row]
    operation = rotation(*steps, **{"kind": OperationKind.ENFORCEMENT, **changes})
    assert enforcement_begun(case(record(), operations=by_id(operation)), record()) is expected


DISARMED = {
    "a profile deleted": ("delete_login_profile", (StepName.ENFORCING, StepName.DONE), True),
    "a quarantine": ("quarantine", (StepName.ENFORCING, StepName.DONE), True),
    "a quarantine whose end is unknown": ("quarantine", (StepName.ENFORCING,), True),
    "given up": ("quarantine", (StepName.ENFORCING, StepName.ABANDONED), False),
    "a key": ("deactivate_access_key", (StepName.DONE,), False),
}


@pytest.mark.parametrize("row", DISARMED)
def test_whom_an_act_of_ours_has_shut_out_is_known_whatever_the_report_says(row):
    act, steps, shut = DISARMED[row]
    operation = rotation(*steps, kind=OperationKind.ENFORCEMENT, act=act)
    told = case(record(day_0=True), operations=by_id(operation))
    assert disarmed_users(state(told)) == ({told.user_id} if shut else frozenset())
