"""The acts that a decision asks for, as effects with their operation's id."""

from __future__ import annotations

from datetime import date
from typing import assert_never

from keyreeve.escalation.operations import (
    enforcement_id,
    hand_over_operation,
    no_case,
    operation_id,
)
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import Case, FindingRecord, OperationKind, OperationRecord
from keyreeve.model.effect import (
    Act,
    CreateReplacementKey,
    DeactivateAccessKey,
    DeactivationCause,
    DeleteLoginProfile,
    Quarantine,
    ResetPassword,
)
from keyreeve.model.identifiers import AccessKeyId, ControlId, OperationId, UserName
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import FinalAct


def hand_over_for(case: Case, record: FindingRecord, outlook: Outlook) -> Act:
    """Stage 3 of a finding: a replacement key, or a password reset."""
    today = outlook.today(case)
    if record.control is ControlId.PASSWORD_AGE:
        return ResetPassword(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason="credentials_due",
            operation_id=_hand_over_id(case, record, outlook, OperationKind.PASSWORD_RESET),
            control=record.control,
            resource_id=record.resource_id,
        )
    old = AccessKeyId(record.resource_id)
    return CreateReplacementKey(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=today,
        reason="credentials_due",
        operation_id=_hand_over_id(case, record, outlook, OperationKind.ROTATION),
        control=record.control,
        old_key=old,
        free_slot_of=outlook.slot_to_free(case, old),
    )


def act_for(case: Case, record: FindingRecord, outlook: Outlook) -> list[Act]:
    """Stage 5 of a finding, per control and setting."""
    match record.control:
        case ControlId.ACCESS_KEY_ROTATION:
            return [_deactivate(case, record, outlook, DeactivationCause.ROTATION)]
        case ControlId.ACCESS_KEY_STALE:
            return [_deactivate(case, record, outlook, DeactivationCause.STALE)]
        case ControlId.PASSWORD_AGE | ControlId.CONSOLE_MFA | ControlId.USER_INACTIVE:
            return _configured(case, record, outlook)
        case ControlId.INLINE_POLICIES:
            return []
        case _:
            assert_never(record.control)


def _configured(case: Case, record: FindingRecord, outlook: Outlook) -> list[Act]:
    act = outlook.policy.final_act(record.control)
    today = outlook.today(case)
    match act:
        case None | FinalAct.NOTHING | FinalAct.REMIND:
            return []
        case FinalAct.DELETE_LOGIN_PROFILE:
            return [
                DeleteLoginProfile(
                    user_id=case.user_id,
                    user_name=case.user_name,
                    due_on=today,
                    reason="enforcement_due",
                    operation_id=_enforcement(case, record, outlook),
                    control=record.control,
                    resource_id=record.resource_id,
                )
            ]
        case FinalAct.QUARANTINE:
            mfa = record.control is ControlId.CONSOLE_MFA
            policy = outlook.policy
            return [
                Quarantine(
                    user_id=case.user_id,
                    user_name=case.user_name,
                    due_on=today,
                    reason="enforcement_due",
                    operation_id=_enforcement(case, record, outlook),
                    control=record.control,
                    resource_id=record.resource_id,
                    group=policy.onboarding_group if mfa else policy.quarantine_group,
                )
            ]
        case FinalAct.DEACTIVATE_UNUSED_KEYS:
            return [
                _deactivate(case, record, outlook, DeactivationCause.UNUSED, key)
                for key in outlook.keys_to_shut(case, record)
            ]
        case _:
            assert_never(act)


def _deactivate(
    case: Case,
    record: FindingRecord,
    outlook: Outlook,
    cause: DeactivationCause,
    key: AccessKeyId | None = None,
) -> DeactivateAccessKey:
    key = key or AccessKeyId(record.resource_id)
    return DeactivateAccessKey(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=outlook.today(case),
        reason="enforcement_due",
        operation_id=_enforcement(case, record, outlook, key),
        control=record.control,
        key_id=key,
        cause=cause,
    )


def reinstatement_over(
    record: KeyRecord, user_name: UserName, outlook: Outlook, today: date
) -> DeactivateAccessKey:
    """The key's reinstatement has run out: Inactive again."""
    until = record.reinstated_until or outlook.now
    return DeactivateAccessKey(
        user_id=record.user_id,
        user_name=user_name,
        due_on=today,
        reason="reinstatement_over",
        operation_id=operation_id(
            outlook.snapshot.account_id,
            no_case(until.date()),
            OperationKind.ENFORCEMENT,
            record.key_id,
            until.isoformat(),
        ),
        control=None,
        key_id=record.key_id,
        cause=DeactivationCause.REINSTATEMENT_OVER,
    )


def unfinished_acts(case: Case, outlook: Outlook) -> list[Act]:
    """Operations that a stop cut off: they are brought to an end whatever the day is.

    Where the finding is gone, nothing new is begun.
    """
    acts: list[Act] = []
    for operation in case.operations.values():
        if operation.unfinished and operation.stuck is None:
            act = _resumed(case, operation, outlook)
            if act is not None:
                acts.append(act)
    return acts


def _resumed(case: Case, operation: OperationRecord, outlook: Outlook) -> Act | None:
    today = outlook.today(case)
    control = operation.control
    if control is None or operation.resource_id is None:
        return None
    gone = (control, operation.resource_id) not in case.findings
    if operation.kind is OperationKind.ROTATION and operation.old_key is not None:
        return CreateReplacementKey(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason="resumed",
            operation_id=operation.operation_id,
            control=control,
            old_key=operation.old_key,
            reconcile_only=gone,
            free_slot_of=outlook.slot_to_free(case, operation.old_key),
        )
    if operation.kind is OperationKind.PASSWORD_RESET:
        return ResetPassword(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason="resumed",
            operation_id=operation.operation_id,
            control=control,
            resource_id=operation.resource_id,
            reconcile_only=gone,
        )
    return None


def _hand_over_id(
    case: Case, record: FindingRecord, outlook: Outlook, kind: OperationKind
) -> OperationId:
    """One hand-over per resource and day 0; what was begun goes on under its own id."""
    begun = hand_over_operation(case, record)
    if begun is not None:
        return begun.operation_id
    opened = record.opened_at.isoformat() if record.opened_at else ""
    return _id(case, outlook, kind, record.resource_id, opened)


def _enforcement(
    case: Case, record: FindingRecord, outlook: Outlook, key: AccessKeyId | None = None
) -> OperationId:
    return enforcement_id(outlook.snapshot.account_id, case, record, key)


def _id(case: Case, outlook: Outlook, kind: OperationKind, *subject: str) -> OperationId:
    return operation_id(outlook.snapshot.account_id, case.case_id, kind, *subject)
