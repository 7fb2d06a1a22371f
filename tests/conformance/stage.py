"""A small account with people, once in stock moto (its own checks on) and once in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from tests.sandbox_fixture import MONDAY, aws, session

from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT, OWN_KEY_ID, OWN_SECRET
from keyreeve.sandbox.process import Sandbox

ANN = f"arn:aws:iam::{HOME_ACCOUNT}:user/ann"
BOB = f"arn:aws:iam::{HOME_ACCOUNT}:user/bob"
ROOT = f"arn:aws:iam::{HOME_ACCOUNT}:root"
ROLE = f"arn:aws:iam::{HOME_ACCOUNT}:role/Developer"
PHONE = f"arn:aws:iam::{HOME_ACCOUNT}:mfa/ann"
DONE = "done"
Document = Mapping[str, Any]
Identity = tuple[str, ...]
"""Key, secret and, for a session, token."""


def allow(action: str | Sequence[str], *resources: str, **condition: Any) -> dict[str, Any]:
    more = {"Condition": condition} if condition else {}
    named = {"Action": action, "Resource": list(resources) or "*"}
    return {"Effect": "Allow", **named, **more}


def deny(action: str | Sequence[str], *resources: str, **condition: Any) -> dict[str, Any]:
    return {**allow(action, *resources, **condition), "Effect": "Deny"}


def document(*statements: Document) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal: Document | str, **condition: Any) -> str:
    more = {"Condition": condition} if condition else {}
    who = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return document(who)


EVERYTHING = allow("*")


@dataclass
class Stage:
    """The administrator makes what a row needs; then ann calls."""

    client: Callable[..., Any]
    """Service, then an identity; without one the administrator's."""
    code: Callable[[], str]
    """What ann's phone shows."""
    ann: Identity = ()
    made: dict[str, Any] = field(default_factory=dict)

    def people(self, phone: Callable[[Any], None]) -> None:
        iam = self.client("iam")
        for name, team in (("ann", "blue"), ("bob", "red")):
            iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": team}])
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        self.ann = key["AccessKeyId"], key["SecretAccessKey"]
        phone(iam)

    def allow(self, *statements: Document, user: str = "ann") -> None:
        text = document(*statements)
        self.client("iam").put_user_policy(UserName=user, PolicyName="p", PolicyDocument=text)

    def role(self, trusted: str, *statements: Document, **more: Any) -> None:
        iam = self.client("iam")
        named = {"RoleName": "Developer"}
        iam.create_role(**named, AssumeRolePolicyDocument=trusted, **more)
        if statements:
            iam.put_role_policy(**named, PolicyName="p", PolicyDocument=document(*statements))

    def token(self, **more: Any) -> Identity:
        """Ann's own session."""
        return identity(self.client("sts", *self.ann).get_session_token(**more))

    def with_phone(self) -> dict[str, str]:
        return {"SerialNumber": PHONE, "TokenCode": self.code()}

    def assume(self, *caller: str, **more: Any) -> Identity:
        who = caller or self.ann
        named = {"RoleArn": ROLE, "RoleSessionName": "ann", **more}
        return identity(self.client("sts", *who).assume_role(**named))


def identity(answer: Document) -> Identity:
    given = answer["Credentials"]
    return given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]


@dataclass(frozen=True)
class Row:
    """`arrange` is the administrator's, `act` what somebody tries; its outcome in both."""

    name: str
    arrange: Callable[[Stage], Any]
    act: Callable[[Stage], Any]
    stock: str
    ours: str


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return DONE


@contextmanager
def stock_stage() -> Iterator[Stage]:
    """moto takes any code."""

    def client(service: str, *who: str) -> Any:
        return session(*(who or ("AKIA0", "s"))).create_client(service)

    def phone(iam: Any) -> None:
        iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")
        codes = {"AuthenticationCode1": "123456", "AuthenticationCode2": "654321"}
        iam.enable_mfa_device(UserName="ann", SerialNumber=PHONE, **codes)

    with mock_aws():
        stage = Stage(client=client, code=lambda: "123456")
        stage.people(phone)
        client("s3").create_bucket(Bucket=BUCKET)
        yield stage


def played_in_stock(row: Row, stage: Stage) -> str:
    row.arrange(stage)
    checked = set_initial_no_auth_action_count(0)(lambda: outcome(lambda: row.act(stage)))
    return str(checked())


def sandbox_stage(sandbox: Sandbox) -> Stage:
    """With enforcement on from the beginning."""
    sandbox.reset({"users": []}, MONDAY, enforce=True)

    def client(service: str, *who: str) -> Any:
        return aws(sandbox.url, service, *(who or (OWN_KEY_ID, OWN_SECRET)))

    def phone(iam: Any) -> None:
        iam.create_virtual_mfa_device(VirtualMFADeviceName="ann")
        codes = {
            "AuthenticationCode1": sandbox.otp(PHONE, -1),
            "AuthenticationCode2": sandbox.otp(PHONE),
        }
        iam.enable_mfa_device(UserName="ann", SerialNumber=PHONE, **codes)

    stage = Stage(client=client, code=lambda: sandbox.otp(PHONE))
    stage.people(phone)
    return stage


def played_in_sandbox(row: Row, stage: Stage) -> str:
    row.arrange(stage)
    return outcome(lambda: row.act(stage))
