"""Aligned text for pipes, files and logs: no colour, no frame, nothing cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "  "
SINGLE = 1


def plain_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> str:
    """Header and rows, each column as wide as its widest cell; `right`: numbers' columns."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(cells(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        GAP.join(
            _padded(cell, width, right=column in right)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def cells(text: str) -> int:
    """How many terminal cells the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character).startswith("M"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else SINGLE


def _padded(text: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank
