from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import console

from keyreeve.escalation import authority
from keyreeve.escalation.authority import Library, cannot_change_password, is_administrator
from keyreeve.language.policy_document import parse_document
from keyreeve.model.snapshot import GrantedPolicies, PasswordPolicy, PermissionsBoundary

AWS = "arn:aws:iam::aws:policy/"
ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
PARSED = parse_document({"Version": "2012-10-17", "Statement": ALL})


def granted(*statements, managed=()):
    documents = tuple({"Version": "2012-10-17", "Statement": s} for s in statements)
    return GrantedPolicies(managed=frozenset(managed), documents=documents)


def bounded(*statements, arn="arn:aws:iam::123456789012:policy/boundary"):
    """Everything is allowed, within that boundary; without statements it is one of AWS's own."""
    document = {"Version": "2012-10-17", "Statement": list(statements)} if statements else None
    boundary = PermissionsBoundary(arn=arn, document=document)
    return replace(granted(statement()), boundary=boundary)


def statement(effect="Allow", action="*", resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


NO_DEVICE = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}
ADMINISTRATORS = {
    # what reaches the user → for certain, perhaps
    "nothing": (granted(), False, False),
    "AdministratorAccess": (granted(managed=(f"{AWS}AdministratorAccess",)), True, True),
    "a policy of another name": (granted(managed=(f"{AWS}ReadOnlyAccess",)), False, False),
    "a policy of the account's own that borrows the name": (
        granted(managed=("arn:aws:iam::123456789012:policy/AdministratorAccess",)),
        False,
        False,
    ),
    "the job function of a similar name": (
        granted(managed=(f"{AWS}job-function/AdministratorAccess-Amplify",)),
        False,
        False,
    ),
    "everything but IAM": (granted(managed=(f"{AWS}PowerUserAccess",)), False, False),
    "IAM and nothing else": (granted(managed=(f"{AWS}IAMFullAccess",)), False, False),
    "these two together": (
        granted(managed=(f"{AWS}PowerUserAccess", f"{AWS}IAMFullAccess")),
        True,
        True,
    ),
    "allow all on all": (granted(statement()), True, True),
    "allow all but one service": (
        granted({"Effect": "Allow", "NotAction": "aws-portal:*", "Resource": "*"}),
        True,
        True,
    ),
    "as lists": (granted([statement(action=["s3:*", "*"], resource=["*"])]), True, True),
    "the second document": (granted(statement(action="s3:*"), statement()), True, True),
    "the second statement": (granted([statement(action="s3:*"), statement()]), True, True),
    "a deny": (granted(statement(effect="Deny")), False, False),
    "allowed and denied": (granted(statement(), statement(effect="Deny")), False, False),
    "but for IAM": (granted(statement(), statement(effect="Deny", action="iam:*")), False, False),
    "but for billing": (
        granted(statement(), statement(effect="Deny", action="aws-portal:*")),
        True,
        True,
    ),
    "AWSDenyAll besides": (
        granted(managed=(f"{AWS}AdministratorAccess", f"{AWS}AWSDenyAll")),
        False,
        False,
    ),
    "with MFA only, and a device": (
        granted(statement(), statement(effect="Deny", Condition=NO_DEVICE)),
        True,
        True,
    ),
    "with a condition": (
        granted(statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})),
        False,
        True,
    ),
    "with an empty condition": (granted(statement(Condition={})), True, True),
    "one service": (granted(statement(action="iam:*")), False, False),
    "one resource": (granted(statement(resource="arn:aws:s3:::x")), False, False),
    "a malformed statement": (granted("Allow"), False, False),
    "no statement": (GrantedPolicies(documents=({},)), False, False),
    "a boundary without IAM": (bounded(statement(action="s3:*")), False, False),
    "a boundary that allows all": (bounded(statement()), True, True),
    "a boundary of AWS that is known": (bounded(arn=f"{AWS}AdministratorAccess"), True, True),
    "a boundary of AWS that is not": (bounded(arn=f"{AWS}SomethingNew"), False, True),
}


@pytest.mark.parametrize("row", ADMINISTRATORS)
def test_an_administrator_may_effectively_do_everything_to_everything(row):
    policies, certain, perhaps = ADMINISTRATORS[row]
    ann = console("ann", granted=policies)
    assert is_administrator(ann) is certain
    assert is_administrator(ann, hopeful=True) is perhaps


