"""The proof holds at its small size, finds what is planted, and tries what it says."""

from __future__ import annotations

from datetime import date

import pytest
from tests.proofs.calendar_days import MUTANTS, ODD, PEOPLE, prove, trials, world
from tests.proofs.figure import SEED, Mutant, Size, found


def test_no_mail_on_a_wrong_day():
    figures = list(prove(Size.CI, SEED))
    assert found(figures, "P6") == ()
    ladders, mails, *_ = (figure.tried for figure in figures)
    assert ladders >= 1_500
    assert mails > 3 * ladders


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        assert any(violations for _, violations in trials(Size.CI, SEED))


def test_every_zone_and_every_odd_day_has_its_turn():
    worlds = [world(SEED, number) for number in range(700)]
    assert len({stage.zone.key for stage in worlds}) > 500
    for name, day in ODD:
        mine = [stage for stage in worlds if stage.zone.key == name]
        assert any(abs((stage.first - day).days) < 25 for stage in mine)
    assert any(date(2028, 2, 29) > stage.first > date(2028, 2, 1) for stage in worlds)
    assert len(worlds[0].people) == PEOPLE
