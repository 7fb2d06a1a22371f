"""What was replaced or deleted in the storage is found by what the audit log tells of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.unit.storage.test_audit_log import AT, RUNS, log

from keyreeve.codec.seal import content_digest
from keyreeve.storage.audit_check import walk
from keyreeve.storage.told_files import lying, missing, replaced

RECORD = f"runs/{RUNS[0]}/run.json"
DAY = date.fromisoformat(RUNS[0][:8])


def problems(store: MemoryStore) -> list[str]:
    walked = walk(store)
    keys = lying(store, walked.kept)
    return [*replaced(store, keys, walked.kept), *missing(keys, walked)]


def told_of(kept: object, content: bytes = b"what happened", key: str = RECORD) -> MemoryStore:
    store = MemoryStore()
    store.put(key, content)
    writer = log(store)
    writer.append("run.finished", AT, {"kept": kept})
    writer.flush()
    return store


def test_one_that_is_as_it_was_kept_is_sound_and_one_that_was_replaced_is_named():
    store = told_of({RECORD: content_digest(b"what happened")})
    assert lying(store, walk(store).kept) == [RECORD]
    assert problems(store) == []
    store.put(RECORD, b"another story")
    (problem,) = problems(store)
    assert problem.startswith(f"{RECORD}: ")
    assert "replaced" in problem


@pytest.mark.parametrize(
    ("told", "missed"),
    [
        ({}, True),
        ({"runs_before": None}, True),
        ({"runs_before": DAY.isoformat()}, True),
        ({"runs_before": (DAY + timedelta(days=1)).isoformat()}, False),
    ],
)
def test_a_record_that_is_gone_is_missed_unless_a_purge_tells_of_it(
    told: dict[str, object], *, missed: bool
):
    store = told_of({RECORD: content_digest(b"what happened")})
    store.delete(RECORD)
    assert len(problems(store)) == 1
    writer = log(store, RUNS[1])
    writer.append("evidence.purged", AT, told)
    writer.append("evidence.purged", AT, {"runs_before": "2020-01-01"})
    writer.flush()
    assert len(problems(store)) == missed


def test_the_newest_record_of_a_file_counts():
    store = told_of({RECORD: content_digest(b"before")})
    writer = log(store, RUNS[1])
    writer.append("run.finished", AT, {"kept": {RECORD: content_digest(b"what happened")}})
    writer.flush()
    assert problems(store) == []


@pytest.mark.parametrize("value", [None, 1, [], {"a": "b"}, "", "0" * 64])
def test_a_digest_of_any_shape_is_no_digest_of_the_file(value: object):
    assert len(problems(told_of({RECORD: value}))) == 1


@pytest.mark.parametrize("kept", [None, 1, "x", [RECORD], {}])
def test_what_is_no_table_of_digests_tells_nothing(kept: object):
    assert problems(told_of(kept)) == []


@pytest.mark.parametrize("key", ["credentials/passwords/a/b-1.csv", "state.json", "mails/1.eml"])
def test_nothing_but_records_of_runs_and_reviews_is_read_whatever_the_log_says(key: str):
    store = told_of({key: "0" * 64}, key=key)
    assert lying(store, walk(store).kept) == []
