from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.data.state.make_state import sample_state
from tests.fakes.memory_store import MemoryStore, SettableClock

from keyreeve.codec.seal import canonical, digest
from keyreeve.model.case import AuditHead, State
from keyreeve.model.errors import StateUnreadable, StorageConflict, StorageUnreachable
from keyreeve.storage.audit_check import verify
from keyreeve.storage.audit_inbox import leave
from keyreeve.storage.audit_log import StoredAuditLog, newest_head
from keyreeve.storage.audit_records import records
from keyreeve.storage.chain_end import claim
from keyreeve.storage.layout import AUDIT_END
from keyreeve.storage.state_store import StoredState

AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
RUNS = ["20260105T060000Z-000a", "20260105T060000Z-000b", "20260106T060000Z-000a"]
FIRST = f"audit/2026/01/05/{RUNS[0]}/000001.jsonl"
FIELDS = ["seq", "at", "run_id", "event", "data", "previous", "digest"]


def log(store: MemoryStore, run_id: str = RUNS[0], head: AuditHead | None = None) -> StoredAuditLog:
    if head is None:
        return StoredAuditLog(store, run_id=run_id)
    state = StoredState(
        store, project="ETV", account_id="123456789012", run_id=run_id, clock=SettableClock()
    )
    store.delete("state.json")
    state.save(replace(sample_state(), audit_head=head))
    state.load()
    return StoredAuditLog(store, run_id=run_id, state=state)


def chain() -> tuple[MemoryStore, AuditHead]:
    """Three runs, two of the same second in the wrong order of names; 9 records, 5 segments."""
    store = MemoryStore()
    head = None
    for run_id, segments in ((RUNS[1], (2, 1)), (RUNS[0], (3,)), (RUNS[2], (1, 2))):
        writer = log(store, run_id)
        for size in segments:
            for number in range(size):
                writer.append("act", AT, {"user": f"zoë-{number}", "n": number})
            head = writer.flush()
    return store, head


def lines_of(store: MemoryStore) -> list[tuple[str, int]]:
    return [
        (row.key, number)
        for row in store.list("audit/")
        for number in range(store.get(row.key).content.count(b"\n"))
    ]


def change_line(store: MemoryStore, key: str, number: int, change: Callable[[bytes], bytes]) -> int:
    lines = store.get(key).content.splitlines(keepends=True)
    sequence = json.loads(lines[number])["seq"]
    lines[number] = change(lines[number])
    store.put(key, b"".join(lines))
    return sequence


def test_a_chain_over_runs_and_segments_is_whole():
    store, head = chain()
    assert verify(store, head) == []
    assert [record.seq for record in records(store)] == list(range(1, 10))
    assert (head.sequence, head.segment, head.run_id) == (9, 8, RUNS[2])


def test_a_record_has_the_documented_fields_and_a_digest_over_the_others():
    store = MemoryStore()
    log(store).flush()
    assert list(store.list("")) == []
    writer = log(store)
    writer.append("run_started", AT, {"by": "arn:aws:iam::1:user/x", "on": AT.date()})
    head = writer.flush()
    line = json.loads(store.get(FIRST).content)
    assert sorted(line) == sorted(FIELDS)
    assert line["previous"] == "0" * 64
    assert line["data"] == {"by": "arn:aws:iam::1:user/x", "on": "2026-01-05"}
    assert head.digest == line.pop("digest") == digest(line)


def test_nothing_written_ever_has_no_head_and_no_problem():
    store = MemoryStore()
    assert log(store).flush() is None
    assert verify(store) == []


def test_an_empty_flush_gives_the_head_that_is_there():
    store, head = chain()
    assert log(store, "another-run").flush() == head


def test_appending_touches_no_storage_and_takes_no_secret():
    store = MemoryStore()
    writer = log(store)
    data = {"user": "zoë"}
    writer.append("act", AT, data)
    data["user"] = "changed later"
    assert store.puts == []
    writer.flush()
    assert next(records(store)).data == {"user": "zoë"}
    with pytest.raises(TypeError, match="never written down"):
        writer.append("act", AT, {"csv": b"canary"})


def test_a_segment_is_written_once():
    store, _ = chain()
    segments = [key for key in store.puts if key.startswith("audit/")]
    assert len(segments) == len(set(segments)) == 5


@pytest.mark.parametrize("place", lines_of(chain()[0]))
@pytest.mark.parametrize("field", FIELDS)
def test_any_altered_field_of_any_record_is_found_and_named(place: tuple[str, int], field: str):
    store, head = chain()

    def alter(line: bytes) -> bytes:
        fields = json.loads(line)
        old = fields[field]
        fields[field] = {
            "seq": lambda: old + 1,
            "at": lambda: "2026-01-05T06:00:01+00:00",
            "data": lambda: old | {"n": 99},
        }.get(field, lambda: "f" + old[1:] if old[0] != "f" else "e" + old[1:])()
        return canonical(fields) + b"\n"

    sequence = change_line(store, *place, alter)
    assert f"{place[0]} line {place[1] + 1}" in verify(store, head)[0]
    assert f"record {sequence} was altered" in verify(store, head)[0]


