"""Tags in bulk, as people write them down: CSV with one user a line.

    user,FunctionalGroup,Department,email
    ana.souza,Developer,Engineering,ana.souza@example.com

The header names the columns, in any order. An empty cell leaves that tag as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keyreeve.model.access import RequiredTags, tag_fault

USER: Final = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRow:
    """One user's tags, and the line where they stand."""

    line: int
    user: str
    tags: Mapping[str, str]


def read_tags(text: str, tags: RequiredTags) -> tuple[tuple[TagRow, ...], tuple[str, ...]]:
    """The rows, and every mistake as `line N: what`; rows are good only without mistakes."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    mistakes: list[str] = []
    rows: list[TagRow] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                mistakes += _header_mistakes(header, tags, reader.line_num)
                if mistakes:
                    return (), tuple(mistakes)
                continue
            row, wrong = _row(header, cells, reader.line_num)
            mistakes += wrong
            if row is not None:
                rows.append(row)
    except csv.Error as error:
        mistakes.append(f"line {reader.line_num}: no CSV: {error}")
    if header is None:
        mistakes.append(f"line 1: a header is missing: {USER},{','.join(tags.all)}")
    mistakes += _twice(rows)
    return tuple(rows), tuple(mistakes)


def _header_mistakes(header: list[str], tags: RequiredTags, line: int) -> list[str]:
    known = (USER, *tags.all)
    wrong = [f"line {line}: no such column: {name!r}" for name in header if name not in known]
    wrong += [f"line {line}: the column {n} stands twice" for n in known if header.count(n) > 1]
    if USER not in header:
        wrong.append(f"line {line}: the column {USER} is missing")
    return wrong


def _row(header: list[str], cells: list[str], line: int) -> tuple[TagRow | None, list[str]]:
    if len(cells) != len(header):
        return None, [f"line {line}: {len(cells)} cells, and the header has {len(header)}"]
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    user = values.pop(USER)
    wrong = []
    if not user:
        wrong.append(f"line {line}: no user")
    for name, value in values.items():
        fault = tag_fault(value)
        if fault is not None:
            wrong.append(f"line {line}: {name} is no tag's value: {value[:40]!r} {fault}")
    if wrong:
        return None, wrong
    return TagRow(line=line, user=user, tags={n: v for n, v in values.items() if v}), []


def _twice(rows: list[TagRow]) -> list[str]:
    first: dict[str, int] = {}
    wrong = []
    for row in rows:
        if row.user in first:
            wrong.append(f"line {row.line}: {row.user} stands in line {first[row.user]} already")
        first.setdefault(row.user, row.line)
    return wrong
