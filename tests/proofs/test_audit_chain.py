from __future__ import annotations

import pytest
from tests.proofs.audit_chain import MUTANTS, prove
from tests.proofs.figure import SEED, Mutant, Size, found


def test_every_change_has_its_record_and_every_alteration_is_found():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P18") == ()
    tried = [figure.tried for figure in figures]
    assert tried[0] == 1
    assert all(count >= 50 for count in tried[1:])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(figure.violations for figure in prove(Size.CI, SEED))
