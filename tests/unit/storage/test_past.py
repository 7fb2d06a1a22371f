from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.fakes.memory_store import MemoryStore

from keyreeve.model.case import AuditHead
from keyreeve.model.identifiers import RunId
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.past import StoredPast

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)


def run_document(day: int, hour: int = 6, **changes):
    at = NOW.replace(hour=hour) + timedelta(days=day)
    usual = {
        "run_id": f"{at:%Y%m%dT%H%M%SZ}-0001",
        "as_of": at.isoformat(),
        "on": at.date().isoformat(),
        "exit_code": 0,
        "findings": [{"control": "console_mfa", "user_id": "AIDA1", "user_name": "ann"}],
        "outcomes": [
            {"kind": "done", "effect_kind": "send_notice"},
            {"kind": "done", "effect_kind": "send_notice"},
            {"kind": "rehearsed", "effect_kind": "send_notice"},
            {"kind": "failed", "effect_kind": "send_closing"},
        ],
        "held": [{}, {}],
        "refusal": None,
    }
    return usual | changes


def keep(store, document):
    key = f"runs/{document['run_id']}/run.json"
    store.put(key, json.dumps(document).encode())
    return key


def test_a_run_is_read_back_as_counts():
    store = MemoryStore()
    keep(store, run_document(0))
    (run,) = StoredPast(store).runs(date(2026, 1, 1))
    assert (run.on, run.as_of, run.exit_code) == (date(2026, 1, 5), NOW, 0)
    assert [(f.control, f.user) for f in run.findings] == [("console_mfa", "AIDA1")]
    assert (run.outcomes, run.failed, run.held, run.refused) == ({"send_notice": 2}, 1, 2, False)


def test_every_run_of_a_day_is_read_for_each_did_something():
    store = MemoryStore()
    keep(store, run_document(0, hour=6))
    keep(store, run_document(0, hour=9, exit_code=1))
    keep(store, run_document(1))
    runs = StoredPast(store).runs(date(2026, 1, 1))
    assert [(run.on.day, run.exit_code) for run in runs] == [(5, 0), (5, 1), (6, 0)]


def test_two_days_of_the_project_may_begin_on_one_day_in_utc():
    store = MemoryStore()
    keep(store, run_document(0, hour=0, on="2026-01-05"))
    keep(store, run_document(0, hour=23, on="2026-01-06"))
    assert [run.on.day for run in StoredPast(store).runs(date(2026, 1, 1))] == [5, 6]


@pytest.mark.parametrize(("said", "judged"), [({}, True), ({"account_readable": False}, False)])
def test_whether_a_run_could_judge_the_account_is_read_back(said, judged):
    store = MemoryStore()
    keep(store, run_document(0, **said))
    assert [run.judged for run in StoredPast(store).runs(date(2026, 1, 1))] == [judged]


def test_runs_before_the_first_day_are_not_even_listed():
    store = MemoryStore()
    for day in (0, 1, 2):
        keep(store, run_document(day))
    assert [run.on.day for run in StoredPast(store).runs(date(2026, 1, 6))] == [6, 7]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"run_id": "x"}', json.dumps(run_document(0, outcomes=3)).encode()],
)
def test_a_record_of_a_run_that_cannot_be_read_is_left_out(content):
    store = MemoryStore()
    store.put(keep(store, run_document(0)), content)
    keep(store, run_document(1))
    assert [run.on.day for run in StoredPast(store).runs(date(2026, 1, 1))] == [6]


def log(store, day: int, *events: str) -> AuditHead | None:
    at = NOW + timedelta(days=day)
    chain = StoredAuditLog(store, run_id=RunId(f"{at:%Y%m%dT%H%M%SZ}-0001"))
    for event in events:
        chain.append(event, at, {"event": event})
    return chain.flush()


def test_the_audit_log_is_read_from_its_day_on_in_order():
    store = MemoryStore()
    log(store, 0, "a", "b")
    log(store, 1, "c")
    past = StoredPast(store)
    assert [r.event for r in past.trail(date(2026, 1, 1)).records] == ["a", "b", "c"]
    late = past.trail(date(2026, 1, 6))
    assert [(r.seq, r.event, r.data) for r in late.records] == [(3, "c", {"event": "c"})]
    assert (late.since, late.problem) == (date(2026, 1, 6), None)
    whole = past.trail(date(2026, 1, 1)).records
    assert [r.previous for r in whole[1:]] == [r.digest for r in whole[:-1]]


def test_what_stands_before_an_altered_record_is_kept_and_the_rest_is_named():
    store = MemoryStore()
    log(store, 0, "a")
    head = log(store, 1, "b")
    key = next(row.key for row in store.list("audit/2026/01/06/"))
    store.put(key, store.get(key).content.replace(b'"b"', b'"x"'))
    trail = StoredPast(store).trail(date(2026, 1, 1))
    assert [r.event for r in trail.records] == ["a"]
    assert head is not None
    assert trail.problem is not None
    assert trail.problem.startswith("after record 1: record 2 does not match its digest")


@pytest.mark.parametrize("gone", ["2026/01/05", "2026/01/06", "2026/01/07", "2026"])
def test_a_report_does_not_call_a_log_whole_whose_newest_records_are_gone(gone: str):
    store = MemoryStore()
    log(store, 0, "a")
    head = log(store, 1, "b")
    log(store, 2, "people.paused")
    since = date(2026, 1, 1)
    assert StoredPast(store).trail(since, head).problem is None
    for row in list(store.list(f"audit/{gone}")):
        store.delete(row.key)
    told = StoredPast(store).trail(since, head)
    if gone == "2026/01/07":  # its claim still holds it, and the next run writes it
        assert told.problem is None
    elif gone == "2026/01/05":  # nothing is missing at the end; what is before it, the chain tells
        assert (told.problem, told.records[0].seq) == (None, 2)
    else:
        assert told.problem == "record 2 is missing at its end"


def test_a_log_older_than_the_days_of_the_report_is_not_missed():
    store = MemoryStore()
    head = log(store, 0, "a")
    assert StoredPast(store).trail(date(2026, 1, 6), head).problem is None


def test_a_project_without_a_past_has_none():
    past = StoredPast(MemoryStore())
    assert past.runs(date(2026, 1, 1)) == ()
    assert past.trail(date(2026, 1, 1)).records == ()
