"""Escrowed secrets at the end of their retention: deleted, with the copy kept for their owner.

    handed over     the retention has passed since the delivery, and the operation is over: for a
                    rotation, the old key is Inactive or gone
    given up        an earlier attempt, or an abandoned one: the retention has passed since it was
                    made, and the key in it is Inactive or gone
    anything else   kept

What cannot be read is kept.  Instants are those of the steps, never those of the storage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import OperationKind, OperationRecord, State, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.effect import PurgeEscrow
from keyreeve.model.identifiers import AccessKeyId, OperationId, RunId, UserId, UserName
from keyreeve.model.plan import Gate, Held, UserPlan
from keyreeve.model.snapshot import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Escrowed:
    """One escrow object, and what the steps of its operation say of it."""

    key: str
    kind: CredentialKind
    user_id: UserId
    user_name: UserName
    operation_id: OperationId
    attempt: int
    operation: OperationRecord | None
    """As folded from its steps; None: they could not be read."""
    made_at: datetime | None = None
    """The instant of the attempt's first step."""
    new_key: AccessKeyId | None = None
    """The access key whose secret it holds; None for passwords."""
    kept: bool = False
    """Whether any attempt was put into Secrets Manager."""
    unreadable: str | None = None
    """Why nothing is known of it."""


def retention_over(
    escrowed: Iterable[Escrowed], state: State, outlook: Outlook, run_id: RunId
) -> list[UserPlan]:
    """One plan per object whose time has come, or that nothing is known of."""
    plans: list[UserPlan] = []
    for each in escrowed:
        operation = _operation(each, state, outlook)
        if each.unreadable is not None:
            plans.append(_unknown(each))
        elif operation is not None and _is_due(each, operation, outlook):
            plans.append(_plan(each, operation, outlook, run_id))
    return plans


def _operation(each: Escrowed, state: State, outlook: Outlook) -> OperationRecord | None:
    """The operation as its open case has it, else as its steps have it; None: no judgement."""
    case = state.users.get(each.user_id)
    if case is None:
        return each.operation
    if each.user_id not in outlook.users:
        return None  # the list that lacks the user is doubted
    return case.operations.get(each.operation_id, each.operation)


def _undoubted(each: Escrowed, outlook: Outlook) -> bool:
    """Whether the user is there, or surely gone; and nobody asked to leave the case alone."""
    today = outlook.calendar.today(outlook.now)
    names = (each.user_id, each.user_name, _name(each, outlook))
    held = any(hold.user in names and hold.until > today for hold in outlook.people.holds)
    lost = each.user_name in outlook.snapshot.unconfirmed
    return not held and not lost and each.user_id not in outlook.gaps


def _is_due(each: Escrowed, operation: OperationRecord, outlook: Outlook) -> bool:
    """The table above."""
    if not _undoubted(each, outlook):
        return False
    user = outlook.users.get(each.user_id)
    handed_over = _handed_over(each, operation)
    if operation.stuck is not None or not (handed_over or _given_up(each, operation, user)):
        return False
    since = operation.delivered_at if handed_over else each.made_at
    if since is None or outlook.now - since < retention(outlook):
        return False
    if each.kind is CredentialKind.PASSWORD:
        return True
    key = _must_be_off(each, operation)
    return key is not None and not _is_active(key, user)


def _handed_over(each: Escrowed, operation: OperationRecord) -> bool:
    """By its object, not by its attempt: what came back is delivered again under a later one."""
    return operation.escrow_key == each.key and StepName.DELIVERED in operation.steps


def _given_up(each: Escrowed, operation: OperationRecord, user: User | None) -> bool:
    """Whether nobody will ever deliver this attempt."""
    superseded = each.attempt < operation.attempt and operation.escrow_key != each.key
    return user is None or superseded or operation.steps[-1:] == (StepName.ABANDONED,)


def _must_be_off(each: Escrowed, operation: OperationRecord) -> AccessKeyId | None:
    """The access key that must be Inactive or gone; None for passwords."""
    if each.kind is CredentialKind.PASSWORD:
        return None
    return operation.old_key if _handed_over(each, operation) else each.new_key


def retention(outlook: Outlook) -> timedelta:
    """How long both copies are kept."""
    return timedelta(days=outlook.policy.backup_retention_days)


def _is_active(key: AccessKeyId, user: User | None) -> bool:
    """As far as the report tells; before the deletion it is looked up live."""
    return user is not None and any(k.key_id == key and k.active for k in user.keys)


def _name(each: Escrowed, outlook: Outlook) -> UserName:
    """The user's name of today."""
    user = outlook.users.get(each.user_id)
    return user.name if user else each.user_name


def _plan(each: Escrowed, operation: OperationRecord, outlook: Outlook, run_id: RunId) -> UserPlan:
    today = outlook.calendar.today(outlook.now)
    name = _name(each, outlook)
    act = PurgeEscrow(
        user_id=each.user_id,
        user_name=name,
        due_on=today,
        reason="retention_over",
        operation_id=operation_id(
            outlook.snapshot.account_id, no_case(today), OperationKind.PURGE, each.key, run_id
        ),
        escrow_key=each.key,
        of=each.operation_id,
        in_vault=each.kept or outlook.policy.uses_vault,
        key_id=_must_be_off(each, operation),
        user_gone=each.user_id not in outlook.users,
    )
    return UserPlan(user_id=each.user_id, user_name=name, acts=(act,))


def _unknown(each: Escrowed) -> UserPlan:
    held = Held(
        gate=Gate.EVIDENCE,
        reason=f"its retention cannot be judged: {each.unreadable}",
        user_id=each.user_id,
        user_name=each.user_name,
        resource_id=each.key,
    )
    return UserPlan(user_id=each.user_id, user_name=each.user_name, held=(held,))
