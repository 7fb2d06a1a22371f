"""What is kept longer than its retention, and its end.

    retention.runs     runs/, mails/, collected/, feedback/     by the day in their keys
    retention.audit    audit/                                   by the day of the run, oldest first
                       reviews/                                 by the day of their last change

    record   what will go, into the audit log, durably
    start    where the chain then begins (`chain_start`)
    purge    every version of every object; what Object Lock keeps is told, and tried next time

Only the beginning of the audit log goes, in whole segments, and never its last one: what is left is
a chain that begins with the record after the one that the log itself names.  Steps below ops/ and
escrow are not touched: the daily run lives on the first and purges the second by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from keyreeve.codec.values import Json, to_json
from keyreeve.model.errors import StateUnreadable, StorageLocked
from keyreeve.ports import AuditLog, ObjectStore
from keyreeve.storage import audit_records, chain_start
from keyreeve.storage.audit_records import day_of
from keyreeve.storage.chain_start import PURGED, RUNS_BEFORE, THROUGH, ChainStart
from keyreeve.storage.evidence import BY_DAY, day_in, segment_day
from keyreeve.storage.layout import AUDIT, REVIEWS, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """What has outlived its retention."""

    runs_before: date
    audit_before: date
    keys: tuple[str, ...]
    """Audit segments last, oldest first."""
    start: ChainStart | None
    """Where the audit log will begin; None: none of its records goes that has not gone before."""

    @property
    def counts(self) -> dict[str, int]:
        """Objects per folder."""
        return dict(sorted(Counter(key.partition("/")[0] for key in self.keys).items()))

    def told(self, by: str) -> dict[str, Json]:
        """Data of the record in the audit log."""
        return {
            "by": by,
            RUNS_BEFORE: self.runs_before.isoformat(),
            "audit_before": self.audit_before.isoformat(),
            "objects": dict(self.counts),
            THROUGH: to_json(self.start) if self.start else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What became of them."""

    gone: int
    locked: tuple[str, ...]
    """Keys that Object Lock keeps."""


def expired(store: ObjectStore, runs_before: date, audit_before: date) -> Expired:
    """Everything from before these days. StateUnreadable if the audit log cannot be read there."""
    segments, start = _segments(store, audit_before)
    return Expired(
        runs_before=runs_before,
        audit_before=audit_before,
        keys=(*_by_day(store, runs_before), *_reviews(store, audit_before), *segments),
        start=start,
    )


def purge(
    store: ObjectStore,
    audit: AuditLog,
    found: Expired,
    *,
    at: datetime,
    by: str,
    check: Callable[[], None],
) -> Purged:
    """In the order above, under the account's lock; `check` is asked before each object."""
    audit.append(PURGED, at, found.told(by))
    audit.flush()
    check()
    if found.start is not None:
        chain_start.write(store, found.start)
    locked = []
    for key in found.keys:
        check()
        try:
            store.purge(key)
        except StorageLocked:
            locked.append(key)
    return Purged(gone=len(found.keys) - len(locked), locked=tuple(locked))


def _by_day(store: ObjectStore, before: date) -> Iterator[str]:
    for folder in BY_DAY:
        for row in store.list(folder):
            day = day_in(row.key.removeprefix(folder))
            if day is not None and day >= before:
                break
            if day is not None:
                yield row.key
    for row in store.list(RUNS):
        day = day_of(row.key.removeprefix(RUNS))
        if day is not None and day < before:
            yield row.key


def _reviews(store: ObjectStore, before: date) -> Iterator[str]:
    return (row.key for row in store.list(REVIEWS) if row.modified_at.date() < before)


def _segments(store: ObjectStore, before: date) -> tuple[tuple[str, ...], ChainStart | None]:
    """The beginning of the log, without its last segment; and where it begins without them."""
    names = sorted(audit_records.segments(store), key=lambda name: (name.sequence, name.key))
    old = []
    for name in names[:-1]:
        day = segment_day(name)
        if day is None or day >= before:
            break
        old.append(name)
    known = chain_start.read(store)
    gone = known.sequence if known else 0
    if not old or old[-1].sequence <= gone:
        return tuple(name.key for name in old), None
    last = _last(store, old[-1].key)
    following = names[len(old)]
    if following.sequence != last.sequence + 1:
        raise StateUnreadable(
            f"the audit log has a gap behind record {last.sequence}",
            where=f"{store.describe()}/{AUDIT}",
            remedy="Nothing was purged. `keyreeve state verify` names the gap.",
        )
    return tuple(name.key for name in old), last


def _last(store: ObjectStore, key: str) -> ChainStart:
    found = store.get(key)
    try:
        record = audit_records.last_record(found.content if found else b"")
    except (IndexError, ValueError) as error:
        raise StateUnreadable(
            f"its last record cannot be read: {error}",
            where=f"{store.describe()}/{key}",
            remedy="Nothing was purged. `keyreeve state verify` examines the audit log.",
        ) from error
    return ChainStart(sequence=record.seq, digest=record.digest)
