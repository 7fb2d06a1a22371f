"""P11 with real processes: many at once, and one that sleeps through the end of its lease.

at once    2–8 `keyreeve run --execute` on one storage: one acts, the others exit with 5, or
           with 0 and nothing left to do; mails and changes are those of a single run
asleep     a process is stopped (SIGSTOP) at a call, its lease lapses, another takes over and
           ends; the first wakes up (SIGCONT) and changes nothing more
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.proofs.checker import Rules, violations
from tests.proofs.figure import Figure, Size
from tests.proofs.stage import STORAGES, Stage, stages

from keyreeve.model.errors import LockHeld

DAYS = (0, 7, 11, 14, 15)
SHORTER = 30
"""A lease of two minutes then lasts four seconds."""
_LAPSED_SECONDS = 120 / SHORTER + 0.5
NAPS = (
    (STORAGES[0], "CreateAccessKey"),
    (STORAGES[1], "UpdateLoginProfile"),
    (STORAGES[0], "SendEmail"),
    (STORAGES[1], "CreateAccessKey"),
    (STORAGES[0], "PutObject"),
)
"""Storage, and the call at which the process falls asleep; a directory makes no PutObject."""

Made = Callable[[str], Stage]


def crowds(size: Size, seed: int) -> Iterator[Figure]:
    """Both kinds, on both storages."""
    rng = random.Random(seed)
    with stages() as made:
        single = {day: _single(made, day) for day in ((7,) if size is Size.CI else (0, 7, 14))}
        found, tried = [], 0
        for number in range(size.of(2, 12)):
            storage = STORAGES[number % 2]
            count = rng.randint(2, 3 if size is Size.CI else 8)
            day = rng.choice(list(single))
            found += [f"{text}, seed {seed}" for text in at_once(made, storage, day, count, single)]
            tried += 1
        yield Figure(promise="P11", what="races of processes", tried=tried, violations=(*found,))
        chosen = NAPS[: size.of(1, len(NAPS))]
        naps = [f"{text}, seed {seed}" for nap in chosen for text in asleep(made, *nap)]
        yield Figure(
            promise="P11",
            what="processes asleep past their lease",
            tried=len(chosen),
            violations=(*naps,),
        )


def _before(stage: Stage, day: int) -> int:
    """The days before; the number of the last call."""
    for earlier in DAYS:
        if earlier < day:
            stage.run(earlier)
    rows = stage.sandbox.calls()
    return rows[-1]["number"] if rows else 0


def _single(made: Made, day: int) -> Counter[Any]:
    stage = made(STORAGES[0])
    since = _before(stage, day)
    stage.run(day)
    return Counter(stage.changes(since))


def at_once(
    made: Made, storage: str, day: int, count: int, single: dict[int, Counter[Any]]
) -> Iterator[str]:
    stage = made(storage)
    since = _before(stage, day)
    crowd = [stage.launch(day) for _ in range(count)]
    ends = sorted(_end(process) for process in crowd)
    stage.take_down()
    said = f"{count} processes on {storage}, day {day}"
    if 0 not in ends or set(ends) - {0, LockHeld.exit_code}:
        yield f"{said}: exit codes {ends}"
    done = Counter(stage.changes(since))
    if done != single[day]:
        yield f"{said}: too much {dict(done - single[day])}, too little {dict(single[day] - done)}"
    yield from _rest(stage, day, said, Rules())


def _rest(stage: Stage, day: int, said: str, rules: Rules) -> Iterator[str]:
    for later in DAYS:
        if later > day:
            stage.run(later)
    yield from (f"{said}: {each}" for each in violations(stage.history(), rules))


def _end(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


def asleep(made: Made, storage: str, operation: str, planted: str = "") -> Iterator[str]:
    """On day 7, at a call of this operation, after its effect."""
    stage = made(storage)
    _before(stage, 7)
    more = {"KEYREEVE_LEASE": f"{SHORTER} {planted}".strip()}
    skip = 2 if operation == "PutObject" else 0  # past the writes of the lock
    stage.sandbox.plant_fault(operation, answer="hang", when="after", skip=skip)
    first = stage.launch(7, more=more)
    said = f"asleep at {operation} on {storage}"
    if not stage.await_hanging(first):
        first.communicate()
        yield f"{said}: the process ended before"
        return
    first.send_signal(signal.SIGSTOP)
    time.sleep(_LAPSED_SECONDS)
    second = _end(stage.launch(7.02, more={"KEYREEVE_LEASE": str(SHORTER)}))
    rows = stage.sandbox.calls()
    stage.sandbox.clear_faults()
    first.send_signal(signal.SIGCONT)
    code = _end(first)
    if second not in (0, 1):
        yield f"{said}: who took over exited with {second}"
    if code == 0:
        yield f"{said}: who had lost its lease exited with 0"
    if late := stage.changes(rows[-1]["number"]):
        yield f"{said}: afterwards it did {late}"
    stage.take_down()
    yield from _rest(stage, 7, said, Rules(stops_at_send=1))
