"""`keyreeve doctor` with an access.yaml, over HTTP against an account that drifted from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.config.access import load_access
from keyreeve.governance.access_policies import Place, trust
from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

AT = Place(partition="aws", account_id=HOME_ACCOUNT)
ACCESS = f"""
onboarding_group: MFA-Setup
roles:
  Administrator:
    group: Administrator
    role: AdministratorAccessRole
    policies: [arn:aws:iam::aws:policy/AdministratorAccess]
  Developer:
    group: Developers
    role: DeveloperRole
    policies: [arn:aws:iam::aws:policy/ReadOnlyAccess, "{AT.iam("policy/own")}"]
provisioners: ["{AT.iam("role/provisioner")}"]
"""


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("empty", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle(more="baseline: {access: access.yaml}\n")
    (tmp_path / "access.yaml").write_text(ACCESS)
    return command


@pytest.fixture
def iam(keyreeve: Command) -> Any:
    """The account as access.yaml wants it."""
    client = aws(keyreeve.sandbox.url, "iam")
    model = load_access(keyreeve.folder / "access.yaml")
    there = {row["GroupName"] for row in client.list_groups()["Groups"]}
    for group in {"MFA-Setup", "Quarantine", "Administrator", "Developers"} - there:
        client.create_group(GroupName=group)
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    client.create_policy(PolicyName="own", PolicyDocument=document(reading))
    for grant in model.grants:
        client.create_role(
            RoleName=grant.role, AssumeRolePolicyDocument=json.dumps(trust(model, grant, AT))
        )
        for arn in grant.policies:
            client.attach_role_policy(RoleName=grant.role, PolicyArn=arn)
    client.create_role(RoleName="provisioner", AssumeRolePolicyDocument=document(TRUSTING))
    return client


TRUSTING = {
    "Effect": "Allow",
    "Principal": {"AWS": AT.iam("root")},
    "Action": "sts:AssumeRole",
}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def access_checks(keyreeve: Command) -> list[tuple[str, str, str]]:
    checks = keyreeve.json("doctor")["checks"]
    return [
        (each["verdict"], each["check"], each["found"])
        for each in checks
        if each["check"].startswith("access")
    ]


def test_an_account_that_is_as_access_yaml_says_is_sound(keyreeve: Command, iam: Any):
    found = access_checks(keyreeve)

    assert {verdict for verdict, _, _ in found} == {"ok"}, found
    assert [check for _, check, _ in found] == [
        *("access.yaml", "access groups", "access role", "access role"),
        *("access policies", "access tags", "access provisioners"),
    ]


def test_every_name_that_is_not_as_written_is_told_with_how_to_mend_it(keyreeve: Command, iam: Any):
    iam.delete_group(GroupName="MFA-Setup")
    iam.create_group(GroupName="MFASetup")
    iam.update_assume_role_policy(
        RoleName="AdministratorAccessRole", PolicyDocument=document(TRUSTING)
    )
    iam.detach_role_policy(RoleName="DeveloperRole", PolicyArn=AT.iam("policy/own"))
    iam.delete_policy(PolicyArn=AT.iam("policy/own"))
    iam.create_user(UserName="joe", Tags=[{"Key": "FunctionalGroup", "Value": "developer"}])
    path = keyreeve.folder / "access.yaml"
    path.write_text(path.read_text().replace("ReadOnlyAccess", "ReadOnlyAcces"))

    wrong = [each for each in access_checks(keyreeve) if each[0] != "ok"]
    told = {found for _, _, found in wrong}

    assert "MFASetup exists, MFA-Setup does not" in told
    assert (
        "AdministratorAccessRole: its trust policy lets in without MFA (a plain access key)" in told
    )
    assert "AWS has no policy arn:aws:iam::aws:policy/ReadOnlyAcces (DeveloperRole)" in told
    assert f"{AT.iam('policy/own')} (DeveloperRole) does not exist in this account" in told
    assert "FunctionalGroup=developer of joe is no role of access.yaml; Developer is" in told
    answer = keyreeve("doctor")
    assert answer.code == 1
    assert "→ Write MFASetup in access.yaml, or rename the group." in answer.out


def test_the_readers_own_policy_is_enough_for_every_check(keyreeve: Command, iam: Any):
    documents = keyreeve.json("policy", "print", "--role", "reader")["documents"]
    keyreeve.sandbox.authorise(documents)
    try:
        found = access_checks(keyreeve)
    finally:
        keyreeve.sandbox.authorise(None)

    assert {verdict for verdict, _, _ in found} == {"ok"}, found


def test_who_may_not_look_for_policies_is_told_which_call_is_denied(keyreeve: Command, iam: Any):
    keyreeve.sandbox.plant_fault("GetPolicy", code="AccessDenied", status=403)

    checks = keyreeve.json("doctor")["checks"]
    assert [each["check"] for each in checks if each["verdict"] == "broken"] == ["iam:GetPolicy"]


def test_a_mistake_in_access_yaml_is_told_with_its_line(keyreeve: Command):
    (keyreeve.folder / "access.yaml").write_text("roles:\n  A: {grop: B}\n")
    answer = keyreeve("doctor")

    assert answer.code == 2
    assert "access.yaml:2:7: roles.A.grop: unknown key – did you mean group?" in answer.err
