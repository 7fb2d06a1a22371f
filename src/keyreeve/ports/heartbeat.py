"""Who is told that a run has come to its end, so that its silence is heard."""

from __future__ import annotations

from typing import Protocol


class Heartbeat(Protocol):
    """A watcher that raises the alarm when it is not told in time."""

    @property
    def name(self) -> str:
        """For people; never its address, which is as good as a key."""

    def beat(self) -> None:
        """Say that a run has ended; to say so twice does no harm. HeartbeatFailed, AwsFailure."""

    def usable(self) -> str:
        """What it is, in words; nothing is told. HeartbeatFailed or AwsFailure if it is not."""
