"""lock.json: one writer per account, by a lease that its holder keeps renewing.

    0 s        acquired, or renewed: the lease runs for two minutes of wall clock
    30 s       renewed again, by a thread of its own
    90 s       without renewal: the holder stops before its next act (`check`)
    120 s      without renewal: somebody else may take the lock over
    40 s more  whoever took it over waits before the first act, where the lease has only just lapsed

Every write is conditional on the version that was read, so of two takers one wins. The thirty
seconds between 90 and 120 are for what an act already under way still takes.  The wait is for a
holder that lives after all, since a clock that is ahead sees a lease lapse too early: it meets the
other's lock at its next renewal.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyreeve.codec.seal import parse, readable
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import (
    KeyreeveError,
    LockHeld,
    LockLost,
    StateUnreadable,
    StorageConflict,
    StorageUnreachable,
)
from keyreeve.ports import Clock, ObjectStore
from keyreeve.storage.layout import LOCK

LEASE = timedelta(seconds=120)
RENEW_EVERY = timedelta(seconds=30)
TRUSTED_FOR = timedelta(seconds=90)
NOTICED_WITHIN = RENEW_EVERY + timedelta(seconds=10)
CLOCKS_DIFFER = timedelta(minutes=15)
"""AWS refuses requests to S3 from a clock that is further off (RequestTimeTooSkewed)."""
BACKWARDS = timedelta(seconds=5)
"""A wall clock that was set back further than this proves nothing about the lease."""

_ROUNDS = 5
"""How often a taker looks again before it believes that others are faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """What lock.json holds. The token names one holding: a lost answer is known by it."""

    token: str
    holder: str
    """For people: who, where, which run."""
    since: datetime
    until: datetime
    released: bool = False

    def free(self, now: datetime) -> bool:
        """Whether somebody else may take it."""
        return self.released or now >= self.until


