"""The proof holds at its small size, finds what is planted, and tries what it says."""

from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.recipients import MUTANTS, prove, trials


def test_credentials_reach_their_owner_alone():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P7") == ()
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["private mails through three mail systems"] >= 200
    assert tried["users who may get none"] >= 200
    assert tried["notices searched"] >= 800


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(world.wrong for world in trials(Size.CI, SEED))
