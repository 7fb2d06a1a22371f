"""A whole case stopped at any call, or cut off from an answer, and run again (P1, P2, P3, P5).

In memory: every single stop, all pairs of one user, sampled triples; a password, three users at
once, kept orphans, a slot to free; and people who change the account between stop and next run.
To replay a violation: `live(SCENARIOS[name], stops)` with the stops that it names.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests.proofs.checker import USE, Violation, violations
from tests.proofs.chronicle import Blow, Chronicle, End
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.worlds import (
    AGED,
    FIRST,
    OLD,
    SCENARIOS,
    Resume,
    Scenario,
    Trial,
    everything,
    explore,
    fork,
    judge,
    live,
    rules_of,
    run,
    settle,
    telling,
    wander,
)

from keyreeve.escalation import machine
from keyreeve.pipeline.enforcement import Enforcement
from keyreeve.pipeline.execution import Execution
from keyreeve.pipeline.rotation import Rotation
from keyreeve.pipeline.workbench import Workbench
from keyreeve.storage.escrow import StoredEscrow
from keyreeve.storage.layout import escrow_key

PROMISES = ("P1", "P2", "P3", "P5")
Found = tuple[str, str, list[Violation]]
"""What was tried, on whom and how, and what came of it."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Every figure is of all promises: one world is judged by all of them."""
    tried: Counter[str] = Counter()
    bad: dict[tuple[str, str], list[str]] = defaultdict(list)
    for what, where, found in trials(size, seed):
        tried[what] += 1
        for violation in found:
            bad[what, violation.promise].append(f"{where}: {violation.text}")
    for promise in sorted({*PROMISES, *(promise for _, promise in bad)}):
        for what, count in tried.items():
            violated = tuple(bad[what, promise])
            yield Figure(promise=promise, what=what, tried=count, violations=violated)


def trials(size: Size, seed: int) -> Iterator[Found]:
    """World after world, the most telling ones first."""
    yield from _worst()
    yield from _people(size)
    yield from _singles(size)
    yield from _pairs(size, seed)
    yield from _samples("three stops of one user", [AGED], 3, size.of(20, 2_000), seed)
    crowd = [s for s in SCENARIOS.values() if s is not AGED]
    yield from _samples("two stops of other cases", crowd, 2, size.of(20, 2_000), seed)


SINGLE = "single stops and lost answers"


def _worst() -> Iterator[Found]:
    """The calls that change the account; and four days without a run, from each day on."""

    def acts(calls: Sequence[str]) -> list[Blow]:
        return [b for b in telling(calls) if calls[b.at].startswith("ReportedAccount.")]

    yield from _judged(SINGLE, AGED, explore(AGED, acts, [Resume.SAME_DAY], depth=1))
    for day in AGED.days:
        trial = (AGED.stop(day, Blow(0, End.STOPPED_BEFORE), ["nothing"], Resume.OUTAGE),)
        yield from _judged(SINGLE, AGED, [(trial, live(AGED, trial))])


def _singles(size: Size) -> Iterator[Found]:
    """Of an aged key and of an old password all telling ones.

    At full size of all cases, and every call in all four ways.
    """
    if size is Size.CI:
        for scenario in (AGED, SCENARIOS["old password"]):
            worlds = explore(scenario, telling, [Resume.SAME_DAY], depth=1)
            yield from _judged(SINGLE, scenario, worlds)
        yield from _samples(SINGLE, list(SCENARIOS.values()), 1, 30, 0)
        return
    for scenario in SCENARIOS.values():
        worlds = explore(scenario, telling, list(Resume), depth=1)
        yield from _judged(SINGLE, scenario, worlds)
    for name in ("aged key", "old password", "three users"):
        worlds = explore(SCENARIOS[name], everything, [Resume.SAME_DAY], depth=1)
        yield from _judged(SINGLE, SCENARIOS[name], worlds)


def _pairs(size: Size, seed: int) -> Iterator[Found]:
    what = "pairs of stops of one user"
    if size is Size.CI:
        yield from _samples(what, [AGED], 2, 40, seed)
        return
    resumes = [Resume.SAME_DAY, Resume.NEXT_RUN]
    worlds = explore(AGED, telling, resumes, depth=2)
    pairs = ((trial, world) for trial, world in worlds if len(trial) > 1)
    yield from _judged(what, AGED, pairs)


def _samples(
    what: str, scenarios: list[Scenario], stops: int, count: int, seed: int
) -> Iterator[Found]:
    chance = random.Random(f"{what} {seed}")
    for number in range(count):
        scenario = scenarios[number % len(scenarios)]
        trial, world = wander(scenario, chance, stops)
        yield from _judged(what, scenario, [(trial, world)])


def _judged(
    what: str, scenario: Scenario, worlds: Iterable[tuple[Trial, Chronicle]]
) -> Iterator[Found]:
    for trial, world in worlds:
        where = f"{scenario.name}, {' · '.join(map(str, trial)) or 'undisturbed'}"
        yield what, where, judge(scenario, trial, world)


# --- people who act between the stop and the next run -------------------------------------------


