from __future__ import annotations

from datetime import date

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.unit.storage.test_retention import at, ended, run_id, storage

from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.evidence import Period
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.evidence import StoredEvidence
from keyreeve.storage.layout import AUDIT_END, SALT


def period(first: int, last: int) -> Period:
    return Period(first=at(first).date(), last=at(last).date())


class Guarded(MemoryStore):
    """Nobody reads or lists the escrow."""

    def get(self, key: str):
        assert not key.startswith("credentials/")
        return super().get(key)

    def list(self, prefix: str, *, start_after: str = ""):
        assert "credentials/".startswith(prefix) is False
        return super().list(prefix, start_after=start_after)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (3, 5), (9, 9)])
def test_a_period_holds_its_days_both_included_and_nothing_else(first: int, last: int):
    kept = StoredEvidence(storage()).kept(period(first, last))
    expected = set()
    for day in range(first, last + 1):
        path = f"{at(day):%Y/%m/%d}"
        expected |= {
            f"collected/{path}/credential-report-060000Z.csv",
            f"mails/{path}/{run_id(day)}/00001-notice-u.eml",
            f"mail-feedback/{path}/060000-00.json",
            f"runs/{run_id(day)}/run.json",
        }
    assert set(kept.files) == expected
    sequences = [key[-12:-6] for key in kept.audit.segments]
    numbers = [n for day in range(first, last + 1) for n in (day * 3 + 1, day * 3 + 3)]
    assert sequences == [f"{n:06d}" for n in numbers]
    assert (kept.audit.before is None) == (first == 0)
    assert (kept.audit.after is None) == (last == 9)


def test_the_escrow_is_neither_read_nor_listed():
    store = storage()
    store.__class__ = Guarded
    assert StoredEvidence(store).kept(period(0, 9)).files


def test_the_neighbours_are_the_records_next_to_the_period():
    audit = StoredEvidence(storage()).kept(period(3, 5)).audit
    assert b'"seq":9}' in audit.before
    assert b'"seq":19}' in audit.after
    assert audit.before.count(b"\n") == audit.after.count(b"\n") == 1


def test_a_period_in_which_nothing_ran_shows_that_its_neighbours_follow_each_other():
    store = storage(3)
    log = StoredAuditLog(store, run_id=run_id(8))
    log.append("act", at(8), {})
    log.flush()
    audit = StoredEvidence(store).kept(period(4, 6)).audit
    assert (dict(audit.segments), b'"seq":9}' in audit.before) == ({}, True)
    assert b'"seq":10}' in audit.after


def test_a_segment_of_another_day_in_the_midst_is_not_left_out():
    """A run that began before midnight wrote once more after others had."""
    store = storage(2)
    for day, number in ((2, 0), (0, 7), (2, 7)):
        log = StoredAuditLog(store, run_id=f"{at(day):%Y%m%dT%H%M%SZ}-{number:04x}")
        log.append("act", at(day), {})
        log.flush()
    audit = StoredEvidence(store).kept(period(2, 2)).audit
    assert [int(key[-12:-6]) for key in audit.segments] == [7, 8, 9]


def test_decisions_and_reviews_are_taken_as_they_stand():
    store = storage(1)
    store.put("waivers.json", b'{"waivers": []}')
    store.put("reviews/q1/answers.json", b"{}")
    files = StoredEvidence(store).kept(period(0, 0)).files
    assert files["decisions/waivers.json"] == b'{"waivers": []}'
    assert "reviews/q1/answers.json" in files
    assert "decisions/pause.json" not in files


def test_names_that_lead_outside_are_left_where_they_are():
    store = storage(1)
    store.put("mails/2026/01/01/../../../x", b"")
    store.put("reviews//x", b"")
    files = StoredEvidence(store).kept(period(0, 0)).files
    assert not any(".." in name or "//" in name for name in files)


def test_behind_a_purge_the_period_begins_where_the_log_does():
    store = storage(6)
    ended(store, 0, 3)
    audit = StoredEvidence(store).kept(period(0, 4)).audit
    assert (audit.before, audit.purged.seq) == (None, 9)
    later = StoredEvidence(store).kept(period(4, 4)).audit
    assert (later.before is not None, later.purged) == (True, None)


def test_where_nothing_stands_after_the_period_what_the_storage_remembers_stands_for_it():
    store = storage(3)
    newest = StoredEvidence(store).kept(period(0, 2)).audit.newest
    assert newest is not None
    assert newest.seq == 9
    assert StoredEvidence(store).kept(period(0, 1)).audit.newest is None
    for row in list(store.list("audit/")):
        store.delete(row.key)
    assert StoredEvidence(store).kept(period(0, 2)).audit.newest == newest
    store.delete(AUDIT_END)
    head = AuditHead(run_id=run_id(2), segment=9, sequence=9, digest=newest.digest)
    gone = StoredEvidence(store, head).kept(period(0, 2)).audit
    assert (dict(gone.segments), gone.newest) == ({}, newest)


def test_a_segment_that_a_stop_left_within_its_claim_is_in_the_pack_as_the_next_run_writes_it():
    store = storage(3)
    whole = StoredEvidence(store).kept(period(0, 2)).audit
    store.delete(max(whole.segments))
    assert StoredEvidence(store).kept(period(0, 2)).audit == whole


def test_the_salt_is_made_once_and_kept():
    store = MemoryStore()
    salt = StoredEvidence(store).salt()
    assert (len(salt), StoredEvidence(store).salt()) == (32, salt)
    assert StoredEvidence(MemoryStore()).salt() != salt
    store.put(SALT, store.get(SALT).content.replace(b"a", b"b"))
    with pytest.raises(StateUnreadable, match="no salt"):
        StoredEvidence(store).salt()


def test_a_salt_that_somebody_else_made_meanwhile_is_taken():
    store = MemoryStore()

    class Late(MemoryStore):
        def put(self, key, content, **conditions):
            StoredEvidence(store).salt()
            return store.put(key, content, **conditions)

        def get(self, key):
            return store.get(key)

    assert StoredEvidence(Late()).salt() == StoredEvidence(store).salt()


def test_days_at_the_ends_of_time_are_days():
    whole = Period(first=date.min, last=date(9999, 12, 30))
    assert len(StoredEvidence(storage(2)).kept(whole).audit.segments) == 4


def test_a_record_that_cannot_be_read_hides_no_purge():
    store = storage(6)
    log = StoredAuditLog(store, run_id=run_id(5))
    told = f"runs/{run_id(3)}/run.json"
    log.append("run.ended", at(5), {"kept": {told: "0" * 64}})
    log.flush()
    ended(store, 5, 0)
    row = next(iter(store.list("audit/2026/01/01/")))
    store.put(row.key, store.get(row.key).content.replace(b"run.started", b"run.startet"))
    assert StoredEvidence(store).kept(period(3, 5)).audit.files_purged_before == at(5).date()
