from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.memory_store import MemoryStore, SettableClock

from keyreeve.local.directory_store import DirectoryStore
from keyreeve.model.errors import (
    KeyreeveError,
    LockHeld,
    LockLost,
    StateUnreadable,
    StorageUnreachable,
)
from keyreeve.storage import lock as lock_module
from keyreeve.storage.lock import AccountLock, current, unlock


class House:
    def __init__(self) -> None:
        self.clock = SettableClock()
        self.store = MemoryStore(self.clock, name="s3://bucket/p")
        self.first = self.lock("first")
        self.second = self.lock("second")

    def lock(self, holder: str) -> AccountLock:
        return AccountLock(self.store, clock=self.clock, holder=holder)


@pytest.fixture
def house() -> House:
    return House()


def lost(lock: AccountLock) -> bool:
    try:
        lock.check()
    except LockLost:
        return True
    return False


def test_a_held_lock_is_refused_with_holder_since_when_and_until_when(house: House):
    house.first.acquire()
    house.clock.pass_(30)
    house.first.renew()
    with pytest.raises(LockHeld) as caught:
        house.second.acquire()
    text = str(caught.value)
    for word in ("first", "06:00:00 UTC", "06:02:30 UTC", "s3://bucket/p/lock.json", "--force"):
        assert word in text
    house.first.check()


def test_a_released_lock_is_free_at_once(house: House):
    house.first.acquire()
    house.first.release()
    assert lost(house.first)
    house.second.acquire()
    house.second.check()
    assert house.second.taken_over is None
    house.second.release()
    house.first.acquire()
    house.first.check()


def test_a_lapsed_lease_is_taken_over_and_its_holder_stops(house: House):
    house.first.acquire()
    house.clock.pass_(119)
    with pytest.raises(LockHeld):
        house.second.acquire()
    house.clock.pass_(1)
    house.second.acquire()
    assert house.second.taken_over.holder == "first"
    assert lost(house.first)
    with pytest.raises(LockLost, match="second has it"):
        house.first.renew()
    assert lost(house.first)
    house.second.check()


def test_what_the_first_holder_does_later_does_not_hurt_the_second(house: House):
    house.first.acquire()
    house.clock.pass_(120)
    house.second.acquire()
    house.first.release()
    house.second.renew()
    assert current(house.store).holder == "second"
    assert not current(house.store).released


class Ahead(SettableClock):
    """Another machine's: while its holder sleeps, the first renews at its turns, if it can."""

    def __init__(self, house: House, seconds: float) -> None:
        super().__init__(house.clock.now() + timedelta(seconds=seconds))
        self.house = house
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        super().sleep(seconds)
        self.house.clock.pass_(seconds)
        with suppress(LockLost):
            self.house.first.renew()


@pytest.mark.parametrize("seconds", [91, 120, 600])
def test_a_clock_that_is_ahead_lets_no_two_act_at_once(house: House, seconds: float):
    house.first.acquire()
    clock = Ahead(house, seconds)
    house.clock.pass_(29)
    clock.pass_(29)
    second = AccountLock(house.store, clock=clock, holder="second")
    with second.held():
        assert lost(house.first)
        second.check()


def test_a_lock_that_was_given_back_or_lapsed_long_ago_is_not_waited_for(house: House):
    house.first.acquire()
    clock = Ahead(house, 3600)
    with AccountLock(house.store, clock=clock, holder="second").held():
        pass
    with AccountLock(house.store, clock=clock, holder="third").held():
        pass
    assert clock.slept == 0


def test_two_never_both_believe_to_hold_it_at_any_second(house: House):
    house.first.acquire()
    for _ in range(300):
        house.clock.pass_(1)
        try:
            house.second.acquire()
        except LockHeld:
            continue
        assert lost(house.first)
        break
    house.second.check()


@pytest.mark.parametrize(("age", "stops"), [(0, False), (90, False), (91, True), (1e6, True)])
def test_a_holder_stops_when_its_last_renewal_is_over_90_seconds_old(
    house: House, age: float, *, stops: bool
):
    house.first.acquire()
    house.clock.pass_(30)
    house.first.renew()
    house.clock.pass_(age)
    assert lost(house.first) is stops


def test_a_clock_that_was_set_back_proves_nothing(house: House):
    house.first.acquire()
    house.clock.pass_(-60)
    assert lost(house.first)


def test_renewing_goes_on_for_ever(house: House):
    house.first.acquire()
    for _ in range(1_000):
        house.clock.pass_(30)
        house.first.renew()
        house.first.check()
    with pytest.raises(LockHeld):
        house.second.acquire()