def test_a_deny_without_mfa_leaves_it_open_whether_who_has_no_device_administers():
    policies = granted(statement(), statement(effect="Deny", Condition=NO_DEVICE))
    ann = console("ann", granted=policies, mfa_active=False)
    assert not is_administrator(ann)
    assert is_administrator(ann, hopeful=True)


def test_a_document_is_parsed_once_however_many_users_it_reaches(monkeypatch):
    parsed = []
    monkeypatch.setattr(authority, "parse_document", lambda raw: parsed.append(raw) or PARSED)
    policies, library = granted(statement()), Library()
    for name in ("ann", "bob", "cem"):
        assert is_administrator(console(name, granted=policies), library=library)
    assert parsed == [policies.documents[0]]


CHANGEABLE = PasswordPolicy(users_may_change=True)
CLOSED = PasswordPolicy(users_may_change=False)
OWN = f"{AWS}IAMUserChangePassword"
NEITHER = (
    "neither the account's password policy (AllowUsersToChangePassword) nor the user's policies "
    "allow iam:ChangePassword"
)


def no_mfa(operator="BoolIfExists", key="aws:MultiFactorAuthPresent", value="false"):
    return {"Condition": {operator: {key: value}}}


def deny(action="iam:ChangePassword", **more):
    return statement("Deny", action, **more)


def deny_not(*actions, **more):
    return {"Effect": "Deny", "NotAction": list(actions), "Resource": "*", **more}


SELF_MANAGEMENT = deny_not("iam:EnableMFADevice", "sts:GetSessionToken", Sid="NoMFA", **no_mfa())
HELD = "a policy statement ({}) denies iam:ChangePassword".format

DENIED_TO_ALL = {
    "by name": deny(),
    "any case": deny("IAM:changepassword"),
    "in a list": deny(["s3:*", "iam:ChangePassword"]),
    "all of IAM": deny("iam:*"),
    "everything": deny("*"),
    "a wildcard inside": deny("iam:*Password"),
    "a question mark": deny("iam:ChangePasswor?"),
    "NotAction that leaves it out": deny_not("s3:*"),
    "NotAction with one of another name": deny_not("iam:GetUser"),
    "a condition that may hold for anybody": deny(
        Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    ),
    "a session with MFA": deny(**no_mfa(value="true")),
    "an operator that says something else": deny(**no_mfa(operator="Null")),
    "another key": deny(**no_mfa(key="aws:MultiFactorAuthAge")),
    "an empty condition block": deny(Condition={"Bool": {}} | {"Null": {}}),
    "a tag that the user does not say": deny(
        Condition={"StringNotEquals": {"aws:PrincipalTag/team": "platform"}}
    ),
}


@pytest.mark.parametrize("row", DENIED_TO_ALL)
def test_a_reset_is_held_where_a_policy_may_deny_the_change_even_with_mfa(row):
    ann = console("ann", granted=granted(DENIED_TO_ALL[row]))
    assert cannot_change_password(ann, CHANGEABLE) == HELD("without Sid")


NOT_DENIED = {
    "an allow": statement("Allow", "iam:ChangePassword"),
    "another action": deny("iam:CreateUser"),
    "a near miss": deny("iam:ChangePassword2"),
    "NotAction that names it": deny_not("iam:ChangePassword"),
    "NotAction that covers it": deny_not("iam:*"),
    "a pattern with brackets is literal": deny("iam:[C]hangePassword"),
    "another user": deny(resource="arn:aws:iam::123456789012:user/bob"),
    "all but the own user": {
        "Effect": "Deny",
        "Action": "iam:*",
        "NotResource": "arn:aws:iam::*:user/${aws:username}",
    },
}


@pytest.mark.parametrize("row", NOT_DENIED)
@pytest.mark.parametrize("mfa", [True, False])
def test_a_reset_is_not_held_by_policies_that_speak_of_something_else(row, mfa):
    ann = console("ann", granted=granted(NOT_DENIED[row]), mfa_active=mfa)
    assert cannot_change_password(ann, CHANGEABLE) is None


