"""P16 at the size of every test run, and that each planted violation is found."""

from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.least_privilege import MUTANTS, prove
from tests.proofs.lived_policies import recorded

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


def test_the_shipped_policies_are_sufficient_and_none_of_their_rights_is_spare():
    figures = list(prove(Size.CI, SEED))
    assert [v for figure in figures for v in figure.violations] == []
    tried = {figure.what: figure.tried for figure in figures}
    assert tried.keys() == LEAST.keys()
    assert all(tried[what] >= least for what, least in LEAST.items()), tried


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    recorded(Size.CI)  # lived through with the shipped policies, judged with the planted ones
    with mutant.plant():
        assert found(prove(Size.CI, SEED), mutant.promise)
