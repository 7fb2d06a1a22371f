"""P9, of people's decisions, at the small size; and what is found when the promise is broken."""

from __future__ import annotations

import pytest
from tests.proofs import lost_decisions
from tests.proofs.figure import SEED, Mutant, Size


def test_a_file_of_people_that_cannot_be_read_or_believed_is_never_none():
    first, later = lost_decisions.prove(Size.CI, SEED)
    assert first.violations == ()
    assert later.violations == ()
    assert first.tried >= 60
    assert later.tried >= 20


@pytest.mark.parametrize("file", lost_decisions.FILES)
def test_losing_the_file_would_be_seen(file: str):
    """Without it some day of the life is another: else a lost one could do no harm to be found."""
    assert file in lost_decisions.telling()


@pytest.mark.parametrize("mutant", lost_decisions.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    for name in lost_decisions.SHOWN_BY[mutant.name]:
        chosen = lost_decisions.named(name)
        with mutant.plant():
            found = lost_decisions.replayed(chosen)
        assert [what for what in found if lost_decisions.NEVER_READ not in what], name
        assert not lost_decisions.replayed(chosen), name
