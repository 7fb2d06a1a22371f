"""What the machine gives a run: its clock, its randomness; and the lease of who needs none."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime


class WallClock:
    """ports.Clock. Judgement never sees it but as one `now` at the start of a run."""

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class SystemRandomness:
    """ports.Randomness from the operating system."""

    def __init__(self) -> None:
        self._system = secrets.SystemRandom()

    def choice(self, seq: str, /) -> str:
        """One character."""
        return self._system.choice(seq)

    def shuffle(self, x: list[str], /) -> None:
        """In place."""
        self._system.shuffle(x)

    def getrandbits(self, k: int, /) -> int:
        """An integer of k bits."""
        return self._system.getrandbits(k)


class NoLease:
    """ports.Lease of a rehearsal: it holds nothing, since it changes nothing."""

    def check(self) -> None:
        """Nothing can be lost."""
