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
    """Replace what stands between the marks of the page. ValueError if they are not there."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks {BEGIN} and {END}")
    rows = [
        f"| {m.promise} | {m.tried} | {m.violations} | {m.seconds:.0f} s |"
        f" `python -m tests.proofs {m.promise}` |"
        for m in measured(runs)
    ]
    head = [
        f"Size {size}, seed {seed}.",
        "",
        "| promise | tried | violations | time | command |",
        "|---|---|---|---|---|",
    ]
    page.write_text(f"{before}{BEGIN}\n{chr(10).join([*head, *rows])}\n{END}{after}")
