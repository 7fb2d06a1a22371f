"""Steps of operations, folded into the state: the only way in which acts are remembered.

Folding is idempotent: a step that is known changes nothing, so steps may be read again after a
stop.  A step of a case that has been closed since still tells its facts about keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from keyreeve.escalation.past_mails import LATE, closing_mail, mails_of, told_late
from keyreeve.model.case import (
    Bounce,
    Case,
    DayLedger,
    FindingRecord,
    NoticeRecord,
    OperationKind,
    OperationRecord,
    Resent,
    Stage,
    State,
    Step,
    StepName,
    Told,
)
from keyreeve.model.effect import DeactivationCause
from keyreeve.model.feedback import bare
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import LadderDays

REACTIVATED = "reactivated/"
"""Topic of the team notice about a key that somebody made Active again; the key id follows."""
LEDGER_DAYS = 40
"""Days of the ledger that are kept."""


def fold(state: State, step: Step, days: LadderDays) -> State:
    """The state after one step. `days` is frozen into findings that the step opens."""
    state = _fold_keys(state, step)
    if step.kind is OperationKind.NOTICE and step.data.get("topic") == "summary":
        return replace(state, summary_sent_on=step.on)
    if step.kind is OperationKind.NOTICE and str(step.data.get("topic", "")).startswith(LATE):
        return told_late(state, str(step.data["topic"]))
    if step.kind is OperationKind.PURGE:
        return state
    case = state.users.get(step.user_id)
    begun = case is not None and step.operation_id in case.operations
    if step.kind is OperationKind.ENFORCEMENT and step.data.get("control") is None and not begun:
        return _count(state, step)  # a reinstatement that is over belongs to no finding
    if case is None or case.case_id != step.case_id:
        return state
    if step.kind is OperationKind.NOTICE:
        return _fold_notice(state, case, step, days)
    if step.kind is OperationKind.RESEND:
        return _with_case(state, _resent(case, step))
    return _fold_operation(state, case, step)


# --- operations -----------------------------------------------------------------------------------


def _fold_operation(state: State, case: Case, step: Step) -> State:
    before = case.operations.get(step.operation_id)
    if before is not None and _known(before, step):
        return state
    operation = _advance(before or _fresh(step), step)
    case = replace(case, operations={**case.operations, step.operation_id: operation})
    if step.kind is OperationKind.ENFORCEMENT and step.name is StepName.DONE:
        case = _enforced(case, step)
    if step.name is StepName.DELIVERED and "by" in step.data:
        case = replace(case, bounced=None)  # a person's word that the address works
    state = _with_case(state, case)
    return _count(state, step)


def replay(steps: Iterable[Step]) -> OperationRecord | None:
    """An operation from its steps alone, oldest first: its case may be closed."""
    operation: OperationRecord | None = None
    for step in steps:
        if operation is None or not _known(operation, step):
            operation = _advance(operation or _fresh(step), step)
    return operation


def _fresh(step: Step) -> OperationRecord:
    return OperationRecord(
        operation_id=step.operation_id, kind=step.kind, attempt=step.attempt, steps=()
    )


def _known(operation: OperationRecord, step: Step) -> bool:
    if step.attempt != operation.attempt:
        return step.attempt < operation.attempt
    return step.name in operation.steps


def _advance(operation: OperationRecord, step: Step) -> OperationRecord:
    """The operation after the step; a new attempt begins its steps anew."""
    data = step.data
    steps = operation.steps if step.attempt == operation.attempt else ()
    operation = replace(operation, attempt=step.attempt, steps=(*steps, step.name))
    match step.name:
        case StepName.INTENT | StepName.ENFORCING:
            return replace(
                operation,
                control=_control(data.get("control")) or operation.control,
                resource_id=_text(data.get("resource_id")),
                act=_text(data.get("act")),
                old_key=_key(data.get("old_key")),
                keys_before=tuple(AccessKeyId(str(k)) for k in _list(data.get("keys_before"))),
                begun_at=step.at,
                begun_by_wall=_instant(data.get("wall")),
                returned=None,
            )
        case StepName.CREATED:
            return replace(
                operation,
                new_key=_key(data.get("new_key")),
                escrow_key=_text(data.get("escrow")),
            )
        case StepName.DELIVERED:
            return replace(
                operation,
                delivered_on=step.on,
                delivered_at=step.at,
                delivered_message_id=_text(data.get("message_id")),
                delivered_to=_text(data.get("to")),
                resent=(),
                returned=None,
                stuck=None,  # a person has handed over what nobody else could
            )
        case StepName.ORPHANED:
            orphan = AccessKeyId(str(data["key_id"]))
            return replace(operation, orphans=tuple(dict.fromkeys((*operation.orphans, orphan))))
        case StepName.STUCK:
            return replace(operation, stuck=str(data.get("reason", "")))
        case StepName.ABANDONED:
            return replace(operation, returned=None)
        case _:
            return operation


def _resent(case: Case, step: Step) -> Case:
    """A person has sent again what came back: delivered from today on, and the address trusted.

    Where the delivery stands, it goes on to count, and the mail is one more that may come back.
    """
    operation = next((o for o in case.operations.values() if o.operation_id == _of(step)), None)
    if operation is None or step.name is not StepName.ACCEPTED or _mailed(case, operation, step):
        return case
    if operation.returned is not None:
        delivered = replace(step, name=StepName.DELIVERED, attempt=operation.attempt)
        case = replace(case, bounced=None)
        return _with_operation(case, _advance(operation, delivered))
    if StepName.DELIVERED not in operation.steps:
        return case
    again = Resent(
        message_id=str(step.data["message_id"]),
        to=str(step.data["to"]),
        on=step.on,
        at=step.at,
    )
    return _with_operation(case, replace(operation, resent=(*operation.resent, again)))


def _mailed(case: Case, operation: OperationRecord, step: Step) -> bool:
    """Whether the step's mail is known already: folded before, or come back since."""
    message_id = str(step.data.get("message_id"))
    known = (operation.delivered_message_id, *(each.message_id for each in operation.resent))
    return message_id in known or bare(message_id) in case.returned


