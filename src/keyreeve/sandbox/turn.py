"""Whose turn it is: one request at a time, and how a thread steps aside while it waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from types import TracebackType
from typing import Self


class Turn:
    """The sandbox's lock. Who waits for others' requests steps aside, and takes it again after."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holder: int | None = None

    def __enter__(self) -> Self:
        """Wait for it."""
        self._lock.acquire()
        self._holder = get_ident()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it up."""
        self._holder = None
        self._lock.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have their turn meanwhile; nothing happens if this thread has none."""
        if self._holder != get_ident():
            yield
            return
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self.__enter__()
