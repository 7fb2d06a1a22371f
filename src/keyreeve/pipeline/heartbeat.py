"""Tell whoever watches that a run has come to its end; nothing that goes wrong here harms the run.

A run that was refused (4) has come to its end, too: its exit code, mails and channels tell of it.
One that could not start (6), found the lock held (5) or was interrupted has not.
"""

from __future__ import annotations

from collections.abc import Iterable

from keyreeve.model.errors import KeyreeveError
from keyreeve.model.heartbeat import Beat
from keyreeve.ports.heartbeat import Heartbeat

EXIT_PARTLY = 1
_ENDED = frozenset({0, EXIT_PARTLY, 4})


def tell_watchers(watchers: Iterable[Heartbeat]) -> tuple[Beat, ...]:
    """Each once; one that fails keeps none of the others from being told. Never raises."""
    return tuple(_told(each) for each in watchers)


def has_ended(exit_code: int) -> bool:
    """Whether a fleet's day with this exit code has come to its end; that of one run, by ending."""
    return exit_code in _ENDED


def with_heartbeats(exit_code: int, beats: Iterable[Beat]) -> int:
    """The run's exit code: 1 instead of 0 where a watcher was not told."""
    return exit_code or (EXIT_PARTLY if any(beat.missed for beat in beats) else exit_code)


def missed(beats: Iterable[Beat]) -> tuple[str, ...]:
    """One sentence for each watcher that was not told."""
    return tuple(
        f"{beat.name} was not told that the run has ended: {beat.missed}."
        for beat in beats
        if beat.missed is not None
    )


def _told(watcher: Heartbeat) -> Beat:
    try:
        watcher.beat()
    except KeyreeveError as error:
        return Beat(name=watcher.name, missed=error.what, remedy=error.remedy)
    return Beat(name=watcher.name)
