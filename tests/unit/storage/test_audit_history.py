from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from tests.fakes.memory_store import MemoryStore

from keyreeve.model.errors import StateUnreadable
from keyreeve.storage import audit_history
from keyreeve.storage.audit_history import StoredAuditHistory
from keyreeve.storage.audit_log import StoredAuditLog

DECEMBER = date(2025, 12, 1), date(2025, 12, 31)
TODAY = date(2026, 1, 5)


def run(store, day, *events):
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    log = StoredAuditLog(store, run_id=f"{at:%Y%m%dT%H%M%SZ}-000a")
    for event in events:
        log.append(event, at, {"n": 1})
    log.flush()


@pytest.fixture
def store():
    """A run on each of some days, the last two of this month."""
    found = MemoryStore()
    for day in (
        date(2025, 11, 29),
        date(2025, 11, 30),
        date(2025, 12, 1),
        date(2025, 12, 31),
        date(2026, 1, 2),
        TODAY,
    ):
        run(found, day, f"one {day}", f"two {day}")
    return found


def told(store, first, last, today=TODAY):
    return [entry.event for entry in StoredAuditHistory(store).entries(first, last, today)]


def test_the_months_are_read_with_the_day_before_and_all_runs_since(store):
    days = ["2025-11-30", "2025-12-01", "2025-12-31", "2026-01-02", "2026-01-05"]
    assert told(store, *DECEMBER) == [f"{word} {day}" for day in days for word in ("one", "two")]


def test_what_no_run_wrote_in_is_not_read_at_all(store, monkeypatch):
    monkeypatch.setattr(store, "get", pytest.fail)
    assert told(store, date(2025, 9, 1), date(2025, 10, 31), date(2025, 11, 20)) == []


def test_a_young_project_has_no_months_and_costs_one_listing(monkeypatch):
    store = MemoryStore()
    run(store, TODAY, "first")
    monkeypatch.setattr(store, "get", pytest.fail)
    assert told(store, *DECEMBER) == []


def test_an_altered_record_is_not_counted_but_named(store):
    (key,) = [row.key for row in store.list("audit/2025/12/31")]
    content = store.get(key).content
    store.put(key, content.replace(b'"n":1', b'"n":2', 1))
    with pytest.raises(StateUnreadable, match="does not match its digest") as caught:
        told(store, *DECEMBER)
    assert key in caught.value.where


def test_too_many_segments_are_refused_before_any_is_read(store, monkeypatch):
    monkeypatch.setattr(audit_history, "MOST", 4)
    monkeypatch.setattr(store, "get", pytest.fail)
    with pytest.raises(StateUnreadable, match="5 segments"):
        told(store, *DECEMBER)


def test_a_segment_that_is_gone_makes_no_month_that_looks_like_a_quiet_one(store):
    (key,) = [row.key for row in store.list("audit/2025/12/31")]
    store.delete(key)
    with pytest.raises(StateUnreadable, match="record 9 of the audit log does not follow record 6"):
        told(store, *DECEMBER)


def test_a_run_whose_clock_stood_wrong_is_not_missing(store):
    run(store, date(2024, 1, 1), "long ago")
    run(store, date(2026, 1, 4), "right again")
    assert told(store, *DECEMBER)[-1] == "right again"
