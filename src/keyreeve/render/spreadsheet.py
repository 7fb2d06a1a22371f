"""CSV that is safe to open in a spreadsheet: nothing in it is calculated (P17)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from keyreeve.codec.visible import spreadsheet_cell


def written(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """One line per row, every cell text."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([spreadsheet_cell(cell) for cell in row])
    return out.getvalue()
