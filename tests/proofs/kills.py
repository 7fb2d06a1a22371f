"""P1, P2: the real process killed (SIGKILL) at sampled points of a case.

    calls    the emulator holds one call back, before or after its effect; there the process dies
    files    with a directory as storage: the process dies at its n-th fsync or rename

Then the lock is broken by hand, as `state unlock --force` does, and the days go on.  What happened
is judged by the checker.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from tests.proofs.checker import Rules, violations
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.stage import BUCKETED, LOCAL, STORAGES, Stage, stages

from keyreeve.model.errors import KeyreeveError
from keyreeve.pipeline.rotation import Rotation

DAYS = (0, 7, 11, 14, 15)
"""Days of runs: the first notice, new credentials, the countdown, enforcement, the last word."""
FATAL = (0, 7, 14)
WORST = ("CreateAccessKey", "UpdateLoginProfile", "UpdateAccessKey", "SendEmail", "PutObject")

PROMISES = ("P1", "P2")

Made = Callable[[str], Stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where the process dies."""

    storage: str
    day: int
    number: int
    """Of the call within the run, or of the write to a file; counts from 0."""
    when: str
    """`before` or `after` the call's effect; `fsync` or `replace` of a file."""

    def __str__(self) -> str:
        where = "a directory" if self.storage == LOCAL else "S3"
        return f"storage in {where}, day {self.day}, {self.when} {self.number}"


def killed(stage: Stage, kill: Kill) -> bool:
    """The days up to the kill, and the kill; False if the process ended before."""
    for day in DAYS:
        if day < kill.day:
            stage.run(day)
    if kill.when in ("before", "after"):
        stage.sandbox.plant_fault(skip=kill.number, when=kill.when, answer="hang")
        dead = stage.kill_at(stage.launch(kill.day))
    else:
        more = {"KEYREEVE_DIES_AT": f"{kill.when} {kill.number}"}
        process = stage.launch(kill.day, more=more)
        process.communicate()
        dead = process.returncode < 0
    stage.take_down(lost_effect=kill.when != "before")
    return dead


def wrong(made: Made, kill: Kill) -> tuple[bool, list[str]]:
    """Whether the process died there, and what was violated by the end of the case."""
    stage = made(kill.storage)
    dead = killed(stage, kill)
    stage.break_lock()
    found: list[str] = []
    try:
        for day in (kill.day + 0.05, *(day for day in DAYS if day > kill.day)):
            stage.run(day)
    except KeyreeveError as error:
        found.append(f"the storage was left unreadable: {error}")
    found += map(str, violations(stage.history(), Rules(stops_at_send=1)))
    return dead, [f"{kill}: {text}" for text in found]


def calls_of(made: Made, storage: str, day: int) -> list[str]:
    """The operations of a day's run that nobody disturbs."""
    stage = made(storage)
    for earlier in DAYS:
        if earlier < day:
            stage.run(earlier)
    stage.sandbox.forget_calls()
    stage._seen = 0
    stage.run(day)
    return [row["operation"] for row in stage.sandbox.calls()]


def kills(size: Size, seed: int, made: Made) -> Iterator[Kill]:
    """Half of the points at the calls that matter most, the others anywhere."""
    rng = random.Random(seed)
    days = (7,) if size is Size.CI else FATAL
    for storage in STORAGES:
        for day in days:
            calls = calls_of(made, storage, day)
            worst = [n for n, call in enumerate(calls) if call in WORST]
            for index in range(size.of(1, 4)):
                number = rng.choice(worst) if index % 2 == 0 else rng.randrange(len(calls))
                when = rng.choice(("before", "after"))
                yield Kill(storage=storage, day=day, number=number, when=when)
    for day in days:
        for _ in range(size.of(2, 8)):
            when = rng.choice(("fsync", "replace"))
            yield Kill(storage=LOCAL, day=day, number=rng.randrange(30), when=when)


def prove(size: Size, seed: int) -> Iterator[Figure]:
    """Kills of real processes; whatever else the checker finds is a figure of its own promise."""
    tried, found = 0, []
    with stages() as made:
        for kill in kills(size, seed, made):
            dead, texts = wrong(made, kill)
            tried += dead
            found += [f"{text}, seed {seed}" for text in texts]
    for promise in sorted({*PROMISES, *map(_promise, found)}):
        mine = tuple(text for text in found if _promise(text) == promise)
        yield Figure(promise=promise, what="kills of a real process", tried=tried, violations=mine)


def _promise(text: str) -> str:
    """Which one a text of `wrong` breaks; P1 where the storage could not be read at all."""
    named = re.search(r": (P\d+): ", text)
    return named[1] if named else "P1"


# --- planted violations ---------------------------------------------------------------------------


@contextmanager
def _planted(target: Any, name: str, instead: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, instead)
        yield


LOST_ANSWER = Kill(storage=BUCKETED, day=7, number=-1, when="after")
"""At CreateAccessKey: the key is there, and its secret is lost."""
MUTANTS = (
    Mutant(
        promise="P1",
        name="a key whose secret was lost is left Active",
        plant=partial(_planted, Rotation, "_unknown_keys", lambda *_: ([], ())),
    ),
)
"""Planted into the runs after the kill, which happen in this process.  That no second key is made
for one operation is also guarded by AWS's limit of two: its mutants are those of the checker."""
