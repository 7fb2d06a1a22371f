"""What the present owner of a user has been told.

A notice to an address that was the owner's before has told nothing to the one who reads the mails
now: it counts neither at the gates nor as said (docs/decisions/0026).  What was promised stays: day
0, the thread, and no E before the promised date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from keyreeve.model.case import FindingRecord, NoticeRecord, Told


def told_to(record: FindingRecord, address: str | None) -> FindingRecord:
    """The finding with the notices that went to this address alone (gates 1 and 3).

    With nobody to tell, nothing is left out: another gate holds then.
    """
    if address is None:
        return record
    low = address.lower()
    notices = tuple(n for n in record.notices if n.to is None or n.to.lower() == low)
    if len(notices) == len(record.notices):
        return record
    return replace(record, notices=notices, no_replacement=reason_told(notices))


def last_to_another(record: FindingRecord, address: str | None) -> NoticeRecord | None:
    """The finding's last notice, if it was not this owner's: what it dated holds all the same."""
    last = next(reversed(record.notices), None)
    return None if last in (None, *told_to(record, address).notices[-1:]) else last


def reason_told(notices: Iterable[NoticeRecord]) -> Told | None:
    """The newest reason for handing nothing over, from the day on which it was first said."""
    told: Told | None = None
    for notice in notices:
        reason = notice.no_replacement
        if reason is not None and (told is None or told.reason != reason):
            told = Told(reason=reason, on=notice.on)
    return told
