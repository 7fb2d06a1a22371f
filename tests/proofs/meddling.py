"""Somebody who changes the account in the middle of a run, just before a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.proofs.chronicle import Blow, Chronicle, Witness, method_of

Meddle = Callable[[int, str, tuple[Any, ...]], None]
"""Number of the call in its run, its method, its arguments."""


class Meddled(Witness):
    """A witness that lets somebody act before each call arrives."""

    def __init__(
        self, chronicle: Chronicle, blow: Blow | None = None, meddle: Meddle | None = None
    ) -> None:
        super().__init__(chronicle, blow)
        self._meddle = meddle

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        if self._meddle is not None and not self._dead:
            self._meddle(len(self.calls), method_of(name), args)
        return super().call(name, work, *args, **more)
