"""What the MSP team is told besides the summary: once per matter, on mail days only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from keyreeve.escalation import words
from keyreeve.escalation.fold import REACTIVATED
from keyreeve.escalation.outlook import Outlook
from keyreeve.escalation.owner import bounces
from keyreeve.escalation.past_mails import late_bounces
from keyreeve.escalation.unheard import unheard
from keyreeve.model.case import Case, State
from keyreeve.model.effect import SendTeamNotice
from keyreeve.model.identifiers import UserId
from keyreeve.model.plan import Gate, Held, UserPlan

UNREACHABLE = "unreachable"
_WORTH_A_MAIL = (Gate.RECIPIENT, Gate.PASSWORD_CHANGE, Gate.HUMAN)


def team_notices(
    state: State, outlook: Outlook, users: Iterable[UserPlan], today: date
) -> tuple[SendTeamNotice, ...]:
    """Owners nobody can reach, mails come back, credentials held at a gate, keys re-activated."""
    if not outlook.calendar.is_mail_day(today):
        return ()
    out: list[SendTeamNotice] = []
    # A user stands there more than once where a purge or an orphan is due besides the case.
    held: dict[UserId, list[Held]] = {}
    for plan in users:
        held.setdefault(plan.user_id, []).extend(plan.held)
    for user_id, waiting in held.items():
        case = state.users.get(user_id)
        if case is not None and case.user_id in outlook.users:
            out.extend(unheard(state, case, outlook, today))
            out.extend(_of_case(case, waiting, outlook, today))
    out.extend(late_bounces(state, outlook, today))
    out.extend(_reactivated(state, outlook, today))
    return tuple(out)


def _of_case(
    case: Case, held: Sequence[Held], outlook: Outlook, today: date
) -> Iterable[SendTeamNotice]:
    owner = outlook.owner(outlook.users[case.user_id])
    yield from _stuck(case, outlook, today)
    if not case.findings:
        return
    if owner.address is None:
        if UNREACHABLE not in case.team_told:
            yield _unreachable(case, owner.reason, outlook, today)
        return
    if bounces(case, owner.address):
        return  # told by `unheard`
    for item in held:
        topic = f"held/{item.control}/{item.resource_id}/{item.gate}"
        if item.gate in _WORTH_A_MAIL and not _by_a_person(item) and topic not in case.team_told:
            yield _held(case, item, topic, outlook, today)


def _by_a_person(item: Held) -> bool:
    """A hold that the team itself put there is no news to it."""
    return item.gate is Gate.HUMAN and item.reason.startswith("held until")


def _unreachable(case: Case, reason: str, outlook: Outlook, today: date) -> SendTeamNotice:
    count = len(case.findings)
    rules = outlook.policy.owner
    return SendTeamNotice(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=today,
        reason="owner_unreachable",
        to=rules.fallback,
        headline=f"Nobody can be told about {case.user_name}",
        paragraphs=(
            (
                f"{case.user_name} has {count} open finding{'s' if count > 1 else ''}, and its "
                f"owner cannot be reached: {reason}."
            ),
            (
                f"Set the tag {rules.tag} of this user to the owner's mail address. Until then the "
                "findings stay pending: no day is counted and nothing is changed."
            ),
            *(words.resource(r.control, r.resource_id) for r in case.findings.values()),
        ),
        topic=UNREACHABLE,
        resource_id=case.user_name,
    )


def _stuck(case: Case, outlook: Outlook, today: date) -> Iterable[SendTeamNotice]:
    """Operations that wait for a person although their finding is gone: no gate names them."""
    for operation in case.operations.values():
        topic = f"stuck/{operation.operation_id}"
        open_still = (operation.control, operation.resource_id) in case.findings
        if operation.stuck is None or open_still or topic in case.team_told:
            continue
        yield SendTeamNotice(
            user_id=case.user_id,
            user_name=case.user_name,
            due_on=today,
            reason="operation_stuck",
            to=outlook.policy.mail_cc,
            headline=f"{case.user_name}: a person must look",
            paragraphs=(
                f"An act for {case.user_name} was begun and could not be ended: {operation.stuck}.",
                (
                    "Nothing more is tried. Ask the owner whether the credentials work; `keyreeve "
                    f"case show {case.user_name}` tells what was done."
                ),
            ),
            topic=topic,
            resource_id=operation.resource_id or case.user_name,
        )


def _held(case: Case, item: Held, topic: str, outlook: Outlook, today: date) -> SendTeamNotice:
    what = words.resource(item.control, item.resource_id) if item.control else item.resource_id
    return SendTeamNotice(
        user_id=case.user_id,
        user_name=case.user_name,
        due_on=today,
        reason="held_at_gate",
        to=outlook.policy.mail_cc,
        headline=f"{case.user_name}: held at the gate “{item.gate.value}”",
        paragraphs=(
            f"{what}: {item.reason}.",
            "Nothing is done for this finding until the reason is gone or a person decides.",
        ),
        topic=topic,
        resource_id=item.resource_id,
    )


def _reactivated(state: State, outlook: Outlook, today: date) -> Iterable[SendTeamNotice]:
    for record in state.keys.values():
        user = outlook.users.get(record.user_id)
        if record.reactivated_at is None or user is None:
            continue
        yield SendTeamNotice(
            user_id=record.user_id,
            user_name=user.name,
            due_on=today,
            reason="key_reactivated",
            to=outlook.policy.mail_cc,
            headline=f"{user.name}: a disabled access key is active again",
            paragraphs=(
                (
                    f"Keyreeve had made {record.key_id} inactive. Somebody has made it active "
                    "again, not through Keyreeve."
                ),
                (
                    "If a control still flags it, the ladder starts anew with a first notice. To "
                    f"bring a key back for a while: keyreeve reinstate {user.name} {record.key_id} "
                    '--for 24h --reason "…".'
                ),
            ),
            topic=f"{REACTIVATED}{record.key_id}",
            resource_id=record.key_id,
        )
