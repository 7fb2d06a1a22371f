"""The proof holds at its small size, finds what is planted, and leaves out nothing that tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.proofs.chronicle import READS, Blow, End, method_of
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.stops import MUTANTS, PROMISES, prove, trials
from tests.proofs.worlds import (
    AGED,
    SCENARIOS,
    UNREAD,
    Resume,
    Scenario,
    everything,
    explore,
    fingerprint,
    fork,
    judge,
    leaves_no_trace,
    live,
    run,
    telling,
)


def test_no_stop_breaks_a_promise():
    figures = list(prove(Size.CI, SEED))
    for promise in PROMISES:
        assert found(figures, promise) == ()
    assert {f.promise for f in figures} == set(PROMISES)
    tried = {f.what: f.tried for f in figures}
    assert tried["single stops and lost answers"] > 180
    assert min(tried.values()) >= 25


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_violation_is_found(mutant: Mutant):
    with mutant.plant():
        worlds = trials(Size.CI, SEED)
        assert any(v.promise == mutant.promise for _, _, bad in worlds for v in bad)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_a_case_without_a_stop_is_clean(scenario: Scenario):
    ((trial, world),) = explore(scenario, telling, [], depth=1)
    assert judge(scenario, trial, world) == []
    assert world.passwords or scenario.ends


def test_stops_that_are_left_out_leave_the_same_world_as_one_that_is_tried():
    world = AGED.begin()
    read = []
    for day in range(15):
        calls = run(AGED, fork(world), day).calls
        read += [what for name, _, what in (call.partition(" ") for call in calls) if is_read(name)]
        left_out = set(everything(calls)) - set(telling(calls)) - set(unread(calls))
        for blow in left_out:
            twin = same_as(blow, calls)
            assert left_by(world, day, blow) == left_by(world, day, twin), f"day {day}: {blow}"
        run(AGED, world, day)
    assert not any(key.startswith(UNREAD) for key in read)


def is_read(call: str) -> bool:
    return method_of(call) in READS


def unread(calls: list[str]) -> Iterator[Blow]:
    """Reads without an answer change what a run does: a proof of their own; here at full size."""
    for number, call in enumerate(calls):
        if is_read(call.partition(" ")[0]):
            yield from (Blow(number, end) for end in (End.ANSWER_LOST, End.NEVER_ARRIVED))


def left_by(world, day, blow):
    hit = fork(world)
    run(AGED, hit, day, blow)
    return fingerprint(hit)


def same_as(blow: Blow, calls: list[str]) -> Blow:
    """The tried stop that stands for it: the last call before that left a trace."""
    last = blow.at if blow.takes_effect else blow.at - 1
    while last >= 0 and leaves_no_trace(calls[last]):
        last -= 1
    return Blow(last, End.STOPPED_AFTER) if last >= 0 else Blow(0, End.STOPPED_BEFORE)


def test_a_trial_is_replayed():
    worlds = explore(AGED, telling, [Resume.SAME_DAY], depth=1)
    trial, world = next((t, w) for t, w in worlds if t[0].at == 7 and "create" in t[0].call)
    assert fingerprint(live(AGED, trial)) == fingerprint(world)
