from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from tests.data.state.make_state import content, sample_state
from tests.fakes.memory_store import MemoryStore, SettableClock

from keyreeve.codec.state import decode_saved
from keyreeve.model.case import SCHEMA_VERSION, State
from keyreeve.model.errors import StateUnreadable, StorageConflict, StorageUnreachable
from keyreeve.storage.state_store import StoredState

FRESH = State(project="ETV", account_id="123456789012")


def stored(store: MemoryStore, **changes: object) -> StoredState:
    usual = {
        "project": "ETV",
        "account_id": "123456789012",
        "run_id": "run-1",
        "clock": SettableClock(),
    }
    return StoredState(store, **(usual | changes))


def on(state: State, day: int) -> State:
    return replace(state, summary_sent_on=date(2026, 1, day))


def saved_in(store: MemoryStore):
    return decode_saved(store.get("state.json").content)


def test_a_first_run_has_no_state_and_the_next_run_has_it():
    store = MemoryStore()
    first = stored(store)
    assert first.load() is None
    first.save(FRESH)
    second = stored(store, run_id="run-2")
    assert second.load() == FRESH
    assert second.loaded.saved_by == "run-1"
    second.save(sample_state())
    assert stored(store).load() == sample_state()


@pytest.mark.parametrize(
    "remains", ["ops/20260105-a/1-intent.json", "credentials/passwords/AIDA1/20260105-a-1.csv"]
)
def test_a_missing_state_is_no_first_run_where_something_was_ever_done(remains: str):
    store = MemoryStore()
    store.put(remains, b"")
    with pytest.raises(StateUnreadable, match="state repair"):
        stored(store).load()


def test_other_objects_do_not_prevent_a_first_run():
    store = MemoryStore()
    for key in ("lock.json", "waivers.json", "audit/2026/01/05/r/000001.jsonl", "mails/x.eml"):
        store.put(key, b"")
    assert stored(store).load() is None


@pytest.mark.parametrize(
    "key",
    [
        "ops/x/1-intent.json",
        "credentials/passwords/a/b-1.csv",
        "pause.json",
        "waivers.json",
        "holds.json",
    ],
)
def test_remains_in_the_other_layout_are_no_first_run(key: str):
    other = MemoryStore(name="s3://bucket/iam-compliance/etv")
    other.put(key, b"")
    with pytest.raises(StateUnreadable, match="accounts"):
        stored(MemoryStore(), siblings=(other,)).load()


def test_a_state_of_this_account_in_the_other_layout_is_no_first_run_but_anothers_is():
    other = MemoryStore(name="s3://bucket/iam-compliance/etv")
    other.put("state.json", content())
    other.put("ops/x/1-intent.json", b"")
    with pytest.raises(StateUnreadable, match="s3://bucket/iam-compliance/etv"):
        stored(MemoryStore(), siblings=(other,)).load()
    assert stored(MemoryStore(), siblings=(other,), account_id="999999999999").load() is None


def test_another_projects_state_is_refused_with_both_names():
    store = MemoryStore()
    store.put("state.json", content())
    with pytest.raises(StateUnreadable, match="'ETV', not of 'etv'"):
        stored(store, project="etv").load()


def test_another_accounts_state_is_refused_with_both_ids():
    store = MemoryStore()
    store.put("state.json", content())
    with pytest.raises(StateUnreadable, match=r"123456789012.*999999999999"):
        stored(store, account_id="999999999999").load()


@pytest.mark.parametrize("damaged", [b"", content()[:-1], content().replace(b"ETV", b"ETW")])
def test_a_damaged_state_is_refused_with_its_place(damaged: bytes):
    store = MemoryStore(name="s3://bucket/p")
    store.put("state.json", damaged)
    with pytest.raises(StateUnreadable, match=r"^s3://bucket/p/state\.json: "):
        stored(store).load()


def test_a_newer_state_is_refused():
    store = MemoryStore()
    newer = f'"schema_version": {SCHEMA_VERSION + 1}'.encode()
    store.put("state.json", content().replace(b'"schema_version": 1', newer))
    with pytest.raises(StateUnreadable, match="Upgrade"):
        stored(store).load()


def test_a_lost_race_is_never_overwritten_and_names_the_winner():
    store = MemoryStore()
    stored(store, run_id="run-0").save(FRESH)
    ours, theirs = stored(store, run_id="run-1"), stored(store, run_id="run-2")
    ours.load()
    theirs.load()
    theirs.save(on(FRESH, 2))
    for _ in range(2):
        with pytest.raises(StorageConflict, match="run-2"):
            ours.save(on(FRESH, 1))
    assert saved_in(store).state == on(FRESH, 2)


def test_of_two_first_runs_one_wins():
    store = MemoryStore()
    ours, theirs = stored(store, run_id="run-1"), stored(store, run_id="run-2")
    assert ours.load() is None
    assert theirs.load() is None
    theirs.save(FRESH)
    with pytest.raises(StorageConflict, match="run-2"):
        ours.save(FRESH)


def test_a_state_that_was_removed_meanwhile_is_not_written_again():
    store = MemoryStore()
    ours = stored(store)
    ours.save(FRESH)
    store.delete("state.json")
    with pytest.raises(StorageConflict, match="removed"):
        ours.save(FRESH)


@pytest.mark.parametrize("before", [None, FRESH])
def test_our_own_save_whose_answer_was_lost_does_not_stop_us(before: State | None):
    store = MemoryStore()
    ours = stored(store)
    if before:
        ours.save(before)
    store.lose_answer_to_retry.add("state.json")
    ours.save(on(FRESH, 1))
    store.lose_answer.add("state.json")
    with pytest.raises(StorageUnreachable):
        ours.save(on(FRESH, 2))
    ours.save(on(FRESH, 3))
    ours.save(on(FRESH, 4))
    assert saved_in(store).state == on(FRESH, 4)


def test_a_save_whose_effect_was_lost_can_be_repeated():
    store = MemoryStore()
    ours = stored(store)
    ours.save(FRESH)
    store.lose_effect.add("state.json")
    with pytest.raises(StorageUnreachable):
        ours.save(on(FRESH, 2))
    ours.save(on(FRESH, 2))
    assert saved_in(store).state == on(FRESH, 2)


def test_the_same_state_saved_by_another_run_is_not_ours():
    store = MemoryStore()
    ours, theirs = stored(store, run_id="run-1"), stored(store, run_id="run-2")
    theirs.save(FRESH)
    with pytest.raises(StorageConflict):
        ours.save(FRESH)


def test_a_foreign_state_is_not_saved():
    with pytest.raises(ValueError, match="account 9"):
        stored(MemoryStore()).save(State(project="ETV", account_id="9"))


def test_the_save_tells_who_and_when_by_wall_clock():
    clock = SettableClock()
    store = MemoryStore()
    clock.pass_(90)
    stored(store, clock=clock).save(FRESH)
    assert (saved_in(store).saved_by, saved_in(store).saved_at) == ("run-1", clock.now())
