"""One account's whole case, undisturbed, and forks of it in which a call fails (P9, P13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from tests.proofs.fault_kinds import WRITES, Kind
from tests.proofs.history import Call, Mail
from tests.proofs.memory_aws import Answer, Asked
from tests.proofs.memory_world import CONFIG, PREFIX, Ran, World, in_memory
from tests.scenario.people import aged, bystanders, no_mfa, old_password, quiet, spare

LAST = 17
"""The last day of the ladder's story."""
PATIENCE = 28
"""Days after the failure's end in which the case must have come to its end."""
PEOPLE = (aged(), spare(), old_password(), no_mfa(), no_mfa("mended"), quiet(), *bystanders(8))
SETTINGS = f"""{CONFIG}\
enforcement: {{console_mfa: quarantine, user_inactive: delete_login_profile}}
limits: {{disruptive_floor: 8}}
"""


def label(asked: Asked) -> str:
    """The operation; for S3 with the part of the storage."""
    if not asked.operation.startswith("s3:"):
        return asked.operation
    head, slash, _ = asked.key.removeprefix(PREFIX).partition("/")
    return f"{asked.operation} {head}{slash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One failure, and when it stands."""

    operation: str
    """As `label` has it."""
    kind: Kind
    first: int
    last: int
    user: str | None = None

    @property
    def name(self) -> str:
        """To replay it by."""
        whose = f"@{self.user}" if self.user else ""
        return f"{self.operation}{whose}/{self.kind.name}/{self.first}-{self.last}"


@dataclass(slots=True, kw_only=True)
class Day:
    """What one run left behind."""

    ran: Ran
    stages: Mapping[tuple[str, str], str]
    """User and control → stage."""
    events: tuple[Call | Mail, ...]
    struck: int = 0

    @property
    def acts(self) -> list[Call]:
        return [e for e in self.events if isinstance(e, Call) and e.effect and changes(e)]

    @property
    def mails(self) -> list[Mail]:
        return [event for event in self.events if isinstance(event, Mail)]


@dataclass(slots=True)
class Undisturbed:
    """The life that all others are forked from."""

    mornings: list[World] = field(default_factory=list)
    """Before the run of each day."""
    days: list[Day] = field(default_factory=list)

    def called(self, operation: str) -> list[int]:
        """The days on which an operation is called."""
        return [n for n, day in enumerate(self.days) if operation in labels(day.events)]

    def operations(self) -> list[str]:
        """Every operation of the whole case."""
        return sorted(set().union(*(labels(day.events) for day in self.days)))


@cache
def undisturbed() -> Undisturbed:
    """Made once, before any violation is planted. RuntimeError if a day of it goes wrong.

    From a life in which nothing happens no failure could be forked: nothing would be proved.
    """
    life, world = Undisturbed(), World(*PEOPLE, config=SETTINGS)
    with in_memory():
        for day in range(LAST + PATIENCE + 1):
            life.mornings.append(world.fork())
            life.days.append(lived_day(world, day))
            if (ran := life.days[-1].ran).code != 0:
                raise RuntimeError(f"day {day}, undisturbed: exit {ran.code} {ran.failure}")
    return life


def lived_day(world: World, day: int, fault: Failure | None = None) -> Day:
    """A run, and then people's own doing."""
    seen = run_of_day(world, day, fault)
    _people(world, day)
    return seen


def run_of_day(world: World, day: float, fault: Failure | None = None) -> Day:
    """A run and nothing else."""
    since = len(world.aws.calls)
    world.aws.fails = fault or (lambda _: None)
    ran = world.run(day)
    seen = Day(
        ran=ran,
        stages=_stages(world),
        events=tuple(world.aws.calls[since:]),
    )
    seen.struck = fault.struck(seen.events) if fault else 0
    return seen


def _people(world: World, day: int) -> None:
    """One enrols MFA in time; the other once the quarantine asks for it."""
    account = world.aws.account
    if day == 5:
        account.change("mended", mfa_active=True)
    if "MFA-Setup" in account.groups_of("no.mfa"):
        account.change("no.mfa", mfa_active=True)
    account.use_keys("aged.key", account.now)


def _stages(world: World) -> dict[tuple[str, str], str]:
    return {
        (name, finding["control"]): finding["stage"]
        for name, case in world.cases().items()
        for finding in rows(case["findings"])
    }


def rows(listed: Any) -> Iterable[Any]:
    return listed.values() if isinstance(listed, Mapping) else listed


class Failure(Protocol):
    """What fails in a run, and how often it did harm there."""

    def __call__(self, asked: Asked) -> Answer | None: ...

    def struck(self, events: Iterable[Call | Mail]) -> int: ...


class Fault:
    """`MemoryAws.fails` of one case."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._count = 0

    def __call__(self, asked: Asked) -> Answer | None:
        case = self._case
        if label(asked) != case.operation or case.user not in (None, asked.user):
            return None
        if case.kind.times is not None and self._count >= case.kind.times:
            return None
        self._count += 1
        return case.kind.answer

    def struck(self, events: Iterable[Call | Mail]) -> int:
        """How often it did harm: what is not there cannot be spoilt."""
        if self._case.kind.answer.error is not None:
            return self._count
        return sum(isinstance(event, Call) and not event.answered for event in events)


def labels(events: Iterable[Call | Mail]) -> set[str]:
    return {
        "sesv2:SendEmail"
        if isinstance(event, Mail)
        else label(Asked(operation=event.operation, params=event.params, user=event.user))
        for event in events
    }


def changes(call: Call) -> bool:
    return call.operation.startswith("iam:") and call.operation in WRITES
