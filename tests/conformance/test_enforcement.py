"""Every call judged by the policies that its signer really has: of users, groups and sessions.

Each row is lived through in stock moto, with its own IAM checks on, and in the sandbox with
enforcement on. `stock` failing means that moto has changed, perhaps so far that ours may go.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.stage import (
    ANN,
    DONE,
    EVERYTHING,
    PHONE,
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
from tests.sandbox_fixture import MONDAY, sandbox

from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, OWN_KEY_ID, REGION
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
OLD_SESSIONS = {"DateLessThan": {"aws:TokenIssueTime": "2026-01-05T06:00:01Z"}}
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


def whoami(stage: Stage, *who: str) -> str:
    return str(stage.client("sts", *who).get_caller_identity()["Arn"])


def test_a_session_ends_when_the_clock_says_so(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING)
    stage.role(trust({"AWS": ANN}))
    token = stage.token(DurationSeconds=3_600)
    role = stage.assume()
    sandbox.set_clock(MONDAY + timedelta(seconds=3_599))
    assert [whoami(stage, *who) for who in (token, role)] == [
        ANN,
        f"arn:aws:sts::{HOME_ACCOUNT}:assumed-role/Developer/ann",
    ]
    sandbox.set_clock(MONDAY + timedelta(seconds=3_600))
    for who in (token, role):
        assert outcome(stage.client("sts", *who).get_caller_identity) == "ExpiredToken"
        assert outcome(lambda who=who: buckets(stage, *who)) == "ExpiredToken"
        logs = stage.client("logs", *who)
        assert outcome(logs.describe_log_groups) == "ExpiredTokenException"


def test_a_key_or_token_of_nobody_is_refused(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING)
    key, secret, token = stage.token()
    other = stage.token()
    invalid = "InvalidClientTokenId"
    for who in ((key, secret), (key, secret, "x"), (key, secret, other[2]), ("AKIANOBODY", "s")):
        assert outcome(stage.client("sts", *who).get_caller_identity) == invalid
        assert outcome(lambda who=who: buckets(stage, *who)) == "InvalidAccessKeyId"
        assert outcome(stage.client("kms", *who).list_keys) == "UnrecognizedClientException"
    assert outcome(stage.client("sts", *stage.ann, token).get_caller_identity) == invalid
    assert whoami(stage, key, secret, token) == ANN


def test_a_session_outlives_neither_its_user_nor_its_role(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING)
    stage.role(trust({"AWS": ROOT}))
    token, role = stage.token(), stage.assume()
    stage.client("iam").delete_role(RoleName="Developer")
    sandbox.act("ann", "delete_user")
    for who in (token, role):
        assert outcome(stage.client("sts", *who).get_caller_identity) == "InvalidClientTokenId"


def test_an_inactive_key_opens_nothing(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING)
    iam = stage.client("iam")
    iam.update_access_key(UserName="ann", AccessKeyId=stage.ann[0], Status="Inactive")
    assert outcome(lambda: users(stage)) == "InvalidClientTokenId"


def test_sessions_from_before_an_instant_are_revoked_by_policy(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(EVERYTHING, deny("*", **OLD_SESSIONS))
    old = stage.token(**stage.with_phone())
    sandbox.set_clock(MONDAY + timedelta(seconds=30))
    new = stage.token(**stage.with_phone())
    assert outcome(lambda: users(stage, *old)) == DENIED
    assert outcome(lambda: users(stage, *new)) == DONE
    assert outcome(lambda: users(stage)) == DONE


def test_a_token_takes_the_right_code_of_the_callers_own_device(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    sts = stage.client("sts", *stage.ann)
    right = stage.with_phone()
    wrong = {**right, "TokenCode": f"{(int(right['TokenCode']) + 1) % 10**6:06d}"}
    for given in (wrong, {**right, "SerialNumber": f"{PHONE}x"}, {"SerialNumber": PHONE}):
        assert outcome(lambda given=given: sts.get_session_token(**given)) == DENIED
    assert outcome(lambda: sts.get_session_token(DurationSeconds=129_601)) == "ValidationError"
    session = stage.token(**right)
    assert outcome(stage.client("sts", *session).get_session_token) == DENIED
    assert all("TokenCode" not in call["params"] for call in sandbox.calls())


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (users, "with an explicit deny in an identity-based policy"),
        (roles, "with an explicit deny in a permissions boundary"),
        (buckets, "because no permissions boundary allows the s3:ListAllMyBuckets action"),
        (
            lambda stage: stage.client("sns", *stage.ann).list_topics(),
            "because no permissions boundary allows the sns:ListTopics action",
        ),
    ],
)
def test_a_refusal_says_which_policy_refused(call: Act, said: str, sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    bounded(stage)
    stage.allow(EVERYTHING, deny("iam:ListUsers"))
    with pytest.raises(stage.client("iam").exceptions.ClientError, match=said):
        call(stage)


def test_a_guarded_key_keeps_its_documents_and_switching_off_lets_everybody_in(
    sandbox: Sandbox,
) -> None:
    stage = sandbox_stage(sandbox)
    sandbox.authorise([{"Version": "2012-10-17", "Statement": [allow("iam:ListRoles")]}])
    assert outcome(stage.client("iam").list_roles) == DONE
    assert outcome(stage.client("iam").list_users) == DENIED
    sandbox.authorise(None, access_key=OWN_KEY_ID)
    assert outcome(stage.client("iam").list_users) == DONE
    assert outcome(lambda: users(stage)) == DENIED
    sandbox.enforce(on=False)
    assert outcome(lambda: users(stage)) == DONE
    assert sandbox.calls()[-1]["asked"] == []


def test_a_missing_object_is_told_to_those_who_may_list(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    stage.allow(allow("s3:GetObject"))
    get = {"Bucket": BUCKET, "Key": "nothing"}
    s3 = stage.client("s3", *stage.ann)
    assert outcome(lambda: s3.get_object(**get)) == DENIED
    stage.allow(allow(["s3:GetObject", "s3:ListBucket"]))
    assert outcome(lambda: s3.get_object(**get)) == "NoSuchKey"
