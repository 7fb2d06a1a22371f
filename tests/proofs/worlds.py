"""Whole cases that can be forked at any run: each world is lived once, its variants from there on.

A trial is replayed by `live(SCENARIOS[name], stops)`; `explore` yields the same worlds, and shares
what they have in common.
"""

from __future__ import annotations

import copy
import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from tests.fakes.memory_store import SettableClock
from tests.proofs.checker import Rules, Violation, violations
from tests.proofs.chronicle import READS, Blow, Chronicle, End, Witness, method_of
from tests.proofs.history import Call, Mail
from tests.proofs.letters import key_in
from tests.proofs.words import TEXT
from tests.scenario.people import aged, old_password, spare
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Village

from keyreeve.model.errors import KeyreeveError
from keyreeve.model.policy import Orphans
from keyreeve.model.snapshot import User
from keyreeve.pipeline import daily
from keyreeve.storage.decisions import StoredDecisions

AGAIN = 0.01
"""Days until a run is repeated."""
OUTAGE = 4
"""Days without a run."""
PATIENCE = 30
"""Days after which a case that is still open is stuck."""


class Resume(StrEnum):
    """When the next run comes."""

    SAME_DAY = "again the same day"
    NEXT_RUN = "next on the following day"
    OUTAGE = "next after four days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a run was hit, and when the next one came."""

    at: float
    """The run: day of the story."""
    blow: Blow
    call: str
    """Name of the call, for people."""
    resume: Resume

    def __str__(self) -> str:
        return f"day {self.at:g}: {self.blow} ({self.call}), {self.resume}"

    @property
    def repeats_a_mail(self) -> bool:
        """The mail was accepted, and nothing tells so: between the send and its step."""
        if method_of(self.call) == "send":
            return self.blow.takes_effect
        step = self.call.endswith(("-accepted.json", "-delivered.json"))
        return step and not self.blow.takes_effect


class Neighbourhood(Village):
    """A village whose every run draws passwords of its own."""

    def wired(self, fate: Fate | None = None) -> daily.Account:
        account = super().wired(fate)
        tools = replace(account.tools, randomness=random.Random(self._runs))
        return replace(account, tools=tools)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A case from its first day to its last."""

    name: str
    build: Callable[[], Chronicle]
    """Lived up to the first day."""
    days: tuple[int, ...] = tuple(range(18))
    ends: tuple[str, ...] = ()
    """Keys that are Inactive in the end."""
    replacements: frozenset[int] = frozenset({0})
    """How many keys made here may be alive in the end."""
    morning: Callable[[Village, float], None] = lambda *_: None
    rules: Rules = field(default_factory=Rules)

    @cache  # noqa: B019 - a handful of scenarios
    def _begun(self) -> Chronicle:
        return self.build()

    def stop(
        self, at: float, blow: Blow, calls: Sequence[str], resume: Resume = Resume.SAME_DAY
    ) -> Stop:
        """The blow in its place."""
        return Stop(at=float(at), blow=blow, call=calls[blow.at], resume=resume)

    def begin(self) -> Chronicle:
        """A world of one's own on the eve of the first day."""
        return fork(self._begun())


def fork(chronicle: Chronicle) -> Chronicle:
    """The same world, and another future."""
    old = chronicle.village
    new = copy.copy(old)
    new.clock = SettableClock(old.clock.now())
    new.account = copy.copy(old.account)
    new.account._users = dict(old.account._users)
    new.account.deleted, new.account.shut = list(old.account.deleted), list(old.account.shut)
    new.mailer = copy.copy(old.mailer)
    new.mailer.sent, new.mailer.wire = list(old.mailer.sent), list(old.mailer.wire)
    new.store = copy.copy(old.store)
    new.store._clock = new.clock
    new.store._objects, new.store.puts = dict(old.store._objects), list(old.store.puts)
    new.decisions = StoredDecisions(new.store)
    new.outcomes = list(old.outcomes)
    twin = Chronicle(new, tuple(chronicle.events))
    twin.passwords = dict(chronicle.passwords)
    twin.troubles = list(chronicle.troubles)
    return twin


def run(scenario: Scenario, world: Chronicle, at: float, blow: Blow | None = None) -> Witness:
    """One run of a world; what goes wrong without a blow is a trouble."""
    witness = world.fate(blow)
    scenario.morning(world.village, at)
    try:
        with suppress(Stopped):
            world.village.run(at, fate=witness)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        if blow is None or not isinstance(error, KeyreeveError):
            world.troubles.append(f"the run of day {at:g} failed: {type(error).__name__}: {error}")
    return witness


