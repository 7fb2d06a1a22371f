"""The records of the audit log, and the segments in which they lie below `audit/`: reading alone.

One record is one line of canonical JSON:

    {seq, at, run_id, event, data, previous, digest}

`seq` counts from 1 over the whole chain, `previous` is the digest of record seq − 1 (64 zeros
before the first), `digest` is the SHA-256 of the canonical JSON of the record without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from keyreeve.codec.seal import canonical, digest, parse
from keyreeve.codec.values import from_json
from keyreeve.model.identifiers import RunId
from keyreeve.model.past import AuditedRecord
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import AUDIT, audit_day

GENESIS = "0" * 64
"""What the first record names as the digest before it."""

_SEGMENT = re.compile(r"audit/\d{4}/\d\d/\d\d/(?P<run_id>[^/]+)/(?P<sequence>\d{6,})\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentKey:
    """What the name of a segment tells."""

    sequence: int
    key: str
    run_id: RunId


def records(store: ObjectStore) -> Iterator[AuditedRecord]:
    """Every record in the order of the chain. ValueError at the first that cannot be read."""
    for name in sorted(segments(store), key=lambda name: (name.sequence, name.key)):
        yield from records_in(content_of(store, name))


def records_since(store: ObjectStore, day: date) -> Iterator[AuditedRecord]:
    """The records of segments filed on `day` or later. ValueError as `records`."""
    names = segments(store, audit_day(day))
    for name in sorted(names, key=lambda name: (name.sequence, name.key)):
        yield from records_in(content_of(store, name))


def segments_between(store: ObjectStore, first: date, last: date) -> Iterator[SegmentKey]:
    """Segments of runs of these days (UTC), both included, in no order but that of names."""
    for segment in segments(store, audit_day(first)):
        if segment.key >= audit_day(last + timedelta(days=1)):
            return
        yield segment


def records_of(store: ObjectStore, segment: SegmentKey) -> Iterator[AuditedRecord]:
    """The records of one segment. ValueError at the first that is not as it was written."""
    return records_in(content_of(store, segment))


def segments(store: ObjectStore, start_after: str = "") -> Iterator[SegmentKey]:
    """By their names alone, in the order of their keys; what is no segment is passed over."""
    for row in store.list(AUDIT, start_after=start_after):
        if name := segment_key(row.key):
            yield name


def segment_key(key: str) -> SegmentKey | None:
    """None: it is no segment's."""
    found = _SEGMENT.fullmatch(key)
    if found is None:
        return None
    return SegmentKey(sequence=int(found["sequence"]), key=key, run_id=RunId(found["run_id"]))


def content_of(store: ObjectStore, name: SegmentKey) -> bytes:
    """Empty for one that is gone."""
    found = store.get(name.key)
    return found.content if found else b""


def last_record(content: bytes) -> AuditedRecord:
    """Of a segment. ValueError if a record cannot be read, IndexError if there is none."""
    return list(records_in(content))[-1]


def records_in(content: bytes) -> Iterator[AuditedRecord]:
    """Of a segment, in order. ValueError at the first that is not as it was written."""
    return map(record_of, content.splitlines(keepends=True))


def record_of(line: bytes) -> AuditedRecord:
    """ValueError unless the line is exactly what was written."""
    fields = parse(line)
    record = from_json(AuditedRecord, fields)
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
