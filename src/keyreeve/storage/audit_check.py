"""The whole audit log walked: what was altered, exchanged, cut out or cut off, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from keyreeve.codec.verify_pack import kept_by
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.past import AuditedRecord
from keyreeve.ports import ObjectStore
from keyreeve.storage import audit_records, chain_start
from keyreeve.storage.audit_log import remembered
from keyreeve.storage.audit_records import GENESIS, SegmentKey
from keyreeve.storage.chain_start import ChainStart
from keyreeve.storage.layout import AUDIT, AUDIT_START, audit_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The whole chain, walked."""

    problems: list[str]
    """One sentence per altered, missing or exchanged record, first first."""
    kept: dict[str, object]
    """What the log tells of files, by their keys: the newest SHA-256 of each."""
    files_purged_before: date | None = None
    """Files of earlier days may have been purged, as the log tells; None: none were."""


def verify(store: ObjectStore, head: AuditHead | None = None) -> list[str]:
    """What `walk` finds wrong."""
    return walk(store, head).problems


def walk(store: ObjectStore, head: AuditHead | None = None) -> Walked:
    """Walk the whole chain.

    `head` is what the state remembers. The end that was claimed last is remembered, too: without
    the two, records cut off at the end would not be missed.
    """
    newest, unwritten = remembered(store, head)
    known = [head] if newest == head else [head, newest]
    try:
        way = _Walk(known, chain_start.read(store))
    except StateUnreadable as error:
        way = _Walk(known)
        way.problems.append(f"{AUDIT_START}: {error.what}")
    for row in store.list(AUDIT):
        if audit_records.segment_key(row.key) is None:
            way.problems.append(f"{row.key}: this is no segment of the audit log")
    found = audit_records.segments(store)
    for name in sorted(found, key=lambda name: (name.sequence, name.key)):
        way.segment(name, audit_records.content_of(store, name))
    if unwritten is not None:
        way.segment(*unwritten)
    way.end()
    before = way.files_purged_before
    return Walked(problems=way.problems, kept=way.kept, files_purged_before=before)


class _Walk:
    """What the next record must be, and what was wrong so far."""

    def __init__(
        self, remembered: Iterable[AuditHead | None], start: ChainStart | None = None
    ) -> None:
        self.problems: list[str] = []
        self.kept: dict[str, object] = {}
        self.files_purged_before: date | None = None
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
                record = audit_records.record_of(line)
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
                audit_records.record_of(line)
            except ValueError as error:
                self.problems.append(f"{name.key} line {number}: a record was altered: {error}")

    def _record(self, where: str, record: AuditedRecord) -> None:
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
        self.kept.update(kept_by({"data": record.data}))
        purged = chain_start.files_purged_before(record.event, record.data)
        days = filter(None, (purged, self.files_purged_before))
        self.files_purged_before = max(days, default=None)
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


def _rightful(name: SegmentKey, line: bytes) -> str:
    """Where the segment was written: below the run's own date, else its first record's."""
    day = audit_records.day_of(name.run_id)
    if day is None:
        try:
            day = audit_records.record_of(line).at.date()
        except ValueError:
            return name.key  # its first record is complained of already
    return audit_key(day, name.run_id, name.sequence)
