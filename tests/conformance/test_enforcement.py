"""Every call judged by the policies that its signer really has: of users, groups and sessions.

Each row is lived through in stock moto, with its own IAM checks on, and in the sandbox with
enforcement on. `stock` failing means that moto has changed, perhaps so far that ours may go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.conformance.stage import (
    ANN,
    DONE,
    EVERYTHING,
    PHONE,
    ROLE,
    Row,
    Stage,
    allow,
    deny,
    document,
    played_in_sandbox,
    played_in_stock,
    sandbox_stage,
    stock_stage,
)
from tests.sandbox_fixture import sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

DENIED, BY_JSON = "AccessDenied", "AccessDeniedException"
NO_MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
STRICT = {
    "Effect": "Deny",
    "NotAction": ["iam:ListMFADevices", "iam:EnableMFADevice", "sts:GetSessionToken"],
    "Resource": "*",
    "Condition": NO_MFA,
}
BUT_LISTS = {"Effect": "Allow", "NotAction": "iam:List*", "Resource": "*"}
FULL_ACCESS = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
NETWORK = "arn:aws:iam::aws:policy/job-function/NetworkAdministrator"
OWN_PASSWORD = "arn:aws:iam::aws:policy/IAMUserChangePassword"
Act = Callable[[Stage], Any]


def having(*statements: dict[str, Any]) -> Act:
    return lambda stage: stage.allow(*statements)


def nothing(_: Stage) -> None:
    """The account stays as it is."""


def of_a_group(stage: Stage) -> None:
    iam = stage.client("iam")
    iam.create_group(GroupName="Auditor")
    text = document(allow("iam:ListUsers"))
    iam.put_group_policy(GroupName="Auditor", PolicyName="p", PolicyDocument=text)
    iam.add_user_to_group(GroupName="Auditor", UserName="ann")


def of_a_group_by_managed_policy(stage: Stage) -> None:
    iam = stage.client("iam")
    iam.create_group(GroupName="Auditor")
    made = iam.create_policy(PolicyName="own", PolicyDocument=document(allow("iam:ListUsers")))
    iam.attach_group_policy(GroupName="Auditor", PolicyArn=made["Policy"]["Arn"])
    iam.add_user_to_group(GroupName="Auditor", UserName="ann")


def attached(arn: str) -> Act:
    return lambda stage: stage.client("iam").attach_user_policy(UserName="ann", PolicyArn=arn)


def bounded(stage: Stage) -> None:
    stage.allow(EVERYTHING)
    iam = stage.client("iam")
    text = document(allow("iam:List*"), deny("iam:ListRoles"))
    made = iam.create_policy(PolicyName="edge", PolicyDocument=text)["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=made)


def users(stage: Stage, *who: str) -> Any:
    return stage.client("iam", *(who or stage.ann)).list_users()


def roles(stage: Stage) -> Any:
    return stage.client("iam", *stage.ann).list_roles()


def buckets(stage: Stage, *who: str) -> Any:
    return stage.client("s3", *(who or stage.ann)).list_buckets()


def by_token_with_mfa(call: Callable[..., Any]) -> Act:
    return lambda stage: call(stage, *stage.token(**stage.with_phone()))


def by_token(call: Callable[..., Any]) -> Act:
    return lambda stage: call(stage, *stage.token())


def devices(stage: Stage) -> Any:
    return stage.client("iam", *stage.ann).list_mfa_devices(UserName="ann")


def key_of(name: str) -> Act:
    return lambda stage: stage.client("iam", *stage.ann).create_access_key(UserName=name)


def tag(name: str, key: str, value: str = "x") -> Act:
    tags = [{"Key": key, "Value": value}]
    return lambda stage: stage.client("iam", *stage.ann).tag_user(UserName=name, Tags=tags)


def tagged_newcomer(stage: Stage) -> Any:
    tags = [{"Key": "team", "Value": "red"}]
    return stage.client("iam", *stage.ann).create_user(UserName="newcomer", Tags=tags)


def attach(arn: str) -> Act:
    return lambda stage: stage.client("iam", *stage.ann).attach_user_policy(
        UserName="bob", PolicyArn=arn
    )


def phone_of_her_own(stage: Stage) -> Any:
    return stage.client("iam", *stage.ann).create_virtual_mfa_device(VirtualMFADeviceName="second")


def topic(name: str) -> Act:
    return lambda stage: stage.client("sns", *stage.ann).create_topic(Name=name)


def log_group(name: str) -> Act:
    return lambda stage: stage.client("logs", *stage.ann).create_log_group(logGroupName=name)


def rule_with_role(stage: Stage) -> Any:
    events = stage.client("events", *stage.ann)
    return events.put_rule(Name="r", ScheduleExpression="rate(1 day)", RoleArn=ROLE)


def password(stage: Stage) -> Any:
    return stage.client("iam", *stage.ann).get_account_password_policy()


def users_change_passwords(stage: Stage) -> None:
    stage.client("iam").update_account_password_policy(AllowUsersToChangePassword=True)


def identity_is_told(stage: Stage) -> Any:
    return stage.client("sts", *stage.ann).get_caller_identity()


LOGS = f"arn:aws:logs:{REGION}:{HOME_ACCOUNT}:log-group:own"
TOPIC = f"arn:aws:sns:{REGION}:{HOME_ACCOUNT}:own-*"
OWN_TEAM = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
OTHER_KEYS = {"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
PASSING = (
    allow("events:PutRule"),
    allow("iam:PassRole", ROLE, StringEquals={"iam:PassedToService": "events.amazonaws.com"}),
)

MFA_ROWS = (
    Row("a key, a call that is not exempt", having(EVERYTHING, STRICT), users, DENIED, DENIED),
    Row("a key, a call that is exempt", having(EVERYTHING, STRICT), devices, DONE, DONE),
    Row(
        "a session with MFA",
        having(EVERYTHING, STRICT),
        by_token_with_mfa(users),
        "InvalidClientTokenId",
        DONE,
    ),
    Row(
        "a session without MFA",
        having(EVERYTHING, STRICT),
        by_token(buckets),
        "InvalidAccessKeyId",
        DENIED,
    ),
    Row(
        "a session without MFA cannot call IAM at all",
        having(EVERYTHING),
        by_token(users),
        "InvalidClientTokenId",
        "InvalidClientTokenId",
    ),
    Row(
        "Bool true in an Allow keeps keys out",
        having(allow("iam:ListUsers", Bool={"aws:MultiFactorAuthPresent": "true"})),
        users,
        DONE,
        DENIED,
    ),
    Row(
        "Bool false in a Deny lets keys through",
        having(EVERYTHING, deny("*", Bool={"aws:MultiFactorAuthPresent": "false"})),
        users,
        DENIED,
        DONE,
    ),
    Row(
        "BoolIfExists true in an Allow lets keys through",
        having(allow("iam:ListUsers", BoolIfExists={"aws:MultiFactorAuthPresent": "true"})),
        users,
        DONE,
        DONE,
    ),
    Row(
        "MFA that is fresh enough",
        having(allow("iam:ListUsers", NumericLessThan={"aws:MultiFactorAuthAge": "300"})),
        by_token_with_mfa(users),
        DENIED,
        DONE,
    ),
    Row(
        "a key has no age of MFA",
        having(allow("iam:ListUsers", NumericLessThan={"aws:MultiFactorAuthAge": "300"})),
        users,
        DONE,
        DENIED,
    ),
)
POLICY_ROWS = (
    Row("no policy at all", nothing, users, DENIED, DENIED),
    Row("who asks needs no permission", having(deny("*")), identity_is_told, DONE, DONE),
    Row("a group's inline policy", of_a_group, users, DONE, DONE),
    Row("a group's managed policy", of_a_group_by_managed_policy, users, DONE, DONE),
    Row("a group's policy does not allow more", of_a_group, roles, DENIED, DENIED),
    Row("NotAction", having(BUT_LISTS), users, DENIED, DENIED),
    Row("an action in another case", having(allow("IAM:listusers")), users, DENIED, DONE),
    Row("a question mark", having(allow("iam:List?sers")), users, DENIED, DONE),
    Row("her own user", having(allow("iam:CreateAccessKey", ANN)), key_of("ann"), DENIED, DONE),
    Row("another user", having(allow("iam:CreateAccessKey", ANN)), key_of("bob"), DENIED, DENIED),
    Row(
        "her own user by variable",
        having(allow("iam:CreateAccessKey", ANN.replace("ann", "${aws:username}"))),
        key_of("ann"),
        DENIED,
        DONE,
    ),
    Row(
        "any MFA device",
        having(allow("iam:CreateVirtualMFADevice", PHONE.replace("ann", "*"))),
        phone_of_her_own,
        DENIED,
        DONE,
    ),
    Row(
        "an MFA device named like her only",
        having(allow("iam:CreateVirtualMFADevice", PHONE)),
        phone_of_her_own,
        DENIED,
        DENIED,
    ),
    Row("the team's tag", having(allow("iam:TagUser", **OWN_TEAM)), tag("ann", "x"), DONE, DONE),
    Row("another team's", having(allow("iam:TagUser", **OWN_TEAM)), tag("bob", "x"), DONE, DENIED),
    Row(
        "a tag key that is denied",
        having(
            allow("iam:TagUser"),
            deny("iam:TagUser", **{"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
        ),
        tag("ann", "team"),
        DENIED,
        DENIED,
    ),
    Row(
        "a tag key that is not",
        having(
            allow("iam:TagUser"),
            deny("iam:TagUser", **{"ForAnyValue:StringEquals": {"aws:TagKeys": "team"}}),
        ),
        tag("ann", "desk"),
        DENIED,
        DONE,
    ),
    Row(
        "a tag value that is asked for",
        having(allow("iam:TagUser", StringEquals={"aws:RequestTag/team": "red"})),
        tag("ann", "team", "blue"),
        DONE,
        DENIED,
    ),
    Row("a user born with tags", having(allow("iam:CreateUser")), tagged_newcomer, DONE, DENIED),
    Row(
        "a user born with tags that may be set",
        having(allow(["iam:CreateUser", "iam:TagUser"], **OTHER_KEYS)),
        tagged_newcomer,
        DONE,
        DONE,
    ),
    Row(
        "a policy that may be attached",
        having(allow("iam:AttachUserPolicy", ArnEquals={"iam:PolicyARN": OWN_PASSWORD})),
        attach(FULL_ACCESS),
        "NoSuchEntity",
        DENIED,
    ),
    Row(
        "a topic that is named",
        having(allow("sns:CreateTopic", TOPIC)),
        topic("own-a"),
        DENIED,
        DONE,
    ),
    Row("another topic", having(allow("sns:CreateTopic", TOPIC)), topic("a"), DENIED, DENIED),
    Row(
        "a log group with what is in it",
        having(allow("logs:CreateLogGroup", f"{LOGS}:*")),
        log_group("own"),
        "403",
        DONE,
    ),
    Row(
        "a log group without",
        having(allow("logs:CreateLogGroup", LOGS)),
        log_group("own"),
        "403",
        BY_JSON,
    ),
    Row("a role handed to a service", having(*PASSING), rule_with_role, DONE, DONE),
    Row("a role kept back", having(PASSING[0]), rule_with_role, DONE, BY_JSON),
    Row("AWS's own SecurityAudit allows", attached(AUDIT), users, "", DONE),
    Row("AWS's own SecurityAudit does not", attached(AUDIT), key_of("ann"), "", DENIED),
    Row("AWS's own ReadOnlyAccess allows", attached(READ_ONLY), buckets, "", DONE),
    Row("AWS's own ReadOnlyAccess does not", attached(READ_ONLY), topic("a"), "", DENIED),
    Row("AWS's own NetworkAdministrator", attached(NETWORK), key_of("ann"), "", DENIED),
    Row("AWS's own IAMUserChangePassword", attached(OWN_PASSWORD), password, "", "NoSuchEntity"),
    Row("AdministratorAccess", attached(FULL_ACCESS), key_of("bob"), "", DONE),
    Row("within the boundary", bounded, users, "", DONE),
    Row("outside the boundary", bounded, key_of("ann"), "", DENIED),
    Row("denied by the boundary", bounded, roles, "", DENIED),
    Row("the account lets users change passwords", users_change_passwords, password, DENIED, DONE),
)
"""`stock` empty: put to the sandbox alone, since stock moto cannot even arrange it."""
ROWS = [pytest.param(row, id=row.name) for row in MFA_ROWS + POLICY_ROWS]


@pytest.mark.parametrize("row", [row for row in ROWS if row.values[0].stock])
def test_stock_moto_judges_by_action_alone(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with stock_stage() as stage:
        assert played_in_stock(row, stage) == row.stock


@pytest.mark.parametrize("row", ROWS)
def test_the_sandbox_judges_as_aws(row: Row, sandbox: Sandbox) -> None:
    assert played_in_sandbox(row, sandbox_stage(sandbox)) == row.ours
