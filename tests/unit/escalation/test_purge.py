"""When an escrowed secret may go (P1), row by row; never on facts that anybody doubts (P9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    MONDAY,
    NOW,
    access_key,
    ago,
    by_id,
    case,
    gap_of,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.purge import Escrowed, retention_over
from keyreeve.model.case import OperationKind, OperationRecord, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.decisions import Hold, HumanDecisions
from keyreeve.model.effect import PurgeEscrow
from keyreeve.model.plan import Gate
from keyreeve.model.policy import Delivery

KEY, PASSWORD = CredentialKind.ACCESS_KEY, CredentialKind.PASSWORD
HANDED_OVER = (StepName.INTENT, StepName.CREATED, StepName.DELIVERED)
DAYS = 30
OBJECT, NEXT_OBJECT = "credentials/x-1.csv", "credentials/x-2.csv"

OLD_GONE = user("ann", access_key(2, key_id=KEY_2))
OLD_OFF = user("ann", access_key(key_id=KEY_1, active=False), access_key(2, key_id=KEY_2))
OLD_ON = user("ann", access_key(key_id=KEY_1), access_key(2, key_id=KEY_2))
NEW_OFF = user("ann", access_key(key_id=KEY_1), access_key(2, key_id=KEY_2, active=False))
NAMELESS = user("ann", access_key(key_id=None))


def operation(*steps: StepName, days: float = DAYS, **changes: Any) -> OperationRecord:
    """A rotation of KEY_1 to KEY_2, delivered so many days ago if it was."""
    done = {"delivered_at": ago(days)} if StepName.DELIVERED in steps else {}
    usual = {
        "operation_id": "20251101-a",
        "old_key": KEY_1,
        "new_key": KEY_2,
        "escrow_key": OBJECT if StepName.CREATED in steps else None,
    }
    return rotation(*steps, **(usual | done | changes))


def reset(*steps: StepName, days: float = DAYS, **changes: Any) -> OperationRecord:
    none = {"kind": OperationKind.PASSWORD_RESET, "old_key": None, "new_key": None}
    return operation(*steps, days=days, **(none | changes))


def escrowed(found: OperationRecord | None, **changes: Any) -> Escrowed:
    kind = PASSWORD if found and found.kind is OperationKind.PASSWORD_RESET else KEY
    usual = Escrowed(
        key=OBJECT,
        kind=kind,
        user_id="AIDAANN",
        user_name="ann",
        operation_id="20251101-a",
        attempt=1,
        operation=found,
        made_at=ago(DAYS),
        new_key=KEY_2 if kind is KEY else None,
    )
    return replace(usual, **changes)


def purged(
    each: Escrowed, *users, cases=(), gaps=(), settings=None, **facts: Any
) -> list[PurgeEscrow]:
    view = outlook(snapshot(*users, gaps=gaps), **facts)
    if settings is not None:
        view = replace(view, calendar=replace(view.calendar, policy=settings))
    plans = retention_over([each], state(*cases), view, "run-1")
    return [act for plan in plans for act in plan.acts]


SECOND = operation(*HANDED_OVER, attempt=2, escrow_key=NEXT_OBJECT)
ABANDONED = (StepName.INTENT, StepName.CREATED, StepName.ABANDONED)
TABLE = {
    # what                                   the object                              user      goes
    "delivered, old key gone": (escrowed(operation(*HANDED_OVER)), OLD_GONE, True),
    "delivered, old key Inactive": (escrowed(operation(*HANDED_OVER)), OLD_OFF, True),
    "delivered, old key Active": (escrowed(operation(*HANDED_OVER)), OLD_ON, False),
    "delivered, a second too early": (
        escrowed(operation(*HANDED_OVER, delivered_at=ago(DAYS) + timedelta(seconds=1))),
        OLD_GONE,
        False,
    ),
    "delivered, slots not told apart": (escrowed(operation(*HANDED_OVER)), NAMELESS, True),
    "delivered, old key unknown": (
        escrowed(operation(*HANDED_OVER, old_key=None)),
        OLD_GONE,
        False,
    ),
    "delivered, then un-delivered": (
        escrowed(operation(*HANDED_OVER, delivered_at=None)),
        OLD_GONE,
        False,
    ),
    "made, not delivered": (
        escrowed(operation(StepName.INTENT, StepName.CREATED)),
        OLD_OFF,
        False,
    ),
    "kept in the vault, not delivered": (
        escrowed(operation(StepName.INTENT, StepName.CREATED, StepName.KEEPING)),
        OLD_OFF,
        False,
    ),
    "made, nothing recorded": (escrowed(operation(StepName.INTENT)), OLD_OFF, False),
    "abandoned, its key Active": (escrowed(operation(*ABANDONED)), OLD_OFF, False),
    "abandoned, its key Inactive": (escrowed(operation(*ABANDONED)), NEW_OFF, True),
    "abandoned yesterday": (
        escrowed(operation(*ABANDONED), made_at=ago(DAYS - 1)),
        NEW_OFF,
        False,
    ),
    "abandoned, its key unknown": (
        escrowed(operation(*ABANDONED), new_key=None),
        NEW_OFF,
        False,
    ),
    "an earlier attempt": (escrowed(SECOND), NEW_OFF, True),
    "an earlier attempt, its key Active": (escrowed(SECOND), OLD_OFF, False),
    "came back, not delivered again": (
        escrowed(operation(StepName.INTENT, StepName.CREATED, attempt=2)),
        OLD_OFF,
        False,
    ),
    "came back, delivered again": (escrowed(operation(*HANDED_OVER, attempt=2)), OLD_OFF, True),
    "came back, delivered again yesterday": (
        escrowed(operation(*HANDED_OVER, attempt=2, days=1)),
        OLD_OFF,
        False,
    ),
    "the second object of a second attempt that was cut off": (
        escrowed(
            operation(StepName.INTENT, attempt=2, escrow_key=OBJECT), key=NEXT_OBJECT, attempt=2
        ),
        NEW_OFF,
        False,
    ),
    "stuck": (escrowed(operation(*HANDED_OVER, stuck="who knows")), OLD_GONE, False),
    "steps unreadable": (escrowed(None, unreadable="corrupt"), OLD_GONE, False),
    "no operation": (escrowed(None), OLD_GONE, False),
    "a password, delivered": (escrowed(reset(*HANDED_OVER)), OLD_ON, True),
    "a password, too early": (escrowed(reset(*HANDED_OVER, days=DAYS - 1)), OLD_ON, False),
    "a password, not delivered": (
        escrowed(reset(StepName.INTENT, StepName.CREATED)),
        OLD_ON,
        False,
    ),
    "a password that came back": (
        escrowed(reset(StepName.INTENT, StepName.CREATED, attempt=2)),
        OLD_ON,
        False,
    ),
    "a password, an earlier attempt": (
        escrowed(reset(StepName.INTENT, attempt=2)),
        OLD_ON,
        True,
    ),
}


@pytest.mark.parametrize("row", TABLE)
def test_what_goes_and_what_is_kept(row: str):
    each, who, goes = TABLE[row]
    assert bool(purged(each, who)) is goes


def test_a_user_who_is_gone_needs_nothing_any_more():
    for steps in (HANDED_OVER, (StepName.INTENT, StepName.CREATED)):
        (act,) = purged(escrowed(operation(*steps)), user("bob"))
        assert act.user_gone


DUE = escrowed(operation(*HANDED_OVER))
HELD = Hold(
    user="ann", until=MONDAY + timedelta(days=1), reason="leave", added_at=NOW, added_by="msp"
)
DOUBTS = {
    "a gap": (OLD_GONE, {"gaps": (gap_of(OLD_GONE),)}),
    "a hold by name": (OLD_GONE, {"people": HumanDecisions(holds=(HELD,))}),
    "a hold by id": (OLD_GONE, {"people": HumanDecisions(holds=(replace(HELD, user="AIDAANN"),))}),
    "a case of a user who is not listed": (
        user("bob"),
        {"cases": (case(record(day_0=True), who=OLD_GONE),)},
    ),
}


@pytest.mark.parametrize("row", DOUBTS)
def test_on_doubt_nothing_goes(row: str):
    who, facts = DOUBTS[row]
    assert purged(DUE, OLD_GONE)
    assert purged(DUE, who, **facts) == []


def test_a_hold_that_has_ended_holds_nothing():
    people = HumanDecisions(holds=(replace(HELD, until=MONDAY),))
    assert purged(DUE, OLD_GONE, people=people)


def test_an_unconfirmed_user_is_not_gone():
    seen = snapshot(user("bob"), unconfirmed=frozenset({"ann"}))
    assert retention_over([DUE], state(), outlook(seen), "run-1") == []


def test_the_open_case_knows_better_than_the_steps():
    """A bounce un-delivers in the case; the steps still say that it was delivered."""
    undone = operation(StepName.INTENT, StepName.CREATED)
    open_case = case(record(day_0=True), who=OLD_GONE, operations=by_id(undone))
    assert purged(DUE, OLD_GONE, cases=(open_case,)) == []


def test_what_cannot_be_read_is_named_and_kept():
    (plan,) = retention_over(
        [escrowed(None, unreadable="ops/x is corrupt")],
        state(),
        outlook(snapshot(OLD_GONE)),
        "run-1",
    )
    assert plan.acts == ()
    (held,) = plan.held
    assert held.gate is Gate.EVIDENCE
    assert "corrupt" in held.reason


@pytest.mark.parametrize(
    ("kept", "delivery", "in_vault"),
    [
        (False, Delivery.CSV, False),
        (True, Delivery.CSV, True),
        (False, Delivery.BOTH, True),
        (False, Delivery.SECRETS_MANAGER, True),
    ],
)
def test_the_vault_is_asked_only_where_it_may_hold_a_copy(kept, delivery, in_vault):
    (act,) = purged(replace(DUE, kept=kept), OLD_GONE, settings=policy(delivery=delivery))
    assert act.in_vault is in_vault
    assert (act.of, act.escrow_key, act.key_id) == ("20251101-a", OBJECT, KEY_1)


def test_two_runs_of_a_day_write_steps_of_their_own():
    first, second = (
        retention_over([DUE], state(), outlook(snapshot(OLD_GONE)), run)[0].acts[0].operation_id
        for run in ("run-1", "run-2")
    )
    assert first != second
    assert first.startswith("20260105-")
