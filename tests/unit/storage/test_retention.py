from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.fakes.memory_store import MemoryStore, SettableClock
from tests.scenario.peril import Fate, Perilous, Stopped

from keyreeve.codec.seal import seal
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable, StorageLocked
from keyreeve.storage import chain_start
from keyreeve.storage.audit_check import verify
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.audit_records import records
from keyreeve.storage.chain_start import ChainStart
from keyreeve.storage.retention import Purged, expired, purge

START = datetime(2026, 1, 1, 6, tzinfo=UTC)
BY = "arn:aws:iam::123456789012:role/auditor"
TODAY = START + timedelta(days=20)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


def run_id(day: int) -> str:
    return f"{at(day):%Y%m%dT%H%M%SZ}-0000"


def storage(days: int = 10) -> MemoryStore:
    """A run a day: three records in two segments, a report, a mail, a run's record, feedback."""
    store = MemoryStore(SettableClock(START))
    for day in range(days):
        log = StoredAuditLog(store, run_id=run_id(day))
        log.append("run.started", at(day), {"day": day})
        log.append("act", at(day), {})
        log.flush()
        log.append("run.ended", at(day), {})
        log.flush()
        path = f"{at(day):%Y/%m/%d}"
        store.put(f"collected/{path}/credential-report-060000Z.csv", b"user\n")
        store.put(f"mails/{path}/{run_id(day)}/00001-notice-u.eml", b"mail")
        store.put(f"feedback/{path}/060000-00.json", b"{}")
        store.put(f"runs/{run_id(day)}/run.json", b"{}")
    store.put("ops/o1/1-intent.json", b"{}")
    store.put("credentials/access-keys/u/o1-1.csv", b"secret")
    store.put("state.json", b"{}")
    return store


def ended(store, runs: int, audit: int) -> Purged:
    """Everything from before these days of the story."""
    found = expired(store, at(runs).date(), at(audit).date())
    log = StoredAuditLog(store, run_id=f"{TODAY:%Y%m%dT%H%M%SZ}-ffff")
    return purge(store, log, found, at=TODAY, by=BY, check=lambda: None)


def keys(store: MemoryStore) -> list[str]:
    return [row.key for row in store.list("")]


@pytest.mark.parametrize("runs", [0, 1, 5, 10])
@pytest.mark.parametrize("audit", [0, 1, 4, 10, 20])
def test_what_is_older_goes_and_what_is_not_stays(runs: int, audit: int):
    store, untouched = storage(), storage()
    ended(store, runs, audit)
    left = set(keys(store)) & set(keys(untouched))
    days = {day for day in range(10) if f"runs/{run_id(day)}/run.json" in left}
    assert days == set(range(runs, 10))
    for folder in ("mails", "collected", "feedback"):
        found = sorted(key for key in left if key.startswith(f"{folder}/"))
        assert len(found) == 10 - runs
        assert all(key > f"{folder}/{at(runs):%Y/%m/%d}" for key in found)
    assert {"ops/o1/1-intent.json", "credentials/access-keys/u/o1-1.csv", "state.json"} <= left
    assert verify(store) == []
    first = next(records(store))
    assert first.seq == min(audit, 9) * 3 + 1 + (2 if audit > 9 else 0)


def test_the_last_segment_is_never_purged_so_that_the_chain_goes_on():
    store = storage(1)
    ended(store, 10, 10)
    assert [record.event for record in records(store)] == ["run.ended", "evidence.purged"]
    log = StoredAuditLog(store, run_id=run_id(21))
    log.append("act", at(21), {})
    assert log.flush().sequence == 5
    assert verify(store) == []


def test_a_second_purge_goes_on_where_the_first_ended():
    store = storage()
    ended(store, 2, 2)
    ended(store, 5, 5)
    assert chain_start.read(store).sequence == 15
    assert verify(store) == []
    assert expired(store, at(5).date(), at(5).date()).keys == ()