def live(scenario: Scenario, stops: Sequence[Stop]) -> Chronicle:
    """One world from its beginning: the replay of a trial."""
    world, left = scenario.begin(), list(map(float, scenario.days))
    hits = {stop.at: stop for stop in stops}
    while left:
        at = left.pop(0)
        stop = hits.get(at)
        run(scenario, world, at, stop.blow if stop else None)
        if stop is not None:
            left = list(_then(at, stop.resume, left))
    settle(scenario, world)
    return world


Trial = tuple[Stop, ...]
Blows = Callable[[Sequence[str]], list[Blow]]


def explore(
    scenario: Scenario,
    blows: Blows,
    resumes: Sequence[Resume],
    *,
    depth: int,
) -> Iterator[tuple[Trial, Chronicle]]:
    """Every world with up to `depth` blows, each with what was done to it."""

    def branch(
        world: Chronicle, left: Sequence[float], trial: Trial
    ) -> Iterator[tuple[Trial, Chronicle]]:
        for position, at in enumerate(left):
            if len(trial) == depth:
                run(scenario, world, at)
                continue
            ahead = fork(world)
            calls = run(scenario, ahead, at).calls
            for blow in blows(calls):
                hit = None
                for resume in resumes:
                    stop = scenario.stop(at, blow, calls, resume)
                    if hit is None:
                        hit = fork(world)
                        run(scenario, hit, at, blow)
                    then = tuple(_then(at, resume, left[position + 1 :]))
                    yield from branch(fork(hit), then, (*trial, stop))
            world = ahead
        settle(scenario, world)
        yield trial, world

    yield from branch(scenario.begin(), tuple(map(float, scenario.days)), ())


def wander(scenario: Scenario, chance: random.Random, stops: int) -> tuple[Trial, Chronicle]:
    """One world with so many blows, by chance."""
    world, left, trial = scenario.begin(), list(map(float, scenario.days)), ()
    while left:
        at = left.pop(0)
        if chance.random() * (len(left) + 1) >= stops - len(trial):
            run(scenario, world, at)
            continue
        calls = run(scenario, fork(world), at).calls
        blow, resume = chance.choice(telling(calls)), chance.choice(list(Resume))
        run(scenario, world, at, blow)
        trial = (*trial, scenario.stop(at, blow, calls, resume))
        left = list(_then(at, resume, left))
    settle(scenario, world)
    return trial, world


def _then(at: float, resume: Resume, left: Sequence[float]) -> Iterator[float]:
    """The runs that follow a blow."""
    match resume:
        case Resume.SAME_DAY:
            yield round(at + AGAIN, 4)
            yield from left
        case Resume.NEXT_RUN:
            yield from left
        case Resume.OUTAGE:
            yield from (later for later in left if later >= int(at) + OUTAGE)


def settle(scenario: Scenario, world: Chronicle) -> None:
    """Run on until every case is closed, or it is plain that one is stuck."""
    last = int(max(scenario.days)) + 1
    for day in range(last, last + PATIENCE):
        if not world.village.state.users:
            return
        run(scenario, world, float(day))


# --- what may be struck -------------------------------------------------------------------------

UNREAD = ("collected/", "runs/", "mails/")
"""Objects that no run reads again."""


def everything(calls: Sequence[str]) -> list[Blow]:
    """Every call, in all four ways."""
    return [Blow(number, end) for number in range(len(calls)) for end in End]


def telling(calls: Sequence[str]) -> list[Blow]:
    """One of each kind that leaves the same world (`test_stops` proves it call by call).

    Stopped after a call is stopped before the next; reads leave no trace; what is put below
    `UNREAD` is read by nobody; and where the storage does not answer, the run ends.
    """
    out = [Blow(0, End.STOPPED_BEFORE)]
    for number, call in enumerate(calls):
        if leaves_no_trace(call):
            continue
        out.append(Blow(number, End.STOPPED_AFTER))
        if not call.startswith("MemoryStore.") or " credentials/" in call:
            out += [Blow(number, End.ANSWER_LOST), Blow(number, End.NEVER_ARRIVED)]
    return out


def leaves_no_trace(call: str) -> bool:
    """Whether the world is the same after it, as far as any later run can see."""
    method, _, what = call.partition(" ")
    return method_of(method) in READS or what.startswith(UNREAD)


