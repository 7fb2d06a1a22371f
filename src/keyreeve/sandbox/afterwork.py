"""What AWS does by itself after a call was answered: events, deliveries, alarms.

One worker does one job after the other, each in a turn of its own between two requests.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from keyreeve.sandbox.turn import Turn

Job = Callable[[], None]
_LOG = logging.getLogger(__name__)


class Abandoned(Exception):
    """The world that a job belonged to was reset while it waited."""


class Afterwork:
    """Jobs in the order in which they came up."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._jobs: deque[Job] = deque()
        self._changed = Condition()
        self._busy = False
        self._thread: Thread | None = None
        self.epoch = 0
        """Counts resets: a job of an earlier world ends with Abandoned."""

    def submit(self, job: Job) -> None:
        """Later, on the worker."""
        with self._changed:
            self._jobs.append(job)
            if self._thread is None:
                self._thread = Thread(target=self._work, daemon=True, name="afterwork")
                self._thread.start()
            self._changed.notify_all()

    def settle(self, patience: float) -> bool:
        """Wait until nothing is left to do, `patience` seconds at most; whether that is so.

        Steps aside meanwhile.
        """
        with self._turn.aside(), self._changed:
            return self._changed.wait_for(
                lambda: not self._jobs and not self._busy, max(patience, 0)
            )

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        with self._changed:
            return not self._jobs and not self._busy

    def drop(self) -> None:
        """Forget what is left to do; what is being done ends by itself."""
        with self._changed:
            self.epoch += 1
            self._jobs.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._jobs))
                job, epoch = self._jobs.popleft(), self.epoch
                self._busy = True
            try:
                with self._turn:
                    if epoch == self.epoch:
                        job()
            except Abandoned:
                pass
            except Exception:  # noqa: BLE001 - moto may fail in any way; the next job is due
                _LOG.exception("the emulated AWS failed at what follows from a call")
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
