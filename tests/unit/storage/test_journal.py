from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.data.state.make_state import OPERATION, sample_state
from tests.fakes.memory_store import MemoryStore, SettableClock

from keyreeve.model.case import LastRun, OperationKind, State, Step, StepName
from keyreeve.model.errors import StateUnreadable, StorageConflict
from keyreeve.storage import journal
from keyreeve.storage.journal import StoredJournal
from keyreeve.storage.state_store import StoredState

STEP = Step(
    operation_id=OPERATION,
    attempt=1,
    name=StepName.INTENT,
    kind=OperationKind.ROTATION,
    run_id="run-1",
    case_id="20260105-0123456789abcdef",
    user_id="AIDA1",
    user_name="zoë",
    at=datetime(2026, 1, 12, 6, tzinfo=UTC),
    on=date(2026, 1, 12),
    data={"old_key": "AKIA1", "keys": ["AKIA1", "AKIA2"]},
)
KEY = f"ops/{OPERATION}/1-intent.json"


class House:
    def __init__(self) -> None:
        self.clock = SettableClock(datetime(2026, 1, 12, 6, tzinfo=UTC))
        self.store = MemoryStore(self.clock)

    def state(self, clock: SettableClock | None = None) -> StoredState:
        return StoredState(
            self.store,
            project="ETV",
            account_id="123456789012",
            run_id="run-1",
            clock=clock or self.clock,
        )

    def journal(self) -> StoredJournal:
        state = self.state()
        state.load()
        return StoredJournal(self.store, state=state)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def unsaved(house: House) -> StoredJournal:
    return StoredJournal(house.store, state=house.state())


def named(steps: tuple[Step, ...]) -> list[str]:
    return [f"{step.operation_id[9:12]} {step.attempt}-{step.name}" for step in steps]


def test_a_step_is_read_back_as_it_was_written(unsaved: StoredJournal):
    unsaved.write(STEP)
    assert unsaved.of(OPERATION) == unsaved.since_saved() == (STEP,)


def test_writing_the_same_step_again_is_fine_and_another_is_a_conflict(
    unsaved: StoredJournal, house: House
):
    unsaved.write(STEP)
    unsaved.write(STEP)
    with pytest.raises(StorageConflict):
        unsaved.write(replace(STEP, run_id="run-2"))
    assert unsaved.of(OPERATION) == (STEP,)
    assert house.store.puts == [KEY]


def test_our_own_step_whose_answer_was_lost_does_not_stop_us(unsaved: StoredJournal, house: House):
    house.store.lose_answer_to_retry.add(KEY)
    unsaved.write(STEP)
    assert unsaved.of(OPERATION) == (STEP,)


def test_every_step_has_its_place_in_the_order():
    assert set(journal._ORDER) == set(StepName)


def test_steps_of_one_second_are_told_apart_by_attempt_and_name(unsaved: StoredJournal):
    steps = [(2, StepName.CREATED), (2, StepName.INTENT), (1, StepName.ORPHANED)]
    steps += [(1, StepName.INTENT), (2, StepName.DONE), (2, StepName.DELIVERED)]
    for attempt, name in steps:
        unsaved.write(replace(STEP, attempt=attempt, name=name))
    expected = ["1-intent", "1-orphaned", "2-intent", "2-created", "2-delivered", "2-done"]
    assert [name.split()[1] for name in named(unsaved.of(OPERATION))] == expected
    assert [name.split()[1] for name in named(unsaved.since_saved())] == expected


def test_ten_attempts_are_in_the_order_of_numbers(unsaved: StoredJournal):
    for attempt in (10, 9, 1):
        unsaved.write(replace(STEP, attempt=attempt))
    assert [step.attempt for step in unsaved.of(OPERATION)] == [1, 9, 10]


def test_the_steps_of_an_operation_are_its_own(unsaved: StoredJournal):
    unsaved.write(STEP)
    unsaved.write(replace(STEP, operation_id=OPERATION + "b"))
    assert unsaved.of(OPERATION) == (STEP,)


def test_since_saved_gives_what_came_after_the_save_and_a_minute_before_it(house: House):
    writer = house.journal()
    for letter, pause in (("a", 100), ("b", 50), ("c", 0)):
        writer.write(replace(STEP, operation_id=f"20260112-{letter}"))
        house.clock.pass_(pause)
    house.state().save(sample_state())
    house.clock.pass_(10)
    writer.write(replace(STEP, operation_id="20260112-d"))
    assert [step.operation_id[-1] for step in house.journal().since_saved()] == ["b", "c", "d"]


def test_since_saved_trusts_the_earlier_of_the_two_clocks(house: House):
    writer = house.journal()
    writer.write(replace(STEP, operation_id="20260112-a"))
    house.clock.pass_(600)
    slow = SettableClock(datetime(2026, 1, 12, 6, tzinfo=UTC))
    house.state(slow).save(sample_state())
    assert len(house.journal().since_saved()) == 1


def test_since_saved_gives_everything_before_a_state_was_loaded(house: House):
    house.state().save(sample_state())
    house.clock.pass_(3600)
    unloaded = StoredJournal(house.store, state=house.state())
    unloaded.write(replace(STEP, operation_id="20200101-a"))
    assert len(unloaded.since_saved()) == 1


def test_the_listing_starts_at_the_oldest_open_case_and_never_too_late(house: House):
    begun: list[str] = []
    listing = house.store.list

    def listed(prefix: str, *, start_after: str = ""):
        begun.append(start_after)
        return listing(prefix, start_after=start_after)

    def begin(state: State) -> str:
        house.store.delete("state.json")
        house.state().save(state)
        reader = house.journal()
        house.store.list = listed
        begun.clear()
        reader.since_saved()
        house.store.list = listing
        return begun[0]

    open_case = sample_state()
    closed = replace(open_case, users={})
    never_ran = replace(open_case, last_run=None)
    late = replace(closed, last_run=LastRun(run_id="r", as_of=STEP.at, on=date(2026, 3, 1)))
    assert begin(open_case) == "ops/20260105"
    assert begin(closed) == "ops/20260111"
    assert begin(never_ran) == ""
    assert begin(late) == "ops/20260228"


def test_a_damaged_or_misplaced_step_is_refused_by_name(unsaved: StoredJournal, house: House):
    unsaved.write(STEP)
    content = house.store.get(KEY).content
    house.store.put(KEY, content.replace(b"AKIA1", b"AKIA9"))
    with pytest.raises(StateUnreadable, match=r"1-intent\.json"):
        unsaved.since_saved()
    house.store.delete(KEY)
    house.store.put(KEY.replace("1-", "2-"), content)
    with pytest.raises(StateUnreadable, match=r"2-intent\.json: it holds .*1-intent\.json"):
        unsaved.of(OPERATION)
