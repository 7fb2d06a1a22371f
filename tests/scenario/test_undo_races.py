"""What people decide while a run is under way: at every moment of it, and it is never lost.

A decision that arrives before the run has looked last stops the act.  One that arrives later is
too late for the call already under way, and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.proofs.races import EFFECTS
from tests.scenario.people import MONDAY
from tests.scenario.peril import Fate, Stopped
from tests.scenario.test_people_decide import ON, extension, hold, waiver
from tests.scenario.two_cases import live_on, problems, village_on
from tests.scenario.village import Village

from keyreeve.model.decisions import Pause
from keyreeve.model.errors import AccessDenied, AwsFailure, ConfigError, Doubtful
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.pipeline.people import find_person
from keyreeve.pipeline.reinstate import Reinstated, Request, reinstate
from keyreeve.storage.audit_records import records
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.layout import HOLDS, PAUSE, WAIVERS

MAILS = ("FakeMailer.send",)
PAUSED = Pause(reason="migration", since=MONDAY, by="msp")


class Moment(Fate):
    """Somebody decides just before the call of this number."""

    def __init__(self, number: int, decide: Callable[[], object]) -> None:
        super().__init__()
        self._number, self._decide = number, decide

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        if len(self.calls) == self._number:
            self._decide()
        return super().call(name, work, *args, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is decided, where it is written, and whom it stops."""

    name: str
    file: str
    take: Callable[[StoredDecisions], None]
    undo: Callable[[StoredDecisions], None]
    stops: Callable[[str], bool]
    """Whether it forbids this effect, `Port.method user`."""
    days: tuple[int, ...]


def _act_on_aged_key(call: str) -> bool:
    return call not in MAILS and "aged.key" in call


DECISIONS = (
    Decision(
        name="pause",
        file=PAUSE,
        take=lambda people: people.set_pause(PAUSED),
        undo=lambda people: people.clear_pause(),
        stops=lambda _: True,
        days=(0, 7, 14),
    ),
    Decision(
        name="hold",
        file=HOLDS,
        take=lambda people: people.add_hold(hold("aged.key", 60), today=ON),
        undo=lambda people: people.lift_hold("aged.key"),
        stops=_act_on_aged_key,
        days=(7, 14),
    ),
    Decision(
        name="waiver",
        file=WAIVERS,
        take=lambda people: people.add_waiver(waiver("aged.key", 300), today=ON),
        undo=lambda people: people.revoke_waiver("w1", at=MONDAY + timedelta(days=17)),
        stops=_act_on_aged_key,
        days=(7, 14),
    ),
    Decision(
        name="extension",
        file=HOLDS,
        take=lambda people: people.add_extension(extension("aged.key", 5)),
        undo=lambda _: None,
        stops=lambda call: "set_access_key_active" in call,
        days=(14,),
    ),
)


def calls_of(day: int) -> list[str]:
    fate = Fate()
    village_on(day).run(day, fate=fate)
    return fate.calls


def _effects(calls: list[str], since: int) -> Iterator[tuple[int, str]]:
    for index, call in enumerate(calls):
        method = call.partition(".")[2].partition(" ")[0]
        if index >= since and method in EFFECTS:
            yield index, call


@pytest.mark.parametrize(
    ("decision", "day"), [(d, day) for d in DECISIONS for day in d.days], ids=lambda v: str(v)[:40]
)
def test_at_every_moment_only_the_call_under_way_is_too_late(decision: Decision, day: int):
    stopped = 0
    for number in range(len(calls_of(day))):
        village = village_on(day)
        fate = Moment(number, lambda village=village: decision.take(village.decisions))
        village.run(day, fate=fate)
        looks = [
            n for n, call in enumerate(fate.calls) if call == f"MemoryStore.get {decision.file}"
        ]
        late = [(n, c) for n, c in _effects(fate.calls, number) if decision.stops(c)]
        looked = [c for n, c in late if any(number <= look < n for look in looks)]
        assert looked == [], f"before call {number}"
        assert len(late) <= 1, f"before call {number}: {late}"
        stopped += not late
    assert stopped