class AccountLock:
    """ports.Lease, and how it is got, kept and given back."""

    def __init__(
        self, store: ObjectStore, *, clock: Clock, holder: str, token: str | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._holder = holder
        self._token = token or secrets.token_hex(16)
        self._writing = threading.Lock()
        self._version: str | None = None
        self._record: LockRecord | None = None
        self._renewed_at: datetime | None = None
        self.taken_over: LockRecord | None = None
        """The lapsed lease that `acquire` ended, for the audit log."""

    def acquire(self) -> None:
        """Take the lock. LockHeld, naming holder and times, while somebody else's lease runs."""
        with self._writing:
            for _ in range(_ROUNDS):
                now = self._clock.now()
                found, version = _read(self._store)
                if found and found.token != self._token and not found.free(now):
                    raise _held(found, self._store)
                with suppress(StorageConflict):
                    self._write(found, version, now)
                    return
        raise LockHeld(
            "others keep taking it at this moment",
            where=_where(self._store),
            remedy="Run again in a few minutes.",
        )

    def renew(self) -> None:
        """Put the lease's end off. LockLost if somebody else has the lock by now."""
        with self._writing:
            record, version = self._mine(), self._version
            for _ in range(_ROUNDS):
                now = self._clock.now()
                with suppress(StorageConflict):
                    self._keep(replace(record, until=now + LEASE), version, now)
                    return
                found, version = _read(self._store)
                if found is None or found.released or found.token != self._token:
                    self._record = None
                    raise self._lost(found)

    def check(self) -> None:
        """Asked before each act and mail. LockLost when the last renewal is over 90 s old."""
        record, renewed_at = self._record, self._renewed_at
        if record is None or renewed_at is None:
            raise self._lost(None)
        age = self._clock.now() - renewed_at
        if not -BACKWARDS <= age <= TRUSTED_FOR:
            raise LockLost(
                f"the lease was last renewed {age.total_seconds():.0f} s ago",
                where=_where(self._store),
                remedy="The run stopped before its next act. Run again: it goes on from ops/.",
            )

    def release(self) -> None:
        """Give it back, if it is still ours; what cannot be given back lapses by itself."""
        with self._writing:
            record, self._record = self._record, None
            if record is None:
                return
            with suppress(StorageConflict, StorageUnreachable):
                released = replace(record, released=True)
                self._store.put(LOCK, _content(released), if_version=self._version)

    @contextmanager
    def held(self) -> Iterator[AccountLock]:
        """Acquire, renew by a daemon thread, release at the end."""
        self.acquire()
        stop = threading.Event()
        keeper = threading.Thread(
            target=self._renew_until, args=(stop,), name="keyreeve-lock", daemon=True
        )
        keeper.start()
        try:
            self._let_the_holder_notice()
            yield self
        finally:
            stop.set()
            keeper.join()
            self.release()

    def _let_the_holder_notice(self) -> None:
        """Before the first act: the lease that was ended may be that of a run that goes on."""
        ended = self.taken_over
        if ended is not None and self._clock.now() - ended.until < CLOCKS_DIFFER:
            self._clock.sleep(NOTICED_WITHIN.total_seconds())

    def _renew_until(self, stop: threading.Event) -> None:
        """A renewal that fails is tried again at the next turn; `check` judges by its age."""
        while not stop.wait(RENEW_EVERY.total_seconds()):
            try:
                self.renew()
            except LockLost:
                return
            except KeyreeveError:
                continue

    def _write(self, found: LockRecord | None, version: str | None, now: datetime) -> None:
        ours = found is not None and found.token == self._token and not found.released
        since = found.since if found and ours else now
        record = LockRecord(token=self._token, holder=self._holder, since=since, until=now + LEASE)
        self._keep(record, version, now)
        self.taken_over = None if found is None or ours or found.released else found

    def _keep(self, record: LockRecord, version: str | None, now: datetime) -> None:
        """`now` was read before the write: the lease is never believed longer than it is."""
        self._version = self._store.put(
            LOCK, _content(record), if_version=version, if_absent=version is None
        )
        self._record, self._renewed_at = record, now

    def _mine(self) -> LockRecord:
        if self._record is None:
            raise self._lost(None)
        return self._record

    def _lost(self, found: LockRecord | None) -> LockLost:
        by = f": {found.holder} has it" if found and not found.released else ""
        return LockLost(
            f"the lock is not ours any more{by}",
            where=_where(self._store),
            remedy="The run stopped before its next act. Run again: it goes on from ops/.",
        )


def current(store: ObjectStore) -> LockRecord | None:
    """Who holds the lock, or held it last; None: nobody ever. StateUnreadable if corrupt."""
    return _read(store)[0]


def unlock(store: ObjectStore, *, clock: Clock, force: bool = False) -> LockRecord | None:
    """Free a lapsed lease, or with `force` any; the record that was ended, None if it was free.

    LockHeld without `force` while a lease runs. Its holder stops at its next renewal.
    """
    for _ in range(_ROUNDS):
        try:
            found, version = _read(store)
        except StateUnreadable:
            if not force:
                raise
            store.delete(LOCK)
            return None
        if found is None or found.released:
            return None
        if not force and not found.free(clock.now()):
            raise _held(found, store)
        with suppress(StorageConflict):
            store.put(LOCK, _content(replace(found, released=True)), if_version=version)
            return found
    raise StorageConflict(
        "its holder keeps renewing it", where=_where(store), remedy="Stop that run first."
    )


def _read(store: ObjectStore) -> tuple[LockRecord | None, str | None]:
    found = store.get(LOCK)
    if found is None:
        return None, None
    try:
        return from_json(LockRecord, parse(found.content)), found.version
    except ValueError as error:
        raise StateUnreadable(
            str(error),
            where=_where(store),
            remedy="If surely no run is at work: `keyreeve state unlock --force`.",
        ) from error


def _content(record: LockRecord) -> bytes:
    return readable(to_json(record))


def _held(found: LockRecord, store: ObjectStore) -> LockHeld:
    since, until = (f"{moment:%Y-%m-%d %H:%M:%S %Z}" for moment in (found.since, found.until))
    return LockHeld(
        f"{found.holder} holds it since {since}; its lease runs until {until}",
        where=_where(store),
        remedy="Wait for that run to end. If it is dead, the lease ends by itself at that time; "
        "`keyreeve state unlock --force` ends it now.",
    )


def _where(store: ObjectStore) -> str:
    return f"{store.describe()}/{LOCK}"
