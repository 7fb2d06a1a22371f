"""The help that people ask for first, kept as text: whoever looks it up waits for no import.

`python -m keyreeve.cli.help_page` writes it anew; a test compares it with what click would say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from keyreeve import __version__

WIDTH: Final = 80
"""Columns that the kept text needs; narrower terminals get their own."""
FILE: Final = os.path.join(os.path.dirname(__file__), "help.txt")  # noqa: PTH118, PTH120 - pathlib takes longer than the help


def kept(arguments: Sequence[str]) -> str | None:
    """The answer to `--help` or `--version` alone; None: it takes the whole command line."""
    if list(arguments) == ["--version"]:
        return f"keyreeve, version {__version__}\n"
    if list(arguments) in (["--help"], ["-h"]) and _columns() >= WIDTH:
        with open(FILE, encoding="utf-8") as file:  # noqa: PTH123 - the same
            return file.read()
    return None


def _columns() -> int:
    """As `shutil` finds them, which is an import too."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(1).columns or WIDTH
    except OSError:  # no terminal
        return WIDTH
