from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.stored_state import FOUND_BY, MUTANTS, prove


def test_what_is_damaged_is_refused_and_never_started_empty():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P12") == ()
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["truncations"] >= 500
    assert tried["flipped bits"] >= 3_000
    assert tried["wrong shapes"] >= 700
    assert tried["wrong shapes with a right checksum"] == 500
    assert tried["older versions of the state put back"] >= 12
    assert tried["golden files"] >= 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(figure.violations for figure in FOUND_BY[mutant.name](Size.CI, SEED))
