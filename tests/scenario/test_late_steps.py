"""A run that has lost its lock finishes the one write under way: what it wrote stands, for good.

Its step reaches the storage while the next run is at work, just before that run writes the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.scenario.people import aged, bystanders, old_password
from tests.scenario.peril import Fate
from tests.scenario.two_cases import DAYS, live_on, problems, village_on
from tests.scenario.village import Village

from keyreeve.codec.journal import decode_step, encode_step
from keyreeve.model.identifiers import RunId
from keyreeve.model.plan import OutcomeKind
from keyreeve.storage import audit_check

LATE = RunId("20260101T000000Z-late")


class Overtaken(Fate):
    """The first step of this name is written by the other run, a moment before."""

    def __init__(self, village: Village, step: str) -> None:
        super().__init__()
        self.key = ""
        self._village, self._step = village, step

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        if not self.key and ".put ops/" in name and name.endswith(f"-{self._step}.json"):
            self.key = str(args[0])
            step = replace(decode_step(args[1], where=self.key), run_id=LATE)
            self._village.store.put(self.key, encode_step(step))
        return super().call(name, work, *args, **more)


AFTER_AN_EFFECT = [(0, "accepted"), (7, "created"), (7, "delivered"), (14, "done")]


@pytest.mark.parametrize(("day", "step"), AFTER_AN_EFFECT)
def test_the_fact_is_taken_over_and_the_story_goes_on(day: int, step: str):
    village = village_on(day)
    fate = Overtaken(village, step)
    village.run(day, fate=fate)
    assert fate.key
    live_on(village, day)
    assert problems(village) == []
    assert OutcomeKind.FAILED not in {outcome.kind for _, outcome in village.outcomes}
    assert audit_check.verify(village.store, village.state.audit_head) == []


@pytest.mark.parametrize(("day", "step"), [(7, "intent"), (14, "enforcing")])
def test_what_the_other_has_begun_is_not_done_beside_it_and_the_next_run_goes_on(
    day: int, step: str
):
    village = Village(aged(), old_password(), *bystanders(4))
    for earlier in DAYS:
        if earlier < day:
            village.run(earlier)
    before = village.account.keys_of("aged.key")
    report = village.run(day, fate=Overtaken(village, step))
    (waits,) = [o for o in report.outcomes if o.reason == f"run {LATE} has begun it already"]
    assert waits.kind is OutcomeKind.DEFERRED
    assert village.account.keys_of("aged.key") == before
    village.run(day + 1)
    assert village.account.keys_of("aged.key") != before
    live_on(village, day + 1)
    village.live(18, 20)
    assert [text for text in problems(village) if "mails too many" not in text] == []
