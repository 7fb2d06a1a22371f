"""What the day's notice says: composed after the day's acts, from the case as it then stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.escalation import words
from keyreeve.escalation.key_usage import change_over, sentences
from keyreeve.escalation.machine import HandOver, Situation, stage_on
from keyreeve.escalation.operations import hand_over_operation
from keyreeve.escalation.outlook import FindingKey, Outlook
from keyreeve.escalation.standing import headline
from keyreeve.model.case import (
    Case,
    FindingRecord,
    OperationKind,
    OperationRecord,
    Stage,
    StepName,
)
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.notice import ClosingNotice, FindingLine, Letterhead, Notice
from keyreeve.model.plan import Decision, Gate
from keyreeve.model.snapshot import AccessKey

_FAR = date.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The notice, and what it tells: what is remembered once it is accepted."""

    notice: Notice
    told: tuple[Mapping[str, object], ...]
    """Per finding: control, resource_id, stage, E, no_replacement, act (JSON values)."""


def compose(
    case: Case, decisions: Mapping[FindingKey, Decision], outlook: Outlook, letterhead: Letterhead
) -> Composed:
    """The consolidated notice of every finding with a decision, most urgent first (S1.9)."""
    today = outlook.today(case)
    ordered = sorted(
        (record for record in case.findings.values() if record.key in decisions),
        key=lambda record: (decisions[record.key].enforcement_on or _FAR, record.key),
    )
    lines = tuple(_line(case, record, decisions[record.key], outlook) for record in ordered)
    dates = [line.enforcement_on for line in lines if line.enforcement_on is not None]
    coming = [day for day in dates if day >= today]
    earliest = min(coming or dates, default=None)
    before, after = _moved(case, ordered, decisions, outlook)
    return Composed(
        notice=Notice(
            letterhead=letterhead,
            user_name=case.user_name,
            stage=headline(decisions.values()),
            on=today,
            enforcement_on=earliest,
            days_left=(earliest - today).days if earliest else None,
            moved_from=before,
            moved_to=after,
            findings=lines,
        ),
        told=tuple(_told(case, record, decisions[record.key], outlook) for record in ordered),
    )


def compose_closing(case: Case, outlook: Outlook, letterhead: Letterhead) -> ClosingNotice:
    """The thread's last mail."""
    return ClosingNotice(
        letterhead=letterhead,
        user_name=case.user_name,
        on=outlook.today(case),
        cleared=case.cleared,
    )


def _told(
    case: Case, record: FindingRecord, decision: Decision, outlook: Outlook
) -> dict[str, object]:
    stage = Stage.NOTIFICATION if decision.stage is Stage.PENDING else decision.stage
    at = outlook.situation(case, record)
    e = decision.enforcement_on
    return {
        "control": record.control.value,
        "resource_id": record.resource_id,
        "stage": stage.value,
        "opened_on": (record.opened_on or outlook.today(case)).isoformat(),
        "enforcement_on": e.isoformat() if e else None,
        "no_replacement": at.why_nothing,
        "act": at.act,
    }


def _moved(
    case: Case,
    records: Sequence[FindingRecord],
    decisions: Mapping[FindingKey, Decision],
    outlook: Outlook,
) -> tuple[date | None, date | None]:
    """The E told before and the one of today, of the first finding whose E has moved since."""
    for record in records:
        notices = outlook.heard(case, record).notices
        told = notices[-1].enforcement_on if notices else None
        now = decisions[record.key].enforcement_on
        if told is not None and told != now and record.enforced_on is None:
            return told, now
    return None, None


def _line(case: Case, record: FindingRecord, decision: Decision, outlook: Outlook) -> FindingLine:
    card = outlook.cards[record.control]
    finding = outlook.findings.get(case.user_id, {}).get(record.key)
    today = outlook.today(case)
    e = decision.enforcement_on
    is_key = record.control in words.KEY_CONTROLS
    key_id = AccessKeyId(record.resource_id) if is_key else None
    at = outlook.situation(case, record)
    owner = outlook.owner(outlook.users[case.user_id]).address
    names = {
        "user": case.user_name,
        "key": record.resource_id,
        "account": outlook.snapshot.account_id,
    }
    return FindingLine(
        control=record.control,
        title=card.title,
        severity=card.severity,
        stage=Stage.NOTIFICATION if decision.stage is Stage.PENDING else decision.stage,
        resource=words.resource(record.control, record.resource_id),
        key_id=key_id,
        detail=finding.detail if finding else "",
        why=card.why,
        risk=card.risk,
        remediation=tuple(
            step.format(**names)
            for step in _steps(case, record, card.remediation, outlook, at, owner)
        ),
        opened_on=record.opened_on or today,
        promised_on=record.promised_on or e,
        enforcement_on=e,
        days_left=(e - today).days if e else None,
        consequence=_consequence(case, record, outlook, at),
        done=_done(case, record, owner),
        usage=_usage(case, record, e, outlook),
        remarks=_remarks(case, record, decision, outlook),
        timeline=tuple(
            (stage, day)
            for stage, day in _timeline(case, record, decision, outlook)
            if (stage is not Stage.NEW_CREDENTIALS or at.hand_over is not HandOver.NOTHING)
            and not (stage is Stage.COUNTDOWN and at.cut_over)
            and not _reset_made(record, at)
        ),
    )