def test_without_acquire_there_is_nothing_to_check_or_renew_and_release_is_harmless(house: House):
    assert lost(house.first)
    with pytest.raises(LockLost):
        house.first.renew()
    house.first.release()
    assert house.store.puts == []


@pytest.mark.parametrize("fault", ["lose_answer", "lose_answer_to_retry"])
def test_our_own_acquisition_whose_answer_was_lost_is_known_by_its_token(house: House, fault: str):
    getattr(house.store, fault).add("lock.json")
    if fault == "lose_answer":
        with pytest.raises(StorageUnreachable):
            house.first.acquire()
    house.first.acquire()
    house.first.check()
    house.first.renew()
    assert current(house.store).holder == "first"


@pytest.mark.parametrize("fault", ["lose_answer", "lose_effect", "lose_answer_to_retry"])
def test_a_renewal_without_an_answer_is_not_believed_and_can_be_repeated(house: House, fault: str):
    house.first.acquire()
    house.clock.pass_(91)
    getattr(house.store, fault).add("lock.json")
    if fault != "lose_answer_to_retry":
        with pytest.raises(StorageUnreachable):
            house.first.renew()
        assert lost(house.first)
    house.first.renew()
    house.first.check()


@pytest.mark.parametrize("lapsed", [False, True])
def test_of_many_racing_exactly_one_gets_it(tmp_path: Path, *, lapsed: bool):
    clock = SettableClock()
    store = DirectoryStore(tmp_path)
    if lapsed:
        AccountLock(store, clock=clock, holder="dead").acquire()
        clock.pass_(120)
    start = threading.Barrier(8)

    def race(number: int) -> AccountLock | None:
        lock = AccountLock(store, clock=clock, holder=f"run {number}")
        start.wait()
        try:
            lock.acquire()
        except LockHeld:
            return None
        return lock

    with ThreadPoolExecutor(8) as pool:
        winners = [lock for lock in pool.map(race, range(8)) if lock]
    assert len(winners) == 1
    winners[0].check()
    assert current(store).holder == winners[0]._holder


def test_unlock_frees_only_a_lapsed_lease(house: House):
    assert unlock(house.store, clock=house.clock) is None
    house.first.acquire()
    with pytest.raises(LockHeld):
        unlock(house.store, clock=house.clock)
    house.first.check()
    house.clock.pass_(120)
    assert unlock(house.store, clock=house.clock).holder == "first"
    assert unlock(house.store, clock=house.clock) is None
    house.second.acquire()


def test_unlock_by_force_ends_any_lease_and_its_holder_stops(house: House):
    house.first.acquire()
    assert unlock(house.store, clock=house.clock, force=True).holder == "first"
    with pytest.raises(LockLost):
        house.first.renew()
    assert lost(house.first)
    house.second.acquire()


def test_a_corrupt_lock_is_refused_until_force(house: House):
    house.store.put("lock.json", b'{"token": ')
    for attempt in (house.first.acquire, lambda: unlock(house.store, clock=house.clock)):
        with pytest.raises(StateUnreadable, match="--force"):
            attempt()
    unlock(house.store, clock=house.clock, force=True)
    house.first.acquire()


def test_a_storage_that_does_not_answer_at_the_end_leaves_a_lease_that_lapses(house: House):
    house.first.acquire()
    house.store.lose_effect.add("lock.json")
    house.first.release()
    house.clock.pass_(120)
    house.second.acquire()


def test_a_thread_renews_while_the_lock_is_held_and_ends_with_it(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lock_module, "RENEW_EVERY", lock_module.RENEW_EVERY / 10_000)
    renewed = threading.Event()
    renew = house.first.renew

    def noted() -> None:
        renew()
        if len(house.store.puts) > 5:
            renewed.set()

    monkeypatch.setattr(house.first, "renew", noted)
    with house.first.held() as lock:
        assert renewed.wait(30)
        lock.check()
    assert not any(thread.name == "keyreeve-lock" for thread in threading.enumerate())
    assert current(house.store).released


def test_the_thread_survives_a_storage_that_does_not_answer_but_not_a_lost_lock(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lock_module, "RENEW_EVERY", lock_module.RENEW_EVERY / 10_000)
    answers: list[KeyreeveError] = [StorageUnreachable("away"), LockLost("gone")]
    calls: list[int] = []

    def renew() -> None:
        calls.append(1)
        raise answers.pop(0)

    monkeypatch.setattr(house.first, "renew", renew)
    stop = threading.Event()
    house.first._renew_until(stop)
    assert len(calls) == 2