MFA_CONDITIONED = {
    "AWS's own self-management statement": SELF_MANAGEMENT,
    "Bool": deny(Sid="NoMFA", **no_mfa(operator="Bool")),
    "lower-case key, boolean value": deny(
        Sid="NoMFA", **no_mfa(key="aws:multifactorauthpresent", value=False)
    ),
    "value in a list": deny(Sid="NoMFA", **no_mfa(value=["False"])),
    "MFA and another condition": deny(
        Sid="NoMFA",
        Condition={
            "Bool": {"aws:MultiFactorAuthPresent": "false"},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        },
    ),
    "MFA and another key in one block": deny(
        Sid="NoMFA",
        Condition={"Bool": {"aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false"}},
    ),
}


@pytest.mark.parametrize("row", MFA_CONDITIONED)
def test_a_deny_without_mfa_holds_only_those_who_have_no_device(row):
    policies = granted(MFA_CONDITIONED[row])
    with_device = console("ann", granted=policies, mfa_active=True)
    assert cannot_change_password(with_device, CHANGEABLE) is None
    for unsure in (False, None):
        without = console("ann", granted=policies, mfa_active=unsure)
        assert cannot_change_password(without, CHANGEABLE) == HELD("NoMFA")


ACCOUNTS = {
    "not read": (None, (), "the account's password policy could not be read"),
    "the account allows it": (CHANGEABLE, (), None),
    "only the user's own policy allows it": (CLOSED, (OWN,), None),
    "neither": (CLOSED, (), NEITHER),
    "hard expiry": (
        PasswordPolicy(users_may_change=True, hard_expiry=True),
        (OWN,),
        "the account's password policy has HardExpiry: an expired password locks out",
    ),
    "a policy of AWS that denies": (
        CHANGEABLE,
        (f"{AWS}AWSDenyAll",),
        "the policy AWSDenyAll denies iam:ChangePassword",
    ),
    "a quarantine of AWS": (
        CHANGEABLE,
        (f"{AWS}AWSCompromisedKeyQuarantineV2", f"{AWS}ReadOnlyAccess"),
        "the policy AWSCompromisedKeyQuarantineV2 denies iam:ChangePassword",
    ),
}


@pytest.mark.parametrize("row", ACCOUNTS)
def test_the_user_must_be_able_to_change_a_generated_password(row):
    account, managed, reason = ACCOUNTS[row]
    ann = console("ann", granted=granted(managed=managed))
    assert cannot_change_password(ann, account) == reason


UNREADABLE = {
    "a malformed condition": deny(Condition={"Bool": "false"}),
    "a malformed block of conditions": deny(Condition="x"),
    "no action at all": {"Effect": "Deny", "Resource": "*"},
    "an operator that nobody knows": deny(Condition={"StringAlmost": {"aws:username": "ann"}}),
}


@pytest.mark.parametrize("row", UNREADABLE)
def test_a_reset_is_held_where_a_document_cannot_be_read(row):
    ann = console("ann", granted=granted(UNREADABLE[row]))
    reason = cannot_change_password(ann, CHANGEABLE)
    assert reason == "a policy document of the user cannot be read"


OWN_USER = "arn:aws:iam::*:user/${aws:username}"
ALLOWS = {
    "an allow of the user's own": (statement("Allow", "iam:ChangePassword"), None),
    "AWS's own self-management": (statement("Allow", "iam:ChangePassword", OWN_USER), None),
    "an allow for somebody else": (
        statement("Allow", "iam:ChangePassword", "arn:aws:iam::123456789012:user/bob"),
        NEITHER,
    ),
    "an allow with MFA, which the user has": (
        statement("Allow", "iam:*", **no_mfa("Bool", value="true")),
        None,
    ),
    "an allow from somewhere": (
        statement("Allow", "*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        NEITHER,
    ),
}


@pytest.mark.parametrize("row", ALLOWS)
def test_the_effective_policies_may_allow_what_the_account_does_not(row):
    allowing, reason = ALLOWS[row]
    ann = console("ann", granted=granted(allowing))
    assert cannot_change_password(ann, CLOSED) == reason


def test_a_permissions_boundary_must_allow_the_change_too():
    without = console("ann", granted=bounded(statement(action="s3:*")))
    reason = "the user's permissions boundary does not allow iam:ChangePassword"
    assert cannot_change_password(without, CHANGEABLE) == reason
    unknown = console("ann", granted=bounded(arn=f"{AWS}SomethingNew"))
    assert cannot_change_password(unknown, CHANGEABLE) == reason
    within = console("ann", granted=bounded(statement(action="iam:Change*")))
    assert cannot_change_password(within, CHANGEABLE) is None
