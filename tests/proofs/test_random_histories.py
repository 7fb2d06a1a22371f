"""The proof holds at its small size, finds what is planted, and tries what it says."""

from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.named_key import trials as edits
from tests.proofs.random_histories import LENGTH, MUTANTS, live, prove, trials


def test_no_random_history_breaks_a_promise():
    figures = list(prove(Size.CI, SEED))
    assert [v for figure in figures for v in figure.violations] == []
    assert {"P3", "P4", "P5"} <= {figure.promise for figure in figures}
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["steps of random histories"] >= 2_000
    assert tried["edits between plan and act"] >= 100
    assert found(figures, "P1") == ()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(
            violation.promise == mutant.promise
            for violations in found_in_turn(mutant.promise)
            for violation in violations
        )


def found_in_turn(promise: str):
    if promise == "P4":
        yield from (violations for _, violations in edits(Size.CI))
    yield from (violations for _, violations in trials(Size.CI, SEED))


def test_a_history_is_replayed():
    assert live(SEED, 3).steps == live(SEED, 3).steps
    assert live(SEED, 3, 10).steps == live(SEED, 3).steps[:10]
    assert len(live(SEED, 3).steps) == LENGTH
