"""P9, of what people have decided: a file of theirs that cannot be read or believed is never none.

One account in which every file matters lives through the ladder: it observes until somebody arms
it; of four users one is waived, one held, one has more days; and some of its days are paused.
A trial is one day of it on which one of the files fails from one read on: `file/damage/day/read`.

from the first read    the run ends with exit 6, and nothing is changed, done or sent
from a later read      (each act and each mail is preceded by one) nothing is done or sent after it
either                 the file and a remedy are named; and once the file is whole again, a second
                       run of that day leaves what an undisturbed one does: nothing was forgotten

    python -m tests.proofs.lost_decisions 'waivers.json/cut off at byte 0/day 0/read 0'
"""

from __future__ import annotations

import io
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import dropwhile
from typing import Any

from tests.proofs.failing_lives import (
    PEOPLE,
    SETTINGS,
    Day,
    changes,
    lived_day,
    run_of_day,
)
from tests.proofs.fault_kinds import kinds
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.history import Call, Mail
from tests.proofs.memory_aws import Answer, Asked
from tests.proofs.memory_world import PREFIX, World, in_memory
from tests.proofs.planting import patched
from tests.scenario.people import MONDAY
from tests.scenario.test_people_decide import extension, hold, waiver

from keyreeve.codec import decisions
from keyreeve.codec.decisions import HoldFile, PauseFile, WaiverFile
from keyreeve.codec.seal import canonical
from keyreeve.model.decisions import Arming, HumanDecisions, Pause
from keyreeve.model.errors import (
    BrokenOff,
    CannotStart,
    KeyreeveError,
    StateUnreadable,
    StorageUnreachable,
)
from keyreeve.pipeline.workbench import Workbench
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.layout import HOLDS, LOCK, PAUSE, STATE, WAIVERS

