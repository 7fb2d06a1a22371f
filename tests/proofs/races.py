"""P11: two runs never both act, however their calls fall between each other.

    locks        2–8 processes on one bucket, their network slow, lossy, sometimes frozen
    runs         whole daily runs: the first stands still at each of its calls in turn, longer than
                 its lease, while a second one takes over; then the first goes on
    processes    2–8 real processes at once, on the emulator's S3 and on a directory (`crowds`)

What is forbidden: a fork of the audit chain, and an effect that arrives while somebody else holds
the lock.  One exception per
lost lease, and no more: the call that was under way when the holder last looked, if it took longer
than the thirty seconds that the lease keeps for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.proofs.crowds import crowds
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.interleaving import Conductor, Network, RacingS3, SharedBucket, Turnstile
from tests.scenario.people import aged, bystanders, old_password
from tests.scenario.peril import Perilous
from tests.scenario.two_cases import DAYS, problems
from tests.scenario.village import Silence, Village

from keyreeve.aws.s3_store import S3Store
from keyreeve.codec.seal import parse, readable
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import KeyreeveError, LockLost
from keyreeve.model.identifiers import RunId
from keyreeve.pipeline import daily
from keyreeve.ports import ObjectStore
from keyreeve.storage import audit_log
from keyreeve.storage.audit_check import verify
from keyreeve.storage.audit_log import StoredAuditLog
from keyreeve.storage.audit_records import records
from keyreeve.storage.layout import LOCK
from keyreeve.storage.lock import LEASE, RENEW_EVERY, TRUSTED_FOR, AccountLock, LockRecord, current

IN_FLIGHT = (LEASE - TRUSTED_FOR).total_seconds()
"""Seconds that the lease keeps for a call already under way."""
EFFECTS = (
    *("create_access_key", "set_access_key_active", "delete_access_key", "reset_password"),
    *("delete_login_profile", "add_to_group", "send"),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that another run must never do as well."""

    process: str
    what: str
    checked: float
    """When its process last looked at its lease."""
    arrived: float


@dataclass(slots=True)
class Record:
    """What an onlooker wrote down; times are seconds of the schedule."""

    effects: list[Effect] = field(default_factory=list)
    locks: list[tuple[float, LockRecord]] = field(default_factory=list)
    checked: dict[str, float] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """Process → how it ended."""

    def arrived(self, process: str, what: str, at: float) -> None:
        self.effects.append(Effect(process, what, self.checked.get(process, at), at))

    def holder(self, at: float) -> str | None:
        """Whose the lock is at an instant; None: nobody's."""
        found = None
        for since, record in self.locks:
            if since > at:
                break
            found = None if record.released else record.holder
        return found

    @property
    def takeovers(self) -> int:
        """How often a lapsed lease changed hands."""
        pairs = zip(self.locks, self.locks[1:], strict=False)
        return sum(not a.released and a.token != b.token for (_, a), (_, b) in pairs)


def offences(record: Record) -> Iterator[str]:
    """Every effect that arrived under somebody else's lock and was not already under way."""
    late: dict[str, int] = {}
    for effect in record.effects:
        holder = record.holder(effect.arrived)
        if holder in (None, effect.process):
            continue
        late[effect.process] = late.get(effect.process, 0) + 1
        said = f"{effect.process} {effect.what} at {effect.arrived:.1f} s, {holder} had the lock"
        if effect.arrived - effect.checked <= IN_FLIGHT:
            yield f"{said}, {effect.arrived - effect.checked:.1f} s after it had looked"
        elif late[effect.process] > 1:
            yield f"{said}: its second effect after that"


# --- the lease, watched ---------------------------------------------------------------------------


class Watched:
    """ports.Lease: notes when it was last found good."""

    def __init__(self, lock: AccountLock, record: Record, conductor: Conductor) -> None:
        self._lock, self._record, self._conductor = lock, record, conductor

    def check(self) -> None:
        self._lock.check()
        self._record.checked[self._conductor.process] = self._conductor.seconds


