"""Results on stdout: for people as text and tables, for programs as one JSON document.

On a terminal rich draws (in colour unless NO_COLOR); elsewhere aligned plain text is written.
Every text that came from outside passes `safe`: no name can steer a terminal.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import click

from keyreeve.cli.plain_table import plain_table
from keyreeve.logs import escape_control
from keyreeve.model.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

LABEL = 18
"""Cells of the first column of a list."""
WIDE = 100
"""Columns where nobody tells how wide the paper is."""

STYLES: Mapping[str, str] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "dim",
    "done": "green",
    "already_done": "green",
    "failed": "bold red",
    "broken": "bold red",
    "refused": "yellow",
    "deferred": "yellow",
    "held": "yellow",
    "warning": "yellow",
    "ok": "green",
    "rehearsed": "cyan",
    "waived": "dim",
    "excluded": "dim",
    "pending": "dim",
    "notification": "green",
    "reminder": "green",
    "new credentials": "yellow",
    "countdown": "yellow",
    "enforcement": "red",
    "overdue": "bold red",
}
"""Words that carry a colour of their own wherever they stand alone in a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text below a header. Cells are made safe when they are drawn."""

    header: tuple[str, ...]
    rows: list[tuple[object, ...]] = field(default_factory=list)
    right: frozenset[int] = frozenset()
    """Columns of numbers."""
    folding: frozenset[int] = frozenset()
    """Columns that a narrow terminal may fold; ids and names stay whole as long as they can."""

    def add(self, *row: object) -> None:
        """One more row; None is an empty cell."""
        self.rows.append(row)

    def texts(self) -> list[tuple[str, ...]]:
        """The rows as safe text."""
        return [tuple("" if cell is None else safe(str(cell)) for cell in row) for row in self.rows]


def safe(text: str) -> str:
    """Foreign text on one line, with its controls shown."""
    return escape_control(text)


def line(text: str = "") -> None:
    """One line of our own words; foreign parts were made safe by the caller."""
    click.echo(text)


def heading(text: str) -> None:
    """A title above what follows."""
    click.echo()
    click.secho(text, bold=True, color=None if coloured() else False)


def note(text: str) -> None:
    """A warning or a remark that is no result: on stderr."""
    click.echo(text, err=True)


def give(text: str, out: Path | None, said: str) -> None:
    """A document to stdout, or into the file, with a note. ConfigError if it cannot be written."""
    if out is None:
        click.echo(text, nl=False)
        return
    keep(text.encode("utf-8"), out)
    note(f"{safe(str(out))}: {said}")


_IN_PLACE = (errno.EACCES, errno.EPERM, errno.EBUSY)
"""Where a file may be written and not replaced: its folder is not ours, or it is mounted alone."""


def keep(content: bytes, out: Path) -> None:
    """Into the file, as a whole or not at all: what was there stays until all of it is written.

    ConfigError if it cannot be written.
    """
    from keyreeve.local.directory_store import write_whole

    try:
        if out.exists() and not out.is_file():  # a device or a pipe is written to, not replaced
            out.write_bytes(content)
            return
        file = out.resolve()
        mode = file.stat().st_mode & 0o777 if file.exists() else None
        try:
            write_whole(file, content, mode=mode)
        except OSError as error:
            if mode is None or error.errno not in _IN_PLACE:
                raise
            file.write_bytes(content)
    except OSError as error:
        raise ConfigError(
            f"cannot be written: {error.strerror}",
            where=str(out),
            remedy="Name a file in a folder that exists and may be written to.",
        ) from None


def json_document(document: Mapping[str, Any]) -> None:
    """One document for programs; what would steer a terminal is escaped as JSON does it."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    click.echo("\n".join(map(_json_escaped, text.split("\n"))))


def _json_escaped(text: str) -> str:
    """Outside strings JSON is printable: what is not, stands in one."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def table(content: Table) -> None:
    """Draw the table as fits the place where it is read."""
    if not content.rows:
        return
    if not sys.stdout.isatty():
        click.echo(plain_table(content.header, content.texts(), right=content.right))
        return
    _drawn(lambda console: _rich_table(console, content))


def _drawn(draw: Callable[[Console], None]) -> None:
    from rich.console import Console

    colours: Literal["auto"] | None = "auto" if coloured() else None
    draw(Console(highlight=False, emoji=False, markup=False, color_system=colours))


def _rich_table(console: Console, content: Table) -> None:
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for column, name in enumerate(content.header):
        drawn.add_column(
            name,
            justify="right" if column in content.right else "left",
            overflow="fold",
            no_wrap=column not in content.folding,
        )
    for row in content.texts():
        drawn.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
    console.print(drawn)


def coloured(stream: TextIO | None = None) -> bool:
    """Whether a terminal is there that wants colour; of stdout where no stream is named.

    Source: no-color.org ("when present and not an empty string").
    """
    import os

    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")


def listed(what: str, names: Sequence[str]) -> None:
    """`what` in a column of its own, then the names, wrapped to the width of the screen."""
    import shutil
    import textwrap

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    text = ", ".join(names)
    indent = " " * (2 + LABEL + 1)
    wrapped = textwrap.wrap(
        text,
        width=max(width, 2 * LABEL),
        initial_indent=f"  {what:<{LABEL}} ",
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    click.echo("\n".join(wrapped))


def block(text: str) -> None:
    """Several lines of foreign text, each made safe."""
    for each in text.splitlines():
        click.echo(safe(each))


def labelled(label: str, word: str, text: str, below: str = "") -> None:
    """A coloured label, foreign text made safe, and what to do below it; wrapped on terminals."""
    import shutil
    import textwrap

    colour = STYLES.get(word, "").split()
    shown = f"{label:<7}"
    if coloured() and colour:
        shown = click.style(shown, fg=colour[-1], bold="bold" in colour or None)
    width = shutil.get_terminal_size().columns - 8 if sys.stdout.isatty() else 10**6
    lines = textwrap.wrap(safe(text), width, break_on_hyphens=False) or [""]
    for number, each in enumerate(textwrap.wrap(safe(below), width - 2)):
        lines.append(f"{'  ' if number else '→ '}{each}")
    click.echo(f"{shown} {lines[0]}")
    for each in lines[1:]:
        click.echo(" " * 8 + each)
