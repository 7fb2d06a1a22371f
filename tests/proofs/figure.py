"""What a proof is, and what it says: how much was tried, and what was found.

A proof is a function of size and seed.  The same code runs small in every test run and at full
size in `make proofs`; a planted violation (`Mutant`) shows that it can fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum

SEED = 20260105
"""The seed of every run that names none: the same cases each time."""


class Size(StrEnum):
    """How much is tried."""

    CI = "ci"
    """What fits into every test run."""
    FULL = "full"
    """The figures of the promises."""

    def of(self, ci: int, full: int) -> int:
        """The number that belongs to this size."""
        return full if self is Size.FULL else ci


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one proof has tried for one promise."""

    promise: str
    """`P1` … `P18`."""
    what: str
    """One thing that was tried, in the plural: `single stops`, `steps of random histories`."""
    tried: int
    violations: tuple[str, ...] = ()
    """Each says where, so that it can be replayed."""


Proof = Callable[[Size, int], Iterable[Figure]]
"""size, seed → what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A violation planted into the product: the proof must find it."""

    promise: str
    name: str
    plant: Callable[[], AbstractContextManager[object]]


def found(figures: Iterable[Figure], promise: str) -> tuple[str, ...]:
    """All violations of one promise."""
    return tuple(v for figure in figures if figure.promise == promise for v in figure.violations)
