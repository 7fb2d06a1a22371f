"""Daily runs on an AWS made of memory, wired as the command line wires them.

Only the edges are other than in earnest: the SDK's clients, the clock, and templates that are
compiled once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.proofs.memory_aws import BUCKET, MemoryAws, MemorySessions
from tests.scenario.people import MONDAY
from tests.scenario.reported_account import ReportedAccount
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.aws import s3_store, sessions
from keyreeve.config import parse
from keyreeve.model.errors import KeyreeveError
from keyreeve.model.plan import Outcome, Plan
from keyreeve.model.snapshot import PasswordPolicy, User
from keyreeve.pipeline import daily
from keyreeve.render import email
from keyreeve.wiring import machine

PREFIX = "iam-compliance/etv/"
TEAM = "msp-team@example.com"
CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [{TEAM}]
  owner: {{domains: [example.com]}}
"""
ESCAPED = -1
"""Instead of an exit code: an error that is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What one run came to."""

    code: int
    """The exit code."""
    failure: str = ""
    """What ended it, if it ended before its end."""
    plan: Plan | None = None
    outcomes: tuple[Outcome, ...] = ()
    waited: float = 0.0
    """Seconds that it would have waited: for reports, and between conflicts of S3."""


class World:
    """One account of one project, and the day it is."""

    def __init__(self, *people: User, config: str = CONFIG) -> None:
        may_change = PasswordPolicy(minimum_length=14, users_may_change=True, custom=True)
        self.aws = MemoryAws(ReportedAccount(people, MONDAY, may_change))
        self.config = parse(config, path=Path("config.yaml"))

    def fork(self) -> World:
        """The same world, to be lived on in another way."""
        twin = object.__new__(World)
        twin.config, twin.aws = self.config, self.aws.fork()
        return twin

    def at(self, day: float) -> datetime:
        return MONDAY + timedelta(days=day)

    def run(self, day: float) -> Ran:
        """The daily run with `--execute`; what ends it is told as the command line tells it."""
        slept.clear()
        return replace(self._run(self.at(day)), waited=sum(slept))

    def _run(self, now: datetime) -> Ran:
        self.aws.account.now = now
        try:
            with _present(self):
                door = wiring.open_door(self.config, execute=True, as_of=now)
                with wiring.account_for_writing(door) as account:
                    report = daily.run(account, now, Silence(), execute=True)
        except KeyreeveError as error:
            return Ran(code=error.exit_code, failure=f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever escapes is a finding, not the proof's end
            return Ran(code=ESCAPED, failure=f"{type(error).__name__}: {error}")
        return Ran(code=report.exit_code, plan=report.plan, outcomes=report.outcomes)

    def state(self) -> dict[str, Any]:
        """state.json, or nothing."""
        found = self.aws.objects.get(f"{PREFIX}state.json")
        return json.loads(found.content) if found else {}

    def cases(self) -> dict[str, dict[str, Any]]:
        """User name → case, as saved."""
        return {case["user_name"]: case for case in self.state().get("users", {}).values()}


_here: list[World] = []
slept: list[float] = []
"""Seconds that somebody would have waited in the run that is going on."""


@contextmanager
def _present(world: World) -> Iterator[None]:
    _here.append(world)
    try:
        yield
    finally:
        _here.pop()


@contextmanager
def in_memory() -> Iterator[None]:
    """Within it, worlds can run; nobody waits, and the wall clock stands on the world's day."""
    begun = time.monotonic()

    def now(_: object) -> datetime:
        return _here[-1].aws.now + timedelta(seconds=time.monotonic() - begun)

    @cache
    def renderer(templates: Path | None, language: str) -> Any:
        return real(templates, language=language)

    real = email.MailRenderer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "Sessions", lambda **_: MemorySessions(_here[-1].aws))
        patch.setattr(machine.WallClock, "now", now)
        patch.setattr(machine.WallClock, "sleep", lambda _, seconds: slept.append(seconds))
        patch.setitem(s3_store.S3Store.__init__.__kwdefaults__, "sleep", slept.append)
        patch.setattr(email, "MailRenderer", lambda t, *, language: renderer(t, language))
        yield
