"""ports.Progress: a bar on stderr where somebody watches, silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from keyreeve.cli.screen import coloured

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from keyreeve.ports import Progress


class Silence:
    """ports.Progress where nobody watches."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing to show."""

    def step(self, count: int = 1) -> None:
        """Nothing to show."""


class Bar:
    """ports.Progress over rich: one line per stage."""

    def __init__(self, drawn: RichProgress) -> None:
        self._drawn = drawn
        self._task: TaskID | None = None

    def stage(self, name: str, total: int | None = None) -> None:
        """The stage before it is done."""
        if self._task is not None:
            self._drawn.update(self._task, visible=False)
        self._task = self._drawn.add_task(name, total=total)

    def step(self, count: int = 1) -> None:
        """Move on."""
        if self._task is not None:
            self._drawn.advance(self._task, count)


@contextmanager
def watched(*, quiet: bool) -> Iterator[Progress]:
    """Progress for the length of a piece of work."""
    if quiet or not sys.stderr.isatty():
        yield Silence()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    colours: Literal["auto"] | None = "auto" if coloured(sys.stderr) else None
    console = Console(stderr=True, highlight=False, color_system=colours)
    with RichProgress(*columns, console=console, transient=True) as drawn:
        yield Bar(drawn)
