"""What the sandbox knows beside moto: clock, settings, outbox, calls, faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from keyreeve.language.policy_document import PolicyDocument
from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.afterwork import Afterwork
from keyreeve.sandbox.calls import Call
from keyreeve.sandbox.chain.history import History
from keyreeve.sandbox.faults import Fault
from keyreeve.sandbox.running_function import RunningFunction
from keyreeve.sandbox.sessions import Session, SignIn
from keyreeve.sandbox.turn import Turn


class SettableClock:
    """The sandbox's time: stands still between two settings unless it ticks."""

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def set(self, at: datetime, *, ticking: bool = False) -> None:
        """Jump to an instant (aware), forwards or backwards."""
        self._at = at.astimezone(UTC)
        self.ticking = ticking
        self._set_at = time.monotonic()

    def now(self) -> datetime:
        """The instant in UTC, in whole seconds as AWS tells time."""
        elapsed = time.monotonic() - self._set_at if self.ticking else 0.0
        return (self._at + timedelta(seconds=elapsed)).replace(microsecond=0)


@dataclass(slots=True, kw_only=True)
class Settings:
    """What a test may choose about the emulated AWS."""

    report_cache: bool = True
    """AWS makes at most one credential report per 4 hours."""
    report_started: bool = True
    """The first GenerateCredentialReport for a new report answers STARTED, the next COMPLETE."""
    toggle_moves_last_rotated: bool = True
    """UpdateAccessKey moves access_key_n_last_rotated: "created or last changed"."""
    mail_quota: int = 50_000
    """Recipients within 24 hours of the sandbox clock; -1: no limit."""
    mail_rate: int = 14
    """As told by GetAccount; not enforced."""
    mail_production: bool = True
    """False: SES's own sandbox, where recipients must be verified too."""
    enforce: bool = False
    """Every call is judged by the policies of whoever signed it (authorisation.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """One mail that the emulated SES accepted."""

    message_id: str
    """As SendEmail returned it: without a domain."""
    region: str
    source: str
    destinations: tuple[str, ...]
    """The envelope."""
    raw: bytes
    """As handed over by the sender."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What SNS wrote to a confirmed e-mail subscriber."""

    to: str
    subject: str
    message: str
    topic: str
    """The topic's ARN."""
    at: datetime


@dataclass(slots=True, kw_only=True)
class World:
    """One per process; patches and endpoints share it."""

    clock: SettableClock
    settings: Settings = field(default_factory=Settings)
    home: str = HOME_ACCOUNT
    """The account in which Keyreeve's well-known key lies."""
    outbox: list[SentMail] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    history: History = field(default_factory=History)
    """CloudTrail's view of the calls."""
    faults: list[Fault] = field(default_factory=list)
    guards: dict[str, tuple[PolicyDocument, ...]] = field(default_factory=dict)
    """Access key → all that it may do; other keys may do everything (authorisation.py)."""
    reports: dict[str, Any] = field(default_factory=dict)
    """Account id → its latest credential report."""
    sessions: dict[str, Session] = field(default_factory=dict)
    """Access key → the temporary credentials that STS or the console gave out."""
    observers: list[Callable[[SignIn], None]] = field(default_factory=list)
    """Told of every attempt to sign in to the console, in order; they outlive `forget`."""
    own_keys: set[str] = field(default_factory=set)
    """Keys of Keyreeve itself: their last use is no change of the account."""
    generations: dict[str, int] = field(default_factory=dict)
    """How often a name was used, so that a re-created user gets another unique id."""
    endpoint: str = ""
    """The sandbox's own URL, for functions that call back."""
    turn: Turn = field(default_factory=Turn)
    afterwork: Afterwork = field(init=False)
    functions: dict[tuple[str, str], list[RunningFunction]] = field(default_factory=dict)
    """ARN and code → processes that wait (lambda_runtime.py)."""
    busy_functions: list[RunningFunction] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The worker takes its turns among the requests."""
        self.afterwork = Afterwork(self.turn)

    cfn_answers: dict[str, Any] = field(default_factory=dict)
    """Token → what functions of custom resources have put at their ResponseURL."""

    def forget(self) -> None:
        """Everything but the clock."""
        self.afterwork.drop()
        self.stop_functions()
        self.settings = Settings()
        self.history.clear()
        for kept in (
            self.outbox,
            self.alerts,
            self.calls,
            self.faults,
            self.reports,
            self.own_keys,
        ):
            kept.clear()
        self.sessions.clear()
        self.guards.clear()
        self.generations.clear()
        self.cfn_answers.clear()

    def stop_functions(self) -> None:
        """End every function's process; who waits for one is told that it is gone."""
        for running in [
            *self.busy_functions,
            *(it for idle in self.functions.values() for it in idle),
        ]:
            running.stop()
        self.busy_functions.clear()
        self.functions.clear()

    def naive_now(self) -> datetime:
        """The clock as moto keeps instants: UTC without saying so."""
        return self.clock.now().replace(tzinfo=None)
