"""usage.json: read back as it was written, and nothing at all where it cannot be believed."""

from __future__ import annotations

import pytest
from tests.builders import KEY_1, KEY_3, NOW, reading, used
from tests.fakes.key_usage import ToldUsage
from tests.fakes.memory_store import MemoryStore

from keyreeve.model.errors import StorageUnreachable
from keyreeve.model.snapshot import Absent, CollectionGap
from keyreeve.model.usage import KeyCalls
from keyreeve.pipeline.usage import UsageTools, keep_usage
from keyreeve.storage.layout import USAGE
from keyreeve.storage.usage import StoredUsage

CALLS = KeyCalls(
    event="sts.amazonaws.com:GetCallerIdentity",
    source="203.0.113.9",
    agent="aws-cli/2.15.30",
    region="us-east-1",
    count=3,
    last=NOW,
)
READING = reading(
    9,
    used(KEY_1, 8.5, service="sts", calls=(CALLS,), calls_since=NOW, calls_until=NOW),
    used(KEY_3),
    unread=(CollectionGap(step="iam:GetAccessKeyLastUsed", reason="denied"),),
)


def test_a_reading_comes_back_as_it_was_kept_never_used_included():
    store = MemoryStore()
    assert StoredUsage(store).recall() is None
    StoredUsage(store).keep(READING)
    assert StoredUsage(store).recall() == READING
    assert READING.keys[KEY_3].last_used is Absent.NEVER
    StoredUsage(store).keep(reading(10))
    assert StoredUsage(store).recall() == reading(10)


@pytest.mark.parametrize("alter", [b"", b"{}", b"no json", b"\xff", None])
def test_what_cannot_be_believed_is_said_and_written_anew(alter):
    store = MemoryStore()
    StoredUsage(store).keep(READING)
    content = store.get(USAGE).content
    store.put(USAGE, content.replace(b"203.0", b"204.0") if alter is None else alter)
    with pytest.raises(StorageUnreachable, match="cannot be believed"):
        StoredUsage(store).recall()
    tools = UsageTools(reader=ToldUsage(), kept=StoredUsage(store))
    (gap,) = keep_usage(tools, reading(10))
    assert (gap.step, "cannot be believed" in gap.reason) == ("usage.json", True)
    assert keep_usage(tools, reading(11)) == ()
    assert StoredUsage(store).recall() == reading(10)
