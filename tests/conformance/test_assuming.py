"""AssumeRole asks both sides: the caller's policies and the role's trust policy.

Rows as in test_enforcement: stock moto with its own checks on, and the sandbox with enforcement on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.conformance.stage import (
    ANN,
    BOB,
    DONE,
    EVERYTHING,
    ROLE,
    ROOT,
    Row,
    Stage,
    allow,
    deny,
    document,
    outcome,
    played_in_sandbox,
    played_in_stock,
    sandbox_stage,
    stock_stage,
    trust,
)
from tests.sandbox_fixture import sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

DENIED, INVALID, MALFORMED = "AccessDenied", "ValidationError", "MalformedPolicyDocument"
MAY = allow("sts:AssumeRole", ROLE)
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
WITH_ID = {"StringEquals": {"sts:ExternalId": "42"}}
WITH_NAME = {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}
OF_TEAM = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
FRESH = {**WITH_MFA, "NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}
Act = Callable[[Stage], Any]


def role(
    principal: str = ROOT, *of_ann: dict[str, Any], max_session: int = 3_600, **condition: Any
) -> Act:
    """A role that trusts, and what ann may."""

    def arrange(stage: Stage) -> None:
        stage.role(
            *(trust({"AWS": principal}, **condition), EVERYTHING),
            MaxSessionDuration=max_session,
        )
        if of_ann:
            stage.allow(*of_ann)

    return arrange


def assuming(**more: Any) -> Act:
    return lambda stage: stage.assume(**more)


def with_code(stage: Stage) -> Any:
    return stage.assume(**stage.with_phone())


def with_wrong_code(stage: Stage) -> Any:
    given = stage.with_phone()
    wrong = f"{(int(given['TokenCode']) + 1) % 10**6:06d}"
    return stage.assume(**{**given, "TokenCode": wrong})


def by_session_with_mfa(stage: Stage) -> Any:
    return stage.assume(*stage.token(**stage.with_phone()))


def by_session_without(stage: Stage) -> Any:
    return stage.assume(*stage.token())


def for_a_service(stage: Stage) -> None:
    stage.role(trust({"Service": "lambda.amazonaws.com"}), EVERYTHING)
    stage.allow(EVERYTHING)


def nobody_is_there(stage: Stage) -> None:
    stage.allow(MAY)


def trusted_again(stage: Stage) -> None:
    """Ann is trusted by name; then she leaves, and another of her name comes."""
    role(ANN, MAY)(stage)
    iam = stage.client("iam")
    iam.delete_user_policy(UserName="ann", PolicyName="p")
    iam.delete_access_key(UserName="ann", AccessKeyId=stage.ann[0])
    phone = iam.list_mfa_devices(UserName="ann")["MFADevices"][0]["SerialNumber"]
    iam.deactivate_mfa_device(UserName="ann", SerialNumber=phone)
    iam.delete_user(UserName="ann")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    stage.ann = key["AccessKeyId"], key["SecretAccessKey"]
    stage.allow(MAY)


def chained(stage: Stage) -> Any:
    first = stage.assume()
    return stage.assume(*first, DurationSeconds=7_200)


def trusting_itself(stage: Stage) -> None:
    stage.role(trust({"AWS": [ANN, ROLE]}), EVERYTHING, MaxSessionDuration=7_200)
    stage.allow(MAY)


def narrowed(stage: Stage) -> Any:
    session = stage.assume(Policy=document(allow("iam:ListRoles")))
    return stage.client("iam", *session).list_users()


def within(stage: Stage) -> Any:
    session = stage.assume(Policy=document(allow("iam:ListRoles")))
    return stage.client("iam", *session).list_roles()


def bounded(stage: Stage) -> None:
    role(ANN, MAY)(stage)
    iam = stage.client("iam")
    made = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("iam:ListRoles")))
    arn = made["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="Developer", PermissionsBoundary=arn)


def users_of_the_role(stage: Stage) -> Any:
    return stage.client("iam", *stage.assume()).list_users()


def trusting(principal: str) -> Act:
    return lambda stage: stage.client("iam").update_assume_role_policy(
        RoleName="Developer", PolicyDocument=trust({"AWS": principal})
    )


def may_name_a_source(stage: Stage) -> None:
    """AWS: sts:SetSourceIdentity is asked of both sides besides."""
    told = json.loads(trust({"AWS": ANN}))
    told["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    stage.role(json.dumps(told), EVERYTHING)
    stage.allow(allow("sts:AssumeRole", ROLE), allow("sts:SetSourceIdentity", ROLE))


GROUP = ROOT.replace("root", "group/Developers")
ROWS = (
    Row("the account is trusted, ann may", role(ROOT, MAY), assuming(), DENIED, DONE),
    Row("the account is trusted, ann may not", role(), assuming(), DENIED, DENIED),
    Row("ann is denied", role(ROOT, EVERYTHING, deny("sts:*")), assuming(), DENIED, DENIED),
    Row(
        "another role is allowed",
        role(ROOT, allow("sts:*", f"{ROLE}s")),
        assuming(),
        DENIED,
        DENIED,
    ),
    Row("ann herself is trusted", role(ANN), assuming(), DENIED, DONE),
    Row("bob is trusted", role(BOB, MAY), assuming(), DENIED, DENIED),
    Row("a service is trusted", for_a_service, assuming(), "", DENIED),
    Row("there is no such role", nobody_is_there, assuming(), DONE, DENIED),
    Row("another ann than the trusted one", trusted_again, assuming(), DONE, DENIED),
    Row(
        *("MFA asked of the account, none shown", role(ROOT, MAY, **WITH_MFA), assuming()),
        *(DENIED, DENIED),
    ),
    Row(
        *("MFA asked of the account, the code shown", role(ROOT, MAY, **WITH_MFA), with_code),
        *(DENIED, DONE),
    ),
    Row("MFA asked, none shown", role(ANN, MAY, **WITH_MFA), assuming(), DONE, DENIED),
    Row("MFA asked, the code shown", role(ANN, MAY, **WITH_MFA), with_code, DONE, DONE),
    Row("MFA asked, a wrong code", role(ANN, MAY, **WITH_MFA), with_wrong_code, DONE, DENIED),
    Row("a wrong code where none is asked", role(ANN, MAY), with_wrong_code, DONE, DENIED),
    Row("MFA asked, fresh", role(ANN, MAY, **FRESH), with_code, DONE, DONE),
    Row(
        *("MFA asked, in the session", role(ANN, MAY, **WITH_MFA), by_session_with_mfa),
        *(DENIED, DONE),
    ),
    Row(
        *("MFA asked, not in the session", role(ANN, MAY, **WITH_MFA), by_session_without),
        *(DENIED, DENIED),
    ),
    Row("an external id asked, none told", role(ANN, MAY, **WITH_ID), assuming(), DONE, DENIED),
    Row("the wrong one", role(ANN, MAY, **WITH_ID), assuming(ExternalId="41"), DENIED, DENIED),
    Row("the right one", role(ANN, MAY, **WITH_ID), assuming(ExternalId="42"), DONE, DONE),
    Row(
        "a source that nobody may name",
        role(ANN, MAY),
        assuming(SourceIdentity="ann"),
        DONE,
        DENIED,
    ),
    Row("a source", may_name_a_source, assuming(SourceIdentity="ann"), DONE, DONE),
    Row("her own session name", role(ANN, MAY, **WITH_NAME), assuming(), DONE, DONE),
    Row(
        *("another session name", role(ANN, MAY, **WITH_NAME), assuming(RoleSessionName="bob")),
        *(DONE, DENIED),
    ),
    Row("her team's tag", role(ANN, MAY, **OF_TEAM), assuming(), DONE, DONE),
    Row("a name that is none", role(ANN, MAY), assuming(RoleSessionName="a b"), DONE, INVALID),
    Row("two hours of one", role(ANN, MAY), assuming(DurationSeconds=7_200), DONE, INVALID),
    Row(
        *("two hours of two", role(ANN, MAY, max_session=7_200), assuming(DurationSeconds=7_200)),
        *(DONE, DONE),
    ),
    Row(
        "two hours from a role's session",
        trusting_itself,
        chained,
        DENIED,
        INVALID,
    ),
    Row("outside the session policy", role(ANN, MAY), narrowed, DONE, DENIED),
    Row("within the session policy", role(ANN, MAY), within, DONE, DONE),
    Row("outside the role's boundary", bounded, users_of_the_role, DONE, DENIED),
)
"""`stock` empty: moto's own check fails with an error of its own."""
PARAMS = [pytest.param(row, id=row.name) for row in ROWS]