FILES = (WAIVERS, HOLDS, PAUSE)
DAYS = (0, 5, 7, 8, 14, 15, 17)
"""On which a lost decision would be seen: somebody is told, given something, or cut off."""
PAUSED = (7, 14)
LATER = 0.1
"""Of a day: when somebody has mended the file, and runs again."""
NEVER_READ = "the file that shall fail was never read: nothing was proved"
Stages = Mapping[tuple[str, str], str]
"""User and control → stage."""
_ARMED = Arming(since=MONDAY, by="msp")
_PAUSE = Pause(reason="migration", since=MONDAY, by="msp")
_OPENED = "pending"
"""Where a finding stands that was opened by facts, and of which its owner has not been told."""
_SUBJECT = re.compile(rb"^Subject: .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """How a file fails."""

    name: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """A day before its run, and what the run does if nothing fails."""

    name: str
    number: int
    world: World
    calm: Day
    before: Stages
    """As they stood on the eve."""

    def content(self, file: str) -> bytes:
        return self.world.aws.objects[PREFIX + file].content

    def reads(self, file: str) -> int:
        """How often the run of the day reads the file."""
        return sum(_reads(event, file) for event in self.calm.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One file that fails, and from which read of the day on."""

    file: str
    damage: Damage
    morning: Morning
    read: int

    @property
    def name(self) -> str:
        """To replay it by."""
        return f"{self.file}/{self.damage.name}/{self.morning.name}/read {self.read}"


class Failing:
    """`MemoryAws.fails` of one trial: its file, from its read on, every attempt."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._asked = 0

    def __call__(self, asked: Asked) -> Answer | None:
        trial = self._trial
        if asked.operation != "s3:GetObject" or asked.key != PREFIX + trial.file:
            return None
        self._asked += 1
        return trial.damage.answer if self._asked > trial.read else None

    def struck(self, events: Iterable[Call | Mail]) -> int:
        """How many answers were other than the file."""
        return sum(_spoilt(event, self._trial.file) for event in events)


def _spoilt(event: Call | Mail, file: str) -> bool:
    return _reads(event, file) and isinstance(event, Call) and not event.answered


def _reads(event: Call | Mail, file: str) -> bool:
    return (
        isinstance(event, Call)
        and event.operation == "s3:GetObject"
        and event.params["Key"] == PREFIX + file
    )


# --- the life -----------------------------------------------------------------------------------


@cache
def mornings() -> tuple[Morning, ...]:
    """Made once, before any violation is planted. RuntimeError if a day of it goes wrong."""
    world = World(*PEOPLE, config=f"{SETTINGS}first_run: observe\n")
    _write(world, WAIVERS, WaiverFile(waivers=(waiver("no.mfa", 300),)))
    held, longer = (hold("stale.key", 60),), (extension("aged.key", 3),)
    _write(world, HOLDS, HoldFile(holds=held, extensions=longer))
    _write(world, PAUSE, PauseFile(armed=_ARMED))
    found, before = [], {}
    with in_memory():
        for number in range(max(DAYS) + 1):
            if number in DAYS:
                found.append(_morning(f"day {number}", number, world, before))
            if number in PAUSED:
                stopped = world.fork()
                _write(stopped, PAUSE, PauseFile(pause=_PAUSE, armed=_ARMED))
                found.append(_morning(f"paused day {number}", number, stopped, before))
            before = lived_day(world, number).stages
    return tuple(found)


def _write(world: World, file: str, decided: WaiverFile | HoldFile | PauseFile) -> None:
    world.aws._s3_PutObject(Key=PREFIX + file, Body=decisions.encode(decided), Metadata={})


def _morning(name: str, number: int, world: World, before: Stages) -> Morning:
    calm = run_of_day(world.fork(), number)
    if calm.ran.code != 0:
        raise RuntimeError(f"{name}, undisturbed: exit {calm.ran.code} {calm.ran.failure}")
    return Morning(name=name, number=number, world=world.fork(), calm=calm, before=before)


# --- one trial ----------------------------------------------------------------------------------


def tried(trial: Trial) -> list[str]:
    """What the trial violates; its name leads each line. Within `in_memory`."""
    world = trial.morning.world.fork()
    day = run_of_day(world, trial.morning.number, Failing(trial))
    found = [NEVER_READ] if not day.struck else []
    found += [*_told(trial, day), *_moved(trial, world, day)]
    found += _forgotten(trial, day, run_of_day(world, trial.morning.number + LATER))
    return [f"{trial.name}: {what}" for what in found]


def _told(trial: Trial, day: Day) -> Iterator[str]:
    """Which file, what to do, and by the exit code whether anything may have been done."""
    ran = day.ran
    if PREFIX + trial.file not in ran.failure or "\n" not in ran.failure:
        yield f"neither the file nor a remedy is told: {ran.failure}"
    if ran.code != (BrokenOff if trial.read else CannotStart).exit_code:
        yield f"exit {ran.code}"


def _moved(trial: Trial, world: World, day: Day) -> Iterator[str]:
    """Nothing at all if the first read failed; else nothing after the read that did."""
    calm, before = trial.morning.calm.stages, trial.morning.before
    if not trial.read:
        wrote = {
            key.removeprefix(PREFIX)
            for key, kept in world.aws.objects.items()
            if kept != trial.morning.world.aws.objects.get(key)
        }
        if wrote - {LOCK}:
            yield f"written: {sorted(wrote)}"
    for finding in day.stages.keys() | before.keys() | calm.keys():
        stage = day.stages.get(finding)
        opened = {_OPENED} if trial.read and finding in calm else set()
        if stage not in {before.get(finding), calm.get(finding), *opened}:
            yield f"{finding} stands on {stage}, undisturbed on {calm.get(finding)}"
    after = dropwhile(lambda event: not _spoilt(event, trial.file), day.events)
    for event in after:
        if isinstance(event, Mail):
            yield f"a mail to {event.to}"
        elif event.effect and changes(event):
            yield f"{event.operation} for {event.user}"


def _forgotten(trial: Trial, day: Day, again: Day) -> Iterator[str]:
    """The file is whole: both runs together have done and sent what one would have.

    Of whom the first run has cut off or given something already, the second sees a user in good
    order: nothing is done or sent twice, and what is left to be said is the matter of `stops`.
    """
    calm, served = trial.morning.calm, {act.user for act in day.acts}
    if again.ran.code != 0:
        yield f"mended: exit {again.ran.code} {again.ran.failure}"
    for finding in again.stages.keys() | calm.stages.keys():
        stage, due = again.stages.get(finding), calm.stages.get(finding)
        if stage != due and finding[0] not in served:
            yield f"mended: {finding} stands on {stage}, undisturbed on {due}"
    done, due = _deeds(day) + _deeds(again), _deeds(calm)
    lacking = {deed: n for deed, n in (due - done).items() if deed[0] not in served}
    if lacking or done - due:
        yield f"mended: more {dict(done - due)}, less {lacking}"


def _deeds(day: Day) -> Counter[tuple[str | None, object]]:
    """What was done and sent, and for whom; but for ids and secrets, which are given anew."""
    acts = [(act.user, act.operation) for act in day.acts]
    mails = [
        (mail.to[0].partition("@")[0], (mail.to, _SUBJECT.findall(mail.raw)[0]))
        for mail in day.mails
    ]
    return Counter([*acts, *mails])


# --- ways to fail -------------------------------------------------------------------------------


def unreadable() -> Iterator[Damage]:
    """Every error of a read, AWS's own and those on the way; answers without a whole body."""
    for kind in kinds("s3:GetObject"):
        if kind.unread:
            yield Damage(name=kind.name, answer=kind.answer)


def unbelievable(morning: Morning, file: str) -> Iterator[Damage]:
    """A whole answer of something that is not what a person has decided."""
    content = morning.content(file)
    for length in range(len(content) - 1):  # without its last newline it is whole
        yield _instead(f"cut off at byte {length}", content[:length])
    for other in (*FILES, STATE):
        if other != file and PREFIX + other in morning.world.aws.objects:
            yield _instead(f"{other} in its place", morning.content(other))
    document = json.loads(content)
    for name, change in (
        ("of a newer schema", {"schema_version": 2}),
        ("of an older schema", {"schema_version": 0}),
        ("of a newer schema, with a new field", {"schema_version": 2, "scope": "team"}),
        ("with a field that is not known", {"scope": "team"}),
        ("without a schema", {"schema_version": None}),
    ):
        yield _instead(name, canonical(document | change))
    for name, text in _GARBLED.items():
        yield _instead(name, text)
    yield _instead("in another encoding", content.decode().encode("utf-16"))
    yield _instead("with its bits turned", bytes(byte ^ 0xFF for byte in content))
    yield _instead("twice", content + content)


_GARBLED: Mapping[str, bytes] = {
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "a page": b"<html>busy</html>",
    "zeros": bytes(64),
    "blank": b" \n",
}


def _instead(name: str, content: bytes) -> Damage:
    def spoil(told: Any) -> Any:
        return {**told, "Body": io.BytesIO(content)}

    return Damage(name=name, answer=Answer(spoil=spoil))


def trials() -> Iterator[Trial]:
    """Every damage at the first read of every day; unreadable and newer at each read after it."""
    for morning in mornings():
        for file in FILES:
            every = [*unreadable(), *unbelievable(morning, file)]
            for damage in every:
                yield Trial(file=file, damage=damage, morning=morning, read=0)
            for read in range(1, morning.reads(file)):
                for damage in every:
                    if damage.name in LATER_ON:
                        yield Trial(file=file, damage=damage, morning=morning, read=read)


LATER_ON = ("denied", "throttled", "dropped-before", "cut off at byte 0", "of a newer schema")
"""What is tried at reads in the middle of a run."""


def telling() -> set[str]:
    """Files without which some day is another: the loss of which could do harm."""
    found = set()
    with in_memory():
        for morning in mornings():
            for file in FILES:
                world = morning.world.fork()
                del world.aws.objects[PREFIX + file]
                day = run_of_day(world, morning.number)
                if (day.stages, _deeds(day)) != (morning.calm.stages, _deeds(morning.calm)):
                    found.add(file)
    return found


# --- the proof ----------------------------------------------------------------------------------


def prove(size: Size, seed: int) -> Iterator[Figure]:
    """First reads, later reads."""
    every = list(trials())
    for what, chosen in (
        ("days whose decisions cannot be read or believed", [t for t in every if not t.read]),
        ("decisions lost in the middle of a run", [t for t in every if t.read]),
    ):
        few = chosen if size is Size.FULL else sampled(chosen, seed)
        yield Figure(promise="P9", what=what, tried=len(few), violations=replayed(few))


def sampled(found: Sequence[Trial], seed: int) -> list[Trial]:
    """Every file with each damage once (of its cuts a few), and every morning with each file."""
    known: set[object] = set()
    taken = []
    for trial in random.Random(seed).sample(found, len(found)):
        damage = re.sub(r"byte \d+(?=\d)", "byte ", trial.damage.name)
        facts = {(trial.file, damage), (trial.file, trial.morning.name, bool(trial.read))}
        if facts - known:
            known |= facts
            taken.append(trial)
    return taken


def replayed(chosen: Iterable[Trial]) -> tuple[str, ...]:
    """What these trials violate."""
    with in_memory():
        return tuple(what for trial in chosen for what in tried(trial))


def named(*names: str) -> list[Trial]:
    """Trials by name. KeyError if there is no such."""
    known = {trial.name: trial for trial in trials()}
    return [known[name] for name in names]


def main(names: Sequence[str]) -> int:
    """Replay trials by name."""
    found = replayed(named(*names))
    print("\n".join(found) or "no violation")
    return 1 if found else 0


# --- planted violations -------------------------------------------------------------------------


def _none_if(failure: type[KeyreeveError], load: Any = StoredDecisions._load) -> Any:
    """A loader that takes a file which fails so for one that is not there."""

    def loaded(self: StoredDecisions, kind: Any, key: str) -> Any:
        try:
            return load(self, kind, key)
        except failure:
            return kind(), None

    return loaded


def _as_planned(look: Any = Workbench._not_paused) -> Any:
    """A second look that takes a failure for what was read at first."""

    def not_paused(self: Workbench) -> HumanDecisions:
        try:
            return look(self)
        except CannotStart:
            return self.outlook.people

    return not_paused


MUTANTS = tuple(
    Mutant(promise="P9", name=name, plant=patched(change))
    for name, change in (
        (
            "decisions that cannot be believed are none",
            (StoredDecisions, "_load", _none_if(StateUnreadable)),
        ),
        (
            "decisions that cannot be fetched are none",
            (StoredDecisions, "_load", _none_if(StorageUnreachable)),
        ),
        (
            "decisions of a newer schema are read as today's",
            (decisions, "require_version", lambda *_: None),
        ),
        (
            "a second look that fails believes the first",
            (Workbench, "_not_paused", _as_planned()),
        ),
    )
)
SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    "decisions that cannot be believed are none": (
        f"{WAIVERS}/cut off at byte 9/day 0/read 0",
        f"{HOLDS}/{WAIVERS} in its place/day 7/read 0",
        f"{PAUSE}/zeros/paused day 14/read 0",
    ),
    "decisions that cannot be fetched are none": (
        f"{WAIVERS}/denied/day 0/read 0",
        f"{HOLDS}/throttled/day 7/read 0",
        f"{PAUSE}/dropped-before/paused day 14/read 0",
    ),
    "decisions of a newer schema are read as today's": (
        f"{WAIVERS}/of a newer schema/day 0/read 0",
    ),
    "a second look that fails believes the first": (f"{HOLDS}/denied/day 14/read 1",),
}
"""Planted violation → trials, each of which must show it."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
