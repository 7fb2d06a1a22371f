"""Python reads this at its start: the process dies (SIGKILL) at the write that it was told.

KEYREEVE_DIES_AT=fsync 3      just before its fourth fsync
KEYREEVE_DIES_AT=replace 0    just before its first rename
"""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any


def _die_at(name: str, number: int) -> None:
    work, calls = getattr(os, name), count()

    def last(*args: Any, **more: Any) -> Any:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **more)

    setattr(os, name, last)


if "KEYREEVE_DIES_AT" in os.environ:
    _name, _number = os.environ["KEYREEVE_DIES_AT"].split()
    _die_at(_name, int(_number))


def _shorten(times: float, *planted: str) -> None:
    from keyreeve.storage import lock  # noqa: PLC0415 - only where it is asked for

    for name in ("LEASE", "RENEW_EVERY", "TRUSTED_FOR"):
        setattr(lock, name, getattr(lock, name) / times)
    if planted:
        lock.AccountLock.check = lambda *_: None


if "KEYREEVE_LEASE" in os.environ:
    _times, *_planted = os.environ["KEYREEVE_LEASE"].split()
    _shorten(float(_times), *_planted)
