from __future__ import annotations

import pytest
from tests.builders import console

from keyreeve.escalation.authority import cannot_change_password, is_administrator
from keyreeve.model.snapshot import GrantedPolicies, PasswordPolicy

AWS = "arn:aws:iam::aws:policy/"


def granted(*statements, managed=()):
    documents = tuple({"Version": "2012-10-17", "Statement": s} for s in statements)
    return GrantedPolicies(managed=frozenset(managed), documents=documents)


def statement(effect="Allow", action="*", resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


ADMINISTRATORS = {
    "nothing": (granted(), False),
    "AdministratorAccess": (granted(managed=(f"{AWS}AdministratorAccess",)), True),
    "a policy of another name": (granted(managed=(f"{AWS}ReadOnlyAccess",)), False),
    "the job function of a similar name": (
        granted(managed=(f"{AWS}job-function/AdministratorAccess-Amplify",)),
        False,
    ),
    "allow all on all": (granted(statement()), True),
    "as lists": (granted([statement(action=["s3:*", "*"], resource=["*"])]), True),
    "the second document": (granted(statement(action="s3:*"), statement()), True),
    "the second statement": (granted([statement(action="s3:*"), statement()]), True),
    "a deny": (granted(statement(effect="Deny")), False),
    "with a condition": (granted(statement(Condition={"Bool": {"x": "true"}})), False),
    "with an empty condition": (granted(statement(Condition={})), True),
    "one service": (granted(statement(action="iam:*")), False),
    "one resource": (granted(statement(resource="arn:aws:s3:::x")), False),
    "a malformed statement": (granted("Allow"), False),
    "no statement": (GrantedPolicies(documents=({},)), False),
}


@pytest.mark.parametrize("row", ADMINISTRATORS)
def test_an_administrator_may_do_everything_to_everything_unconditionally(row):
    policies, expected = ADMINISTRATORS[row]
    assert is_administrator(policies) is expected


CHANGEABLE = PasswordPolicy(users_may_change=True)
CLOSED = PasswordPolicy(users_may_change=False)
OWN = f"{AWS}IAMUserChangePassword"
NEITHER = (
    "neither the account's password policy (AllowUsersToChangePassword) nor "
    "IAMUserChangePassword lets the user change a password"
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
    "MFA and another condition": deny(
        Condition={
            "Bool": {"aws:MultiFactorAuthPresent": "false"},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        }
    ),
    "MFA and another key in one block": deny(
        Condition={"Bool": {"aws:MultiFactorAuthPresent": "false", "aws:ViaAWSService": "false"}}
    ),
    "a session with MFA": deny(**no_mfa(value="true")),
    "an operator that says something else": deny(**no_mfa(operator="Null")),
    "another key": deny(**no_mfa(key="aws:MultiFactorAuthAge")),
    "an empty condition block": deny(Condition={"Bool": {}} | {"Null": {}}),
    "a malformed condition": deny(Condition={"Bool": "false"}),
    "a malformed block of conditions": deny(Condition="x"),
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
    "no action at all": {"Effect": "Deny", "Resource": "*"},
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


def test_until_the_evaluator_stands_an_allow_of_the_users_own_is_not_enough():
    """The reset is held rather than guessed: only the account or AWS's own policy counts."""
    ann = console("ann", granted=granted(statement("Allow", "iam:ChangePassword")))
    assert cannot_change_password(ann, CLOSED) is not None
