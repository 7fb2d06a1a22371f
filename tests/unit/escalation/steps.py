"""Steps of ann's operations, as the executor writes them."""

from __future__ import annotations

from datetime import timedelta

from tests.builders import (
    KEY_1,
    KEY_2,
    NOW,
    ago,
    case,
    key_record,
    on,
    state,
    step,
)

from keyreeve.escalation.fold import fold
from keyreeve.model.case import OperationKind, Stage, StepName
from keyreeve.model.identifiers import OperationId
from keyreeve.model.policy import LadderDays

DAYS = LadderDays(enforcement=21)
ANN = "AIDAANN"
KINDS, NAMES = OperationKind, StepName


def known(*records, **changes):
    return state(case(*records), keys={KEY_1: key_record()}, **changes)


def after(start, *steps):
    for one in steps:
        start = fold(start, one, DAYS)
    return start


def ann(folded):
    return folded.users[ANN]


def notice(day=0, stage=Stage.NOTIFICATION, e=14, **more):
    entry = {
        "control": "access_key_rotation",
        "resource_id": KEY_1,
        "stage": stage.value,
        "enforcement_on": on(e).isoformat() if e is not None else None,
    }
    entry |= {"no_replacement": more.pop("why")} if "why" in more else {}
    data = {
        "topic": "notice",
        "stage": stage.value,
        "to": "ann@example.com",
        "message_id": f"mail-{day}",
        "findings": [entry],
        **more,
    }
    at = NOW + timedelta(days=day)
    return step(KINDS.NOTICE, NAMES.ACCEPTED, data, at=at, on=on(day), operation_id=f"n{day}")


ROTATE = {
    "control": "access_key_rotation",
    "resource_id": KEY_1,
    "old_key": KEY_1,
    "keys_before": [KEY_1],
    "ledger_day": "2026-01-05",
}
CREATE = {"new_key": KEY_2, "old_key": KEY_1, "created_at": ago(0).isoformat(), "escrow": "e/1"}
ACT = {
    "control": "access_key_rotation",
    "resource_id": KEY_1,
    "key_id": KEY_1,
    "act": "deactivate_access_key",
    "ledger_day": "2026-01-05",
}


def rotate(name, data=None, attempt=1, day=0):
    at = NOW + timedelta(days=day)
    return step(KINDS.ROTATION, name, data, attempt=attempt, at=at, on=on(day))


def act(name, **changes):
    return step(KINDS.ENFORCEMENT, name, {**ACT, **changes}, operation_id=OperationId("act"))