@pytest.mark.parametrize("place", lines_of(chain()[0]))
def test_an_altered_record_with_a_fitting_digest_is_found_by_what_follows(place: tuple[str, int]):
    store, head = chain()

    def forge(line: bytes) -> bytes:
        fields = json.loads(line) | {"event": "nothing happened"}
        del fields["digest"]
        return canonical(fields | {"digest": digest(fields)}) + b"\n"

    sequence = change_line(store, *place, forge)
    problem = verify(store, head)[0]
    assert f"record {sequence + 1} does not follow" in problem or f"record {sequence} is" in problem


@pytest.mark.parametrize("place", lines_of(chain()[0]))
def test_any_removed_record_is_missed(place: tuple[str, int]):
    store, head = chain()
    sequence = change_line(store, *place, lambda _: b"")
    problems = " ".join(verify(store, head))
    assert f"records {sequence} to {sequence} are missing" in problems


@pytest.mark.parametrize("place", lines_of(chain()[0]))
def test_any_repeated_record_is_found(place: tuple[str, int]):
    store, head = chain()
    sequence = change_line(store, *place, lambda line: line * 2)
    assert f"record {sequence} stands twice" in verify(store, head)[0]


@pytest.mark.parametrize("key", sorted({key for key, _ in lines_of(chain()[0])}))
def test_a_segment_that_is_removed_emptied_turned_or_cut_anywhere_is_found(key: str):
    store, head = chain()
    content = store.get(key).content
    store.delete(key)
    assert "missing" in " ".join(verify(store, head))
    for length in range(len(content)):
        store.put(key, content[:length])
        assert verify(store, head), length
    store.put(key, content)
    assert verify(store, head) == []
    if content.count(b"\n") > 1:
        store.put(key, b"".join(reversed(content.splitlines(keepends=True))))
        assert verify(store, head)


