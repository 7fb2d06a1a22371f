"""The audit log read back, for figures: only the segments of the days that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from keyreeve.model.errors import StateUnreadable
from keyreeve.model.months import LogEntry
from keyreeve.ports import ObjectStore
from keyreeve.storage.audit_log import SegmentKey, records_of, segments_between
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
        for segment in found:
            yield from self._of(segment)

    def _of(self, segment: SegmentKey) -> Iterator[LogEntry]:
        try:
            for record in records_of(self._store, segment):
                yield LogEntry(
                    at=record.at, run_id=record.run_id, event=record.event, data=record.data
                )
        except ValueError as error:
            raise StateUnreadable(
                f"the audit log cannot be read: {error}",
                where=f"{self._store.describe()}/{segment.key}",
                remedy="Run `keyreeve state verify`, and restore the object's first version.",
            ) from error
