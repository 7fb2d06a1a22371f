"""A leaver, step by step; deletion only later and only whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.governance.people import TAGS, member

from keyreeve.governance.leaving import (
    DENY_POLICY,
    Leaver,
    LeaverStep,
    mark,
    may_not_delete,
    offboarded_at,
    plan_deletion,
    plan_offboarding,
    revocation,
)
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Decision, Policies, Request, evaluate
from keyreeve.model.access import OFFBOARDED_TAG
from keyreeve.model.people import Held, HeldKind
from keyreeve.model.snapshot import LiveKey

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
WAIT = timedelta(days=30)
DEVICE = "arn:aws:iam::123456789012:mfa/bob"


def key(number: int, *, active: bool) -> LiveKey:
    return LiveKey(key_id=f"AKIA{number}", active=active, created_at=NOW)


FULL = Leaver(
    member=member("bob", "Developers", "Billing", "Quarantine"),
    keys=(key(1, active=True), key(2, active=False)),
    has_password=True,
    devices=(DEVICE, "GAHT12345678"),
    attached=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    inline={"own": {}},
)
DONE = Leaver(
    member=member("bob", "Quarantine", tags={**TAGS, **mark(NOW)}),
    keys=(key(1, active=False),),
    inline={DENY_POLICY: revocation(NOW), "own": {}},
    devices=(DEVICE,),
)
FORETOLD = replace(
    DONE, member=replace(DONE.member, tags={OFFBOARDED_TAG: "9999-12-31T00:00:00+00:00"})
)


def steps(acts):
    return [(act.step, act.subject) for act in acts]


def test_a_leaver_is_shut_out_taken_out_of_every_group_but_quarantine_and_marked():
    assert steps(plan_offboarding(FULL)) == [
        (LeaverStep.REVOKE, ""),
        (LeaverStep.TAKE_PASSWORD, ""),
        (LeaverStep.DEACTIVATE_KEY, "AKIA1"),
        (LeaverStep.LEAVE_GROUP, "Billing"),
        (LeaverStep.LEAVE_GROUP, "Developers"),
        (LeaverStep.MARK, ""),
    ]


def test_nothing_is_deleted_by_offboarding():
    """S1.15: keys become Inactive, and stay."""
    deleting = {LeaverStep.DELETE_KEY, LeaverStep.DELETE_USER, LeaverStep.DELETE_DEVICE}
    assert not deleting & {act.step for act in plan_offboarding(FULL)}


def test_who_is_offboarded_has_nothing_left_to_do():
    assert plan_offboarding(DONE) == ()


def test_a_mark_of_a_day_that_has_not_come_is_set_anew_and_deletes_nobody():
    since = offboarded_at(DONE.member.tags)
    before = since - timedelta(days=1)
    assert steps(plan_offboarding(DONE, before)) == [(LeaverStep.MARK, "")]
    assert plan_offboarding(DONE, since) == ()
    assert "a day that has not come yet" in may_not_delete(DONE, before, timedelta(days=1))


@pytest.mark.parametrize(
    "back",
    [
        replace(DONE, inline={"own": {}}),
        replace(DONE, has_password=True),
        replace(DONE, keys=(key(1, active=True),)),
        replace(DONE, member=replace(DONE.member, groups=frozenset({"Developers"}))),
    ],
)
def test_whoever_was_let_back_in_is_marked_anew_and_waits_from_then_on(back):
    assert steps(plan_offboarding(back))[-1] == (LeaverStep.MARK, "")


@pytest.mark.parametrize(
    ("leaver", "days", "said"),
    [
        (FULL, 100, "not offboarded"),
        (DONE, 29, "30 days are over on 2026-02-04"),
        (replace(DONE, keys=(key(1, active=True),)), 100, "given back"),
        (replace(DONE, has_password=True), 100, "given back"),
        (replace(DONE, inline={"own": {}}), 100, "given back"),
        (DONE, 30, None),
        (FORETOLD, 30, "9999-12-31, a day that has not come yet"),
    ],
)
def test_deletion_waits_and_asks_again(leaver, days, said):
    refused = may_not_delete(leaver, NOW + timedelta(days=days), WAIT)
    assert (refused is None) is (said is None)
    assert said is None or said in refused


ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENYING = {**ANYTHING, "Effect": "Deny"}


@pytest.mark.parametrize(
    "statement",
    [
        ANYTHING,
        {**DENYING, "Action": "s3:*"},
        {**DENYING, "Resource": "arn:aws:s3:::one"},
        {**DENYING, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
        revocation(NOW)["Statement"][0],
        {"Effect": "Deny", "NotAction": "*", "Resource": "*"},
        "no statement",
    ],
)
def test_a_policy_that_only_bears_the_name_shuts_nobody_out(statement):
    changed = {"Version": "2012-10-17", "Statement": [statement]}
    leaver = replace(DONE, inline={DENY_POLICY: changed})
    assert steps(plan_offboarding(leaver)) == [(LeaverStep.REVOKE, ""), (LeaverStep.MARK, "")]
    assert "given back" in (may_not_delete(leaver, NOW + 2 * WAIT, WAIT) or "")


def test_the_deny_holds_until_the_very_end():
    acts = steps(plan_deletion(DONE))
    assert acts == [
        (LeaverStep.DEACTIVATE_DEVICE, DEVICE),
        (LeaverStep.DELETE_DEVICE, DEVICE),
        (LeaverStep.DELETE_KEY, "AKIA1"),
        (LeaverStep.LEAVE_GROUP, "Quarantine"),
        (LeaverStep.DELETE_POLICY, "own"),
        (LeaverStep.DELETE_POLICY, DENY_POLICY),
        (LeaverStep.DELETE_USER, "bob"),
    ]


def test_whatever_else_is_held_goes_first_while_the_deny_still_holds():
    """AWS: DeleteUser refuses while any of it is there."""
    held = (Held(kind=HeldKind.SSH_KEY, id="APKA1"), Held(kind=HeldKind.CERTIFICATE, id="C1"))
    acts = plan_deletion(replace(DONE, held=held))
    assert [act.held for act in acts[:2]] == list(held)
    assert steps(acts[:1]) == [(LeaverStep.DELETE_HELD, "SSH key APKA1")]
    assert acts[2:] == plan_deletion(DONE)


def test_a_hardware_device_is_taken_off_and_not_deleted():
    acts = steps(plan_deletion(FULL))
    assert (LeaverStep.DEACTIVATE_DEVICE, "GAHT12345678") in acts
    assert (LeaverStep.DELETE_DEVICE, "GAHT12345678") not in acts


@pytest.mark.parametrize(
    ("value", "known"),
    [("2026-01-05T06:00:00+00:00", True), ("2026-01-05T06:00:00", False), ("yes", False)],
)
def test_a_mark_that_nobody_can_read_is_no_mark(value, known):
    assert (offboarded_at({"keyreeve-offboarded": value}) is not None) is known


@pytest.mark.parametrize("action", ["s3:GetObject", "iam:ChangePassword", "sts:AssumeRole"])
@pytest.mark.parametrize(
    "context",
    [
        {},
        {"aws:tokenissuetime": ("2026-01-05T05:59:59Z",)},
        {"aws:tokenissuetime": ("2026-02-01T00:00:00Z",), "aws:multifactorauthpresent": ("true",)},
    ],
    ids=["long-term", "old session", "new session"],
)
def test_the_policy_denies_whatever_comes(action, context):
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    allowed = parse_document({"Version": "2012-10-17", "Statement": [everything]})
    policies = Policies(identity=(allowed, parse_document(revocation(NOW))))
    answer = evaluate(policies, Request(action=action, context=context))
    assert answer.decision is Decision.EXPLICIT_DENY


def test_sessions_of_before_are_revoked_by_awss_own_statement():
    document = parse_document({**revocation(NOW), "Statement": revocation(NOW)["Statement"][:1]})
    for issued, denied in (("2026-01-05T05:59:59Z", True), ("2026-01-05T06:00:00Z", False)):
        request = Request(action="s3:GetObject", context={"aws:tokenissuetime": (issued,)})
        answer = evaluate(Policies(identity=(document,)), request)
        assert (answer.decision is Decision.EXPLICIT_DENY) is denied
