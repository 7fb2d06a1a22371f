"""The verbs of `user` and `review`, and the function that moves users, under their own policies."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout
from typing import Any
from unittest.mock import patch

from tests.holdings import give_everything
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.answering import Form, attachments
from tests.scenario.roles import BASELINE, PLAIN, PREFIX, WITH_KMS, House

from keyreeve.aws.s3_store import S3Store
from keyreeve.codec.access import encode
from keyreeve.config import parse
from keyreeve.governance.people_policies import PeopleRole
from keyreeve.handlers.onboarding import handle
from keyreeve.model.identifiers import RunId
from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT
from keyreeve.sandbox.account_file import load_document
from keyreeve.storage.audit_inbox import leave
from keyreeve.wiring import required_access_model

P = PeopleRole.PEOPLE
GROUPS = ("MFA-Setup", "Developers", "Quarantine")
TAGS = {"FunctionalGroup": "Developer", "Department": "Eng", "email": "bob@example.com"}
ADA = ("--role", "Developer", "--department", "Eng", "--email", "ada@example.com")
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
HURRIED = f"{PLAIN}compressed_clock: {{day: 10m, users: [bob]}}\n"
ENCRYPTED = WITH_KMS + BASELINE
REVIEWERS = """\
reviewers:
  ann: {email: ann@example.com, user: ann}
  boss: {email: boss@example.com}
assignments:
  - {tag: "Department=Eng", reviewer: ann}
default: boss
"""


def people(house: House) -> None:
    """Everybody who comes, moves and goes."""
    settled(house)
    when = ("--as-of", house.at(0))
    file = house.path.parent / "tags.csv"
    file.write_text("user,Department\neve,Ops\n")
    _left(house)
    house(P, "user", "list")
    house(P, "user", "show", "eve")
    house(P, "user", "tags", "--set", str(file), "--execute", *when)
    joined(house)
    house(P, "user", "reconcile", "--execute", *when)
    house(P, "user", "demote", "bob", "--to-role", "Developer", "--execute", *when)
    house(P, "user", "release", "shut", "--execute", *when)
    house(P, "user", "offboard", "bob", "--execute", *when)
    delete = ("user", "offboard", "bob", "--delete", "--after-days", "1", "--execute")
    house(P, *delete, "--as-of", house.at(2))


def joined(house: House) -> None:
    """A joiner whose mail was lost."""
    when = ("--as-of", house.at(0))
    onboard = ("user", "onboard", "ada", *ADA)
    house(P, *onboard, *when)
    house(P, *onboard, "--execute", *when)
    house(P, *onboard, "--again", "--execute", *when)


def joined_under_a_key(house: House) -> None:
    """The same where the bucket has a KMS key."""
    settled(house, ENCRYPTED)
    joined(house)


def review(house: House) -> None:
    """From its start to the removals."""
    settled(house)
    file = house.path.parent / "reviewers.yaml"
    file.write_text(REVIEWERS)
    start = ("review", "start", "--reviewers", str(file), "--name", "Quarter 1")
    house.settle(HURRIED)
    house(P, *start, "--as-of", house.at(0))
    house.settle(PLAIN)
    house(P, *start, "--send", "--as-of", house.at(0))
    forms = {mail.destinations[0]: attachments(mail) for mail in house.sandbox.mails()}
    house(P, "review", "remind", "--send", "--as-of", house.at(1))
    for who, said in (("ann", {"bob": ("revoke", "", "left")}), ("boss", {})):
        answer = house.path.parent / who
        answer.write_bytes(Form(forms[f"{who}@example.com"]["html"]).saved(said))
        house(P, "review", "answer", str(answer), "--as-of", house.at(1))
    house(P, "review", "status", "--as-of", house.at(1))
    house(P, "review", "close", "--as-of", house.at(2))
    house(P, "review", "due", "--execute", "--as-of", house.at(2))


def mover(house: House) -> None:
    """One who has enrolled, one whom a sweep finds, one who has lost the device."""
    settled(house)
    file = house.path.parent / "access.json"
    file.write_bytes(encode(required_access_model(parse(PLAIN, path=house.path))))
    for event in (_enrolled("eve"), _enrolled("")):
        with (
            house.acting(PeopleRole.ONBOARDING, "handlers.onboarding.handle"),
            patch.dict(os.environ, KEYREEVE_ACCESS=str(file)),
            redirect_stdout(io.StringIO()),
        ):
            handle(event)


def settled(house: House, config: str = PLAIN) -> None:
    """An account with two administrators, one who has enrolled, and two without a device."""
    house.settle(config)
    house.reset({**load_document("empty"), "groups": [{"name": name} for name in GROUPS]})
    iam = aws(house.sandbox.url, "iam")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HOME_ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    iam.create_role(RoleName="DeveloperRole", AssumeRolePolicyDocument=_document(statement))
    role = f"arn:aws:iam::{HOME_ACCOUNT}:role/DeveloperRole"
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    iam.put_group_policy(
        GroupName="Developers", PolicyName="assume", PolicyDocument=_document(assume)
    )
    for name, *groups in (
        ("ann", "Developers"),
        ("bob", "Developers"),
        ("eve", "MFA-Setup"),
        ("lost", "Developers"),
        ("shut", "Quarantine", "MFA-Setup"),
    ):
        tags = {**TAGS, "email": f"{name}@example.com"}
        iam.create_user(UserName=name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        for group in groups:
            iam.add_user_to_group(UserName=name, GroupName=group)
        if name not in ("lost", "shut"):
            _enrol(iam, name)
    iam.create_login_profile(UserName="bob", Password="Correct-Horse-7-x")
    iam.create_access_key(UserName="bob")
    give_everything(iam, "bob")
    for name in ("ann", "bob"):
        iam.attach_user_policy(UserName=name, PolicyArn=ADMIN)
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=_document(anything))


def _enrol(iam: Any, name: str) -> None:
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
    iam.enable_mfa_device(
        UserName=name,
        SerialNumber=device["VirtualMFADevice"]["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="654321",
    )


def _left(house: House) -> None:
    """A record that waits for whoever holds the lock."""
    store = S3Store(aws(house.sandbox.url, "s3"), bucket=BUCKET, prefix=PREFIX)
    leave(store, "people.paused", MONDAY, {"by": "somebody"}, RunId("20260105T060000Z-0000"))


def _enrolled(user: str) -> dict[str, Any]:
    return {
        "source": "aws.iam",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "iam.amazonaws.com",
            "eventName": "EnableMFADevice" if user else "DeleteVirtualMFADevice",
            "eventID": "e-1",
            "userIdentity": {"type": "IAMUser", "userName": "admin"},
            "requestParameters": {"userName": user} if user else {"serialNumber": "s"},
        },
    }


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