@pytest.mark.parametrize("after", [False, True])
def test_a_stop_at_any_call_leaves_a_log_that_verifies_and_the_next_purge_ends_it(*, after: bool):
    fate = Fate()
    ended(Perilous(storage(4), fate), 2, 2)
    calls = len(fate.calls)
    assert calls > 20
    for number in range(calls):
        store = storage(4)
        with suppress(Stopped):
            ended(Perilous(store, Fate(number, after=after)), 2, 2)
        place = f"call {number} {fate.calls[number]}"
        assert verify(store) == [], place
        ended(store, 2, 2)
        assert verify(store) == [], place
        left = [key for key in keys(store) if "/2026/01/01/" in key or "/20260101" in key]
        assert left == [], place


class Locked(MemoryStore):
    """Object Lock keeps what begins like this."""

    keeps = "audit/2026/01/01/"

    def purge(self, key: str) -> None:
        if key.startswith(self.keeps):
            raise StorageLocked("Access Denied because object protected by object lock.", where=key)
        super().purge(key)


def test_what_object_lock_keeps_is_told_tried_again_and_disturbs_no_verification():
    store = storage(4)
    store.__class__ = Locked
    told = ended(store, 0, 2)
    assert len(told.locked) == 2
    assert verify(store) == []
    assert set(expired(store, at(0).date(), at(2).date()).keys) == set(told.locked)
    store.__class__ = MemoryStore
    assert ended(store, 0, 2).locked == ()
    assert verify(store) == []


def test_what_was_left_behind_is_still_looked_at():
    store = storage(4)
    store.__class__ = Locked
    (kept, *_) = ended(store, 0, 2).locked
    store.put(kept, store.get(kept).content.replace(b"run.started", b"run.startet"))
    (problem,) = verify(store)
    assert kept in problem
    assert "altered" in problem


def test_whoever_moves_the_beginning_by_hand_is_found():
    """The segments before it deleted as well: without the record of a purge nothing explains it."""
    store = storage(4)
    first = [row.key for row in store.list("audit/2026/01/01/")]
    last = list(records(store))[2]
    for key in first:
        store.delete(key)
    chain_start.write(store, ChainStart(sequence=3, digest=last.digest))
    (problem,) = verify(store)
    assert "no record tells of such a purge" in problem


def test_the_record_of_another_purge_does_not_explain_it():
    store = storage(6)
    ended(store, 0, 2)
    for key in [row.key for row in store.list("audit/2026/01/03/")]:
        last = store.get(key)
        store.delete(key)
    sequence, digest = 9, last.content.rsplit(b'"digest":"', 1)[1][:64].decode()
    chain_start.write(store, ChainStart(sequence=sequence, digest=digest))
    assert "no record tells of such a purge" in verify(store)[0]


def test_a_beginning_that_cannot_be_read_is_named_and_purges_nothing():
    store = storage(4)
    store.put("audit-start.json", b"{}")
    assert verify(store)[0].startswith("audit-start.json: ")
    store.put("audit-start.json", seal({"sequence": "3", "digest": ""}))
    before = keys(store)
    with pytest.raises(StateUnreadable, match="where the audit log begins"):
        ended(store, 2, 2)
    assert keys(store) == before


def test_what_the_state_remembers_may_have_been_purged_since():
    store = storage(6)
    remembered = list(records(store))[2]
    head = AuditHead(run_id=run_id(0), segment=3, sequence=3, digest=remembered.digest)
    assert verify(store, head) == []
    ended(store, 0, 1)
    assert verify(store, head) == []
    ended(store, 0, 4)
    assert verify(store, head) == []


def test_nothing_is_purged_beside_a_gap():
    store = storage(6)
    (gone, *_) = [row.key for row in store.list("audit/2026/01/03/")]
    store.delete(gone)
    before = keys(store)
    with pytest.raises(StateUnreadable, match="gap behind record 6"):
        ended(store, 0, 2)
    assert keys(store) == before


def test_reviews_go_by_the_day_of_their_last_change():
    store = storage(1)
    store.put("reviews/2026-q1/answers.json", b"{}")
    assert "reviews/2026-q1/answers.json" not in expired(store, date.min, START.date()).keys
    later = START.date() + timedelta(days=1)
    assert "reviews/2026-q1/answers.json" in expired(store, date.min, later).keys
