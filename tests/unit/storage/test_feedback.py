from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.memory_store import MemoryStore, SettableClock

from keyreeve.model.case import State
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.feedback import FeedbackKind, MailFeedback
from keyreeve.storage.feedback import StoredFeedback
from keyreeve.storage.state_store import StoredState

NOW = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def feedback(number: int = 1) -> MailFeedback:
    return MailFeedback(
        kind=FeedbackKind.BOUNCE,
        message_id=f"0100-{number}",
        recipients=("ann@example.com",),
        at=NOW,
        lasting=True,
        reason="bounced (Permanent/General)",
    )


def states(store: MemoryStore, clock: SettableClock) -> StoredState:
    return StoredState(store, project="ETV", account_id="1", run_id="r", clock=clock)


def test_feedback_lies_by_the_day_of_its_arrival_and_is_answered_once_in_order():
    store = MemoryStore()
    box = StoredFeedback(store)
    late = box.keep(feedback(2), NOW + timedelta(minutes=1))
    early = box.keep(feedback(1), NOW)
    assert early.startswith("feedback/2026/01/31/235930-")
    assert late.startswith("feedback/2026/02/01/000030-")
    assert box.unread() == {early: feedback(1), late: feedback(2)}
    assert list(StoredFeedback(store).unread()) == [early, late]
    assert box.unread() == {}
    third = box.keep(feedback(3), NOW)
    assert box.unread() == {third: feedback(3)}


def test_the_same_feedback_in_the_same_second_is_one_object():
    store = MemoryStore()
    assert len({StoredFeedback(store).keep(feedback(), NOW) for _ in range(2)}) == 1


@pytest.mark.parametrize(("days", "read"), [(-3, False), (-1, True), (0, True), (1, True)])
def test_what_arrived_under_a_run_is_met_by_the_next_and_older_objects_are_not_listed(days, read):
    clock = SettableClock(NOW)
    store = MemoryStore(clock)
    states(store, clock).save(State(project="ETV", account_id="1"))
    loaded = states(store, clock)
    loaded.load()
    key = StoredFeedback(store).keep(feedback(), NOW + days * DAY)
    assert (key in StoredFeedback(store, state=loaded).unread()) is read


def test_a_corrupt_object_is_never_taken_for_silence():
    store = MemoryStore()
    key = StoredFeedback(store).keep(feedback(), NOW)
    store.put(key, b"{}")
    with pytest.raises(StateUnreadable, match="sha256"):
        StoredFeedback(store).unread()
