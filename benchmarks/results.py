"""What was measured, as tables, ratios and a plot."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from statistics import median

from benchmarks.contenders import KEYREEVE, LEAN
from benchmarks.measuring import ROOT, Cost, measured

_COLOURS = ("#0b5fa5", "#6b7280", "#16a34a", "#d97706", "#dc2626", "#7c3aed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender in one round."""

    name: str
    wall: float
    cpu: float
    peak: float
    """MB."""
    calls: Mapping[str, int]
    received: int
    throttled: int
    remark: str
    cpus: tuple[float, ...] = ()
    """Of each run, in the order in which they took turns with others."""

    @classmethod
    def of(cls, name: str, costs: Sequence[Cost], remark: str) -> Row:
        """Medians; calls of the last run."""
        return cls(
            name=name,
            wall=median(cost.wall for cost in costs),
            cpu=median(cost.cpu for cost in costs),
            peak=median(cost.peak for cost in costs) / 1024,
            calls=costs[-1].calls,
            received=costs[-1].received,
            throttled=costs[-1].throttled,
            remark=remark,
            cpus=tuple(cost.cpu for cost in costs),
        )

    def cpu_beside(self, other: Row) -> float:
        """The median of the ratios of neighbours: a machine that slows down slows both."""
        return median(own / its for own, its in zip(self.cpus, other.cpus, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Everybody on one server."""

    title: str
    users: int
    latency: int
    neglected: float
    rate: int
    rows: tuple[Row, ...]
    accounts: int = 1

    def row(self, name: str) -> Row | None:
        """Of one contender; None if it did not run."""
        return next((row for row in self.rows if row.name == name), None)


def titled(users: int, neglected: float, latency: int, rate: int) -> str:
    """What makes a round."""
    kind = "every user neglected" if neglected == 1 else f"{neglected:.0%} of users neglected"
    rest = f", {latency} ms an answer" if latency else ""
    return f"{users:,} users, {kind}{rest}" + (f", throttled at {rate} calls/s" if rate else "")


def starts() -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds until each is through; the best of seven, in turn."""
    commands = {
        "a bare interpreter": [sys.executable, "-c", "pass"],
        "keyreeve --help": [str(Path(sys.executable).with_name("keyreeve")), "--help"],
        "keyreeve --version": [str(Path(sys.executable).with_name("keyreeve")), "--version"],
        "keyreeve, a verb completed by bash": [
            *("env", "COMP_WORDS=keyreeve ch", "COMP_CWORD=1", "_KEYREEVE_COMPLETE=bash_complete"),
            str(Path(sys.executable).with_name("keyreeve")),
        ],
        "the daily run on Lambda, imported": [
            *(sys.executable, "-c", "import keyreeve.handlers.daily_run"),
        ],
        "custodian --help": [str(ROOT / ".venv-c7n/bin/custodian"), "--help"],
        "prowler --help": [str(ROOT / ".venv-prowler/bin/prowler"), "--help"],
    }
    there = {name: command for name, command in commands.items() if shutil.which(command[0])}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(7):
            for name, command in there.items():
                if name.startswith("prowler") and number > 1:
                    continue
                cost = measured(command, None, Path(folder))
                found[name].append((cost.wall, cost.cpu))
    return {
        name: (min(wall for wall, _ in each), min(cpu for _, cpu in each))
        for name, each in found.items()
    }


def page(
    rounds: Sequence[Round],
    started: Mapping[str, tuple[float, float]],
    promised: Iterable[str] = (),
    chapters: Iterable[str] = (),
) -> str:
    """results.md; what was promised stands at the top."""
    tables = (line for each in rounds for line in _table(each))
    return "\n".join([*_head(), *promised, *tables, *chapters, *_starts(started)])


def _head() -> Iterator[str]:
    yield "# Measured"
    yield ""
    yield (
        f"Written by `make bench` on Python {platform.python_version()}, "
        f"{platform.machine()}. Medians of whole processes, in turn on one AWS-shaped server on "
        "loopback. Seconds do not carry to another machine; ratios and calls do. "
        "Every answer was compared with what the data set is known to hold."
    )
    yield ""
    yield "![CPU against users, and what was promised](results.svg)"
    yield ""


def _table(each: Round) -> Iterator[str]:
    us, lean = each.row(KEYREEVE.name), each.row(LEAN.name)
    yield f"## {each.title}"
    yield ""
    yield "| | wall s | CPU s | peak MB | calls | MB read | CPU ÷ lean | wall ÷ Keyreeve | found |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in each.rows:
        by_lean = f"{row.cpu / lean.cpu:.2f}" if lean else ""
        by_us = f"{row.wall / us.wall:.1f}" if us else ""
        total = f"{sum(row.calls.values()):,}"
        total += f" ({row.throttled} throttled)" if row.throttled else ""
        yield (
            f"| {row.name} | {row.wall:.2f} | {row.cpu:.2f} | {row.peak:.0f} | {total} | "
            f"{row.received / 1e6:.1f} | {by_lean} | {by_us} | {row.remark} |"
        )
    yield ""
    for row in each.rows:
        calls = ", ".join(f"{name} {count:,}" for name, count in row.calls.items())
        yield f"- {row.name}: {calls}"
    yield ""


def _starts(started: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    bare = started["a bare interpreter"]
    yield "## Start-up"
    yield ""
    yield "| | wall ms | CPU ms | CPU ÷ bare interpreter |"
    yield "|---|---|---|---|"
    for name, (wall, cpu) in started.items():
        yield f"| {name} | {wall * 1000:.0f} | {cpu * 1000:.0f} | {cpu / bare[1]:.1f} |"
    yield ""


PLOT = 380
"""Height of the plot; what is drawn below it begins there."""


def plot(rounds: Sequence[Round], below: str = "", height: int = 0) -> str:
    """CPU seconds against users, both logarithmic: one line for each contender.

    `below`: more of the picture, so high.
    """
    lines: dict[str, list[tuple[int, float]]] = {}
    for each in rounds:
        if not each.latency and not each.rate and each.neglected < 1:
            for row in each.rows:
                lines.setdefault(row.name, []).append((each.users, row.cpu))
    drawn = "".join(_line(n, name, points) for n, (name, points) in enumerate(lines.items()))
    ticks = "".join(
        f'<text x="{_x(n):.0f}" y="350" text-anchor="middle">{n:,}</text>'
        for n in (100, 1000, 5000)
    )
    ticks += "".join(
        f'<text x="52" y="{_y(s) + 4:.0f}" text-anchor="end">{s:g} s</text>'
        f'<line x1="58" x2="540" y1="{_y(s):.0f}" y2="{_y(s):.0f}" stroke="#ddd"/>'
        for s in (0.1, 1, 10, 100)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 '
        f'{PLOT + height}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="720" height="{PLOT + height}" fill="white"/>'
        f'{ticks}{drawn}<text x="300" y="372" text-anchor="middle">users</text>'
        f'<text x="60" y="16">CPU seconds of one check</text>{below}</svg>\n'
    )


def _line(number: int, name: str, points: Sequence[tuple[int, float]]) -> str:
    colour = _COLOURS[number % len(_COLOURS)]
    at = " ".join(f"{_x(users):.1f},{_y(cpu):.1f}" for users, cpu in points)
    dots = "".join(
        f'<circle cx="{_x(u):.1f}" cy="{_y(c):.1f}" r="3" fill="{colour}"/>' for u, c in points
    )
    users, cpu = points[-1]
    label = f'<text x="{_x(users) + 8:.0f}" y="{_y(cpu) + 4:.0f}" fill="{colour}">{name}</text>'
    return f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{label}'


def _x(users: int) -> float:
    return 70 + 460 * (log10(users) - 2) / (log10(5000) - 2)


def _y(cpu: float) -> float:
    return 330 - 100 * (log10(max(cpu, 0.05)) - log10(0.05)) * 0.92
