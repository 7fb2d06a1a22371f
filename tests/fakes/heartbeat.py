"""A heartbeat in memory: counts, and refuses when asked to."""

from __future__ import annotations

from keyreeve.model.errors import KeyreeveError


class FakeHeartbeat:
    """ports.heartbeat.Heartbeat."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.beats = 0
        self.refusing: KeyreeveError | None = None

    def beat(self) -> None:
        if self.refusing is not None:
            raise self.refusing
        self.beats += 1

    def usable(self) -> str:
        if self.refusing is not None:
            raise self.refusing
        return "in memory"
