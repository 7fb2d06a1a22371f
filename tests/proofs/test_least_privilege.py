"""P16 at the size of every test run, and that each planted violation is found."""

from __future__ import annotations

from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.least_privilege import MUTANTS, prove

LEAST = {
    "calls under the shipped policies": 4800,
    "stories with and without policies": 1,
    "different questions of AWS": 2200,
    "rights taken away one by one": 400,
    "statements of a fleet that are the actor's": 100,
    "attempts beyond the policies": 170,
    "statements": 350,
    "rights of the reader": 18,
}


def test_the_shipped_policies_suffice_none_of_their_rights_is_spare_and_planted_ones_are_found():
    """One test: what is judged was lived through once, with the shipped policies."""
    figures = list(prove(Size.CI, SEED))
    assert [v for figure in figures for v in figure.violations] == []
    tried = {figure.what: figure.tried for figure in figures}
    assert tried.keys() == LEAST.keys()
    assert all(tried[what] >= least for what, least in LEAST.items()), tried
    assert [mutant.name for mutant in MUTANTS if not _is_found(mutant)] == []


def _is_found(mutant: Mutant) -> bool:
    with mutant.plant():
        return bool(found(prove(Size.CI, SEED), mutant.promise))
