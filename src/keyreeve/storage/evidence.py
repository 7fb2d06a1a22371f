"""What the storage holds of a period, for an evidence pack. The escrow is not among it.

    collected/YYYY/MM/DD/…   credential reports      mails/YYYY/MM/DD/…      mails without secrets
    runs/{run_id}/run.json   findings, acts          feedback/YYYY/MM/DD/…   mails that came back
    audit/YYYY/MM/DD/…       segments, whole         reviews/…               all of them
    waivers.json · holds.json · pause.json           as they stand now

A segment, like a run, belongs to the day with which its run's id begins.  Between the first and
the last segment of a period none is left out, whatever its day: the chain has no gap.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from keyreeve.codec.evidence_pack import told_by
from keyreeve.codec.seal import seal, unseal
from keyreeve.codec.verify_pack import unlike
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable, StorageConflict
from keyreeve.model.evidence import AuditPart, ChainPlace, Kept, Period
from keyreeve.ports import ObjectStore
from keyreeve.storage import audit_log, audit_records, chain_start
from keyreeve.storage.audit_records import SegmentKey, day_of
from keyreeve.storage.chain_start import files_purged_before
from keyreeve.storage.layout import (
    COLLECTED,
    FEEDBACK,
    HOLDS,
    MAILS,
    PAUSE,
    REVIEWS,
    RUNS,
    SALT,
    WAIVERS,
)

BY_DAY = {COLLECTED: "collected/", MAILS: "mails/", FEEDBACK: "mail-feedback/"}
"""Folders by day, and what they are called in a pack."""
DECISIONS = (WAIVERS, HOLDS, PAUSE)
_DAY = re.compile(r"(\d{4})/(\d\d)/(\d\d)/.")
_OUTSIDE = re.compile(r"(^|/)\.{0,2}(/|$)|[\\\0]")
_SALT_BYTES = 32


class StoredEvidence:
    """ports.evidence.EvidenceShelf."""

    def __init__(self, store: ObjectStore, head: AuditHead | None = None) -> None:
        self._store = store
        self._head = head
        """The end of the audit log that the state remembers; None: no state can be read."""

    def kept(self, period: Period) -> Kept:
        """Everything of the period. StateUnreadable if an object vanishes under our hands."""
        files = {name: self._read(key) for key, name in self._names(period)}
        audit = self._audit(period)
        gone = {name: known for name, known in told_by(audit).items() if name not in files}
        if any(unlike({}, gone, (period.first.isoformat(), period.last.isoformat()))):
            audit = replace(audit, files_purged_before=self._files_purged_before())
        return Kept(files=dict(sorted(files.items())), audit=audit)

    def salt(self) -> bytes:
        """Made at its first use. StateUnreadable if it was altered: packs would not agree."""
        found = self._store.get(SALT)
        if found is None:
            made = seal({"salt": secrets.token_hex(_SALT_BYTES)})
            try:
                self._store.put(SALT, made, if_absent=True)
            except StorageConflict:
                return self.salt()  # somebody else was faster
            return self.salt()
        try:
            return bytes.fromhex(str(unseal(found.content)["salt"]))
        except (KeyError, ValueError) as error:
            raise StateUnreadable(
                f"it is no salt: {error}",
                where=f"{self._store.describe()}/{SALT}",
                remedy="Put its first version back: with another salt, pseudonyms are not those "
                "of the packs before.",
            ) from error

    def _names(self, period: Period) -> Iterator[tuple[str, str]]:
        """Keys, and their names in the pack."""
        for folder, called in BY_DAY.items():
            for key in self._listed(folder, _path(period.first), _path(_after(period))):
                day = day_in(key.removeprefix(folder))
                if day is not None and period.holds(day):
                    yield key, called + key.removeprefix(folder)
        for key in self._listed(RUNS, f"{period.first:%Y%m%d}", f"{_after(period):%Y%m%d}"):
            day = day_of(key.removeprefix(RUNS))
            if day is not None and period.holds(day):
                yield key, key
        for key in self._listed(REVIEWS, "", "\U0010ffff"):
            yield key, key
        for key in DECISIONS:
            if self._store.get(key) is not None:
                yield key, f"decisions/{key}"

    def _listed(self, folder: str, first: str, end: str) -> Iterator[str]:
        """Keys below the folder from `first` on and before `end`."""
        for row in self._store.list(folder, start_after=folder + first if first else ""):
            if row.key >= folder + end:
                return
            if not _OUTSIDE.search(row.key):
                yield row.key

    def _read(self, key: str) -> bytes:
        found = self._store.get(key)
        if found is None:
            raise StateUnreadable(
                "it vanished while it was read", where=key, remedy="Export again."
            )
        return found.content

    def _audit(self, period: Period) -> AuditPart:
        """Whole segments, and one line on either side."""
        newest, unwritten = audit_log.remembered(self._store, self._head)
        start = chain_start.read(self._store)
        gone = start.sequence if start else 0
        listed = [*audit_records.segments(self._store), *([unwritten[0]] if unwritten else [])]
        names = sorted(
            {name.key: name for name in listed if name.sequence > gone}.values(),
            key=lambda name: (name.sequence, name.key),
        )
        claimed = {unwritten[0].key: unwritten[1]} if unwritten else {}
        places = [at for at, name in enumerate(names) if _is_of(name, period)]
        if places:
            first, end = places[0], places[-1] + 1
        else:  # the neighbours alone: they show that nothing lies between them
            earlier = [at for at, name in enumerate(names) if _is_before(name, period)]
            first = end = earlier[-1] + 1 if earlier else 0
        before = names[first - 1] if first else None
        after = names[end] if end < len(names) else None
        return AuditPart(
            segments={name.key: self._segment(name, claimed) for name in names[first:end]},
            before=self._lines(before, claimed)[-1] if before else None,
            after=self._lines(after, claimed)[0] if after else None,
            newest=ChainPlace(seq=newest.sequence, digest=newest.digest)
            if newest and after is None and newest.sequence > gone
            else None,
            purged=ChainPlace(seq=start.sequence, digest=start.digest)
            if start and before is None
            else None,
        )

    def _files_purged_before(self) -> date | None:
        """As the record of the latest purge tells, over the whole log."""
        days: list[date] = []
        for name in audit_records.segments(self._store):
            for line in audit_records.content_of(self._store, name).splitlines(keepends=True):
                with suppress(ValueError):  # `state verify` names what was altered
                    record = audit_records.record_of(line)
                    days += filter(None, [files_purged_before(record.event, record.data)])
        return max(days, default=None)

    def _lines(self, name: SegmentKey, claimed: Mapping[str, bytes]) -> list[bytes]:
        return self._segment(name, claimed).splitlines(keepends=True) or [b""]

    def _segment(self, name: SegmentKey, claimed: Mapping[str, bytes]) -> bytes:
        """As it lies there; what a stop has left within its claim, as the next run writes it."""
        return claimed[name.key] if name.key in claimed else self._read(name.key)


def _is_of(name: SegmentKey, period: Period) -> bool:
    day = segment_day(name)
    return day is not None and period.holds(day)


def _is_before(name: SegmentKey, period: Period) -> bool:
    day = segment_day(name)
    return day is not None and day < period.first


def segment_day(name: SegmentKey) -> date | None:
    """The day in a segment's key."""
    return day_in(name.key.partition("/")[2])


def day_in(path: str) -> date | None:
    """The day with which a path begins, `YYYY/MM/DD/…`; None: it is of another making."""
    found = _DAY.match(path)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _after(period: Period) -> date:
    return period.last + timedelta(days=1)


def _path(day: date) -> str:
    return f"{day:%Y/%m/%d}/"
