from __future__ import annotations

import json

import pytest
from tests.builders import RUN
from tests.fakes.memory_store import MemoryStore

from keyreeve.model.errors import StateUnreadable
from keyreeve.storage.run_records import StoredRunRecords

KEY = f"runs/{RUN}/run.json"


def records(content: bytes | None):
    store = MemoryStore()
    if content is not None:
        store.put(KEY, content)
    return StoredRunRecords(store)


@pytest.mark.parametrize(
    ("kinds", "failures"),
    [([], 0), (["done", "deferred", "refused"], 0), (["failed", "done", "failed"], 2)],
)
def test_failed_outcomes_are_counted_and_no_others(kinds, failures):
    document = {"outcomes": [{"kind": kind} for kind in kinds]}
    assert records(json.dumps(document).encode()).failures(RUN) == failures


def test_a_run_that_left_no_record_is_not_one_without_failures():
    assert records(None).failures(RUN) is None


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"outcomes": [{"kind": "blue"}]}', b'{"outcomes": 5}']
)
def test_a_broken_record_is_named(content):
    with pytest.raises(StateUnreadable, match="cannot be read") as caught:
        records(content).failures(RUN)
    assert KEY in caught.value.where
