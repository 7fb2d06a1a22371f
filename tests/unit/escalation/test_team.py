from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    KEY_1,
    MFA_CONTROL,
    MONDAY,
    NOW,
    ROTATION,
    TEAM,
    case,
    day,
    key_record,
    old_key,
    on,
    outlook,
    record,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.team import team_notices
from keyreeve.model.case import OperationKind, OperationRecord, StepName
from keyreeve.model.identifiers import OperationId
from keyreeve.model.plan import Gate, Held, UserPlan

ANN = user("ann", old_key())
LOST = user("ann", old_key(), tags={})


def told(who=ANN, *held, before=None, day_n=0, keys=None, **changes):
    seen = before or case(record(day_0=True), who=who, **changes)
    plan = UserPlan(user_id=who.user_id, user_name=who.name, held=held)
    view = outlook(snapshot(who), now=NOW + timedelta(days=day_n))
    return team_notices(state(seen, keys=keys or {}), view, [plan], on(day_n))


def held(gate=Gate.RECIPIENT, reason="the address changed"):
    return Held(
        gate=gate,
        reason=reason,
        user_id=ANN.user_id,
        user_name=ANN.name,
        control=ROTATION,
        resource_id=KEY_1,
    )


def test_an_unreachable_owner_is_told_to_the_fallback_once():
    two = case(record(), record(MFA_CONTROL, "mfa"), who=LOST)
    (notice,) = told(LOST, held(), before=two)
    assert (notice.to, notice.topic, notice.reason) == (
        (TEAM,),
        "unreachable",
        "owner_unreachable",
    )
    assert notice.headline == "Nobody can be told about ann"
    assert notice.paragraphs == (
        (
            "ann has 2 open findings, and its owner cannot be reached: no tag email, and the user "
            "name is no address."
        ),
        (
            "Set the tag email of this user to the owner's mail address. Until then the findings "
            "stay pending: no day is counted and nothing is changed."
        ),
        "Access key AKIA1",
        "MFA for console sign-in",
    )
    (one,) = told(LOST)
    assert one.paragraphs[0].startswith("ann has 1 open finding, and")
    assert told(LOST, team_told={"unreachable": MONDAY}) == ()


def test_a_case_without_findings_is_no_news():
    assert told(LOST, before=case(who=LOST)) == ()


WORTH = {
    Gate.RECIPIENT: True,
    Gate.PASSWORD_CHANGE: True,
    Gate.HUMAN: True,
    Gate.BLAST_RADIUS: False,
    Gate.MAILBOX: False,
    Gate.WINDOW: False,
    Gate.NEVER: False,
    Gate.TOLD: False,
    Gate.EVIDENCE: False,
}


@pytest.mark.parametrize("gate", WORTH)
def test_the_team_is_told_of_gates_that_only_a_person_can_open(gate):
    assert bool(told(ANN, held(gate))) is WORTH[gate]


def test_what_is_held_is_told_with_its_reason_once_for_each_matter():
    (notice,) = told(ANN, held())
    assert (notice.to, notice.reason) == ((TEAM,), "held_at_gate")
    assert notice.headline == "ann: held at the gate “recipient”"
    assert notice.paragraphs[0] == "Access key AKIA1: the address changed."
    assert notice.topic == "held/access_key_rotation/AKIA1/recipient"
    assert told(ANN, held(), team_told={notice.topic: MONDAY}) == ()
    (other,) = told(ANN, held(Gate.PASSWORD_CHANGE), team_told={notice.topic: MONDAY})
    assert other.topic.endswith("/password_change")


def test_a_hold_that_the_team_itself_put_is_no_news():
    assert told(ANN, held(Gate.HUMAN, "held until 2026-02-01")) == ()
    assert len(told(ANN, held(Gate.HUMAN, "two unknown keys"))) == 1


def test_the_team_hears_of_a_key_that_somebody_made_active_again():
    (notice,) = told(keys={KEY_1: key_record(reactivated_at=NOW)})
    assert (notice.to, notice.topic, notice.reason) == (
        (TEAM,),
        "reactivated/AKIA1",
        "key_reactivated",
    )
    assert notice.headline == "ann: a disabled access key is active again"
    assert "keyreeve reinstate ann AKIA1" in notice.paragraphs[1]
    assert told(keys={KEY_1: key_record()}) == ()
    assert told(keys={KEY_1: key_record(reactivated_at=NOW, user_id="AIDAGONE")}) == ()


def test_the_team_gets_no_mail_on_a_closed_day():
    assert told(LOST, day_n=5) == ()


def test_users_without_a_case_or_who_were_not_read_are_no_news():
    view = outlook(snapshot(ANN))
    stranger = UserPlan(user_id="AIDABOB", user_name="bob", held=(held(),))
    assert team_notices(state(case(record())), view, [stranger], MONDAY) == ()
    gone = case(record(), who=user("bob"))
    plan = replace(stranger, held=(replace(held(), user_id="AIDABOB"),))
    assert team_notices(state(gone), view, [plan], MONDAY) == ()


def test_the_daily_plan_carries_what_the_team_is_told():
    plan = day(snapshot(LOST)).planned.plan
    assert [n.topic for n in plan.team] == ["unreachable"]


def stuck(**changes):
    return OperationRecord(
        operation_id=OperationId("20260105-aa"),
        kind=OperationKind.ROTATION,
        attempt=2,
        steps=(StepName.STUCK,),
        control=ROTATION,
        resource_id=KEY_1,
        stuck="several unknown access keys have appeared",
        **changes,
    )


def with_operation(seen, operation):
    return replace(seen, operations={operation.operation_id: operation})


def test_an_operation_that_waits_for_a_person_is_told_once_though_its_finding_is_mended():
    mended = with_operation(replace(case(record(), who=ANN), findings={}), stuck())
    (notice,) = told(ANN, before=mended)
    assert (notice.topic, notice.to) == ("stuck/20260105-aa", (TEAM,))
    assert "several unknown access keys have appeared" in notice.paragraphs[0]
    again = replace(mended, team_told={notice.topic: on(0)})
    assert told(ANN, before=again) == ()


def test_while_its_finding_is_open_a_stuck_operation_is_told_at_its_gate():
    open_still = with_operation(case(record(), who=ANN), stuck())
    assert told(ANN, before=open_still) == ()


def test_a_user_with_a_purge_or_an_orphan_besides_the_case_is_told_of_once():
    view = outlook(snapshot(LOST))
    of_case = UserPlan(user_id=LOST.user_id, user_name=LOST.name)
    told_once = team_notices(state(case(record(), who=LOST)), view, [of_case, of_case], MONDAY)
    assert [notice.topic for notice in told_once] == ["unreachable"]
    view = outlook(snapshot(ANN))
    waiting = replace(of_case, held=(held(),))
    both = team_notices(state(case(record(day_0=True))), view, [of_case, waiting, of_case], MONDAY)
    assert [notice.reason for notice in both] == ["held_at_gate"]