@pytest.mark.parametrize("row", [row for row in PARAMS if row.values[0].stock])
def test_stock_moto_reads_little_of_a_trust_policy(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with stock_stage() as stage:
        assert played_in_stock(row, stage) == row.stock


@pytest.mark.parametrize("row", PARAMS)
def test_the_sandbox_asks_both_sides(row: Row, sandbox: Sandbox) -> None:
    assert played_in_sandbox(row, sandbox_stage(sandbox)) == row.ours


def test_a_session_policy_adds_nothing(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.role(trust({"AWS": ANN}), allow("iam:ListUsers"))
    session = stage.assume(Policy=document(EVERYTHING))
    assert outcome(stage.client("iam", *session).list_users) == DONE
    assert outcome(stage.client("iam", *session).list_roles) == DENIED


def test_a_roles_session_tells_nothing_of_the_mfa_it_was_begun_with(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.role(trust({"AWS": ANN}, **WITH_MFA), allow("iam:ListUsers", **WITH_MFA))
    session = stage.assume(**stage.with_phone())
    assert outcome(stage.client("iam", *session).list_users) == DENIED


def test_a_session_is_of_the_role_and_not_of_the_user(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    of_user = {"Null": {"aws:username": "false"}}
    of_role = {"ArnEquals": {"aws:PrincipalArn": ROLE}, "StringLike": {"aws:userid": "AROA*:ann"}}
    stage.role(trust({"AWS": ANN}), allow("iam:ListUsers", **of_role))
    session = stage.assume()
    iam = stage.client("iam", *session)
    assert outcome(iam.list_users) == DONE
    stage.client("iam").put_role_policy(
        RoleName="Developer", PolicyName="p", PolicyDocument=document(allow("*", **of_user))
    )
    assert outcome(iam.list_users) == DENIED


def test_session_tags_are_asked_about_and_stand_above_the_roles(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    tags = [{"Key": "team", "Value": "red"}]
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    stage.role(
        *(trust({"AWS": ANN}), allow("iam:ListUsers", **red)),
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    assert outcome(stage.client("iam", *stage.assume()).list_users) == DENIED
    assert outcome(lambda: stage.assume(Tags=tags)) == DENIED
    both = trust({"AWS": ANN}).replace('"sts:AssumeRole"', '["sts:AssumeRole", "sts:TagSession"]')
    stage.client("iam").update_assume_role_policy(RoleName="Developer", PolicyDocument=both)
    assert outcome(stage.client("iam", *stage.assume(Tags=tags)).list_users) == DONE


@pytest.mark.parametrize(
    ("principal", "expected"),
    [(ANN, DONE), (ROOT, DONE), (GROUP, MALFORMED), (f"{ANN}a", MALFORMED)],
)
def test_a_trust_policy_names_whom_there_is(
    principal: str, expected: str, sandbox: Sandbox
) -> None:
    stage = sandbox_stage(sandbox)
    stage.role(trust({"AWS": ROOT}))
    assert outcome(lambda: trusting(principal)(stage)) == expected


@pytest.mark.parametrize(
    ("of_ann", "principal", "expected"),
    [
        ((EVERYTHING,), ANN, DONE),
        ((EVERYTHING,), ROOT, DONE),
        ((), ANN, DENIED),
        ((EVERYTHING,), BOB, DENIED),
    ],
)
def test_across_accounts_both_sides_must_allow(
    of_ann: tuple[Any, ...], principal: str, expected: str, sandbox: Sandbox
) -> None:
    stage = sandbox_stage(sandbox)
    other = "210987654321"
    sandbox.add_account({"account_id": other})
    keeper = sandbox.account(other)["users"]["keyreeve"]["keys"][0]["id"]
    sandbox.enforce(on=False)
    stage.client("iam", keeper, "s").create_role(
        RoleName="Developer", AssumeRolePolicyDocument=trust({"AWS": principal})
    )
    sandbox.enforce()
    arn = ROLE.replace(HOME_ACCOUNT, other)
    if of_ann:
        stage.allow(*of_ann)
    assert outcome(lambda: stage.assume(RoleArn=arn)) == expected
