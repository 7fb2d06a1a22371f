"""One proof, run: a module of its own, so that a new process can import it."""

from __future__ import annotations

import time

from tests.proofs.catalogue import PROOFS, proof_named
from tests.proofs.figure import Figure, Size
from tests.proofs.record import Run


def run(name: str, size: Size, seed: int) -> Run:
    """One proof in this process; one that breaks off has violated its promises."""
    begun = time.monotonic()
    try:
        figures = tuple(proof_named(name)(size, seed))
    except Exception as error:  # noqa: BLE001 - the others go on; this one is told
        what = f"{name} broke off: {type(error).__name__}: {error}"
        figures = tuple(
            Figure(promise=promise, what="broken off", tried=0, violations=(what,))
            for promise in PROOFS[name].promises
        )
    return Run(name=name, figures=figures, seconds=time.monotonic() - begun)
