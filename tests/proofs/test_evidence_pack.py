from __future__ import annotations

import pytest
from tests.proofs.evidence_pack import MUTANTS, prove
from tests.proofs.figure import SEED, Mutant, Size, found


def test_every_alteration_of_a_pack_is_found():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P18") == ()
    assert [figure.tried for figure in figures] == [
        *(2, 240, 150, 150, 17, 21, 6, 2),
        *(2, 240, 150, 150, 17, 21, 6),
    ]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(figure.violations for figure in prove(Size.CI, SEED))
