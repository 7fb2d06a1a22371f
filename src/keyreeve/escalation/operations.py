"""Which operation belongs to which finding, and what its id is."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from keyreeve.model.case import Case, FindingRecord, OperationKind, OperationRecord, State, StepName
from keyreeve.model.identifiers import (
    AccessKeyId,
    AccountId,
    CaseId,
    ControlId,
    OperationId,
    UserId,
)
from keyreeve.model.snapshot import User


def operation_id(
    account_id: AccountId, case_id: CaseId, kind: OperationKind, *subject: str
) -> OperationId:
    """Derived from account, case, kind and subject: the same operation has the same id tomorrow.

    It begins with the case's date, so that listings can start at the oldest open case.
    """
    text = "/".join((account_id, case_id, kind.value, *subject))
    return OperationId(f"{case_id[:8]}-{sha256(text.encode()).hexdigest()[:20]}")


def enforcement_id(
    account_id: AccountId, case: Case, record: FindingRecord, key: AccessKeyId | None = None
) -> OperationId:
    """One enforcement per finding, key and day 0: a finding that opens anew is enforced anew."""
    opened = record.opened_at.isoformat() if record.opened_at else ""
    subject = (record.control, record.resource_id, key or "", opened)
    return operation_id(account_id, case.case_id, OperationKind.ENFORCEMENT, *subject)


def no_case(today: date) -> CaseId:
    """The case id of operations that belong to no case, such as a reinstatement."""
    return CaseId(f"{today:%Y%m%d}-no-case")


def hand_over_operation(case: Case, record: FindingRecord) -> OperationRecord | None:
    """The rotation or reset of this finding since it opened, if begun and not given up."""
    kind = {
        ControlId.ACCESS_KEY_ROTATION: OperationKind.ROTATION,
        ControlId.PASSWORD_AGE: OperationKind.PASSWORD_RESET,
    }.get(record.control)
    return next(
        (
            operation
            for operation in case.operations.values()
            if operation.kind is kind
            and operation.resource_id == record.resource_id
            and operation.steps[-1:] != (StepName.ABANDONED,)
            and (
                operation.unfinished or never_arrived(operation) or _since_opened(operation, record)
            )
        ),
        None,
    )


def never_arrived(operation: OperationRecord) -> bool:
    """A credential that exists, that nobody holds, and that waits for a person to hand it over.

    It is the answer to every later finding on its resource too: a replacement that never arrived
    must not be taken for one that was handed over.
    """
    made = StepName.CREATED in operation.steps and StepName.DELIVERED not in operation.steps
    return made and operation.stuck is not None


def waits_to_be_handed_over(operation: OperationRecord, user: User) -> bool:
    """A credential that came back too often: a person must hand it over while it is still alive."""
    if operation.stuck is None or operation.returned is None:
        return False
    if operation.kind is OperationKind.PASSWORD_RESET:
        return user.password_enabled is not False
    return any(key.active and key.key_id == operation.new_key for key in user.keys)


def _since_opened(operation: OperationRecord, record: FindingRecord) -> bool:
    """An operation of an earlier finding on the same resource is no answer to this one."""
    if record.opened_at is None or operation.begun_at is None:
        return False
    return operation.begun_at >= record.opened_at


def disarmed_users(state: State) -> frozenset[UserId]:
    """Users whom an act of ours has shut out, whatever the report still says."""
    return frozenset(
        case.user_id
        for case in state.users.values()
        for operation in case.operations.values()
        if operation.act in ("delete_login_profile", "quarantine")
        and operation.steps[-1:] in ((StepName.DONE,), (StepName.ENFORCING,))
    )


def enforcement_begun(case: Case, record: FindingRecord) -> bool:
    """An act of this finding was begun and its end is not known."""
    return any(
        operation.kind is OperationKind.ENFORCEMENT
        and operation.control is record.control
        and operation.resource_id == record.resource_id
        and operation.steps[-1:] == (StepName.ENFORCING,)
        for operation in case.operations.values()
    )
