"""What a user may do when: the promised table, and the evaluator's answer for every cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from keyreeve.governance.access_policies import ENROL, LOOK_AROUND, LOOK_AT_ONESELF, SESSION
from keyreeve.governance.onboarding_steps import (
    AT,
    STEPS,
    USER,
    Call,
    Membership,
    Situation,
    allowed,
    page,
)

PROMISED = """
step                                               | onboarding | role group | both
                                                   | p n m k    | p n m k    | p n m k
change the own password                            | + + + +    | - - + -    | - - + -
read the rules for passwords                       | + + + +    | + + + +    | + + + +
open the page "Security credentials"               | + + + +    | + + + +    | + + + +
enrol an own virtual MFA device, under any name    | - + + -    | - + + -    | - + + -
enrol an own security key                          | - + + -    | - + + -    | - + + -
resynchronise the own device                       | - + + -    | - + + -    | - + + -
get a session with an MFA code                     | + + + +    | + + + +    | + + + +
assume the own role under the own name             | - - - -    | - - + -    | - - + -
assume the own role under another name             | - - - -    | - - - -    | - - - -
assume another role                                | - - - -    | - - - -    | - - - -
remove the own device from oneself                 | - - - -    | - - + -    | - - + -
delete the device that bears the own name          | - - - -    | - - + -    | - - + -
delete another device                              | - - - -    | - - - -    | - - - -
create, deactivate and delete an own access key    | - - - -    | - - + -    | - - + -
add an own certificate, SSH key or Git credential  | - - - -    | - - + -    | - - + -
do any of this to somebody else                    | - - - -    | - - - -    | - - - -
reset a password as administrators do              | - - - -    | - - - -    | - - - -
give oneself another functional group              | - - - -    | - - - -    | - - - -
join another group, or leave this one              | - - - -    | - - - -    | - - - -
change the own policies                            | - - - -    | - - - -    | - - - -
use any other service                              | - - - -    | - - - -    | - - - -
"""
"""p: before the password change; n: signed in without MFA; m: with MFA; k: a plain access key."""


def cells() -> list[Any]:
    _, _, *rows = PROMISED.strip().splitlines()
    found = []
    for row in rows:
        title, *blocks = (part.strip() for part in row.split("|"))
        for membership, block in zip(Membership, blocks, strict=True):
            for situation, mark in zip(Situation, block.split(), strict=True):
                name = f"{membership.name} {situation.name}: {title}"
                found.append(pytest.param(title, membership, situation, mark == "+", id=name))
    return found


@pytest.mark.parametrize(("title", "membership", "situation", "promised"), cells())
def test_each_call_of_a_step_is_answered_as_the_table_promises(
    title: str, membership: Membership, situation: Situation, *, promised: bool
):
    (step,) = (step for step in STEPS if step.title == title)

    answers = {call.action: allowed(call, membership, situation) for call in step.calls}

    assert answers == dict.fromkeys(answers, promised)


def test_the_table_promises_every_step_that_the_page_shows():
    assert len(cells()) == len(STEPS) * len(Membership) * len(Situation)
    assert len({step.title for step in STEPS}) == len(STEPS)


NAMED = {action.lower() for action in (*LOOK_AROUND, *LOOK_AT_ONESELF, *ENROL, *SESSION)} | {
    "iam:changepassword"
}
RESOURCES = ("*", AT.iam(f"user/{USER}"), AT.iam("user/bob"), AT.iam("mfa/x"), AT.iam("role/x"))


def other_calls() -> Iterator[Call]:
    """Every operation of services that matter here, but for those that are named."""
    session = botocore.session.get_session()
    for service in ("iam", "sts", "s3", "kms"):
        for operation in session.get_service_model(service).operation_names:
            action = f"{service}:{operation}"
            if action.lower() not in NAMED:
                yield from (Call(action=action, resource=resource) for resource in RESOURCES)


def test_onboarding_allows_nothing_but_the_password_enrolment_and_a_look():
    calls = list(other_calls())

    assert len(calls) > 1000
    for situation in Situation:
        assert not [c for c in calls if allowed(c, Membership.ONBOARDING, situation)], situation


def test_a_plain_access_key_can_look_and_nothing_else():
    for membership in Membership:
        found = [c for c in other_calls() if allowed(c, membership, Situation.PLAIN_KEY)]
        assert not found, membership


def test_the_page_has_every_step_in_every_membership():
    lines = page().splitlines()

    for step in STEPS:
        assert len([line for line in lines if line.startswith(f"| {step.title} |")]) == len(
            Membership
        )
    assert page().count("**allowed**") == sum(row.values[3] for row in cells())
