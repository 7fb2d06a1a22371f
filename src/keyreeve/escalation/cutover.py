"""Whether an owner has changed over to a new access key, judged by how both keys are used.

It is seen when the new key was used after it was delivered, the old key was not used after the new
one's last use, and the old key has rested for a day since (docs/decisions/0019).  It moves no act
and opens no gate: all that it ends is a countdown that nobody needs any more.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from keyreeve.escalation.operations import hand_over_operation
from keyreeve.model.case import Case, FindingRecord, OperationRecord
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.policy import EscalationPolicy, LadderDays
from keyreeve.model.snapshot import Absent
from keyreeve.model.usage import KeyUsage, UsageReading

REST = timedelta(days=1)
"""How long the old key must have rested; under a compressed clock, a ladder day."""


class CutOver(StrEnum):
    """How far an owner is on the way from the old key to the new one."""

    UNREAD = "unread"
    """How the keys are used is not known: nothing is taken for granted."""
    NEW_UNUSED = "new_unused"
    OLD_IN_USE = "old_in_use"
    """The old key was used after the new one's last use."""
    SETTLING = "settling"
    """Only the new key is used of late, but not for long enough."""
    SEEN = "seen"


def judge_cut_over(
    delivered_at: datetime,
    old: KeyUsage | None,
    new: KeyUsage | None,
    read_at: datetime,
    rest: timedelta = REST,
) -> CutOver:
    """By what was read at `read_at`: that time goes by without a look shows nothing."""
    if old is None or new is None or Absent.UNKNOWN in (old.last_used, new.last_used):
        return CutOver.UNREAD
    if not isinstance(new.last_used, datetime) or new.last_used <= delivered_at:
        return CutOver.NEW_UNUSED
    resting_since = delivered_at
    if isinstance(old.last_used, datetime):
        if old.last_used > new.last_used:
            return CutOver.OLD_IN_USE
        resting_since = max(delivered_at, old.last_used)
    return CutOver.SEEN if read_at - resting_since >= rest else CutOver.SETTLING


def is_changing_over(record: FindingRecord, today: date, days: LadderDays) -> bool:
    """From day 7 until the act: when it matters who still uses the old key."""
    if record.control is not ControlId.ACCESS_KEY_ROTATION or record.opened_on is None:
        return False
    begins = record.opened_on + timedelta(days=(record.days or days).new_credentials)
    return record.enforced_on is None and today >= begins


def replacement(case: Case, record: FindingRecord) -> OperationRecord | None:
    """The rotation whose new key was delivered for this finding."""
    operation = hand_over_operation(case, record)
    if operation is None or operation.new_key is None or operation.delivered_at is None:
        return None
    return operation


def cut_over_of(
    case: Case, record: FindingRecord, reading: UsageReading | None, policy: EscalationPolicy
) -> CutOver:
    """Of one finding, by the last reading."""
    operation = replacement(case, record)
    if operation is None or operation.delivered_at is None or operation.new_key is None:
        return CutOver.UNREAD
    if reading is None or record.control is not ControlId.ACCESS_KEY_ROTATION:
        return CutOver.UNREAD
    keys = reading.keys
    return judge_cut_over(
        operation.delivered_at,
        keys.get(AccessKeyId(record.resource_id)),
        keys.get(operation.new_key),
        reading.at,
        policy.compressed.day if policy.compressed else REST,
    )