def _with_operation(case: Case, operation: OperationRecord) -> Case:
    return replace(case, operations={**case.operations, operation.operation_id: operation})


def _of(step: Step) -> str:
    return str(step.data.get("of"))


def _enforced(case: Case, step: Step) -> Case:
    """The finding's act is done; the record stays until its owner was told.

    What was left over of several acts and is done on a later day is told on that day.
    """
    control = _control(step.data.get("control"))
    resource = _text(step.data.get("resource_id"))
    if control is None or resource is None:
        return case
    record = case.findings.get((control, resource))
    if record is None:
        return case
    one_of_several = step.data.get("cause") == DeactivationCause.UNUSED
    before = record.enforced_on
    if before is not None and (step.on <= before or not one_of_several):
        return case
    record = replace(record, enforced_on=step.on, stage=Stage.ENFORCEMENT, held=None)
    return replace(case, findings={**case.findings, record.key: record})


def _count(state: State, step: Step) -> State:
    """Count the user in the day's ledger when something begins, and when it ends on another day."""
    day = _date(step.data.get("ledger_day"))
    if day is None:
        return state
    today = state.ledger.get(day, DayLedger())
    if step.name in (StepName.ENFORCING, StepName.DONE) or (
        step.name is StepName.INTENT and step.kind is OperationKind.PASSWORD_RESET
    ):
        today = replace(today, disrupted=today.disrupted | {step.user_id})
    elif step.name is StepName.INTENT and step.kind is OperationKind.ROTATION:
        today = replace(today, created=today.created | {step.user_id})
    elif step.name is StepName.ACCEPTED and step.data.get("topic") == "closing":
        today = replace(today, closed=today.closed | {step.user_id})
    elif step.name is StepName.ACCEPTED:
        today = replace(today, opened=today.opened | {step.user_id})
    ledger = {**state.ledger, day: today}
    kept = sorted(ledger)[-LEDGER_DAYS:]
    return replace(state, ledger={day: ledger[day] for day in kept})


# --- keys -----------------------------------------------------------------------------------------