def _people(size: Size) -> Iterator[Found]:
    """On the days of new credentials and of the act; only the checker judges: people may undo."""
    for day in _days(size):
        for trial, hit, rest in _hits(day):
            for name in EDITS if size is Size.FULL else ENDINGS:
                world = fork(hit)
                EDITS[name](world)
                for at in rest:
                    run(AGED, world, at)
                settle(AGED, world)
                found = violations(world.history(), rules_of(AGED, trial))
                troubles = [Violation(promise="P1", text=text) for text in world.troubles]
                where = f"{AGED.name}, {trial[0]}, then {name}"
                yield "stops followed by an edit of a person", where, found + troubles


def _days(size: Size) -> tuple[int, ...]:
    """Days on which a stop and an edit can meet."""
    return (7,) if size is Size.CI else (3, 7, 10, 11, 14, 15)


def _hits(day: int) -> Iterator[tuple[Trial, Chronicle, list[float]]]:
    """Every telling stop of a day, with the world as it left it and the runs to come."""
    before = AGED.begin()
    for earlier in range(day):
        run(AGED, before, earlier)
    calls = run(AGED, fork(before), day).calls
    rest = [day + 0.01, *map(float, range(day + 1, AGED.days[-1] + 1))]
    for blow in telling(calls):
        hit = fork(before)
        run(AGED, hit, day, blow)
        yield (AGED.stop(day, blow, calls),), hit, rest


def _set(active: bool, key: str) -> Callable[[Chronicle], None]:  # noqa: FBT001
    def edit(world: Chronicle) -> None:
        if key in world.village.account.keys_of("aged.key"):
            world.village.account.change_key("aged.key", key, active=active)
            status = "Active" if active else "Inactive"
            world.person("iam:UpdateAccessKey", "aged.key", AccessKeyId=key, Status=status)

    return edit


def _delete(key: str) -> Callable[[Chronicle], None]:
    def edit(world: Chronicle) -> None:
        account = world.village.account
        if key in account.keys_of("aged.key"):
            (user,) = account.snapshot().users
            account.change("aged.key", keys=tuple(k for k in user.keys if k.key_id != key))
            world.person("iam:DeleteAccessKey", "aged.key", AccessKeyId=key)

    return edit


def _use(key: str) -> Callable[[Chronicle], None]:
    def edit(world: Chronicle) -> None:
        at = world.village.clock.now()
        world.village.account.change_key("aged.key", key, last_used=at)
        world.person(USE, "aged.key", AccessKeyId=key)

    return edit


EDITS = {
    "the new key is deleted": _delete(FIRST),
    "the new key is made Inactive": _set(False, FIRST),
    "the new key is made Active": _set(True, FIRST),
    "the new key is used": _use(FIRST),
    "the old key is deleted": _delete(OLD),
    "the old key is made Inactive": _set(False, OLD),
    "the old key is made Active": _set(True, OLD),
}
ENDINGS = [name for name in EDITS if name.endswith(("deleted", "Inactive"))]
"""Edits that take a key away."""


# --- planted violations -------------------------------------------------------------------------


def _patch(*changes: tuple[object, str, object]) -> Callable[[], AbstractContextManager[object]]:
    @contextmanager
    def plant() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for owner, name, value in changes:
                patch.setattr(owner, name, value)
            yield

    return plant


_deposit, _write = StoredEscrow.deposit, Workbench.write


def _deposit_later(self, kind, user, operation, attempt, csv):
    self.waiting = (kind, user, operation, attempt, csv)
    return escrow_key(kind, user, operation, attempt)


def _write_then_deposit(self, *step):
    _write(self, *step)
    if waiting := vars(self.tools.escrow).pop("waiting", None):
        _deposit(self.tools.escrow, *waiting)


def _forget(self, attempt, key, **_):
    """The orphan is written down, and stays Active."""
    del self, attempt, key


def _repeat(self, operation):
    self._create(operation.attempt + 1, self._bench.live_keys(self._act))


MUTANTS = (
    Mutant(
        promise="P1",
        name="the escrow comes after the step that tells of it",
        plant=_patch(
            (StoredEscrow, "deposit", _deposit_later), (Workbench, "write", _write_then_deposit)
        ),
    ),
    Mutant(
        promise="P1",
        name="a key whose secret is lost stays Active",
        plant=_patch((Rotation, "_shut_orphan", _forget)),
    ),
    Mutant(
        promise="P2",
        name="CreateAccessKey is repeated, and nobody looks for the first key",
        plant=_patch((Rotation, "_recover", _repeat)),
    ),
    Mutant(
        promise="P3",
        name="nobody waits for the overlap",
        plant=_patch((machine, "_overlap_over", lambda record, at, calendar, day_0, days: day_0)),
    ),
    Mutant(
        promise="P3",
        name="the act comes before the date told last",
        plant=_patch(
            (machine, "_as_told", lambda record, at, calendar, enforcement_on: enforcement_on)
        ),
    ),
    Mutant(
        promise="P3",
        name="nobody looks again before the act",
        plant=_patch(
            (Enforcement, "_is_done", lambda self, *, enforcing: False),
            (Enforcement, "_look_again", lambda self: None),
        ),
    ),
    Mutant(
        promise="P5",
        name="a notice that was sent is forgotten",
        plant=_patch((Execution, "_remember", lambda self, *_: lambda accepted: None)),
    ),
)