def _reset_made(record: FindingRecord, at: Situation) -> bool:
    """The next report clears the finding: nothing follows any more."""
    return record.control is ControlId.PASSWORD_AGE and at.handed_over_on is not None


def _consequence(case: Case, record: FindingRecord, outlook: Outlook, at: Situation) -> str:
    """What happens on E, or that it has happened."""
    if record.enforced_on is not None:
        return _act_done(case, record, record.enforced_on)
    if _reset_made(record, at):
        return words.RESET_SETTLES
    is_key = record.control in words.KEY_CONTROLS
    policy = outlook.policy
    mfa = record.control is ControlId.CONSOLE_MFA
    return words.consequence(
        record.control,
        policy.final_act(record.control),
        policy.onboarding_group if mfa else policy.quarantine_group,
        acts=at.acts,
        none_left=is_key and _none_left(case, AccessKeyId(record.resource_id), outlook),
    )


def _steps(
    case: Case,
    record: FindingRecord,
    steps: tuple[str, ...],
    outlook: Outlook,
    at: Situation,
    owner: str | None,
) -> tuple[str, ...]:
    """The card's steps, as far as they still make sense for an access key."""
    if record.control is not ControlId.ACCESS_KEY_ROTATION:
        return steps
    full = outlook.blocking_key(case, AccessKeyId(record.resource_id)) is not None
    first = [words.DELETE_ONE, words.CREATE_KEY] if full else [words.CREATE_KEY]
    operation = hand_over_operation(case, record)
    gone = at.why_nothing == words.REPLACEMENT_GONE
    if operation is not None and operation.new_key and operation.delivered_on and not gone:
        kept = StepName.KEEPING in operation.steps
        on, to = _private_mail(operation, operation.delivered_on, owner)
        first = [words.take_key(operation.new_key, on, kept=kept, to=to)]
    rest = list(steps[1:])
    if at.cut_over and record.enforced_on is None:
        return tuple(rest[1:])
    if record.enforced_on is not None:
        rest = [rest[0], rest[-1]]
    return (*first, *rest)


def _was_another(address: str | None, owner: str | None) -> bool:
    return address is not None and owner is not None and address.lower() != owner.lower()


def _private_mail(
    operation: OperationRecord, delivered_on: date, owner: str | None
) -> tuple[date, str | None]:
    """When the private mail went out, and to whom if to another than reads this.

    One that a person has sent again to the reader goes before the one that another got.
    """
    if not _was_another(operation.delivered_to, owner):
        return delivered_on, None
    again = [sent.on for sent in operation.resent if not _was_another(sent.to, owner)]
    return (again[-1], None) if again else (delivered_on, operation.delivered_to)


def _done(case: Case, record: FindingRecord, owner: str | None) -> tuple[str, ...]:
    """What Keyreeve has done about the finding, oldest first."""
    out: list[str] = []
    operation = hand_over_operation(case, record)
    if operation is not None and operation.delivered_on is not None:
        sent_on, to = _private_mail(operation, operation.delivered_on, owner)
        on = words.day(sent_on)
        handed = words.handed(kept=StepName.KEEPING in operation.steps, to=to)
        if operation.kind is OperationKind.ROTATION:
            out.append(f"A new access key, {operation.new_key}, was created and {handed} on {on}.")
        else:
            out.append(
                f"A new console password was set and {handed} on {on}. You will be asked to "
                "change it when you sign in."
            )
    return tuple(out)


def _usage(
    case: Case, record: FindingRecord, enforcement_on: date | None, outlook: Outlook
) -> tuple[str, ...]:
    """From day 7 until the act: whether the new key is used, and who still uses the old one."""
    today = outlook.today(case)
    seen = change_over(case, record, outlook.usage, outlook.policy, today, enforcement_on)
    return sentences(seen) if seen else ()


def _act_done(case: Case, record: FindingRecord, on: date) -> str:
    """What was done on E."""
    act = next(
        (
            op.act
            for op in case.operations.values()
            if op.kind is OperationKind.ENFORCEMENT
            and (op.control, op.resource_id) == record.key
            and StepName.DONE in op.steps
        ),
        None,
    )
    return words.act_done(record.control, record.resource_id, act, on)


