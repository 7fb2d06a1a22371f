"""Users who cannot get a new access key, in words: one count for `plan` and the weekly summary."""

from __future__ import annotations

from collections.abc import Iterable

from keyreeve.model.notice import SummaryRow
from keyreeve.model.plan import Plan, SlotBlocked


def slots_sentence(plan: Plan) -> str:
    """How many, and how many of them by a key that Keyreeve itself made Inactive; empty: none."""
    users, ours = plan.slot_blocked_users, plan.slot_blocked_by_us
    if not users:
        return ""
    who = "1 user" if users == 1 else f"{users} users"
    said = f"{who} cannot get a new key: both slots are taken"
    if not ours:
        return f"{said}."
    share = ", one" if users == 1 else f"; {ours} of them"
    return f"{said}{share} by a key that Keyreeve made Inactive."


def slot_rows(blocked: Iterable[SlotBlocked]) -> tuple[SummaryRow, ...]:
    """Each key that is due, and what takes its slot."""
    return tuple(
        SummaryRow(user_name=b.user_name, what=b.key_id, on=b.told_on, reason=_reason(b))
        for b in blocked
    )


def _reason(blocked: SlotBlocked) -> str:
    if blocked.both_due:
        return "both keys are due"
    taken = f"slot taken by {blocked.blocked_by}"
    if blocked.shut_on is None:
        return taken
    return f"{taken}, which Keyreeve made Inactive on {blocked.shut_on.isoformat()}"
