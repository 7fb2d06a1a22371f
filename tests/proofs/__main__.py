"""`make proofs`: every promise at full size, one line each.

    python -m tests.proofs [--size ci|full] [--seed N] [--proof stops] [--record PAGE] [P1 P3 …]

Exits 1 if anything was found.  Proofs run two at a time, each in a process of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.proofs.catalogue import PROOFS
from tests.proofs.figure import SEED, Size
from tests.proofs.record import Run, measured, record
from tests.proofs.running import run


def lines(runs: Sequence[Run], seed: int) -> list[str]:
    """One line per promise: what was tried, what was found, seed, time."""
    return [
        f"{m.promise:<4} {m.violations} violations  seed {seed}  {m.seconds:5.0f} s  {m.tried}"
        for m in measured(runs)
    ]


def main() -> int:
    """The command line; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs", description=__doc__)
    parser.add_argument("promises", nargs="*", help="P1 P3 …; without: all")
    parser.add_argument("--proof", action="append", choices=list(PROOFS), default=[])
    parser.add_argument("--size", type=Size, choices=list(Size), default=Size.FULL)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", type=Path, help="write the figures into this page")
    options = parser.parse_args()
    wanted = set(options.promises)
    chosen = options.proof or PROOFS
    names = [n for n in chosen if not wanted or wanted & set(PROOFS[n].promises)]
    prove = partial(run, size=options.size, seed=options.seed)
    runs: list[Run] = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(prove, name) for name in names]):
            done = future.result()
            runs.append(done)
            sys.stderr.write(f"{done.name}: {done.seconds:.0f} s\n")
            if options.record is not None:  # at once: who breaks off keeps what was measured
                record(options.record, [done], options.size, options.seed)
    runs.sort(key=lambda done: names.index(done.name))
    told = lines(runs, options.seed)
    violations = [v for r in runs for f in r.figures for v in f.violations]
    for line in [*told, *violations]:
        print(line)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
