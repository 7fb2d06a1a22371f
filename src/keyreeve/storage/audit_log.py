"""The hash chain below `audit/`: every alteration, gap and exchange of records shows.

One record is one line of canonical JSON:

    {seq, at, run_id, event, data, previous, digest}

`seq` counts from 1 over the whole chain, `previous` is the digest of record seq − 1 (64 zeros
before the first), `digest` is the SHA-256 of the canonical JSON of the record without it. Records
are written in segments, write-once objects named for their first record. The newest records can
only be missed by whoever remembers them: the state's AuditHead does, and so does `chain_end`.

Writers hold the account's lock. One that slept for longer than its lease while it wrote cannot
fork the chain: the place of each segment is claimed first (`chain_end`). Who does not hold the
lock leaves a record in the inbox, and the next flush takes it in. Segments whose retention is over
may be gone: the chain then begins where `chain_start` says, and a record of it says so, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.codec.seal import canonical, digest, parse
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable, StorageUnreachable
from keyreeve.model.identifiers import RunId
from keyreeve.ports import ObjectStore
from keyreeve.storage import audit_inbox, chain_start
from keyreeve.storage.chain_end import ChainEnd, claim, complete, read
from keyreeve.storage.chain_start import ChainStart
from keyreeve.storage.layout import AUDIT, AUDIT_START, audit_day, audit_key
from keyreeve.storage.state_store import StoredState
from keyreeve.storage.write_once import write_once

GENESIS = "0" * 64
"""What the first record names as the digest before it."""

_SEGMENT = re.compile(r"audit/\d{4}/\d\d/\d\d/(?P<run_id>[^/]+)/(?P<sequence>\d{6,})\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of the chain; the fields are the fields of the line."""

    seq: int
    at: datetime
    run_id: RunId
    event: str
    data: Mapping[str, object]
    previous: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentKey:
    """What the name of a segment tells."""

    sequence: int
    key: str
    run_id: RunId


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
                for record in _records(_content(self._store, name)):
                    yield record.data
            except ValueError as error:
                raise _altered(self._store, name, f"a segment: {error}") from error
        end, _ = read(self._store)
        if end is not None and _is_newer(end, known) and end.key not in {n.key for n in names}:
            for record in _records(end.segment.encode()):
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
        record = last_record(_content(store, newest))
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


def verify(store: ObjectStore, head: AuditHead | None = None) -> list[str]:
    """Walk the whole chain; one sentence per altered, missing or exchanged record, first first.

    `head` is what the state remembers. The end that was claimed last is remembered, too: without
    the two, records cut off at the end would not be missed.
    """
    end = _claimed(store)
    remembered = [head, end.head] if end is not None and _is_newer(end, head) else [head]
    try:
        walk = _Walk(remembered, chain_start.read(store))
    except StateUnreadable as error:
        walk = _Walk(remembered)
        walk.problems.append(f"{AUDIT_START}: {error.what}")
    for row in store.list(AUDIT):
        if not _SEGMENT.fullmatch(row.key):
            walk.problems.append(f"{row.key}: this is no segment of the audit log")
    for name in sorted(segments(store), key=lambda name: (name.sequence, name.key)):
        walk.segment(name, _content(store, name))
    unwritten = _unwritten(store, end, head)
    if unwritten is not None:
        walk.segment(*unwritten)
    walk.end()
    return walk.problems


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
        return head, None
    return end.head, _unwritten(store, end, head)


def _unwritten(
    store: ObjectStore, end: ChainEnd | None, head: AuditHead | None
) -> tuple[SegmentKey, bytes] | None:
    """A segment that a stop has left within its claim; the next flush writes it.

    Not one that the state remembers: that was written, and is gone.
    """
    if end is None or not _is_newer(end, head) or store.get(end.key) is not None:
        return None
    found = _SEGMENT.fullmatch(end.key)
    if found is None:
        return None
    name = SegmentKey(sequence=int(found["sequence"]), key=end.key, run_id=RunId(found["run_id"]))
    return name, end.segment.encode()


def records(store: ObjectStore) -> Iterator[AuditRecord]:
    """Every record in the order of the chain. ValueError at the first that cannot be read."""
    for name in sorted(segments(store), key=lambda name: (name.sequence, name.key)):
        yield from _records(_content(store, name))


def records_since(store: ObjectStore, day: date) -> Iterator[AuditRecord]:
    """The records of segments filed on `day` or later. ValueError as `records`."""
    names = segments(store, audit_day(day))
    for name in sorted(names, key=lambda name: (name.sequence, name.key)):
        yield from _records(_content(store, name))


def segments_between(store: ObjectStore, first: date, last: date) -> Iterator[SegmentKey]:
    """Segments of runs of these days (UTC), both included, in no order but that of names."""
    for segment in segments(store, audit_day(first)):
        if segment.key >= audit_day(last + timedelta(days=1)):
            return
        yield segment


def records_of(store: ObjectStore, segment: SegmentKey) -> Iterator[AuditRecord]:
    """The records of one segment. ValueError at the first that is not as it was written."""
    return _records(_content(store, segment))


