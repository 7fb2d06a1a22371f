"""P10 at the small size, and what the proof finds when a look is left out."""

from __future__ import annotations

import pytest
from tests.proofs import live_facts
from tests.proofs.figure import SEED, Mutant, Size
from tests.proofs.memory_world import in_memory


def test_who_mends_the_finding_between_report_and_act_is_left_alone():
    in_memory_cells, over_http = live_facts.prove(Size.CI, SEED)
    assert in_memory_cells.violations == ()
    assert over_http.violations == ()
    assert in_memory_cells.tried >= 3 * 75
    assert over_http.tried == len(live_facts.OVER_HTTP)


@pytest.mark.parametrize("mutant", live_facts.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_look_that_is_left_out_is_found(mutant: Mutant):
    lived = [live_facts.morning(name) for name in live_facts.ACTS]
    with mutant.plant(), in_memory():
        found = [what for name in live_facts.ACTS for what in live_facts.looked_for(name)]
    assert lived
    assert found