def _fold_keys(state: State, step: Step) -> State:
    """Facts about keys outlive the case."""
    data = step.data
    keys = dict(state.keys)
    match (step.kind, step.name):
        case (OperationKind.ROTATION, StepName.CREATED):
            keys = _created(keys, step)
        case (_, StepName.ORPHANED):
            keys = _orphaned(keys, step)
        case (OperationKind.ENFORCEMENT, StepName.DONE):
            keys = _inactivated(keys, step)
        case (OperationKind.REINSTATEMENT, StepName.ENFORCING | StepName.ABANDONED):
            keys = _reinstating(keys, step)
        case (OperationKind.REINSTATEMENT, StepName.DONE):
            keys = _reinstated(keys, step)
        case (OperationKind.NOTICE, _) if str(data.get("topic", "")).startswith(REACTIVATED):
            key = AccessKeyId(str(data["topic"]).removeprefix(REACTIVATED))
            if key in keys:
                keys[key] = replace(keys[key], reactivated_at=None)
        case _:
            return state
    return replace(state, keys=keys)


def _created(keys: dict[AccessKeyId, KeyRecord], step: Step) -> dict[AccessKeyId, KeyRecord]:
    new, old = AccessKeyId(str(step.data["new_key"])), _key(step.data.get("old_key"))
    if new not in keys:
        keys[new] = KeyRecord(
            key_id=new,
            user_id=step.user_id,
            created_at=_instant(step.data.get("created_at")) or step.at,
            active=True,
            made_by_us=True,
            replaces=old,
        )
    if old in keys and keys[old].replaced_by is None:
        keys[old] = replace(keys[old], replaced_by=new)
    return keys


def _orphaned(keys: dict[AccessKeyId, KeyRecord], step: Step) -> dict[AccessKeyId, KeyRecord]:
    orphan = AccessKeyId(str(step.data["key_id"]))
    if step.data.get("deleted"):
        return {key: record for key, record in keys.items() if key != orphan}
    known = keys.get(orphan) or KeyRecord(
        key_id=orphan, user_id=step.user_id, created_at=step.at, made_by_us=True
    )
    keys[orphan] = replace(
        known, orphan=True, active=False, inactivated_at=known.inactivated_at or step.at
    )
    return keys


def _reinstating(keys: dict[AccessKeyId, KeyRecord], step: Step) -> dict[AccessKeyId, KeyRecord]:
    """A key that may be Active by now: its time ends, whether a stop has cut the act off or not.

    The key itself is still as it was; the next report tells.  Given up: no such time ends.
    """
    key = AccessKeyId(str(step.data["key_id"]))
    acted_at = keys[key].acted_at if key in keys else None
    begun = step.name is StepName.ENFORCING
    if key in keys and (acted_at is None or step.at > acted_at):
        keys[key] = replace(
            keys[key],
            reinstated_until=_instant(step.data.get("until")) if begun else None,
            reinstate_reason=_text(step.data.get("reason")) if begun else None,
        )
    return keys


def _reinstated(keys: dict[AccessKeyId, KeyRecord], step: Step) -> dict[AccessKeyId, KeyRecord]:
    key = AccessKeyId(str(step.data["key_id"]))
    acted_at = keys[key].acted_at if key in keys else None
    if key in keys and (acted_at is None or step.at > acted_at):
        keys[key] = replace(
            keys[key],
            active=True,
            acted_at=step.at,
            inactivated_at=None,
            reinstated_until=_instant(step.data.get("until")),
            reinstate_reason=_text(step.data.get("reason")),
        )
    return keys


def _inactivated(keys: dict[AccessKeyId, KeyRecord], step: Step) -> dict[AccessKeyId, KeyRecord]:
    key = _key(step.data.get("key_id"))
    if key is None or key not in keys:
        return keys
    acted_at = keys[key].acted_at
    if acted_at is None or step.at > acted_at:
        keys[key] = replace(
            keys[key],
            active=False,
            acted_at=step.at,
            inactivated_at=step.at,
            reinstated_until=None,
            reinstate_reason=None,
        )
    replacement = keys[key].replaced_by
    if replacement in keys and keys[replacement].rotation_ended_at is None:
        keys[replacement] = replace(keys[replacement], rotation_ended_at=step.at)
    return keys


