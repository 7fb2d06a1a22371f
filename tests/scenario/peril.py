"""A process that can be stopped before or after any of its calls to the outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Stopped(BaseException):
    """The process is gone: nobody catches this, and nothing is called any more."""


class Fate:
    """Counts calls; at the chosen one the process ends. None: it lives."""

    def __init__(self, stop_at: int | None = None, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._stop_at = stop_at
        self._after = after
        self._dead = False

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        if self._dead:
            raise Stopped(name)
        self.calls.append(name)
        if len(self.calls) - 1 != self._stop_at:
            return whole(work(*args, **more))
        self._dead = True
        if self._after:
            whole(work(*args, **more))
        raise Stopped(name)


class Perilous:
    """A port whose every method may be the last."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port = port
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value) or name == "describe":
            return value
        called = f"{type(self._port).__name__}.{name}"
        return lambda *args, **more: self._fate.call(
            f"{called} {args[0]}" if args and isinstance(args[0], str) else called,
            value,
            *args,
            **more,
        )


def whole(answer: Any) -> Any:
    """A listing is one call, made when it is asked for."""
    return iter(list(answer)) if isinstance(answer, Iterator) else answer
