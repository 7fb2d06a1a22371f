"""Mails that came back, taken out of what counts (gates 1 to 3).

A notice that did not arrive has told nothing; a private mail that did not arrive has handed
nothing over. What was promised stays: day 0, the thread and E are dates that began to run.
Folding is idempotent: each mail comes back once, or once more for good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from keyreeve.escalation.told import reason_told
from keyreeve.model.case import (
    Bounce,
    Case,
    FindingRecord,
    OperationRecord,
    State,
    StepName,
)
from keyreeve.model.feedback import MailFeedback, bare
from keyreeve.model.identifiers import UserId

AGAIN_AFTER = timedelta(days=7)
"""An address that refused a mail for good is tried again with one notice a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    to: str
    on: date


def take_back(state: State, feedback: MailFeedback) -> tuple[State, UserId | None]:
    """The state without the mail, and whose it was; None: of no open case, or known before."""
    for case in state.users.values():
        sent = _sent(case, feedback)
        if sent is None:
            continue
        before = case.returned.get(bare(feedback.message_id))
        if before is not None and (before.lasting or not feedback.lasting):
            return state, None
        users = {**state.users, case.user_id: _without(case, sent, feedback)}
        return replace(state, users=users), case.user_id
    return state, None


def _sent(case: Case, feedback: MailFeedback) -> _Sent | None:
    """The case's mail that it is about, if it was the owner whom it did not reach."""
    return next((s for s in _mails(case, feedback) if feedback.reached_not(s.to)), None)


def _mails(case: Case, feedback: MailFeedback) -> Iterable[_Sent]:
    before = case.returned.get(bare(feedback.message_id))
    if before is not None:
        yield _Sent(to=before.address, on=before.on)
    for record in case.findings.values():
        for notice in record.notices:
            if feedback.is_about(notice.message_id) and notice.to is not None:
                yield _Sent(to=notice.to, on=notice.on)
    for operation in case.operations.values():
        to, on = operation.delivered_to, operation.delivered_on
        if feedback.is_about(operation.delivered_message_id) and to and on:
            yield _Sent(to=to, on=on)
        for again in operation.resent:
            if feedback.is_about(again.message_id):
                yield _Sent(to=again.to, on=again.on)
    if any(map(feedback.is_about, case.thread.message_ids)):
        # Every finding that it listed has cleared since.
        on = case.last_notice_on or case.first_seen_on
        yield from (_Sent(to=address, on=on) for address in case.addresses)


def _without(case: Case, sent: _Sent, feedback: MailFeedback) -> Case:
    bounce = Bounce(
        address=sent.to,
        on=sent.on,
        reason=feedback.reason,
        lasting=feedback.lasting,
        again_on=sent.on + AGAIN_AFTER,
    )
    before = case.findings
    case = replace(
        case,
        findings={key: _untold(record, feedback) for key, record in case.findings.items()},
        operations={key: _undelivered(op, feedback) for key, op in case.operations.items()},
        returned={**case.returned, bare(feedback.message_id): bounce},
        bounced=bounce if feedback.lasting else case.bounced,
    )
    if feedback.lasting or (before != case.findings and not _was_told(case, sent.to)):
        kept = tuple(a for a in case.addresses if a.lower() != sent.to.lower())
        case = replace(case, addresses=kept)
    return case


def _was_told(case: Case, address: str) -> bool:
    """Whether a notice of a finding that is still there has arrived at the address."""
    told = {n.to.lower() for r in case.findings.values() for n in r.notices if n.to is not None}
    return address.lower() in told


def _untold(record: FindingRecord, feedback: MailFeedback) -> FindingRecord:
    notices = tuple(n for n in record.notices if not feedback.is_about(n.message_id))
    if notices == record.notices:
        return record
    return replace(record, notices=notices, no_replacement=reason_told(notices))


def _undelivered(operation: OperationRecord, feedback: MailFeedback) -> OperationRecord:
    """Back to `created`, as the next attempt: its `delivered` will be an object of its own.

    What a person has sent since stands in its place; if that came back, nothing stands: it was
    sent because the one before was not at hand.
    """
    if any(feedback.is_about(again.message_id) for again in operation.resent[:-1]):
        left = tuple(a for a in operation.resent if not feedback.is_about(a.message_id))
        return replace(operation, resent=left)
    if not feedback.is_about(_standing_id(operation)):
        return _resent_instead(operation, feedback)
    return replace(
        operation,
        attempt=operation.attempt + 1,
        steps=(StepName.INTENT, StepName.CREATED),
        delivered_on=None,
        delivered_at=None,
        delivered_message_id=None,
        delivered_to=None,
        resent=(),
        returned=feedback.reason,
    )


def _standing_id(operation: OperationRecord) -> str | None:
    """The newest mail that brought the credential."""
    return operation.resent[-1].message_id if operation.resent else operation.delivered_message_id


def _resent_instead(operation: OperationRecord, feedback: MailFeedback) -> OperationRecord:
    """The delivery came back: the first mail that a person sent after it is the delivery now."""
    if not operation.resent or not feedback.is_about(operation.delivered_message_id):
        return operation
    first, *later = operation.resent
    return replace(
        operation,
        delivered_on=first.on,
        delivered_at=first.at,
        delivered_message_id=first.message_id,
        delivered_to=first.to,
        resent=tuple(later),
    )