class _Walk:
    """What the next record must be, and what was wrong so far."""

    def __init__(
        self, remembered: Iterable[AuditHead | None], start: ChainStart | None = None
    ) -> None:
        self.problems: list[str] = []
        gone = start.sequence if start else 0
        self._unmet = [head for head in remembered if head is not None and head.sequence >= gone]
        """Records that somebody remembers, as long as they have not been met."""
        self._start = start
        self._unsaid = start
        """What was purged, as long as no record has been met that tells of it."""
        self._expected = start.sequence + 1 if start else 1
        if start:
            self._met(start.sequence, start.digest)
        self._previous: str | None = start.digest if start else GENESIS
        """None after a record that cannot be read: nobody knows its digest."""

    def segment(self, name: SegmentKey, content: bytes) -> None:
        """Its records, one by one."""
        lines = content.splitlines(keepends=True)
        if not lines:
            self.problems.append(f"{name.key}: the segment is empty")
            return
        if self._start is not None and name.sequence <= self._start.sequence:
            self._left_behind(name, lines)
            return
        if name.key != _rightful(name, lines[0]):
            self.problems.append(f"{name.key} line 1: the segment was moved to another day")
        for number, line in enumerate(lines, start=1):
            where = f"{name.key} line {number}"
            try:
                record = _record(line)
            except ValueError as error:
                self.problems.append(f"{where}: record {self._expected} was altered: {error}")
                self._previous = None
                self._expected += 1
                continue
            self._record(where, record)
            if record.run_id != name.run_id or (number == 1 and record.seq != name.sequence):
                self.problems.append(
                    f"{where}: record {record.seq} was moved here from another segment"
                )

    def _left_behind(self, name: SegmentKey, lines: list[bytes]) -> None:
        """Purged, and yet there (a stop, Object Lock): each record is looked at by itself."""
        for number, line in enumerate(lines, start=1):
            try:
                _record(line)
            except ValueError as error:
                self.problems.append(f"{name.key} line {number}: a record was altered: {error}")

    def _record(self, where: str, record: AuditRecord) -> None:
        if self._unsaid is not None and self._unsaid.is_told_by(record.event, record.data):
            self._unsaid = None
        if record.seq > self._expected:
            self.problems.append(
                f"{where}: records {self._expected} to {record.seq - 1} are missing"
            )
        elif record.seq < self._expected:
            self.problems.append(f"{where}: record {record.seq} stands twice or out of order")
        elif self._previous not in (None, record.previous):
            problem = "does not follow the record before it: one of the two was altered"
            self.problems.append(f"{where}: record {record.seq} {problem}")
        self._met(record.seq, record.digest)
        self._previous, self._expected = record.digest, record.seq + 1

    def end(self) -> None:
        """What the state remembers must have been met, and so must the record of a purge."""
        if self._unsaid is not None:
            what = f"the log is said to begin behind record {self._unsaid.sequence}"
            self.problems.append(f"{AUDIT_START}: {what}, and no record tells of such a purge")
        for head in self._unmet[-1:]:
            number = head.sequence
            if self._expected <= number:
                missing = f"records {self._expected} to {number} are missing at the end"
                self.problems.append(f"{AUDIT}: {missing}: the storage remembers them")
            else:
                self.problems.append(
                    f"{AUDIT}: record {number} is not the one that the storage remembers"
                )

    def _met(self, number: int, digest: str) -> None:
        self._unmet = [h for h in self._unmet if (h.sequence, h.digest) != (number, digest)]


def segments(store: ObjectStore, start_after: str = "") -> Iterator[SegmentKey]:
    """By their names alone, in the order of their keys; what is no segment is passed over."""
    for row in store.list(AUDIT, start_after=start_after):
        if found := _SEGMENT.fullmatch(row.key):
            yield SegmentKey(
                sequence=int(found["sequence"]), key=row.key, run_id=RunId(found["run_id"])
            )


def _rightful(name: SegmentKey, line: bytes) -> str:
    """Where the segment was written: below the run's own date, else its first record's."""
    day = day_of(name.run_id)
    if day is None:
        try:
            day = _record(line).at.date()
        except ValueError:
            return name.key  # its first record is complained of already
    return audit_key(day, name.run_id, name.sequence)


def _content(store: ObjectStore, name: SegmentKey) -> bytes:
    found = store.get(name.key)
    return found.content if found else b""


def last_record(content: bytes) -> AuditRecord:
    """Of a segment. ValueError if a record cannot be read, IndexError if there is none."""
    return list(_records(content))[-1]


def _records(content: bytes) -> Iterator[AuditRecord]:
    return map(_record, content.splitlines(keepends=True))


def _record(line: bytes) -> AuditRecord:
    """ValueError unless the line is exactly what was written."""
    fields = parse(line)
    record = from_json(AuditRecord, fields)
    if canonical(fields) + b"\n" != line:
        raise ValueError("the line is not in the form in which Keyreeve writes")
    del fields["digest"]
    if digest(fields) != record.digest:
        raise ValueError(f"record {record.seq} does not match its digest")
    return record


def day_of(run_id: str) -> date | None:
    """The date with which a run id begins; None for ids of another making."""
    try:
        return date.fromisoformat(run_id[:8])
    except ValueError:
        return None
