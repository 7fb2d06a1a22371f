"""What the roles of people may do, and what they may not. That it suffices is shown by scenario."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.scenario.roles import actions_in
from tests.unit.governance.people import MODEL
from tests.unit.governance.test_own_policies import HERE

from keyreeve.governance.own_policies import QUOTA, in_documents
from keyreeve.governance.people_policies import USER_ACTS, PeopleRole, people_statements
from keyreeve.language.authorizations import ACTIONS
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Decision, Policies, Request, evaluate
from keyreeve.model.policy import CompressedClock, Exclusion, Match

ARN = "arn:aws:iam::123456789012:"
EXCLUDING = replace(
    HERE,
    policy=replace(
        HERE.policy, exclusions=(Exclusion(match=Match(user="svc-*"), reason="service"),)
    ),
)


def asked(role: PeopleRole, action: str, resource: str) -> Decision:
    made = in_documents(people_statements(EXCLUDING, MODEL, role))
    policies = Policies(identity=tuple(parse_document(document) for document in made))
    return evaluate(policies, Request(action=action, resource=ARN + resource)).decision


@pytest.mark.parametrize("role", PeopleRole)
def test_every_action_is_one_that_a_call_of_ours_needs(role: PeopleRole):
    made = in_documents(people_statements(HERE, MODEL, role))
    assert set(actions_in(made)) <= set(ACTIONS)
    assert all(len(str(document)) < 2 * QUOTA for document in made)


@pytest.mark.parametrize(
    ("role", "action", "resource", "decision"),
    [
        ("onboarding", "iam:AddUserToGroup", "group/Developers", "allowed"),
        ("onboarding", "iam:RemoveUserFromGroup", "group/MFA-Setup", "allowed"),
        ("onboarding", "iam:AddUserToGroup", "group/Billing", "implicit deny"),
        ("onboarding", "iam:AddUserToGroup", "group/Quarantine", "explicit deny"),
        ("onboarding", "iam:RemoveUserFromGroup", "group/Quarantine", "explicit deny"),
        ("onboarding", "iam:TagUser", "user/bob", "implicit deny"),
        ("onboarding", "iam:CreateAccessKey", "user/bob", "implicit deny"),
        ("people", "iam:CreateUser", "user/bob", "allowed"),
        ("people", "iam:RemoveUserFromGroup", "group/Quarantine", "allowed"),
        ("people", "iam:AddUserToGroup", "group/Quarantine", "explicit deny"),
        ("people", "iam:AddUserToGroup", "group/Billing", "implicit deny"),
        ("people", "iam:CreateAccessKey", "user/bob", "implicit deny"),
        ("people", "iam:AttachUserPolicy", "user/bob", "implicit deny"),
        ("people", "iam:GetRole", "role/DeveloperRole", "allowed"),
        ("people", "iam:GetRole", "role/Elsewhere", "implicit deny"),
        ("people", "iam:ListAccessKeys", "user/bob", "allowed"),
        ("people", "iam:ListSSHPublicKeys", "user/bob", "allowed"),
        ("people", "iam:GetAccessKeyLastUsed", "user/bob", "implicit deny"),
    ],
)
def test_what_a_role_may_do(role: str, action: str, resource: str, decision: str):
    assert asked(PeopleRole(role), action, resource) == decision


@pytest.mark.parametrize(("users", "asks"), [(None, False), (("test-*",), True)])
def test_a_keys_last_use_is_asked_for_under_a_compressed_clock_alone(
    users: tuple[str, ...] | None,
    asks: bool,  # noqa: FBT001 - a parameter
):
    clock = None if users is None else CompressedClock(day=timedelta(minutes=10), users=users)
    here = replace(HERE, policy=replace(HERE.policy, compressed=clock))
    made = in_documents(people_statements(here, MODEL, PeopleRole.PEOPLE))
    assert ("iam:GetAccessKeyLastUsed" in actions_in(made)) is asks


@pytest.mark.parametrize("action", USER_ACTS)
def test_excluded_users_are_denied_whatever_else_allows(action: str):
    assert asked(PeopleRole.PEOPLE, action, "user/svc-deploy") is Decision.EXPLICIT_DENY
    assert asked(PeopleRole.PEOPLE, action, "user/bob") is Decision.ALLOWED
