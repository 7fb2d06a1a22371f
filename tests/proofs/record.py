"""The figures last measured, written into the page that states the promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.figure import Figure, Size

BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One proof, run."""

    name: str
    figures: tuple[Figure, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One promise over all its proofs."""

    promise: str
    tried: str
    violations: int
    seconds: float
    """Of the proofs that it has part in."""


def measured(runs: Sequence[Run]) -> list[Measured]:
    """In the order of the promises."""
    promises = {figure.promise for run in runs for figure in run.figures}
    return [_measured(promise, runs) for promise in sorted(promises, key=lambda p: int(p[1:]))]


def _measured(promise: str, runs: Sequence[Run]) -> Measured:
    parts = [run for run in runs if any(f.promise == promise for f in run.figures)]
    mine = [f for run in parts for f in run.figures if f.promise == promise]
    return Measured(
        promise=promise,
        tried=" · ".join(f"{f.tried:,} {f.what}" for f in mine),
        violations=sum(len(f.violations) for f in mine),
        seconds=sum(run.seconds for run in parts),
    )


def record(page: Path, runs: Sequence[Run], size: Size, seed: int) -> None:
    """Write the rows of these runs between the marks of the page; rows of other proofs stay.

    ValueError if the marks are not there.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks {BEGIN} and {END}")
    rows = dict(filter(None, map(_key, old.splitlines())))
    for run in runs:
        for one in measured([run]):
            cells = (
                one.promise,
                f"`{run.name}`",
                one.tried,
                str(one.violations),
                f"{size}, {seed}",
                f"{run.seconds:.0f} s",
                f"`python -m tests.proofs --proof {run.name}`",
            )
            row = f"| {' | '.join(cells)} |"
            rows.update([_key(row)])  # type: ignore[list-item]  # it is a row
    body = "\n".join([*_HEAD, *(rows[key] for key in sorted(rows, key=_order))])
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}")


_HEAD = (
    "| promise | proof | tried | violations | size, seed | time | command |",
    "|---|---|---|---|---|---|---|",
)


def _key(line: str) -> tuple[tuple[str, str], str] | None:
    """Promise and proof of a row; None for what is no row of figures."""
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) < len(_HEAD[0].split("|")) or not cells[1][1:].isdigit():
        return None
    return (cells[1], cells[2]), line


def _order(key: tuple[str, str]) -> tuple[int, str]:
    return int(key[0][1:]), key[1]
