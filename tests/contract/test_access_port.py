"""AccessReader: groups, roles and policies by name, over the emulator and over scripted answers."""

from __future__ import annotations

import json
from urllib.parse import quote

import boto3
import pytest

from keyreeve.aws.iam_access import IamAccessReader
from keyreeve.aws.sessions import Sessions
from keyreeve.model.errors import AccessDenied, Malformed

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}


@pytest.fixture
def iam(moto_endpoint: str):
    return boto3.client("iam", endpoint_url=moto_endpoint, region_name="eu-west-1")


@pytest.fixture
def reader(moto_endpoint: str) -> IamAccessReader:
    return IamAccessReader(Sessions(rehearsal=False))


def test_an_empty_account_has_no_groups_roles_nor_policies_of_its_own(reader):
    facts = reader.facts()

    assert (facts.groups, facts.roles, facts.policies) == (frozenset(), {}, {})


def test_groups_roles_and_own_policies_come_with_what_they_hold(iam, reader):
    iam.create_group(GroupName="Developers")
    iam.create_role(
        RoleName="DeveloperRole", Path="/duty/", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    arn = iam.create_policy(PolicyName="Own", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="DeveloperRole", PolicyArn=arn)
    iam.put_role_policy(
        RoleName="DeveloperRole", PolicyName="inline", PolicyDocument=json.dumps(ALLOW)
    )
    facts = reader.facts()

    assert facts.groups == {"Developers"}
    (role,) = facts.roles.values()
    assert role.name == "DeveloperRole"
    assert role.arn == "arn:aws:iam::123456789012:role/duty/DeveloperRole"
    assert role.trust == TRUST
    assert role.attached == {arn}
    assert role.inline == ("inline",)
    assert facts.policies == {arn: ALLOW}


def test_only_the_default_version_of_a_policy_counts(iam, reader):
    arn = iam.create_policy(PolicyName="Own", PolicyDocument=json.dumps(TRUST | ALLOW))["Policy"]
    newer = {**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Action": "s3:PutObject"}]}
    iam.create_policy_version(
        PolicyArn=arn["Arn"], PolicyDocument=json.dumps(newer), SetAsDefault=True
    )

    assert reader.facts().policies == {arn["Arn"]: newer}


def test_a_policy_is_there_or_not(iam, reader):
    arn = iam.create_policy(PolicyName="Own", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]

    assert reader.has_policy(arn)
    assert not reader.has_policy(f"{arn}2")


# --- what the emulator cannot show ----------------------------------------------------------------


def page(groups: str = "", roles: str = "", *, marker: str = "") -> str:
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>" if marker else ""
    return (
        "<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult>"
        f"<GroupDetailList>{groups}</GroupDetailList><RoleDetailList>{roles}</RoleDetailList>"
        f"{more or '<IsTruncated>false</IsTruncated>'}"
        "</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
    )


def group(name: str) -> str:
    return f"<member><GroupName>{name}</GroupName></member>"


def role(document: str) -> str:
    return (
        "<member><RoleName>R</RoleName><Arn>arn:aws:iam::123456789012:role/R</Arn>"
        f"<AssumeRolePolicyDocument>{document}</AssumeRolePolicyDocument></member>"
    )


@pytest.fixture
def scripted_reader(scripted) -> IamAccessReader:
    return IamAccessReader(Sessions(rehearsal=False))


def test_every_page_is_read(scripted, scripted_reader):
    scripted.answer(page(group("A"), marker="2"), page(group("B")))

    assert scripted_reader.facts().groups == {"A", "B"}


def test_a_trust_policy_that_is_no_json_is_malformed_not_empty(scripted, scripted_reader):
    scripted.answer(page(roles=role(quote("{"))))

    with pytest.raises(Malformed):
        scripted_reader.facts()


def test_who_may_not_look_is_told_so_and_a_policy_is_not_called_missing(scripted, scripted_reader):
    scripted.answer(
        (403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
    )

    with pytest.raises(AccessDenied, match="AccessDenied"):
        scripted_reader.has_policy("arn:aws:iam::aws:policy/SecurityAudit")
