"""Who cannot get a new access key, since both slots are taken (the two-key limit, S1.T3)."""

from __future__ import annotations

from collections.abc import Iterable

from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import Case, FindingRecord
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.plan import SlotBlocked

_FULL = ("slots_taken", "both_slots_aged")
"""Codes of the reasons that lie in the slots; whoever is dormant would get none anyway."""


def slot_blocked(cases: Iterable[Case], outlook: Outlook) -> tuple[SlotBlocked, ...]:
    """Every key that is due and for which no replacement can be made, with what blocks it.

    As the facts stand, whether its owner was told or not: it is known from day 0, and before.
    """
    found = (
        _blocked(case, record, outlook)
        for case in cases
        for record in case.findings.values()
        if record.control is ControlId.ACCESS_KEY_ROTATION and record.enforced_on is None
    )
    return tuple(blocked for blocked in found if blocked is not None)


def _blocked(case: Case, record: FindingRecord, outlook: Outlook) -> SlotBlocked | None:
    key_id = AccessKeyId(record.resource_id)
    blocking = outlook.blocking_key(case, key_id)
    if blocking is None:
        return None
    why = outlook.situation(case, record).why_nothing
    if why is None or not why.startswith(_FULL):
        return None
    known = outlook.keys.get(blocking.key_id) if blocking.key_id else None
    shut_at = known.inactivated_at if known is not None else None
    told = record.no_replacement
    return SlotBlocked(
        user_id=case.user_id,
        user_name=case.user_name,
        key_id=key_id,
        blocked_by=blocking.key_id or f"slot {blocking.slot}",
        both_due=why == "both_slots_aged",
        shut_on=shut_at.astimezone(outlook.policy.timezone).date() if shut_at else None,
        told_on=told.on if told is not None and told.reason == why else None,
    )