@pytest.mark.parametrize("day", [0, 7, 14])
@pytest.mark.parametrize("decision", DECISIONS[:2], ids=lambda d: d.name)
def test_it_holds_on_the_days_that_follow_and_the_story_goes_on_once_it_is_taken_back(
    decision: Decision, day: int
):
    for number in range(0, len(calls_of(day)), 5):
        village = village_on(day)
        village.run(
            day, fate=Moment(number, lambda village=village: decision.take(village.decisions))
        )
        mails, acts = len(village.mails(to="aged.key")), village.acts("aged.key")
        village.live(day + 1, day + 3)
        assert len(village.mails(to="aged.key")) == mails
        assert village.acts("aged.key") == acts
        decision.undo(village.decisions)
        for later in range(day + 4, 45):
            village.run(later)
        old = next(iter(village.account.keys_of("aged.key")))
        assert not village.account.keys_of("aged.key")[old]
        assert village.case("aged.key") is None
        days = village.days("aged.key")
        assert len(days) == len(set(days))


# --- two people -----------------------------------------------------------------------------------


class BetweenReadAndWrite(MemoryStore):
    """Somebody else changes the same file after it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.other: Callable[[], None] | None = None

    def get(self, key: str) -> Any:
        found = super().get(key)
        other, self.other = self.other, None
        if other is not None:
            other()
        return found


Change = Callable[[StoredDecisions], object]
CHANGES: dict[str, tuple[Change, Callable[[StoredDecisions], object]]] = {
    "hold": (
        lambda p: p.add_hold(hold("ann", 9), today=ON),
        lambda p: "ann" in {h.user for h in p.read().holds},
    ),
    "another hold": (
        lambda p: p.add_hold(hold("bob", 9), today=ON),
        lambda p: "bob" in {h.user for h in p.read().holds},
    ),
    "extension": (
        lambda p: p.add_extension(extension("ann", 3)),
        lambda p: p.read().extensions,
    ),
    "another extension": (
        lambda p: p.add_extension(extension("ann", 4, number=2)),
        lambda p: "e2" in {e.extension_id for e in p.read().extensions},
    ),
    "waiver": (
        lambda p: p.add_waiver(waiver("ann", 9), today=ON),
        lambda p: "w1" in {w.waiver_id for w in p.read().waivers},
    ),
    "another waiver": (
        lambda p: p.add_waiver(waiver("bob", 9, waiver_id="w2"), today=ON),
        lambda p: "w2" in {w.waiver_id for w in p.read().waivers},
    ),
    "pause": (lambda p: p.set_pause(PAUSED), lambda p: p.read().pause),
    "another pause": (
        lambda p: p.set_pause(replace(PAUSED, reason="another")),
        lambda p: p.read().pause,
    ),
}


@pytest.mark.parametrize("first", CHANGES)
@pytest.mark.parametrize("second", CHANGES)
def test_of_two_people_deciding_at_once_neither_is_lost(first: str, second: str):
    store = BetweenReadAndWrite()
    people = StoredDecisions(store)
    (one, one_stands), (other, other_stands) = CHANGES[first], CHANGES[second]
    store.other = lambda: other(StoredDecisions(store))
    one(people)
    assert one_stands(people)
    assert other_stands(people)


def test_of_two_pauses_at_once_the_first_stands_and_one_resume_ends_it():
    store = BetweenReadAndWrite()
    people = StoredDecisions(store)
    store.other = lambda: StoredDecisions(store).set_pause(replace(PAUSED, reason="faster"))
    people.set_pause(PAUSED)
    assert people.read().pause.reason == "faster"
    people.clear_pause()
    assert people.read().pause is None


# --- reinstate ------------------------------------------------------------------------------------


def bring_back(
    village: Village, day: float, hours: int = 24, fate: Fate | None = None
) -> Reinstated:
    """`reinstate` of the user's old key, as of a day."""
    now = village.at(day)
    village.account.now = now
    village.clock.pass_((now - village.clock.now()).total_seconds())
    account = village.wired(fate)
    person = find_person("aged.key", account.tools.states.load(), account.tools.reader)
    request = Request(
        person=person,
        key_id=AccessKeyId(next(iter(village.account.keys_of("aged.key")))),
        span=timedelta(hours=hours),
        reason="a batch job still needs it",
        by="arn:aws:iam::123456789012:user/msp",
    )
    return reinstate(account, request, now)


