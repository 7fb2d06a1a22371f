"""The proof over HTTP holds at its small size, and finds what is planted."""

from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.stops_over_http import MUTANTS, PROMISES, WORST, prove, trials


def test_no_stop_on_the_wire_breaks_a_promise():
    figures = list(prove(Size.CI, SEED))
    for promise in PROMISES:
        assert found(figures, promise) == ()
    assert [figure.tried for figure in figures] == [len(WORST) + 5] * len(PROMISES)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        worlds = trials(Size.CI, SEED)
        assert any(promise == mutant.promise for *_, bad in worlds for promise, _ in bad)
