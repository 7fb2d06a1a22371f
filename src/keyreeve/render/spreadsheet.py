"""CSV that is safe to open in a spreadsheet: nothing in it is calculated (P17)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from keyreeve.codec.visible import one_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would calculate; a leading apostrophe makes it text."""


def written(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """One line per row, every cell text."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([as_text(cell) for cell in row])
    return out.getvalue()


def as_text(cell: str) -> str:
    """The cell on one line, with what would make it a formula taken away."""
    line = one_line(cell)
    return f"'{line}" if line.startswith(_FORMULA) else line
