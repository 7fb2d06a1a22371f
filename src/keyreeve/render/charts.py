"""The geometry of the report's charts: numbers in, coordinates for inline SVG out.

Shapes are stretched to the width of the page, words are not: labels are HTML beside the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from keyreeve.reporting.report_lines import DayLine

WIDTH, HEIGHT = 1000, 200
"""Of the drawing, in its own units."""
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of a ring whose whole way round is 100."""

    tone: str
    length: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One control over time, stacked upon those before it."""

    control: str
    points: str
    """Of a polygon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the grid: where it lies, in percent, and what it says."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One day's acts, stacked: told, handed over, enforced."""

    x: float
    width: float
    parts: tuple[tuple[str, float, float], ...]
    """Class, top and height, in the drawing's units."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """Findings over time, and the acts below them."""

    bands: tuple[Band, ...]
    across: tuple[Tick, ...]
    """Days, from the left."""
    up: tuple[Tick, ...]
    """Counts, from the bottom."""
    columns: tuple[Column, ...]
    most_acts: int


def ring(parts: Sequence[tuple[str, int]]) -> tuple[Slice, ...]:
    """Slices in their order, from the top clockwise; nothing where there is nothing."""
    whole = sum(count for _, count in parts)
    slices: list[Slice] = []
    gone = 0.0
    for tone, count in parts:
        if count:
            length = 100 * count / whole
            slices.append(Slice(tone=tone, length=round(length, 3), offset=round(25 - gone, 3)))
            gone += length
    return tuple(slices)


def over_time(days: Sequence[DayLine], controls: Sequence[str]) -> OverTime:
    """The area chart of the days; a single day is a level field."""
    highest = _round_up(max((sum(day.findings.values()) for day in days), default=0))
    floor = [0] * len(days)
    bands: list[Band] = []
    for control in controls:
        top = [below + day.findings.get(control, 0) for below, day in zip(floor, days, strict=True)]
        if top != floor:
            bands.append(Band(control=control, points=_polygon(days, floor, top, highest)))
        floor = top
    most = max((day.told + day.handed_over + day.enforced for day in days), default=0)
    return OverTime(
        bands=tuple(bands),
        across=_day_ticks(days),
        up=_count_ticks(highest),
        columns=tuple(_column(days, day, most) for day in days) if most else (),
        most_acts=most,
    )


def _polygon(days: Sequence[DayLine], floor: list[int], top: list[int], highest: int) -> str:
    xs = [_x(days, day.on) for day in days]
    if len(days) == 1:
        xs, floor, top = [0.0, float(WIDTH)], floor * 2, top * 2
    there = [f"{x:.1f},{_y(count, highest):.1f}" for x, count in zip(xs, top, strict=True)]
    back = [f"{x:.1f},{_y(count, highest):.1f}" for x, count in zip(xs, floor, strict=True)]
    return " ".join([*there, *reversed(back)])


def _x(days: Sequence[DayLine], on: date) -> float:
    span = (days[-1].on - days[0].on).days
    return WIDTH * (on - days[0].on).days / span if span else 0.0


def _y(count: int, highest: int) -> float:
    return HEIGHT - HEIGHT * count / highest


def _round_up(most: int) -> int:
    """The next of 4, 8, 20, 40, 80, …: four steps of 1, 2, 5, 10, …"""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * 4 >= most:
                return step * power * 4
        power *= 10


def _count_ticks(highest: int) -> tuple[Tick, ...]:
    return tuple(Tick(at=25.0 * n, label=str(highest * n // 4)) for n in range(5))


def _day_ticks(days: Sequence[DayLine]) -> tuple[Tick, ...]:
    """The first and the last day, and the middle where there is room."""
    if not days:
        return ()
    chosen = dict.fromkeys((days[0].on, days[len(days) // 2].on, days[-1].on))
    return tuple(
        Tick(at=round(_x(days, on) * 100 / WIDTH, 2), label=f"{on.day} {on:%b}") for on in chosen
    )


def _column(days: Sequence[DayLine], day: DayLine, most: int) -> Column:
    span = max((days[-1].on - days[0].on).days + 1, 1)
    width = WIDTH / span
    y = float(HEIGHT)
    parts: list[tuple[str, float, float]] = []
    acts = (("told", day.told), ("handed", day.handed_over), ("enforced", day.enforced))
    for name, count in acts:
        height = HEIGHT * count / most
        y -= height
        if count:
            parts.append((name, round(y, 1), round(height, 1)))
    words = ", ".join(f"{count} {name}" for name, count in acts if count) or "nothing was due"
    return Column(
        x=round((day.on - days[0].on).days * width + width * 0.15, 1),
        width=round(width * 0.7, 1),
        parts=tuple(parts),
        words=f"{day.on.day} {day.on:%b}: {words}",
    )
