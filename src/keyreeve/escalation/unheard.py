"""What the MSP team is told about mails that came back: which words never arrived, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from keyreeve.escalation import words
from keyreeve.escalation.outlook import Outlook
from keyreeve.escalation.owner import bounces
from keyreeve.model.case import Bounce, Case, OperationKind, OperationRecord, State
from keyreeve.model.effect import SendTeamNotice

BOUNCED = "bounced/"
UNDELIVERED = "undelivered/"


def unheard(state: State, case: Case, outlook: Outlook, today: date) -> Iterable[SendTeamNotice]:
    """Credentials that came back, each time they do; else an address that refuses mail, once."""
    lost = [operation for operation in case.operations.values() if operation.returned is not None]
    for operation in lost:
        topic = f"{UNDELIVERED}{operation.operation_id}/{operation.attempt}"
        if topic not in case.team_told:
            yield _undelivered(state, case, operation, outlook, today, topic)
    bounce = case.bounced
    if bounce is None or lost or not case.findings:
        return
    topic = f"{BOUNCED}{bounce.address.lower()}"
    address = outlook.owner(outlook.users[case.user_id]).address
    if bounces(case, address) and topic not in case.team_told:
        yield _bounced(case, bounce, outlook, today, topic)


def _bounced(
    case: Case, bounce: Bounce, outlook: Outlook, today: date, topic: str
) -> SendTeamNotice:
    return _notice(
        case,
        outlook,
        today,
        topic,
        headline=f"Mail to the owner of {case.user_name} does not arrive",
        paragraphs=(
            f"A notice to {bounce.address} of {words.day(bounce.on)} came back: {bounce.reason}.",
            (
                "It does not count as told: nothing is handed out and nothing is shut for this "
                "user until notices arrive again."
            ),
            _remedy(case, bounce, outlook, today),
            *(words.resource(r.control, r.resource_id) for r in case.findings.values()),
        ),
    )


def _undelivered(
    state: State,
    case: Case,
    operation: OperationRecord,
    outlook: Outlook,
    today: date,
    topic: str,
) -> SendTeamNotice:
    if operation.kind is OperationKind.PASSWORD_RESET:
        headline = f"{case.user_name} is locked out of the console: the new password came back"
        what = (
            f"The console password of {case.user_name} was changed, and the private mail with the "
            f"new one came back: {operation.returned}. The old password no longer works, and "
            "nobody holds the new one."
        )
    else:
        headline = f"{case.user_name}: the new access key did not arrive"
        what = (
            f"The private mail with the new access key {operation.new_key} came back: "
            f"{operation.returned}. Nobody holds it; it waits in escrow."
        )
    return _notice(
        case,
        outlook,
        today,
        topic,
        headline=headline,
        paragraphs=(
            what,
            *_old_key(state, case, operation, outlook),
            _remedy(case, case.bounced, outlook, today),
            (
                f"To hand it over at once: keyreeve case resend {case.user_name} --send. That is "
                "your word that the address works."
            ),
        ),
    )


def _old_key(
    state: State, case: Case, operation: OperationRecord, outlook: Outlook
) -> Iterable[str]:
    if operation.old_key is None:
        return
    record = state.keys.get(operation.old_key)
    if record is None or record.inactivated_at is None:
        days = outlook.policy.enforcement.minimum_overlap_days
        yield (
            f"The old key {operation.old_key} stays active until {days} days after the new one "
            "has been delivered."
        )
        return
    yield (
        f"The old key {operation.old_key} was made inactive on "
        f"{words.day(record.inactivated_at.date())}, before this was known: the owner may have no "
        "working key now. To bring the old one back for a while: keyreeve reinstate "
        f'{case.user_name} {operation.old_key} --for 24h --reason "…".'
    )


def _remedy(case: Case, bounce: Bounce | None, outlook: Outlook, today: date) -> str:
    address = outlook.owner(outlook.users[case.user_id]).address
    if bounce is None or not bounces(case, address):
        return "The address itself works, as far as is known: it is sent again on a mail day."
    tag = outlook.policy.owner.tag
    again = outlook.calendar.mail_day_from(max(bounce.again_on, today))
    return (
        f"Set the tag {tag} of this user to an address that works, or have {bounce.address} "
        f"mended: it is tried again on {words.day(again)}."
    )


def _notice(
    case: Case,
    outlook: Outlook,
    today: date,
    topic: str,
    *,
    headline: str,
    paragraphs: tuple[str, ...],
) -> SendTeamNotice:
    return SendTeamNotice(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=today,
        reason="mail_came_back",
        to=outlook.policy.owner.fallback or outlook.policy.mail_cc,
        headline=headline,
        paragraphs=paragraphs,
        topic=topic,
        resource_id=case.user_name,
    )
