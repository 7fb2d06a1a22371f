"""audit-start.json: where the audit chain begins, once its oldest segments were purged.

    record    `evidence.purged` in the log: up to which record, and that record's digest
    start     this object, with the same
    purge     the segments, oldest first

The record comes first and stays: who moves the beginning by hand, to hide what lies before it, has
no record in the chain that tells of it, and `audit_check` says so. After a stop in between the
segments are still listed, and the next purge goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from keyreeve.codec.seal import seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import StateUnreadable
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import AUDIT_START

PURGED = "evidence.purged"
"""The event of a purge; its data holds `audit_through`."""
THROUGH = "audit_through"
RUNS_BEFORE = "runs_before"
"""In the same data: the day before which records of runs, reports, mails were purged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStart:
    """The newest record that was purged."""

    sequence: int
    digest: str

    def is_told_by(self, event: str, data: Mapping[str, object]) -> bool:
        """Whether this record of the log tells of exactly this purge."""
        return event == PURGED and data.get(THROUGH) == to_json(self)


def files_purged_before(event: str, data: Mapping[str, object]) -> date | None:
    """What a record of the log tells of `RUNS_BEFORE`; None: it tells of no purge."""
    if event != PURGED:
        return None
    try:
        return date.fromisoformat(str(data.get(RUNS_BEFORE)))
    except ValueError:
        return None


def read(store: ObjectStore) -> ChainStart | None:
    """None: nothing was ever purged. StateUnreadable for what is no start."""
    found = store.get(AUDIT_START)
    if found is None:
        return None
    try:
        return from_json(ChainStart, unseal(found.content))
    except ValueError as error:
        raise StateUnreadable(
            f"it does not tell where the audit log begins: {error}",
            where=f"{store.describe()}/{AUDIT_START}",
            remedy=f"Put the object's last version back, or make it anew from the last {PURGED} "
            "record of the log.",
        ) from error


def write(store: ObjectStore, start: ChainStart) -> None:
    """Replace it. The account's lock is held."""
    document = to_json(start)
    if not isinstance(document, dict):
        raise TypeError("a start is an object")
    store.put(AUDIT_START, seal(document))