def old_key(village: Village) -> bool:
    return next(iter(village.account.keys_of("aged.key").values()))


@pytest.mark.parametrize("number", range(len(calls_of(14))))
@pytest.mark.parametrize("after", [False, True])
def test_a_key_reinstated_after_its_run_was_stopped_stays_active_for_the_stated_time(
    number: int, *, after: bool
):
    village = village_on(14)
    with pytest.raises(Stopped):
        village.run(14, fate=Fate(number, after=after))
    if old_key(village):
        with pytest.raises(ConfigError, match="Active already"):
            bring_back(village, 14.1)
        return
    bring_back(village, 14.1)
    village.run(14.2)
    assert old_key(village)
    village.run(15)
    assert old_key(village)
    village.run(16)
    assert not old_key(village)
    live_on(village, 16)
    assert problems(village) == []


def test_a_reinstatement_stopped_anywhere_is_finished_by_asking_again():
    fate = Fate()
    village = village_on(15)
    bring_back(village, 14.1, fate=fate)
    for number in range(len(fate.calls)):
        for after in (False, True):
            village = village_on(15)
            with pytest.raises(Stopped):
                bring_back(village, 14.1, fate=Fate(number, after=after))
            with suppress(ConfigError):  # it is Active already, and known to be
                bring_back(village, 14.2)
            assert old_key(village)
            village.run(14.3)
            assert old_key(village), (number, after)
            for day in (16, 17, 18):
                village.run(day)
            assert not old_key(village), (number, after)


def test_a_reinstatement_stopped_anywhere_ends_in_time_though_nobody_asks_again():
    fate = Fate()
    bring_back(village_on(15), 14.1, fate=fate)
    brought_back = 0
    for number in range(len(fate.calls)):
        for after in (False, True):
            village = village_on(15)
            with pytest.raises(Stopped):
                bring_back(village, 14.1, fate=Fate(number, after=after))
            active = old_key(village)
            brought_back += active
            told, notices = village.told_the_team(), village.days("aged.key")
            village.run(14.3)
            assert old_key(village) == active
            for day in (15, 16, 17, 18):
                village.run(day)
            assert not old_key(village), (number, after)
            assert village.told_the_team() == told
            assert [day for day in village.days("aged.key") if day not in notices] in ([], [15])
            events = [record.event for record in records(village.store)]
            assert "case.key_reactivated" not in events
            if active:
                assert "step.reinstatement.enforcing" in events
    assert brought_back


@pytest.mark.parametrize("failure", [AccessDenied, Doubtful])
def test_a_reinstatement_that_is_refused_leaves_no_time_to_end_and_one_in_doubt_does(
    failure: type[AwsFailure],
):
    village = village_on(15)

    def refuse(*_: object, **__: object) -> None:
        raise failure("no", call="iam:UpdateAccessKey")

    act, village.account.set_access_key_active = village.account.set_access_key_active, refuse
    with pytest.raises(failure):
        bring_back(village, 14.1)
    village.account.set_access_key_active = act
    village.run(15)
    (old, *_) = village.account.keys_of("aged.key")
    assert (village.state.keys[old].reinstated_until is not None) == (failure is Doubtful)
    village.run(16)
    assert village.state.keys[old].reinstated_until is None
    assert not old_key(village)
    bring_back(village, 16.1)
    assert old_key(village)
    village.run(18)
    assert not old_key(village)
