"""The proof holds at its small size, finds what is planted, and tries what it says."""

from __future__ import annotations

import pytest
from tests.proofs.blast_radius import MUST_NOT_OPEN, MUTANTS, prove, trials
from tests.proofs.figure import SEED, Mutant, Size, found


def test_the_limits_hold_and_the_protected_are_left_alone():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P8") == ()
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["runs over random populations"] >= 1_000
    assert tried["users counted"] >= 300
    assert tried["refused runs"] >= 6
    assert tried[MUST_NOT_OPEN] >= 6
    assert tried["protected users"] >= 60
    assert tried["edits of people between plan and act"] >= 25


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(world.wrong for world in trials(Size.CI, SEED))