def holding(
    conductor: Conductor, record: Record, store: ObjectStore, process: str, work: Callable[..., Any]
) -> None:
    """What `AccountLock.held` does, with the conductor's threads and time."""
    lock = AccountLock(store, clock=conductor, holder=process, token=f"{process:0>32}")
    lock._writing = Turnstile(conductor)
    try:
        lock.acquire()
    except KeyreeveError as error:
        record.ends[process] = type(error).__name__
        return
    over: list[bool] = []
    conductor.spawn(process, partial(_keep, conductor, lock, over), after=0.0)
    try:
        work(Watched(lock, record, conductor))
        record.ends[process] = "done"
    except KeyreeveError as error:
        found = current(store)
        kept = found is not None and found.token == lock._token and not found.released
        record.ends[process] = f"{type(error).__name__}{' with its lock kept' if kept else ''}"
    finally:
        over.append(True)
        lock.release()


def _keep(conductor: Conductor, lock: AccountLock, over: list[bool]) -> None:
    while True:
        conductor.pause(RENEW_EVERY.total_seconds())
        if over:
            return
        try:
            lock.renew()
        except LockLost:
            return
        except KeyreeveError:
            continue


# --- locks alone ----------------------------------------------------------------------------------


def lock_schedule(seed: int, number: int) -> Record:
    """2–8 processes, each of which wants the lock for a few acts."""
    rng = random.Random(f"{seed}/{number}")
    conductor, bucket, record = Conductor(), SharedBucket(), Record()
    network = _Sluggish(conductor, rng, loss=rng.choice((0.0, 0.1, 0.3)))
    for index in range(rng.randint(2, 8)):
        process = f"p{index}"
        store = S3Store(RacingS3(bucket, network), bucket="b", prefix="p", sleep=conductor.sleep)
        acts = partial(_acts, network, record, rng.randint(1, 6))
        life = partial(_persist, conductor, record, store, process, acts, rng.randint(1, 4))
        conductor.spawn(process, life, after=rng.uniform(0, 5) * rng.choice((0, 1, 60)))
    conductor.play()
    record.locks = [
        (at, from_json(LockRecord, parse(body)))
        for at, _, key, body in bucket.log
        if key == f"p/{LOCK}"
    ]
    return record


class _Sluggish(Network):
    """Requests may hang; machines may sleep."""

    def travel(self) -> None:
        super().travel()
        draw = self.rng.random()
        if draw < 0.02:
            self.conductor.freeze(self.conductor.process, self.rng.uniform(10, 400))
            self.conductor.pause(0)
        elif draw < 0.05:
            self.conductor.pause(self.rng.uniform(10, 200))


def _persist(
    conductor: Conductor,
    record: Record,
    store: ObjectStore,
    process: str,
    work: Callable[..., Any],
    tries: int,
) -> None:
    """Who does not get the lock tries again later, as the next start of a process would."""
    for attempt in range(tries):
        holding(conductor, record, store, f"{process}.{attempt}", work)
        if record.ends[f"{process}.{attempt}"] == "done":
            return
        conductor.pause(60)


def _acts(network: Network, record: Record, count: int, lease: Watched) -> None:
    process = lease._lock._holder
    for number in range(count):
        lease.check()
        record.checked[process] = network.conductor.seconds
        with network.trip():
            record.arrived(process, f"act {number}", network.conductor.seconds)
        network.conductor.pause(network.rng.choice((0.1, 5, 45)))


# --- whole runs -----------------------------------------------------------------------------------


