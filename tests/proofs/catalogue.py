"""Which proofs there are, and of which promises.  Named by module, imported when they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from tests.proofs.figure import Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a proof stands: `prove` in a module of this room."""

    promises: tuple[str, ...]


PROOFS: Mapping[str, Entry] = {
    "stops": Entry(promises=("P1", "P2", "P3", "P5")),
    "stops_over_http": Entry(promises=("P1", "P2", "P3", "P5")),
    "faults": Entry(promises=("P9", "P13")),
    "faults_over_http": Entry(promises=("P9",)),
    "kills": Entry(promises=("P1", "P2")),
    "random_histories": Entry(promises=("P3", "P4", "P5")),
    "rehearsal": Entry(promises=("P15",)),
    "secrecy": Entry(promises=("P14",)),
    "least_privilege": Entry(promises=("P16",)),
    "live_facts": Entry(promises=("P10",)),
    "races": Entry(promises=("P11",)),
    "calendar_days": Entry(promises=("P6",)),
    "lost_decisions": Entry(promises=("P9",)),
    "blast_radius": Entry(promises=("P8",)),
    "recipients": Entry(promises=("P7",)),
    "stored_state": Entry(promises=("P12",)),
    "hostile_names": Entry(promises=("P17",)),
    "audit_chain": Entry(promises=("P18",)),
    "evidence_pack": Entry(promises=("P18",)),
}
"""Module below tests.proofs → what it proves; the longest first, so that none is last alone."""


def proof_named(name: str) -> Proof:
    """The proof's function."""
    proof: Proof = import_module(f"tests.proofs.{name}").prove
    return proof
