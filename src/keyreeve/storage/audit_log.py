"""The hash chain below `audit/`: every alteration, gap and exchange of records shows.

Records (`audit_records`) are written in segments, write-once objects named for their first record.
The newest can only be missed by whoever remembers them: the state's AuditHead does, and so does
`chain_end`.  `audit_check` walks the whole.

Writers hold the account's lock. One that slept for longer than its lease while it wrote cannot
fork the chain: the place of each segment is claimed first (`chain_end`). Who does not hold the
lock leaves a record in the inbox, and the next flush takes it in. Segments whose retention is over
may be gone: the chain then begins where `chain_start` says, and a record of it says so, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.codec.seal import canonical, digest
from keyreeve.codec.values import Json, to_json
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable, StorageUnreachable
from keyreeve.model.identifiers import RunId
from keyreeve.ports import ObjectStore
from keyreeve.storage import audit_inbox
from keyreeve.storage.audit_records import (
    GENESIS,
    SegmentKey,
    content_of,
    day_of,
    last_record,
    records_in,
    records_of,
    segment_key,
    segments,
)
from keyreeve.storage.chain_end import ChainEnd, claim, complete, read
from keyreeve.storage.layout import audit_day, audit_key
from keyreeve.storage.state_store import StoredState
from keyreeve.storage.write_once import write_once


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClosedSegment:
    """Records chained together, on their way to storage."""

    end: ChainEnd
    version: str | None
    """Of the end behind which they were chained."""
    records: list[dict[str, Json]]


_CLAIMS = 5
"""Tries at one place in the chain: two runs at once lose one or two to each other, and a storage
that refuses every one must not hold a run for ever."""


class StoredAuditLog:
    """ports.AuditLog. `state` (if the caller has one) says where the search for the end begins."""

    def __init__(
        self, store: ObjectStore, *, run_id: RunId, state: StoredState | None = None
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._state = state
        self._head: AuditHead | None = None
        self._open: list[dict[str, Json]] = []
        self._closed: _ClosedSegment | None = None
        self._taken: list[str] | None = None
        """Names in the inbox that this log has taken in; None before it has looked."""

    def append(self, event: str, at: datetime, data: Mapping[str, object]) -> None:
        """Add one record to the open segment; JSON values only, no secret. Touches no storage."""
        self._open.append(
            {"event": event, "at": to_json(at), "data": to_json(data), "run_id": self._run_id}
        )

    def flush(self) -> AuditHead | None:
        """Write the open segment; the chain's head (None: nothing was ever written).

        After an error the same segment is tried again by the next flush: whether its answer or
        its effect was lost, its records stand in the chain once.
        """
        if self._taken is None:
            self._taken = self._take_in()
        lost = 0
        while self._open or self._closed:
            closed = self._closed = self._closed or self._close()
            if not claim(self._store, closed.end, closed.version):
                # A run without its lease was faster, or we are that run: behind it, then.
                self._open[:0], self._closed = closed.records, None
                lost += 1
                if lost == _CLAIMS:
                    raise StorageUnreachable(
                        f"it refused the end of the audit log {_CLAIMS} times in a row",
                        where=self._store.describe(),
                        remedy="Run again; `keyreeve state verify` looks at the audit log.",
                    )
                continue
            write_once(self._store, closed.end.key, closed.end.segment.encode())
            self._head, self._closed = closed.end.head, None
        audit_inbox.clear(self._store, self._taken)
        self._taken = []
        return self._head or self._newest()

    def _take_in(self) -> list[str]:
        """Put what waits before the records of this run; what a stop left behind is known."""
        waiting = audit_inbox.waiting(self._store)
        if not waiting:
            return []
        known = {data.get(audit_inbox.LEFT_AS) for data in self.recent()}
        new = [(key, left) for key, left in waiting if key not in known]
        self._open[:0] = [audit_inbox.as_appended(key, left, self._run_id) for key, left in new]
        return [key for key, _ in waiting]

    def recent(self) -> Iterator[Mapping[str, object]]:
        """Data of the records since the day before the loaded state was saved, oldest first.

        StateUnreadable at the first record that is not as it was written.
        """
        known = self._known()
        start = _search_start(known)
        names = sorted(segments(self._store, start), key=lambda name: name.sequence)
        for name in names:
            try:
                for record in records_of(self._store, name):
                    yield record.data
            except ValueError as error:
                raise _altered(self._store, name, f"a segment: {error}") from error
        end, _ = read(self._store)
        if end is not None and _is_newer(end, known) and end.key not in {n.key for n in names}:
            for record in records_in(end.segment.encode()):
                yield record.data  # claimed, and the next flush writes it

    def _close(self) -> _ClosedSegment:
        end, version = read(self._store)
        if end is not None and _is_newer(end, self._known()):
            complete(self._store, end)
        head = self._newest(end)
        first = head.sequence + 1 if head else 1
        lines = []
        previous = head.digest if head else GENESIS
        for sequence, record in enumerate(self._open, first):
            line: dict[str, Json] = {**record, "seq": sequence, "previous": previous}
            previous = digest(line)
            lines.append(canonical({**line, "digest": previous}) + b"\n")
        last = first + len(lines) - 1
        key = audit_key(self._day(), self._run_id, first)
        records, self._open = self._open, []
        return _ClosedSegment(
            end=ChainEnd(
                head=AuditHead(run_id=self._run_id, segment=first, sequence=last, digest=previous),
                key=key,
                segment=b"".join(lines).decode("ascii"),
            ),
            version=version,
            records=records,
        )

    def _newest(self, end: ChainEnd | None = None) -> AuditHead | None:
        known = self._known()
        if end is not None and _is_newer(end, known):
            known = end.head
        return newest_head(self._store, known)

    def _known(self) -> AuditHead | None:
        """The newest record that is surely in its place."""
        saved = self._state.loaded if self._state else None
        return self._head or (saved.state.audit_head if saved else None)

    def _day(self) -> date:
        """The run's own date, so that all its segments lie together; else the first record's."""
        return day_of(self._run_id) or datetime.fromisoformat(str(self._open[0]["at"])).date()


def _is_newer(end: ChainEnd, known: AuditHead | None) -> bool:
    return known is None or end.head.sequence > known.sequence


def newest_head(store: ObjectStore, known: AuditHead | None) -> AuditHead | None:
    """The end of the chain: a stopped run may have written segments that no state knows of.

    Searches from the day before `known`. StateUnreadable if the last segment cannot be read.
    """
    start = _search_start(known)
    newest = max(segments(store, start), key=lambda name: name.sequence, default=None)
    if newest is None or (known and newest.sequence <= known.sequence):
        return known
    try:
        record = last_record(content_of(store, newest))
    except (ValueError, IndexError) as error:
        raise _altered(store, newest, f"the last segment: {error}") from error
    return AuditHead(
        run_id=newest.run_id, segment=newest.sequence, sequence=record.seq, digest=record.digest
    )


def _altered(store: ObjectStore, segment: SegmentKey, what: str) -> StateUnreadable:
    return StateUnreadable(
        f"the audit log cannot be read: {what}",
        where=f"{store.describe()}/{segment.key}",
        remedy="Run `keyreeve state verify`, and restore the object's first version.",
    )


def _search_start(known: AuditHead | None) -> str:
    """Where a listing for what is newer than `known` begins: the day before it."""
    day = day_of(known.run_id) if known else None
    return audit_day(day - timedelta(days=1)) if day else ""


def _claimed(store: ObjectStore) -> ChainEnd | None:
    """The end, if it can be read: `state verify` names by itself one that cannot."""
    try:
        return read(store)[0]
    except StateUnreadable:
        return None


def remembered(
    store: ObjectStore, head: AuditHead | None
) -> tuple[AuditHead | None, tuple[SegmentKey, bytes] | None]:
    """The newest record that the storage remembers beside the log; what its claim holds unwritten.

    `head` is what the state remembers. To be asked before the log is listed: it may grow since.
    """
    end = _claimed(store)
    if end is None or not _is_newer(end, head):
        return head, None  # a segment that the state remembers was written
    return end.head, _unwritten(store, end)


def _unwritten(store: ObjectStore, end: ChainEnd) -> tuple[SegmentKey, bytes] | None:
    """A segment that a stop has left within its claim; the next flush writes it."""
    name = segment_key(end.key)
    if name is None or store.get(end.key) is not None:
        return None
    return name, end.segment.encode()
