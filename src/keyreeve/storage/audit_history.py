"""The audit log read back, for figures: only the segments of the days that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from keyreeve.model.errors import StateUnreadable
from keyreeve.model.months import LogEntry
from keyreeve.model.past import AuditedRecord
from keyreeve.ports import ObjectStore
from keyreeve.storage.audit_records import (
    SegmentKey,
    records_of,
    segments,
    segments_between,
)
from keyreeve.storage.layout import audit_day

MOST = 5000
"""Segments that are read at once: a run writes two, and one more for each 50 busy users."""

_AROUND = timedelta(days=1)
"""A segment lies below its run's date in UTC, and the project's days may differ by one."""


class StoredAuditHistory:
    """ports.months.AuditHistory over any object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def entries(self, first: date, last: date, today: date) -> Iterator[LogEntry]:
        """As the port says."""
        found = sorted(
            segments_between(self._store, first - _AROUND, max(today, last) + _AROUND),
            key=lambda segment: (segment.sequence, segment.key),
        )
        end = audit_day(last + _AROUND)
        if not any(segment.key < end for segment in found):
            return
        if len(found) > MOST:
            raise StateUnreadable(
                f"{len(found)} segments lie in these months, and at most {MOST} are read",
                where=f"{self._store.describe()}/{audit_day(first)}",
                remedy="Ask for fewer months.",
            )
        before: AuditedRecord | None = None
        for segment in found:
            for record in self._of(segment):
                self._follows(record, before, segment)
                before = record
                yield LogEntry(
                    at=record.at, run_id=record.run_id, event=record.event, data=record.data
                )

    def _follows(
        self, record: AuditedRecord, before: AuditedRecord | None, segment: SegmentKey
    ) -> None:
        """StateUnreadable where records are missing: fewer were counted than there were.

        One of a run whose clock stood wrong lies below another day, and is not missing.
        """
        if before is None or (record.seq, record.previous) == (before.seq + 1, before.digest):
            return
        following = before.seq + 1
        if record.seq > following and any(s.sequence == following for s in segments(self._store)):
            return
        raise StateUnreadable(
            f"record {record.seq} of the audit log does not follow record {before.seq}",
            where=f"{self._store.describe()}/{segment.key}",
            remedy="`keyreeve state verify` names what is missing.",
        )

    def _of(self, segment: SegmentKey) -> Iterator[AuditedRecord]:
        try:
            yield from records_of(self._store, segment)
        except ValueError as error:
            raise StateUnreadable(
                f"the audit log cannot be read: {error}",
                where=f"{self._store.describe()}/{segment.key}",
                remedy="Run `keyreeve state verify`, and restore the object's first version.",
            ) from error
