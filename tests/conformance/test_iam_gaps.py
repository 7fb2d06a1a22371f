"""IAM calls that moto has not implemented, in their details: simulator, boundaries, last use.

That stock moto lacks them is pinned in test_moto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from tests.conformance.stage import (
    ANN,
    BOB,
    EVERYTHING,
    HOME_ACCOUNT,
    ROLE,
    allow,
    deny,
    document,
    outcome,
    sandbox_stage,
    trust,
)
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.model.errors import ConfigError
from keyreeve.sandbox import console, issuing, seed
from keyreeve.sandbox.account_file import read_account
from keyreeve.sandbox.callers import caller_of
from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.sessions import SignIn
from keyreeve.sandbox.world import SettableClock, World

__all__ = ["sandbox"]

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
PASSWORD = "Initial-Password-of-eve-1!"


@pytest.fixture
def iam(sandbox: Sandbox) -> Any:
    sandbox.reset("empty", MONDAY)
    client = aws(sandbox.url, "iam")
    for name in ("ann", "bob"):
        client.create_user(UserName=name)
    return client


def own(iam: Any, *statements: Any, name: str = "own") -> str:
    made = iam.create_policy(PolicyName=name, PolicyDocument=document(*statements))
    return str(made["Policy"]["Arn"])


# --- the simulator --------------------------------------------------------------------------------


def decisions(answer: Any) -> list[tuple[str, str, str]]:
    return [
        (row["EvalActionName"], row["EvalResourceName"], row["EvalDecision"])
        for row in answer["EvaluationResults"]
    ]


def test_the_simulator_asks_every_action_about_every_resource(iam: Any) -> None:
    policy = document(allow("iam:*", ANN), deny("iam:DeleteUser"))
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy)
    answer = iam.simulate_principal_policy(
        PolicySourceArn=ANN, ActionNames=["iam:GetUser", "iam:DeleteUser"], ResourceArns=[ANN, BOB]
    )
    assert decisions(answer) == [
        ("iam:GetUser", ANN, "allowed"),
        ("iam:GetUser", BOB, "implicitDeny"),
        ("iam:DeleteUser", ANN, "explicitDeny"),
        ("iam:DeleteUser", BOB, "explicitDeny"),
    ]
    matched = [row["MatchedStatements"] for row in answer["EvaluationResults"]]
    of_ann = {"SourcePolicyId": "user_ann_p", "SourcePolicyType": "user"}
    assert matched == [[of_ann], [], [of_ann], [of_ann]]


def test_the_simulator_knows_no_context_but_the_given_one(iam: Any) -> None:
    with_mfa = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    iam.put_user_policy(
        UserName="ann", PolicyName="p", PolicyDocument=document(allow("s3:*", **with_mfa))
    )
    asked = {"PolicySourceArn": ANN, "ActionNames": ["s3:ListAllMyBuckets"]}
    (row,) = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    assert row["EvalDecision"] == "implicitDeny"
    assert row["MissingContextValues"] == ["aws:multifactorauthpresent"]
    entry = {
        "ContextKeyName": "aws:MultiFactorAuthPresent",
        "ContextKeyType": "boolean",
        "ContextKeyValues": ["true"],
    }
    (row,) = iam.simulate_principal_policy(**asked, ContextEntries=[entry])["EvaluationResults"]
    assert (row["EvalDecision"], row["MissingContextValues"]) == ("allowed", [])


def test_the_simulator_reads_groups_boundaries_roles_and_given_documents(iam: Any) -> None:
    iam.create_group(GroupName="g")
    group = iam.get_group(GroupName="g")["Group"]["Arn"]
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=document(EVERYTHING))
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.create_role(RoleName="Developer", AssumeRolePolicyDocument=trust({"AWS": ANN}))
    iam.attach_role_policy(RoleName="Developer", PolicyArn=READ_ONLY)
    edge = own(iam, allow("iam:ListUsers"))
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=edge)

    def asked(arn: str, **more: Any) -> list[str]:
        actions = ["iam:ListUsers", "iam:CreateUser"]
        told = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, **more)
        return [decision for _, _, decision in decisions(told)]

    assert asked(group) == ["allowed", "allowed"]
    assert asked(ANN) == ["allowed", "implicitDeny"]
    assert asked(ROLE) == ["allowed", "implicitDeny"]
    assert asked(ROLE, PolicyInputList=[document(EVERYTHING)]) == ["allowed", "allowed"]
    assert asked(BOB) == ["implicitDeny", "implicitDeny"]
    assert outcome(lambda: asked(f"{ANN}x")) == "NoSuchEntity"


def test_the_simulator_takes_documents_of_no_principal(iam: Any) -> None:
    told = iam.simulate_custom_policy(
        PolicyInputList=[document(EVERYTHING)],
        PermissionsBoundaryPolicyInputList=[document(allow("s3:*"))],
        ActionNames=["s3:GetObject", "iam:GetUser"],
    )
    assert [decision for _, _, decision in decisions(told)] == ["allowed", "implicitDeny"]
    detail = [row["PermissionsBoundaryDecisionDetail"] for row in told["EvaluationResults"]]
    assert [it["AllowedByPermissionsBoundary"] for it in detail] == [True, False]
    broken = {"PolicyInputList": ['{"Statement": 1}'], "ActionNames": ["s3:GetObject"]}
    assert outcome(lambda: iam.simulate_custom_policy(**broken)) == "MalformedPolicyDocument"


# --- boundaries -----------------------------------------------------------------------------------


def test_a_boundary_is_set_told_and_taken_away(iam: Any) -> None:
    edge = own(iam, allow("iam:*"))
    told = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": edge}
    iam.create_user(UserName="born", PermissionsBoundary=edge)
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=edge)

    def seen(name: str) -> list[Any]:
        pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"])
        details = [row for page in pages for row in page["UserDetailList"]]
        listed = iam.list_users()["Users"]
        rows = [iam.get_user(UserName=name)["User"]]
        rows += [row for row in (*details, *listed) if row["UserName"] == name]
        return [row.get("PermissionsBoundary") for row in rows]

    assert seen("born") == seen("ann") == [told, told, None]
    assert seen("bob") == [None, None, None]
    iam.delete_user_permissions_boundary(UserName="ann")
    assert seen("ann") == [None, None, None]
    missing = {"UserName": "ann", "PermissionsBoundary": f"{edge}x"}
    assert outcome(lambda: iam.put_user_permissions_boundary(**missing)) == "NoSuchEntity"


def test_a_boundary_whose_policy_is_gone_opens_nothing(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING)
    admin = stage.client("iam")
    edge = own(admin, EVERYTHING)
    admin.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=edge)
    assert outcome(stage.client("iam", *stage.ann).list_users) == "done"
    admin.delete_policy(PolicyArn=edge)
    assert outcome(stage.client("iam", *stage.ann).list_users) == "AccessDenied"


# --- last use -------------------------------------------------------------------------------------


def test_last_use_is_told_for_every_granted_service(iam: Any, sandbox: Sandbox) -> None:
    iam.create_access_key(UserName="ann")
    sandbox.act("ann", "use_key", service="sqs", at="2026-01-01T00:00:00Z")
    policy = document(allow(["sqs:SendMessage", "sns:Publish"]), deny("iam:*"))
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy)
    job = iam.generate_service_last_accessed_details(Arn=ANN)["JobId"]
    told = iam.get_service_last_accessed_details(JobId=job)
    assert told["JobStatus"] == "COMPLETED"
    rows = [
        (row["ServiceNamespace"], str(row.get("LastAuthenticated", "never"))[:10])
        for row in told["ServicesLastAccessed"]
    ]
    assert rows == [("sns", "never"), ("sqs", "2026-01-01")]
    for call in (
        lambda: iam.generate_service_last_accessed_details(Arn=f"{ANN}x"),
        lambda: iam.get_service_last_accessed_details(JobId=job.replace("1", "2")),
    ):
        assert outcome(call) == "NoSuchEntity"


# --- what other parts of the sandbox build on, in this process ------------------------------------


@pytest.fixture
def world() -> Iterator[World]:
    made = World(clock=SettableClock(MONDAY))
    eve = {"name": "eve", "password": {"changed": "1d"}}
    BackendDict.reset()
    (user,) = read_account({"users": [eve]}).users
    seed.make_user(seed.iam_backend(HOME_ACCOUNT), user, made.naive_now())
    yield made
    BackendDict.reset()


def test_observers_hear_of_every_sign_in(world: World) -> None:
    heard: list[SignIn] = []
    world.observers.append(heard.append)
    console.sign_in(world, HOME_ACCOUNT, "eve", PASSWORD, None)
    for name, password in (("eve", "wrong"), ("nobody", "x")):
        with pytest.raises(console.SignInFailed):
            console.sign_in(world, HOME_ACCOUNT, name, password, None)
    console.sign_in_as_root(world, HOME_ACCOUNT, mfa=True)
    eve, root = f"arn:aws:iam::{HOME_ACCOUNT}:user/eve", f"arn:aws:iam::{HOME_ACCOUNT}:root"
    assert [(it.user, it.arn, it.mfa, it.failure) for it in heard] == [
        ("eve", eve, False, ""),
        ("eve", eve, False, "Failed authentication"),
        ("nobody", "", False, "Failed authentication"),
        ("<root_account>", root, True, ""),
    ]
    assert {it.at for it in heard} == {MONDAY}


def test_a_service_gets_a_session_of_the_role_that_trusts_it(world: World) -> None:
    backend = seed.iam_backend(HOME_ACCOUNT)
    trusted = trust({"Service": "lambda.amazonaws.com"})
    backend.create_role("Developer", trusted, "/", None, "", [], "3600")
    session = issuing.for_service(world, ROLE, "onboarding")
    caller = caller_of(world, session.access_key)
    assert caller is not None
    assert caller.arn == f"arn:aws:sts::{HOME_ACCOUNT}:assumed-role/Developer/onboarding"
    assert issuing.trusts(ROLE, "lambda.amazonaws.com")
    assert not issuing.trusts(ROLE, "events.amazonaws.com")
    assert not issuing.trusts(f"{ROLE}x", "lambda.amazonaws.com")
    with pytest.raises(ConfigError, match="no role"):
        issuing.for_service(world, f"{ROLE}x", "onboarding")
