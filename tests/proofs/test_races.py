from __future__ import annotations

import pytest
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.races import (
    MUTANTS,
    SHOWN_BY,
    late_segments,
    lock_schedule,
    offences,
    offences_of,
    prove,
)


def test_two_runs_never_both_act():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P11") == ()
    tried = {figure.what: figure.tried for figure in figures}
    assert tried["schedules of 2–8 locks"] == 120
    assert tried["races of whole runs"] >= 50
    assert tried["lapsed leases taken over"] >= 60
    assert tried["standstills while an audit segment is written"] >= 20
    assert tried["races of processes"] == 2
    assert tried["processes asleep past their lease"] == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(map(list, _each_offences()))


def _each_offences():
    yield from (offences(lock_schedule(SEED, number)) for number in range(120))
    yield from late_segments()


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.name in SHOWN_BY], ids=lambda m: m.name)
def test_a_planted_violation_is_found_in_whole_runs(mutant: Mutant):
    for race, said in SHOWN_BY[mutant.name].items():
        with mutant.plant():
            found, _ = offences_of(race, SEED)
        assert [problem for problem in found if said in problem], race
        assert offences_of(race, SEED)[0] == []


def test_the_same_seed_gives_the_same_schedule():
    assert lock_schedule(SEED, 7).effects == lock_schedule(SEED, 7).effects