def test_any_single_bit_flipped_is_found():
    store = MemoryStore()
    writer = log(store)
    writer.append("é", AT, {"n": 1})
    writer.append("b", AT, {})
    head = writer.flush()
    content = store.get(FIRST).content
    for index in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[index // 8] ^= 1 << index % 8
        store.put(FIRST, bytes(flipped))
        assert verify(store, head), index


def test_two_exchanged_segments_are_found():
    store, head = chain()
    keys = sorted({key for key, _ in lines_of(store)})
    first, second = store.get(keys[0]).content, store.get(keys[-1]).content
    store.put(keys[0], second)
    store.put(keys[-1], first)
    assert "line 1" in verify(store, head)[0]


def test_a_segment_under_another_runs_or_number_is_found():
    for wrong in (FIRST.replace("000a/", "0000/"), FIRST.replace("000001", "000002")):
        store = MemoryStore()
        writer = log(store)
        writer.append("act", AT, {})
        head = writer.flush()
        store.put(wrong, store.get(FIRST).content)
        store.delete(FIRST)
        assert "moved here" in verify(store, head)[0]


def test_records_cut_off_at_the_end_are_missed_by_what_the_state_remembers():
    store, head = chain()
    newest = max(row.key for row in store.list("audit/"))
    store.delete(newest)
    assert verify(store) == []
    assert "records 8 to 9 are missing at the end" in verify(store, head)[0]


def decided_after_the_run() -> tuple[MemoryStore, AuditHead, list[str]]:
    """Records that no state remembers: people paused, and went on. And their segments."""
    store, head = chain()
    keys = {row.key for row in store.list("audit/")}
    for event in ("people.paused", "people.resumed"):
        writer = log(store, "20260107T060000Z-000a")
        writer.append(event, AT, {})
        writer.flush()
    return store, head, sorted({row.key for row in store.list("audit/")} - keys)


def test_records_that_no_state_knows_are_missed_by_the_end_that_was_claimed():
    store, head, new = decided_after_the_run()
    assert verify(store, head) == verify(store) == []
    for key in new:
        store.delete(key)
    assert "records 10 to 10 are missing" in verify(store, head)[0]
    assert "records 10 to 10 are missing" in verify(store)[0]


def test_a_whole_log_that_is_gone_is_missed_without_a_state():
    store, _ = chain()
    for row in list(store.list("audit/")):
        store.delete(row.key)
    assert "records 1 to 7 are missing" in verify(store)[0]


def test_a_forged_last_record_that_no_state_knows_is_found_by_the_end_that_was_claimed():
    store, head, new = decided_after_the_run()

    def forge(line: bytes) -> bytes:
        fields = json.loads(line) | {"event": "nothing happened"}
        del fields["digest"]
        return canonical(fields | {"digest": digest(fields)}) + b"\n"

    change_line(store, new[-1], 0, forge)
    assert "record 11 is not the one" in verify(store, head)[0]


def test_a_segment_that_a_stop_left_within_its_claim_is_not_missing():
    store, head, new = decided_after_the_run()
    store.delete(new[-1])
    assert verify(store, head) == []
    writer = log(store, "20260108T060000Z-000a")
    writer.append("run.started", AT, {})
    writer.flush()
    assert verify(store, head) == []
    assert [record.event for record in records(store)][-2:] == ["people.resumed", "run.started"]


def test_a_whole_chain_of_another_making_is_found_by_what_the_state_remembers():
    store, head = chain()
    assert "is not the one" in verify(store, replace(head, digest="0" * 64))[0]


def test_a_file_that_is_no_segment_is_named():
    store, head = chain()
    store.put("audit/2026/01/05/notes.txt", b"hello")
    assert "notes.txt" in verify(store, head)[0]


def two_at_once():
    """Two writers who have both looked where the chain ends, and not written yet."""
    store, _ = chain()
    one, two = log(store, "20260107T060000Z-000a"), log(store, "20260107T060000Z-000b")
    one.append("a", AT, {})
    two.append("b", AT, {})
    one._closed, two._closed = one._close(), two._close()
    return store, one, two


def events_of(store):
    return [record.event for record in records(store)]


def test_two_writers_at_once_do_not_fork_the_chain_and_no_record_is_lost():
    store, one, two = two_at_once()
    before = events_of(store)
    one.flush()
    head = two.flush()
    assert verify(store, head) == []
    assert events_of(store) == [*before, "a", "b"]


@pytest.mark.parametrize("place", range(8))
def test_a_writer_who_sleeps_at_any_call_of_his_flush_does_not_fork_the_chain(place: int):
    store, _ = chain()
    before = events_of(store)
    late = log(SleepsAt(store, place, lambda: wakes(store)), "20260107T060000Z-000a")
    late.append("late", AT, {})

    def wakes(store):
        other = log(store, "20260107T060000Z-000b")
        for event in ("one", "two"):
            other.append(event, AT, {})
            other.flush()

    head = late.flush()
    assert verify(store) == []
    assert sorted(events_of(store)[len(before) :]) in (["late", "one", "two"], ["late"])
    assert head.digest in {record.digest for record in records(store)}


class SleepsAt:
    """A store whose caller sleeps before one of his calls, while others go on."""

    def __init__(self, store, place, meanwhile):
        self._store, self._place, self._meanwhile, self._count = store, place, meanwhile, 0

    def __getattr__(self, name):
        def call(*args, **more):
            if self._count == self._place:
                self._count += 1
                self._meanwhile()
            self._count += 1
            found = getattr(self._store, name)(*args, **more)
            return iter(list(found)) if name == "list" else found

        return call


def test_a_claim_that_a_stop_cut_off_is_completed_by_the_next_writer():
    store, known = chain()
    stopped = log(store, "20260107T060000Z-000a", known)
    stopped.append("stopped", AT, {})
    closed = stopped._close()
    assert claim(store, closed.end, closed.version)
    after = log(store, "20260107T060000Z-000b", known)
    assert closed.end.key not in {row.key for row in store.list("audit/")}
    assert list(after.recent())[-1] == {}  # nothing is recovered twice
    after.append("after", AT, {})
    head = after.flush()
    assert verify(store, head) == []
    assert events_of(store)[-2:] == ["stopped", "after"]


def test_an_end_that_cannot_be_read_stops_the_writer_and_names_the_way():
    store, _ = chain()
    store.put(AUDIT_END, store.get(AUDIT_END).content[:-5])
    writer = log(store, "20260107T060000Z-0000")
    writer.append("act", AT, {})
    with pytest.raises(StateUnreadable, match="state repair"):
        writer.flush()


def test_a_chain_from_before_there_was_an_end_goes_on():
    store, known = chain()
    store.delete(AUDIT_END)
    writer = log(store, "20260107T060000Z-0000", known)
    writer.append("act", AT, {})
    assert verify(store, writer.flush()) == []


def test_the_chain_goes_on_behind_segments_that_the_state_does_not_know():
    store, _ = chain()
    known = newest_head(store, None)
    stopped = log(store, "20260107T060000Z-000a", known)
    stopped.append("act", AT, {})
    stopped.flush()
    after = log(store, "20260107T060000Z-0000", known)
    after.append("act", AT, {})
    head = after.flush()
    assert head.sequence == 11
    assert verify(store, head) == []


@pytest.mark.parametrize("days", [0, 1, 2, 400])
def test_the_search_for_the_end_begins_near_what_the_state_knows(days: int):
    store, known = chain()
    later = f"{AT + timedelta(days=1 + days):%Y%m%dT%H%M%SZ}-0000"
    writer = log(store, later, known)
    writer.append("act", AT, {})
    assert newest_head(store, known) == known
    head = writer.flush()
    assert newest_head(store, known) == newest_head(store, None) == head


def test_a_hole_that_the_state_knows_of_is_not_closed_by_going_on():
    store, known = chain()
    for row in list(store.list("audit/2026/01/06/")):
        store.delete(row.key)
    writer = log(store, "20260107T060000Z-0000", known)
    writer.append("act", AT, {})
    head = writer.flush()
    assert head.sequence == 10
    assert "records 7 to 9 are missing" in verify(store, head)[0]


def test_a_last_segment_of_which_nothing_is_known_and_that_cannot_be_read_stops_the_run():
    store, _ = chain()
    store.delete(AUDIT_END)
    newest = max(row.key for row in store.list("audit/"))
    store.put(newest, store.get(newest).content[:-5])
    writer = log(store, "20260107T060000Z-0000")
    writer.append("act", AT, {})
    with pytest.raises(StateUnreadable, match="state verify"):
        writer.flush()


@pytest.mark.parametrize("fault", ["lose_answer", "lose_effect", "lose_answer_to_retry"])
def test_a_flush_without_an_answer_is_repeated_and_every_record_stands_once(fault: str):
    store = MemoryStore()
    getattr(store, fault).add(FIRST)
    writer = log(store)
    writer.append("one", AT, {})
    if fault == "lose_answer_to_retry":
        writer.flush()
    else:
        with pytest.raises(StorageUnreachable):
            writer.flush()
    writer.append("two", AT, {})
    head = writer.flush()
    assert [record.event for record in records(store)] == ["one", "two"]
    assert (head.sequence, verify(store, head)) == (2, [])


def test_a_foreign_segment_in_our_place_is_a_conflict():
    store = MemoryStore()
    writer = log(store)
    writer.append("one", AT, {})
    writer._closed = writer._close()
    store.put(FIRST, b"foreign")
    with pytest.raises(StorageConflict):
        writer.flush()


def test_the_state_takes_the_head_as_it_is():
    _, head = chain()
    assert State(project="p", account_id="1", audit_head=head).audit_head == head


def test_what_others_left_enters_the_chain_once_and_first():
    store = MemoryStore()
    leave(store, "people.paused", AT, {"by": "ann"}, RUNS[1])
    writer = log(store)
    writer.append("run.started", AT, {})
    writer.flush()
    told = list(records(store))
    assert [record.event for record in told] == ["people.paused", "run.started"]
    assert told[0].data["by"] == "ann"
    assert RUNS[1] in told[0].data["left_as"]
    assert list(store.list("audit-inbox/")) == []
    assert verify(store) == []


def test_what_a_stop_left_in_the_inbox_is_not_recorded_twice():
    store = MemoryStore()
    first = log(store)
    first.append("run.started", AT, {})
    head = first.flush()
    leave(store, "people.held", AT, {"by": "ann"}, RUNS[1])
    (key,) = [row.key for row in store.list("audit-inbox/")]
    lying = store.get(key).content
    log(store, RUNS[1], head).flush()
    store.put(key, lying)  # as if the process had ended before it cleared the inbox
    log(store, RUNS[2], head).flush()
    assert [record.event for record in records(store)] == ["run.started", "people.held"]
    assert list(store.list("audit-inbox/")) == []


def test_an_object_in_the_inbox_that_is_no_record_stops_the_writer_and_stays():
    store = MemoryStore()
    store.put("audit-inbox/x.json", b"{}")
    with pytest.raises(StateUnreadable, match="no record"):
        log(store).flush()
    assert store.get("audit-inbox/x.json") is not None


def test_a_storage_that_refuses_every_claim_ends_the_run_and_does_not_hold_it_for_ever():
    class Refusing(MemoryStore):
        def put(self, key, content, **condition):
            if key == AUDIT_END:
                raise StorageConflict("somebody else was faster", where=key)
            return super().put(key, content, **condition)

    writer = log(Refusing())
    writer.append("act", AT, {})
    with pytest.raises(StorageUnreachable, match="5 times in a row"):
        writer.flush()


def test_an_altered_record_of_late_is_said_with_its_place_and_what_to_do():
    store, head = chain()
    newest = max(row.key for row in store.list("audit/"))
    change_line(store, newest, 0, lambda line: line.replace(b'"act"', b'"nap"'))
    with pytest.raises(StateUnreadable, match="does not match its digest") as caught:
        list(log(store, RUNS[2], head).recent())
    assert newest in str(caught.value.where)
    assert "state verify" in str(caught.value.remedy)
