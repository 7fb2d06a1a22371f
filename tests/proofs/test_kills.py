from __future__ import annotations

from dataclasses import replace

import pytest
from tests.proofs.figure import SEED, Mutant, Size
from tests.proofs.kills import LOST_ANSWER, MUTANTS, calls_of, prove, wrong
from tests.proofs.stage import stages


def test_a_killed_process_loses_no_secret_and_doubles_none():
    figures = list(prove(Size.CI, SEED))
    assert {figure.promise for figure in figures} == {"P1", "P2"}
    assert [text for figure in figures for text in figure.violations] == []
    assert all(figure.tried >= 3 for figure in figures)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with stages() as made:
        calls = calls_of(made, LOST_ANSWER.storage, LOST_ANSWER.day)
        kill = replace(LOST_ANSWER, number=calls.index("CreateAccessKey"))
        assert wrong(made, kill) == (True, [])
        with mutant.plant():
            dead, texts = wrong(made, kill)
    assert dead
    assert any(f": {mutant.promise}:" in text for text in texts)