def fingerprint(world: Chronicle) -> object:
    """All that a later run, or the checker, could see; but for what was only read."""
    village = world.village
    kept = {k: o.content for k, o in village.store._objects.items() if not k.startswith(UNREAD)}
    changes = [unanswered(event) for event in world.events if not is_read(event)]
    return kept, village.account._users, village.mailer.wire, changes


def is_read(event: Call | Mail) -> bool:
    return isinstance(event, Call) and event.operation.startswith(("iam:Get", "iam:List"))


def unanswered(event: Call | Mail) -> Call | Mail:
    """What a process that ended heard is no part of the world."""
    return replace(event, answered=False) if isinstance(event, Call) else event


# --- the end of a world -------------------------------------------------------------------------


def judge(scenario: Scenario, trial: Trial, world: Chronicle) -> list[Violation]:
    """What the checker finds, and what is not as it should be in the end."""
    found = violations(world.history(), rules_of(scenario, trial))
    return found + [Violation(promise="P1", text=text) for text in _unsettled(scenario, world)]


def rules_of(scenario: Scenario, trial: Trial) -> Rules:
    """With one mail more for every answer of the mail system that was lost."""
    repeats = sum(stop.repeats_a_mail for stop in trial)
    return replace(scenario.rules, stops_at_send=repeats)


def _unsettled(scenario: Scenario, world: Chronicle) -> Iterator[str]:
    """A stop only delays: the case closes, the old key ends, its owner holds the new one."""
    yield from world.troubles
    village, history = world.village, world.history()
    for case in village.state.users.values():
        yield f"the case of {case.user_name} is still open"
    active = {key.key_id for key in history.keys if key.active}
    for old in active & set(scenario.ends):
        yield f"{old} is still active"
    mailed = [mail.attachments[0].content for mail in village.mailer.sent if mail.attachments]
    held = {row[0] for row in map(key_in, mailed) if row is not None and row[1]}
    made = {e.made for e in world.events if isinstance(e, Call) and e.made}
    for new in (active & made) - held:
        yield f"{new} is active, and nobody was given it"
    if len(active & made) not in scenario.replacements:
        yield f"{len(active & made)} replacements are active"
    known = {(row[0], row[1]) for row in map(_row, mailed)}
    for user in world.passwords.items() - known:
        yield f"nobody was given the password of {user[0]}"


def _row(content: bytes) -> list[str]:
    return list(csv.reader(io.StringIO(content.decode())))[-1]


# --- who ----------------------------------------------------------------------------------------


OLD = "AKIAAGEDKEY000000001"
"""The aged key of `aged()`."""
STALE = "AKIASTALEKEY00000002"
"""The spare key of `spare()`."""
SECOND = 84
"""Day on which the replacement of day 7 opens a case of its own."""


def _village(*people: User, **policy: object) -> Callable[[], Chronicle]:
    return lambda: Chronicle(Neighbourhood(*people, renderer=TEXT, **policy))


FIRST = "AKIAFORECAST00000001"
"""The first key that is made."""


def _uses_keys(village: Village, at: float) -> None:
    """The owner's programs, with the first replacement: it ages, but does not fall asleep."""
    if FIRST in village.account.keys_of("aged.key"):
        village.account.change_key("aged.key", FIRST, last_used=village.at(at))
    else:
        village.account.use_keys("aged.key", village.at(at))


def _second_cycle() -> Chronicle:
    """The replacement of a first rotation comes of age, and the first key takes its slot."""
    world = _village(aged(), free_slot_after_days=30)()
    for day in range(SECOND):
        _uses_keys(world.village, day)
        world.village.run(day, fate=world.fate())
    return world


AGED = Scenario(name="aged key", build=_village(aged()), ends=(OLD,), replacements=frozenset({1}))
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        AGED,
        Scenario(
            name="aged key, orphans stay",
            build=_village(aged(), orphans=Orphans.KEEP_INACTIVE),
            ends=(OLD,),
            replacements=frozenset({0, 1}),  # an orphan may take the slot
        ),
        Scenario(
            name="aged key, slot to free",
            build=_second_cycle,
            days=tuple(range(SECOND, SECOND + 18)),
            ends=(FIRST,),
            replacements=frozenset({1}),
            morning=_uses_keys,
            rules=Rules(free_slots=frozenset({OLD})),
        ),
        Scenario(name="old password", build=_village(old_password())),
        Scenario(
            name="three users",
            build=_village(aged(), old_password(), spare()),
            ends=(OLD, STALE),
            replacements=frozenset({1}),
        ),
    )
}