class Wayfare:
    """A `Fate` that takes time: every call travels, and one of them may take its process along."""

    def __init__(
        self,
        conductor: Conductor,
        record: Record,
        rng: random.Random,
        store: MemoryStore,
        stall: tuple[int, float] | None = None,
    ) -> None:
        self.turns = 0
        self.stalled: Callable[[], None] = lambda: None
        self._conductor, self._record, self._rng, self._store = conductor, record, rng, store
        self._stall = stall

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        self._turn()
        try:
            answer = work(*args, **more)
        finally:
            self._note(name)
        self._turn()
        return iter(list(answer)) if isinstance(answer, Iterator) else answer

    def _turn(self) -> None:
        self._conductor.pause(self._rng.uniform(0.005, 0.1))
        self.turns += 1
        if self._stall and self.turns - 1 == self._stall[0]:
            self.stalled()
            self._conductor.freeze(self._conductor.process, self._stall[1])
            self._conductor.pause(0)

    def _note(self, name: str) -> None:
        conductor = self._conductor
        if name == f"MemoryStore.put {LOCK}":
            found = self._store.get(LOCK)
            if found is not None:
                record = from_json(LockRecord, parse(found.content))
                self._record.locks.append((conductor.seconds, record))
        method = name.partition(".")[2].partition(" ")[0]
        if method in EFFECTS:
            self._record.arrived(conductor.process, name, conductor.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """The first run stands still at one of its turns; the others begin meanwhile."""

    day: int
    turn: int | None
    """None: at none."""
    others: tuple[float, ...] = (130.0,)
    """When further runs begin, in seconds after the first stood still."""
    frozen: float = 300.0
    second: tuple[int, float] | None = None
    """Turn and length of a standstill of the first of the others."""

    def __str__(self) -> str:
        return f"day {self.day} turn {self.turn} others {self.others} second {self.second}"


def run_race(race: Race, seed: int) -> tuple[Village, Record, int]:
    """The village after the race and all days that follow; the turns that the first run took."""
    rng = random.Random(f"{seed}/{race}")
    village = Village(aged(), old_password(), *bystanders(4))
    conductor, record = Conductor(village.start), Record()
    village.clock = conductor  # type: ignore[assignment]
    village.store = MemoryStore(conductor)  # type: ignore[arg-type]
    for day in DAYS:
        if day < race.day:
            village.run(day)
    now = village.at(race.day)
    conductor.pass_((now - conductor.now()).total_seconds())
    village.account.now = now
    begun = conductor.seconds

    def process(name: str, fate: Wayfare) -> Callable[[], None]:
        def work(lease: Watched) -> None:
            account = village.wired(fate)  # type: ignore[arg-type]
            account = replace(account, tools=replace(account.tools, lease=lease))
            daily.run(account, now, Silence(), execute=True)

        store = Perilous(village.store, Wayfare(conductor, record, rng, village.store))
        return partial(holding, conductor, record, store, name, work)

    fare = partial(Wayfare, conductor, record, rng, village.store)
    first = fare((race.turn, race.frozen) if race.turn is not None else None)

    def meanwhile() -> None:
        for index, after in enumerate(race.others):
            fate = fare(race.second if index == 0 else None)
            conductor.spawn(f"other{index}", process(f"other{index}", fate), after=after)

    first.stalled = meanwhile
    conductor.spawn("first", process("first", first))
    conductor.play()
    record.locks = [(at, lock) for at, lock in record.locks if at >= begun]
    for day in DAYS:
        if day > race.day:
            village.run(day)
    village.live(18, 20)  # a delayed act is later told of
    return village, record, first.turns


def races(size: Size, seed: int) -> Iterator[Race]:
    """The first run at every turn of every day on which something happens; then chains of two."""
    rng = random.Random(seed)
    for day in (0, 7, 14):
        turns = run_race(Race(day=day, turn=None), seed)[2]
        every = range(turns)
        for turn in every if size is Size.FULL else rng.sample(every, 14):
            yield Race(day=day, turn=turn)
        for _ in range(size.of(4, 150)):
            second = (rng.randrange(turns), rng.uniform(100, 400))
            others = tuple(sorted(rng.uniform(60, 500) for _ in range(rng.randint(2, 4))))
            yield Race(day=day, turn=rng.randrange(turns), others=others, second=second)


def offences_of(race: Race, seed: int) -> tuple[list[str], int]:
    """What was wrong by the end of all days; how often a lapsed lease was taken over."""
    village, record, _ = run_race(race, seed)
    found = list(offences(record))
    found += [p for p in problems(village) if not _one_per_takeover(p, record.takeovers)]
    found += [f"audit log: {problem}" for problem in verify(village.store)]
    found += [
        f"{process} ended with {end}"
        for process, end in record.ends.items()
        if end.endswith("kept") and not end.startswith(("LockLost", "StorageConflict"))
    ]
    return [f"{race}, seed {seed}: {problem}" for problem in found], record.takeovers


def _one_per_takeover(problem: str, takeovers: int) -> bool:
    """A lost lease is a stop: at most one mail may be sent twice for each."""
    count, _, rest = problem.partition(" mails too many")
    return bool(rest) and count.isdigit() and int(count) <= takeovers


# --- the proof ------------------------------------------------------------------------------------


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Locks, whole runs, real processes."""
    yield from in_memory(size, seed)
    yield from crowds(size, seed)


def in_memory(size: Size, seed: int) -> Iterator[Figure]:
    """The schedules alone."""
    wrong: list[str] = []
    count, handed, effects = size.of(120, 2_000), 0, 0
    for number in range(count):
        record = lock_schedule(seed, number)
        handed += record.takeovers
        effects += len(record.effects)
        wrong += [f"locks, seed {seed}, schedule {number}: {each}" for each in offences(record)]
    yield Figure(promise="P11", what="schedules of 2–8 locks", tried=count, violations=(*wrong,))
    yield Figure(promise="P11", what="effects in them", tried=effects)
    wrong, raced = [], 0
    for race in races(size, seed):
        found, takeovers = offences_of(race, seed)
        handed += takeovers
        raced += 1
        wrong += found
    yield Figure(promise="P11", what="races of whole runs", tried=raced, violations=(*wrong,))
    yield Figure(promise="P11", what="lapsed leases taken over", tried=handed)
    standstills = list(late_segments())
    yield Figure(
        promise="P11",
        what="standstills while an audit segment is written",
        tried=len(standstills),
        violations=tuple(problem for wrong in standstills for problem in wrong),
    )


# --- writers of the audit log ---------------------------------------------------------------------


class _Sleeper(Network):
    """One process stands still for longer than its lease at one of its turns."""

    def __init__(self, conductor: Conductor, turn: int) -> None:
        super().__init__(conductor, random.Random(turn), loss=0.0)
        self.turns = 0
        self._turn = turn

    def travel(self) -> None:
        super().travel()
        if self.conductor.process != "late":
            return
        self.turns += 1
        if self.turns - 1 == self._turn:
            self.conductor.freeze("late", 300.0)
            self.conductor.pause(0)


def late_segment(turn: int) -> tuple[int, list[str]]:
    """A writer who stands still at a turn while another one writes: his turns, what is wrong."""
    conductor, bucket = Conductor(), SharedBucket()
    network = _Sleeper(conductor, turn)

    def store() -> S3Store:
        return S3Store(RacingS3(bucket, network), bucket="b", prefix="p", sleep=conductor.sleep)

    def write(run_id: str, *events: str) -> None:
        log = StoredAuditLog(store(), run_id=RunId(run_id))
        for event in events:
            log.append(event, conductor.now(), {})
            log.flush()

    conductor.spawn("first", partial(write, "20260105T060000Z-0000", "begun"))
    conductor.spawn("late", partial(write, "20260105T060100Z-0001", "late", "later"), after=60)
    conductor.spawn("next", partial(write, "20260105T060300Z-0002", "one", "two"), after=180)
    conductor.play()
    kept = store()
    told = sorted(record.event for record in records(kept))
    wrong = verify(kept)
    if told != sorted(("begun", "late", "later", "one", "two")):
        wrong.append(f"the records are {told}")
    return network.turns, [f"asleep at turn {turn}: {each}" for each in wrong]


def late_segments() -> Iterator[list[str]]:
    """What is wrong, for a standstill at every turn of the late writer."""
    turns, wrong = late_segment(-1)
    yield wrong
    for turn in range(turns):
        yield late_segment(turn)[1]


# --- planted violations ---------------------------------------------------------------------------


@contextmanager
def _without_a_fence() -> Iterator[None]:
    """Every segment is written as soon as its writer has seen an end, whoever claimed since."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_log, "claim", lambda *_: True)
        yield


@contextmanager
def _planted(name: str, instead: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountLock, name, instead)
        yield


def _unconditional(self: AccountLock, record: LockRecord, version: object, now: datetime) -> None:
    self._version = self._store.put(LOCK, readable(to_json(record)))
    self._record, self._renewed_at = record, now


MUTANTS = (
    Mutant(
        promise="P11",
        name="the lock is written without a condition",
        plant=partial(_planted, "_keep", _unconditional),
    ),
    Mutant(
        promise="P11",
        name="the lease is not looked at before an act",
        plant=partial(_planted, "check", lambda *_: None),
    ),
    Mutant(promise="P11", name="the place of a segment is not claimed", plant=_without_a_fence),
)
SHOWN_BY: Mapping[str, Mapping[Race, str]] = {
    "the lock is written without a condition": {Race(day=7, turn=78): "mails too many"},
    "the lease is not looked at before an act": {
        Race(day=7, turn=78): "mails too many",
        Race(day=14, turn=71, others=(150.0,), second=(9, 250.0)): "other0 had the lock",
    },
}
"""Planted violation → races of whole runs that show it, and how; the third needs no run."""