def _remarks(
    case: Case, record: FindingRecord, decision: Decision, outlook: Outlook
) -> tuple[str, ...]:
    """What the owner must know besides."""
    out: list[str] = []
    at = outlook.situation(case, record)
    hands_out = record.control in (ControlId.ACCESS_KEY_ROTATION, ControlId.PASSWORD_AGE)
    if at.why_nothing is not None and hands_out and record.enforced_on is None:
        e = decision.enforcement_on
        out.append(_why_nothing(case, record, at.why_nothing, e, outlook))
    if at.hand_over is not HandOver.NOTHING and not at.handed_over_on and not decision.held:
        out.append(_offer(case, record, outlook))
    if decision.held is not None and decision.held[0] is not Gate.TOLD:
        out.append(f"This is on hold: {decision.held[1]}.")
    if record.control is ControlId.ACCESS_KEY_ROTATION and record.enforced_on is not None:
        out.append("The key was not deleted. If something urgent stopped working, ask the team.")
    return tuple(out)


def _offer(case: Case, record: FindingRecord, outlook: Outlook) -> str:
    """What Keyreeve will do by itself if the owner does nothing."""
    today = outlook.today(case)
    way = outlook.policy.delivery_for(outlook.users[case.user_id])
    handed = words.handed(kept=not way.by_mail)
    days = record.days or outlook.policy.days
    due = (record.opened_on or today) + timedelta(days=days.new_credentials)
    disruptive = record.control is ControlId.PASSWORD_AGE
    # Acts come before the notice: what has not been handed over today comes on another day.
    after_today = today + timedelta(days=1)
    on = outlook.calendar.hand_over_day_from(max(due, after_today), disruptive=disruptive)
    if disruptive:
        return f"If you do nothing, a new password will be set on {words.day(on)} and {handed}."
    return (
        f"If you do nothing, a new key will be created on {words.day(on)} and {handed}. "
        "The old one goes on working until the date above."
    )


def _why_nothing(
    case: Case, record: FindingRecord, code: str, enforcement_on: date | None, outlook: Outlook
) -> str:
    old = AccessKeyId(record.resource_id)
    blocking = outlook.blocking_key(case, old) if code.startswith("slots_taken") else None
    if blocking is None:
        return words.no_replacement(code, None)
    text = words.no_replacement(code, blocking.key_id or _slot_name(blocking))
    if blocking.active and _due_by(blocking, enforcement_on, case, outlook):
        return f"{text} It will itself be due soon: delete it, and a new one can be made."
    if blocking.active:
        return f"{text} Use that key instead, or delete it so that a new one can be made."
    return f"{text} It is inactive: delete it, and a new one can be made."


def _due_by(key: AccessKey, day: date | None, case: Case, outlook: Outlook) -> bool:
    """Whether the other key is too old by then to be changed over to."""
    if day is None or not isinstance(key.since, datetime):
        return False
    limit = outlook.policy.thresholds_for(outlook.users[case.user_id]).access_key_rotation
    return (key.since + limit).astimezone(outlook.policy.timezone).date() <= day


def _slot_name(key: AccessKey) -> AccessKeyId:
    return AccessKeyId(f"the key in slot {key.slot}")


def _none_left(case: Case, key: AccessKeyId | None, outlook: Outlook) -> bool:
    """Whether every Active key of the user is about to become Inactive."""
    due = {
        resource
        for (control, resource), record in case.findings.items()
        if control in words.KEY_CONTROLS and record.enforced_on is None
    }
    replaced = any(
        operation.kind is OperationKind.ROTATION
        and operation.delivered_on is not None
        and not outlook.replacement_gone(case, operation)
        for operation in case.operations.values()
    )
    active = {k.key_id or f"slot {k.slot}" for k in outlook.users[case.user_id].keys if k.active}
    blocked = any(
        outlook.situation(case, record).why_nothing is not None
        for record in case.findings.values()
        if record.resource_id == key
    )
    return bool(active) and active <= due and blocked and not replaced


def _timeline(
    case: Case, record: FindingRecord, decision: Decision, outlook: Outlook
) -> tuple[tuple[Stage, date], ...]:
    """The promised dates of the stages still to come, each on the day on which its mail can go out.

    None is on a day on which the case is held.
    """
    today, e = outlook.today(case), decision.enforcement_on
    if e is None or e <= today:
        return ()
    days = record.days or outlook.policy.days
    day_0 = record.opened_on or today
    out: list[tuple[Stage, date]] = []
    hold = outlook.hold(case)
    day = max(today + timedelta(days=1), hold.until) if hold else today + timedelta(days=1)
    before = stage_on(today, day_0, e, days)
    while day <= e:
        stage = stage_on(day, day_0, e, days)
        if stage is not before and (day == e or outlook.calendar.is_mail_day(day)):
            out.append((stage, day))
            before = stage
        day += timedelta(days=1)
    return tuple(out)
