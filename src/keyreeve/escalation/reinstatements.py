"""Keys that were brought back for a while: Inactive again when the time is up.

Such an act belongs to no finding and walks no ladder, but it counts in the blast radius and waits
for the same gates.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from keyreeve.escalation.acts import reinstatement_over
from keyreeve.escalation.limits import Budget
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.identifiers import UserId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.plan import Gate, Held, UserPlan
from keyreeve.model.snapshot import User


def reinstatements_over(
    keys: Iterable[KeyRecord],
    *,
    outlook: Outlook,
    budget: Budget,
    administrators: AbstractSet[UserId],
    refused: bool,
) -> list[UserPlan]:
    """One plan per key whose reinstatement has run out: the act, or the gate that holds it."""
    out: list[UserPlan] = []
    for record in keys:
        user = outlook.users.get(record.user_id)
        until = record.reinstated_until
        if until is None or until > outlook.now or user is None or record.user_id in outlook.gaps:
            continue
        gate = _gate(record, outlook, budget, administrators, refused=refused)
        out.append(_plan(record, user, outlook, gate))
    return out


def _plan(
    record: KeyRecord, user: User, outlook: Outlook, gate: tuple[Gate, str] | None
) -> UserPlan:
    if gate is None:
        today = outlook.calendar.today(outlook.now)
        act = reinstatement_over(record, user.name, outlook, today)
        return UserPlan(user_id=record.user_id, user_name=user.name, acts=(act,))
    held = Held(
        gate=gate[0],
        reason=f"the reinstatement is over; {gate[1]}",
        user_id=record.user_id,
        user_name=user.name,
        resource_id=record.key_id,
    )
    return UserPlan(user_id=record.user_id, user_name=user.name, held=(held,))


def _gate(
    record: KeyRecord,
    outlook: Outlook,
    budget: Budget,
    administrators: AbstractSet[UserId],
    *,
    refused: bool,
) -> tuple[Gate, str] | None:
    """The gates of an act that belongs to no finding."""
    if refused:
        return (Gate.BLAST_RADIUS, "the run is refused")
    if outlook.is_self(record.user_id):
        return (Gate.NEVER, "this is the identity that Keyreeve runs as")
    if administrators == {record.user_id}:
        return (Gate.NEVER, "this is the last administrator")
    if not outlook.calendar.is_act_day(outlook.calendar.today(outlook.now)):
        return (Gate.WINDOW, "outside the window for disruptive effects")
    if not budget.take(budget.disrupted, record.user_id):
        return (Gate.BLAST_RADIUS, "today's number is spent")
    return None
