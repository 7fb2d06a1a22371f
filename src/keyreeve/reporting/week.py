"""What the weekly summary says of administrators' sessions and of changes of IAM (S2.15, S2.29)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from keyreeve.model.identifiers import UserName
from keyreeve.model.notice import SummaryRow
from keyreeve.model.week import RoleUse, Week

_NAMED = 3
"""Names that a line of many equal changes gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPart:
    """The parts of a summary; empty where nobody asked CloudTrail."""

    sessions: tuple[SummaryRow, ...] = ()
    changes: tuple[SummaryRow, ...] = ()
    gaps: tuple[str, ...] = ()


def week_part(week: Week | None) -> WeekPart:
    """Sessions one by one, changes counted by who made them and what they are."""
    if week is None:
        return WeekPart()
    if week.unread:
        return WeekPart(gaps=(f"administrators' sessions and changes of IAM: {week.unread}",))
    cut = "sessions and changes of IAM: only the latest thousand events were read"
    return WeekPart(
        sessions=tuple(_session(use) for use in sorted(week.sessions, key=lambda use: use.at)),
        changes=tuple(_changes(week)),
        gaps=(cut,) if week.truncated else (),
    )


def _session(use: RoleUse) -> SummaryRow:
    used = "its calls were not counted"
    if use.calls is not None:
        used = f"{use.calls}{' or more' if use.more else ''} calls in it"
    return SummaryRow(
        user_name=UserName(use.by), what=f"assumed {use.role}", reason=used, on=use.at.date()
    )


def _changes(week: Week) -> list[SummaryRow]:
    counts = Counter((change.by, change.call) for change in week.changes)
    rows = []
    for (by, call), count in sorted(counts.items()):
        about = sorted({c.on for c in week.changes if (c.by, c.call) == (by, call) and c.on})
        named = ", ".join(about[:_NAMED]) + (" …" if len(about) > _NAMED else "")
        times = f" ×{count}" if count > 1 else ""
        rows.append(SummaryRow(user_name=UserName(by), what=f"{call}{times}", reason=named))
    return rows
