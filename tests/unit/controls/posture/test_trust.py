from __future__ import annotations

import pytest
from tests.unit.controls.posture.accounts import (
    ACCOUNT,
    STRANGER,
    document,
    findings,
    found,
    iam,
    identities,
    posture,
    role,
    trusts,
)

from keyreeve.model.identifiers import PostureId

MFA, EXTERNAL, WIDE = (
    PostureId.TRUST_WITHOUT_MFA,
    PostureId.TRUST_WITHOUT_EXTERNAL_ID,
    PostureId.TRUST_TOO_WIDE,
)
WITH_MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
OWN = {"AWS": iam("root")}
GITHUB = {"Federated": iam("oidc-provider/token.actions.githubusercontent.com")}
SUB = "token.actions.githubusercontent.com:sub"
AUD = "token.actions.githubusercontent.com:aud"
WEB = "sts:AssumeRoleWithWebIdentity"
SAML = {"Federated": iam("saml-provider/idp")}


def stranger(what: str = "root") -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{STRANGER}:{what}"}


TABLE = [
    # people of the account
    (trusts(OWN), {MFA}),
    (trusts({"AWS": ACCOUNT}), {MFA}),
    (trusts(OWN, **WITH_MFA), set()),
    (trusts(OWN, BoolIfExists={"aws:MultiFactorAuthPresent": "true"}), {MFA}),
    (trusts(OWN, NumericLessThan={"aws:MultiFactorAuthAge": "3600"}), set()),
    (trusts(OWN, IpAddress={"aws:SourceIp": "192.0.2.0/24"}), {MFA}),
    (trusts(OWN, ArnLike={"aws:PrincipalArn": iam("role/ci")}), set()),
    (trusts({"AWS": iam("user/ann")}), {MFA}),
    (trusts({"AWS": iam("user/ann")}, **WITH_MFA), set()),
    (trusts({"AWS": iam("role/ci")}), set()),
    (trusts({"Service": "ec2.amazonaws.com"}), set()),
    # strangers
    (trusts(stranger()), {EXTERNAL}),
    (trusts({"AWS": STRANGER}), {EXTERNAL}),
    (trusts(stranger("role/vendor")), {EXTERNAL}),
    (trusts(stranger(), StringEquals={"sts:ExternalId": "x-1"}), set()),
    (trusts(stranger(), StringEquals={"aws:PrincipalOrgID": "o-1"}), set()),
    (trusts(stranger(), StringLike={"aws:PrincipalTag/team": "x"}), {EXTERNAL}),
    (trusts(stranger(), **WITH_MFA), set()),
    # whoever comes
    (trusts("*"), {WIDE}),
    (trusts({"AWS": "*"}), {WIDE}),
    (trusts("*", StringEquals={"sts:ExternalId": "x-1"}), {WIDE}),
    (trusts("*", StringEquals={"aws:PrincipalOrgID": "o-1"}), set()),
    (trusts("*", StringLike={"aws:PrincipalArn": iam("role/*")}), set()),
    # identity providers
    (trusts(GITHUB, action=WEB), {WIDE}),
    (trusts(GITHUB, action=WEB, StringEquals={AUD: "sts.amazonaws.com"}), {WIDE}),
    (trusts(GITHUB, action=WEB, StringLike={SUB: "repo:our-org/*"}), set()),
    (trusts(GITHUB, action=WEB, StringLike={SUB: "repo:*"}), {WIDE}),
    (trusts(GITHUB, action=WEB, StringLike={SUB: ["repo:our-org/x:*", "*"]}), {WIDE}),
    (trusts(GITHUB, action=WEB, StringNotLike={SUB: "repo:their-org/*"}), {WIDE}),
    (
        trusts(
            {"Federated": "cognito-identity.amazonaws.com"},
            action=WEB,
            StringEquals={"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"},
        ),
        set(),
    ),
    (trusts({"Federated": "cognito-identity.amazonaws.com"}, action=WEB), {WIDE}),
    (trusts(SAML, action="sts:AssumeRoleWithSAML"), set()),
]


@pytest.mark.parametrize(("statement", "flagged"), TABLE, ids=str)
def test_whom_a_role_lets_in(statement, flagged):
    told = posture(identities=identities(role("r", document(statement))))
    assert {f.control for f in told.findings} & {MFA, EXTERNAL, WIDE} == flagged


def test_not_principal_lets_in_the_world():
    statement = {
        "Effect": "Allow",
        "NotPrincipal": {"AWS": iam("user/ann")},
        "Action": "sts:AssumeRole",
    }
    assert found(WIDE, identities=identities(role("r", document(statement)))) == ["r"]


def test_a_deny_without_mfa_is_as_good_as_a_condition():
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:AssumeRole",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    }
    assert found(MFA, identities=identities(role("r", document(trusts(OWN), deny)))) == []


def test_roles_of_aws_are_left_out_and_each_role_is_told_once():
    theirs = role("Sso", document(trusts(OWN)), path="/aws-reserved/sso.amazonaws.com/")
    both = role("r", document(trusts({"AWS": [iam("user/ann"), iam("user/bob")]})))
    (told,) = findings(MFA, identities=identities(theirs, both))
    assert told.observed == f"{iam('user/ann')}, {iam('user/bob')}"


def test_a_trust_policy_that_cannot_be_read_is_a_gap():
    told = posture(identities=identities(role("r", {"Statement": [{"Effect": "Perhaps"}]})))
    assert {MFA, EXTERNAL, WIDE}.isdisjoint(told.judged)
    assert all("trust policy of r" in gap.reason for gap in told.gaps)
