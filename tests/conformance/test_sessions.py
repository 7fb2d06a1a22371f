"""Sessions, refusals and whatever else no single row of test_enforcement can show."""

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
    ROOT,
    Stage,
    allow,
    deny,
    document,
    outcome,
    sandbox_stage,
    trust,
)
from tests.conformance.test_enforcement import BY_JSON, DENIED, bounded, buckets, roles, users
from tests.sandbox_fixture import MONDAY, sandbox

from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, OWN_KEY_ID
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

Act = Callable[[Stage], Any]
OLD_SESSIONS = {"DateLessThan": {"aws:TokenIssueTime": "2026-01-05T06:00:01Z"}}


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


def test_a_secrets_own_policy_lets_its_owner_read_also_after_a_rename(sandbox: Sandbox) -> None:
    stage = sandbox_stage(sandbox)
    admin = stage.client("secretsmanager")
    admin.create_secret(Name="own", SecretString="x")
    read = lambda: outcome(  # noqa: E731
        lambda: stage.client("secretsmanager", *stage.ann).get_secret_value(SecretId="own")
    )
    assert read() == BY_JSON
    owner = {**allow("secretsmanager:GetSecretValue"), "Principal": {"AWS": ANN}}
    admin.put_resource_policy(SecretId="own", ResourcePolicy=document(owner))
    assert read() == DONE
    sandbox.act("ann", "rename", to="ann.married")
    assert read() == DONE
    stage.allow(deny("secretsmanager:*"), user="ann.married")
    assert read() == BY_JSON