# --- notices --------------------------------------------------------------------------------------


def _fold_notice(state: State, case: Case, step: Step, days: LadderDays) -> State:
    data = step.data
    topic = str(data.get("topic", "notice"))
    if topic == "bounced":
        known = _has_passed_since(case, step.at)
        return state if known else _with_case(state, replace(case, bounced=_refused(step)))
    if topic == "closing":
        users = {uid: c for uid, c in state.users.items() if uid != case.user_id}
        last = closing_mail(case, _text(data.get("message_id")), _text(data.get("to")), step.on)
        past = {**state.past_mails, **mails_of(case, step.on), **last}
        return _count(replace(state, users=users, past_mails=past), step)
    if topic != "notice":
        return _with_case(state, replace(case, team_told={**case.team_told, topic: step.on}))
    message_id = str(data["message_id"])
    if message_id in case.thread.message_ids:
        return state
    findings = dict(case.findings)
    for entry in _list(data.get("findings")):
        record = findings.get((ControlId(entry["control"]), str(entry["resource_id"])))
        if record is not None:
            findings[record.key] = _told(record, entry, step, days)
    first = case.opened_on is None
    address = str(data["to"])
    case = replace(
        case,
        findings=findings,
        thread=replace(case.thread, message_ids=(*case.thread.message_ids, message_id)),
        opened_on=case.opened_on or step.on,
        anchor=case.anchor or step.at,
        addresses=tuple(dict.fromkeys((*case.addresses, address))),
        bounced=None,
        last_notice_on=step.on,
        last_notice_stage=Stage(str(data["stage"])),
    )
    state = _with_case(state, case)
    return _count(state, step) if first else state


def _has_passed_since(case: Case, refused_at: datetime) -> bool:
    """Whether a notice was accepted after a refusal, or a person has sent something since.

    The refusal is then read a second time: it was over before.  A run refuses and sends one notice,
    so one of the same instant is of a later run; an act of the same run may have sent a mail first.
    """
    notices = (notice.at for record in case.findings.values() for notice in record.notices)
    operations = case.operations.values()
    delivered = (each.delivered_at for each in operations if each.delivered_at is not None)
    resent = (again.at for each in operations for again in each.resent)
    return any(at >= refused_at for at in notices) or any(
        at > refused_at for at in (*delivered, *resent)
    )


def _refused(step: Step) -> Bounce:
    """Refused at once: nothing was sent, so the next notice day may try again."""
    return Bounce(
        address=str(step.data["to"]),
        on=step.on,
        reason=str(step.data.get("reason", "refused")),
        lasting=True,
        again_on=step.on,
    )


def _told(
    record: FindingRecord, entry: Mapping[str, Any], step: Step, days: LadderDays
) -> FindingRecord:
    """The finding after an accepted notice that listed it; the first one starts its clock."""
    stage = Stage(entry["stage"])
    enforcement_on = _date(entry.get("enforcement_on"))
    reason = _text(entry.get("no_replacement"))
    told = record.no_replacement
    if reason is not None and (told is None or told.reason != reason):
        told = Told(reason=reason, on=step.on)
    return replace(
        record,
        stage=stage,
        opened_on=record.opened_on or step.on,
        opened_at=record.opened_at or step.at,
        promised_on=record.promised_on or enforcement_on,
        days=record.days or days,
        no_replacement=told,
        notices=(
            *record.notices,
            NoticeRecord(
                stage=stage,
                on=step.on,
                at=step.at,
                enforcement_on=enforcement_on,
                message_id=_text(step.data.get("message_id")),
                to=_text(step.data.get("to")),
                no_replacement=reason,
                act=_text(entry.get("act")),
            ),
        ),
    )


def _with_case(state: State, case: Case) -> State:
    return replace(state, users={**state.users, case.user_id: case})


# --- JSON values back into ours -------------------------------------------------------------------


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _key(value: object) -> AccessKeyId | None:
    return None if value is None else AccessKeyId(str(value))


def _control(value: object) -> ControlId | None:
    return None if value is None else ControlId(str(value))


def _date(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _instant(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
