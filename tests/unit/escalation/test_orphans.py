"""A key whose secret was lost is deleted a day later, and only if nobody has touched it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import KEY_1, NOW, ago, day, key_record, old_key, policy, snapshot, state, user

from keyreeve.escalation.orphans import orphans_over
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.effect import DeleteOrphanedKey
from keyreeve.model.plan import OutcomeKind
from keyreeve.model.policy import Orphans
from keyreeve.model.snapshot import Absent
from keyreeve.pipeline.forecast import simulated_tools
from keyreeve.pipeline.orphans import delete_orphan
from keyreeve.pipeline.simulation import Memory, SimulatedAccount
from keyreeve.pipeline.workbench import Stuck, Workbench

ORPHAN = key_record(orphan=True, made_by_us=True, active=False, inactivated_at=ago(1))


def dead(**changes):
    """The orphan as the account shows it: Inactive and never used."""
    return replace(old_key(), active=False, last_used=Absent.NEVER, **changes)


def planned(record=ORPHAN, **settings):
    seen = day(snapshot(user("ann", dead())), settings=policy(**settings))
    return [p.acts[0] for p in orphans_over([record], seen.outlook)]


@pytest.mark.parametrize(
    ("record", "due"),
    [
        (ORPHAN, True),
        (replace(ORPHAN, inactivated_at=ago(1) + timedelta(seconds=1)), False),
        (replace(ORPHAN, orphan=False), False),
        (replace(ORPHAN, inactivated_at=None), False),
    ],
    ids=["a day later", "a second too early", "no orphan", "made Active by somebody"],
)
def test_an_orphan_is_deleted_a_day_after_it_was_made_inactive(record, due):
    assert bool(planned(record)) is due


def test_who_wants_orphans_kept_keeps_them():
    assert planned(orphans=Orphans.KEEP_INACTIVE) == []


def test_a_day_with_an_orphan_plans_its_deletion_and_nothing_else():
    before = state(keys={KEY_1: ORPHAN})
    effects = day(snapshot(user("ann", dead())), before).plan.effects
    assert [effect.kind for effect in effects] == ["delete_orphaned_key"]


def carried_out(key):
    """The act on an account that shows the key as given: outcome and what is left."""
    seen = day(snapshot(user("ann", key)), state(keys={KEY_1: ORPHAN}))
    (act,) = [e for e in seen.plan.effects if isinstance(e, DeleteOrphanedKey)]
    account = SimulatedAccount(seen.snapshot, NOW)
    people = HumanDecisions()
    memory = Memory(seen.planned.state)
    tools = simulated_tools(account, memory, people, NOW)
    bench = Workbench(tools, None, seen.outlook, seen.planned.state, seen.plan.run_id)
    return delete_orphan(bench, act), account.access_keys("ann"), bench.state


def test_the_deletion_is_remembered():
    outcome, left, after = carried_out(dead())
    assert (outcome.kind, left, dict(after.keys)) == (OutcomeKind.DONE, (), {})


def test_an_orphan_that_was_used_is_left_to_a_person():
    with pytest.raises(Stuck, match="has been used"):
        carried_out(replace(dead(), last_used=ago(2)))
