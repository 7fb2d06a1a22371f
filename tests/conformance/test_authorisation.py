"""moto's authorisation ignores conditions and knows no resource but S3's; the sandbox asks AWS's
questions.

Each row is a call by a key that may do little, put to stock moto (with its own IAM checks on) and
to the sandbox. `stock` failing means that moto has changed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from tests.sandbox_fixture import MONDAY, aws, sandbox, session

from keyreeve.sandbox.account import BUCKET, OWN_KEY_ID, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/"
OBJECTS = f"arn:aws:s3:::{BUCKET}/"
IDENTITY = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com"
PEOPLE = {"ann": {}, "kept": {"keep": "true"}}
Clients = Callable[[str], Any]


def allow(action: str, *resources: str, **condition: Any) -> dict[str, Any]:
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": list(resources), **more}


@dataclass(frozen=True)
class Row:
    name: str
    statements: tuple[dict[str, Any], ...]
    call: Callable[[Clients], Any]
    stock: str
    ours: str


def keys_of(name: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("iam").list_access_keys(UserName=name)


def put(key: str, **more: Any) -> Callable[[Clients], Any]:
    return lambda clients: clients("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x", **more)


def get(key: str, **more: Any) -> Callable[[Clients], Any]:
    return lambda clients: clients("s3").get_object(Bucket=BUCKET, Key=key, **more)


def unmake(key: str, **more: Any) -> Callable[[Clients], Any]:
    return lambda clients: clients("s3").delete_object(Bucket=BUCKET, Key=key, **more)


def secret(name: str, **tags: str) -> Callable[[Clients], Any]:
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    return lambda clients: clients("secretsmanager").create_secret(Name=name, Tags=given)


def described(name: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("secretsmanager").describe_secret(SecretId=name)


def guarded(name: str, *, block: bool) -> Callable[[Clients], Any]:
    return lambda clients: clients("secretsmanager").put_resource_policy(
        SecretId=name, ResourcePolicy='{"Statement": []}', BlockPublicPolicy=block
    )


def listed(prefix: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)


def send(sender: str) -> Callable[[Clients], Any]:
    raw = f"From: {sender}\nTo: b@example.com\nSubject: x\n\nx".encode()
    return lambda clients: clients("sesv2").send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": ["b@example.com"]},
        Content={"Raw": {"Data": raw}},
    )


KEYS = "iam:ListAccessKeys"
ANN_ONLY = (allow(KEYS, f"{USER}ann"),)
NOT_KEPT = (
    allow(KEYS, f"{USER}*"),
    {
        "Effect": "Deny",
        "Action": KEYS,
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/keep": "true"}},
    },
)
ENCRYPTED = {"StringEquals": {"s3:x-amz-server-side-encryption": "AES256"}}
ONCE = (allow("s3:PutObject", f"{OBJECTS}ops/*", Null={"s3:if-none-match": "false"}),)
BELOW = allow("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", StringLike={"s3:prefix": "mine/*"})
FROM = (allow("ses:SendRawEmail", IDENTITY, StringEquals={"ses:FromAddress": "a@example.com"}),)
DENIED, DENIED_BY_JSON, DONE = "AccessDenied", "AccessDeniedException", "done"
NO_SECRET = "ResourceNotFoundException"
SECRETS = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:mine/*"
TAGGED = {"StringEquals": {"aws:RequestTag/of": "us"}}
MAKE = allow("secretsmanager:CreateSecret", SECRETS, **TAGGED)
TAG = allow("secretsmanager:TagResource", SECRETS)
DESCRIBE = (allow("secretsmanager:DescribeSecret", SECRETS),)
GUARD = (
    allow(
        "secretsmanager:PutResourcePolicy",
        SECRETS,
        Bool={"secretsmanager:BlockPublicPolicy": "true"},
    ),
)

ROWS = (
    Row("the user that is named", ANN_ONLY, keys_of("ann"), DENIED, DONE),
    Row("another user", ANN_ONLY, keys_of("kept"), DENIED, DENIED),
    Row("a user with the tag that is denied", NOT_KEPT, keys_of("kept"), DENIED, DENIED),
    Row("a user without that tag", NOT_KEPT, keys_of("ann"), DENIED, DONE),
    Row("no action at all", (), keys_of("ann"), DENIED, DENIED),
    Row(
        "encryption asked and named",
        (allow("s3:PutObject", f"{OBJECTS}*", **ENCRYPTED),),
        put("x", ServerSideEncryption="AES256"),
        DONE,
        DONE,
    ),
    Row(
        "encryption asked and left out",
        (allow("s3:PutObject", f"{OBJECTS}*", **ENCRYPTED),),
        put("x"),
        DONE,
        DENIED,
    ),
    Row("written once", ONCE, put("ops/x", IfNoneMatch="*"), DONE, DONE),
    Row("written over", ONCE, put("ops/x"), DONE, DENIED),
    Row("written elsewhere", ONCE, put("else/x", IfNoneMatch="*"), DENIED, DENIED),
    Row("a list below the prefix", (BELOW,), listed("mine/"), DONE, DONE),
    Row("a list of everything", (BELOW,), listed(""), DONE, DENIED),
    Row(
        "an object that is not there, where listing may tell",
        (BELOW, allow("s3:GetObject", f"{OBJECTS}*")),
        get("mine/x"),
        "NoSuchKey",
        "NoSuchKey",
    ),
    Row(
        "an object that is not there, where listing may not tell",
        (BELOW, allow("s3:GetObject", f"{OBJECTS}*")),
        get("other/x"),
        "NoSuchKey",
        DENIED,
    ),
)
SECRETS_ROWS = (
    Row("a secret with the tag that is asked", (MAKE, TAG), secret("mine/a", of="us"), "", DONE),
    Row("a secret with another tag", (MAKE, TAG), secret("mine/a", of="x"), "", DENIED_BY_JSON),
    Row("a secret may not be tagged", (MAKE,), secret("mine/a", of="us"), "", DENIED_BY_JSON),
    Row("a secret of another name", (MAKE, TAG), secret("a", of="us"), "", DENIED_BY_JSON),
    Row("a secret that is not there", DESCRIBE, described("mine/a"), "", NO_SECRET),
    Row("another secret that is not there", DESCRIBE, described("a"), "", DENIED_BY_JSON),
    Row("a policy that is looked at", GUARD, guarded("mine/a", block=True), "", NO_SECRET),
    Row("a policy that is not", GUARD, guarded("mine/a", block=False), "", DENIED_BY_JSON),
)
VERSIONS = (
    Row(
        "a version is not read with the right to read the object",
        (allow("s3:GetObject", f"{OBJECTS}*"),),
        get("x", VersionId="v1"),
        "",
        DENIED,
    ),
    Row(
        "a version is not deleted with the right to delete the object",
        (allow("s3:DeleteObject", f"{OBJECTS}*"),),
        unmake("x", VersionId="v1"),
        "",
        DENIED,
    ),
    Row(
        "an object is not deleted with the right to delete a version",
        (allow("s3:DeleteObjectVersion", f"{OBJECTS}*"),),
        unmake("x"),
        "",
        DENIED,
    ),
)
NOT_IN_MOTO = (
    Row("the sender that is named", FROM, send("a@example.com"), "", DONE),
    Row("another sender", FROM, send("b@example.com"), "", DENIED_BY_JSON),
    Row(
        "ses:SendEmail is not what raw mail asks for",
        (allow("ses:SendEmail", IDENTITY),),
        send("a@example.com"),
        "",
        DENIED_BY_JSON,
    ),
    *SECRETS_ROWS,
    *VERSIONS,
)
"""Put to the sandbox alone: moto's SES reads no policies, and the rows above show the rest."""


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return DONE


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Clients]]:
    """moto's own checks, after the account is made."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def clients(*statements: dict[str, Any]) -> Clients:
        def client(service: str, *identity: str) -> Any:
            own = identity or ("AKIA0", "s")
            return session(*own).create_client(service)

        iam = client("iam")
        for name, tags in PEOPLE.items():
            iam.create_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        client("s3").create_bucket(Bucket=BUCKET)
        iam.create_user(UserName="keyreeve")
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            iam.put_user_policy(UserName="keyreeve", PolicyName="p", PolicyDocument=document)
        key = iam.create_access_key(UserName="keyreeve")["AccessKey"]
        return lambda service: client(service, key["AccessKeyId"], key["SecretAccessKey"])

    with mock_aws():
        yield clients


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_stock_moto_reads_no_condition_and_no_resource_of_iam(
    row: Row, stock: Callable[..., Clients]
) -> None:
    clients = stock(*row.statements)
    checked = set_initial_no_auth_action_count(0)(lambda: outcome(lambda: row.call(clients)))
    assert checked() == row.stock


@pytest.mark.parametrize("row", ROWS + NOT_IN_MOTO, ids=lambda row: row.name)
def test_the_sandbox_asks_what_aws_asks(row: Row, sandbox: Sandbox) -> None:
    users = [{"name": name, "tags": tags} for name, tags in PEOPLE.items()]
    sandbox.reset({"users": users}, MONDAY)
    sandbox.authorise([{"Version": "2012-10-17", "Statement": list(row.statements)}])
    assert outcome(lambda: row.call(lambda service: aws(sandbox.url, service))) == row.ours
    (call,) = sandbox.calls()
    assert call["asked"]
    assert (call["code"] == "AccessDenied") is row.ours.startswith("AccessDenied")


def test_a_refusal_reads_as_aws_words_it(sandbox: Sandbox) -> None:
    sandbox.reset("empty", MONDAY)
    sandbox.authorise([{"Version": "2012-10-17", "Statement": list(ANN_ONLY)}])
    with pytest.raises(ClientError) as refused:
        aws(sandbox.url, "iam").list_access_keys(UserName="kept")
    assert refused.value.response["Error"]["Message"] == (
        f"User: {USER}keyreeve is not authorized to perform: iam:ListAccessKeys on resource: "
        f"{USER}kept because no identity-based policy allows the iam:ListAccessKeys action"
    )
    sandbox.authorise(None)
    assert outcome(lambda: aws(sandbox.url, "iam").list_users()) == DONE


def test_who_is_asked_needs_no_permission(sandbox: Sandbox) -> None:
    sandbox.reset("empty", MONDAY)
    sandbox.authorise([], access_key=OWN_KEY_ID)
    assert outcome(aws(sandbox.url, "sts").get_caller_identity) == DONE
    assert outcome(aws(sandbox.url, "iam").list_users) == DENIED
