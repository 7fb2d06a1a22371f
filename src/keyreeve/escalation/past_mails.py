"""Mails of closed cases: one that comes back late is told to the MSP team, once.

Its case is gone, and nothing hangs on it any more; but a private mail that never arrived has left
somebody without a credential.  Ids are kept for two weeks after the case has closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from keyreeve.escalation import words
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import Case, MailSort, OperationKind, OperationRecord, PastMail, State
from keyreeve.model.effect import SendTeamNotice
from keyreeve.model.feedback import MailFeedback, bare

LATE = "late/"
"""Topic of the team notice about a mail that came back after its case; the mail's id follows."""
KEPT_FOR = timedelta(days=14)
"""How long after its case a mail may still come back: most do within hours, all within days."""


def mails_of(case: Case, closed_on: date) -> dict[str, PastMail]:
    """Every mail of a case that may still come back, by the mail system's id."""
    last = case.last_notice_on or case.first_seen_on
    dates = {n.message_id: n.on for r in case.findings.values() for n in r.notices}
    mails = {
        bare(message_id): _past(
            case, MailSort.NOTICE, case.addresses, dates.get(message_id, last), closed_on
        )
        for message_id in case.thread.message_ids
    }
    for operation in case.operations.values():
        for message_id, to, on in _private(operation):
            is_key = operation.kind is OperationKind.ROTATION
            sort = MailSort.ACCESS_KEY if is_key else MailSort.PASSWORD
            mails[bare(message_id)] = replace(
                _past(case, sort, (to,), on, closed_on),
                new_key=operation.new_key,
                old_key=operation.old_key,
            )
    return {key: mail for key, mail in mails.items() if key not in case.returned}


def closing_mail(
    case: Case, message_id: str | None, to: str | None, on: date
) -> dict[str, PastMail]:
    """The last one."""
    if message_id is None or to is None:
        return {}
    return {bare(message_id): _past(case, MailSort.CLOSING, (to,), on, on)}


def still_kept(mails: Mapping[str, PastMail], today: date) -> dict[str, PastMail]:
    """Without those whose time is over; what came back stays until it was told."""
    return {
        key: mail
        for key, mail in mails.items()
        if mail.returned is not None or mail.closed_on + KEPT_FOR >= today
    }


def take_back_late(state: State, feedback: MailFeedback) -> tuple[State, PastMail | None]:
    """The state in which the mail is known to have come back; None: no such mail, or known."""
    key = bare(feedback.message_id)
    mail = state.past_mails.get(key)
    if mail is None or mail.returned is not None or not any(map(feedback.reached_not, mail.to)):
        return state, None
    mail = replace(mail, returned=feedback.reason)
    return replace(state, past_mails={**state.past_mails, key: mail}), mail


def told_late(state: State, topic: str) -> State:
    """The team knows: nothing is left to remember."""
    key = topic.removeprefix(LATE)
    left = {other: mail for other, mail in state.past_mails.items() if other != key}
    return replace(state, past_mails=left)


def late_bounces(state: State, outlook: Outlook, today: date) -> Iterable[SendTeamNotice]:
    """What came back and was not told yet."""
    for key, mail in state.past_mails.items():
        if mail.returned is not None:
            yield SendTeamNotice(
                user_id=mail.user_id,
                user_name=mail.user_name,
                due_on=today,
                reason="mail_came_back",
                to=outlook.policy.owner.fallback or outlook.policy.mail_cc,
                headline=_headline(mail),
                paragraphs=(
                    (
                        f"{_WHAT[mail.sort]} of {words.day(mail.on)} to {', '.join(mail.to)} came "
                        f"back after the case had been closed: {mail.returned}."
                    ),
                    *_remedies(mail, outlook.policy.owner.tag),
                ),
                topic=f"{LATE}{key}",
                resource_id=mail.new_key or mail.user_name,
            )


_WHAT = {
    MailSort.NOTICE: "A notice",
    MailSort.CLOSING: "The closing mail",
    MailSort.ACCESS_KEY: "The private mail with a new access key",
    MailSort.PASSWORD: "The private mail with a new console password",
}


def _headline(mail: PastMail) -> str:
    match mail.sort:
        case MailSort.ACCESS_KEY:
            return f"{mail.user_name}: the new access key did not arrive, and the case is closed"
        case MailSort.PASSWORD:
            return f"{mail.user_name} may be locked out: the new password came back"
        case _:
            return f"A mail to the owner of {mail.user_name} came back after its case"


def _remedies(mail: PastMail, tag: str) -> Iterable[str]:
    match mail.sort:
        case MailSort.ACCESS_KEY:
            yield (
                f"Nobody may hold {mail.new_key}: let the owner make a new key. To bring the old "
                f"one back for a while: keyreeve reinstate {mail.user_name} {mail.old_key} "
                '--for 24h --reason "…".'
            )
        case MailSort.PASSWORD:
            yield (
                "Ask the owner whether he can sign in; if not, an administrator sets a new "
                "password (aws iam update-login-profile)."
            )
        case _:
            yield "Nothing hangs on it: every finding of the case had cleared."
    yield f"Correct the address (the tag {tag} of the user) before the next case."


def _past(case: Case, sort: MailSort, to: tuple[str, ...], on: date, closed_on: date) -> PastMail:
    return PastMail(
        case_id=case.case_id,
        user_id=case.user_id,
        user_name=case.user_name,
        sort=sort,
        to=to,
        on=on,
        closed_on=closed_on,
    )


def _private(operation: OperationRecord) -> Iterable[tuple[str, str, date]]:
    message_id, to, on = (
        operation.delivered_message_id,
        operation.delivered_to,
        operation.delivered_on,
    )
    if message_id is not None and to is not None and on is not None:
        yield message_id, to, on
    for again in operation.resent:
        yield again.message_id, again.to, again.on
