"""What the documents of the access model say; the table of steps is in test_onboarding_steps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import botocore.session
import pytest

from keyreeve.governance.access_policies import (
    Place,
    assume_own_role,
    deny_role_tag,
    deny_without_mfa,
    onboarding,
    quarantine,
    self_management,
    trust,
)
from keyreeve.governance.own_policies import QUOTA
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import (
    Answer,
    Decision,
    Policies,
    Principal,
    Request,
    evaluate,
)
from keyreeve.model.access import AccessModel, Grant, TrustModel

AT = Place(partition="aws", account_id="123456789012")
TEMPLATE = Place(partition="${AWS::Partition}", account_id="${AWS::AccountId}")
GRANT = Grant(
    functional_group="Developer",
    group="Developers",
    role="DeveloperRole",
    policies=("arn:aws:iam::aws:policy/PowerUserAccess",),
    max_session=timedelta(hours=8),
    trusted_users=("ann", "team/bob"),
)
PROVISIONER = AT.iam("role/provisioner")
MODEL = AccessModel(grants=(GRANT,), provisioners=(PROVISIONER,))
BY_NAME = replace(MODEL, trust=TrustModel.USERS)
ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
TRUST_QUOTA = 2048


def documents(at: Place = AT) -> dict[str, Any]:
    return {
        "trust": trust(MODEL, GRANT, at),
        "trust by name": trust(BY_NAME, GRANT, at),
        "assume_own_role": assume_own_role(GRANT, at),
        "self_management": self_management(at),
        "onboarding": onboarding(at),
        "deny_without_mfa": deny_without_mfa(at),
        "quarantine": quarantine(at),
        "deny_role_tag": deny_role_tag(MODEL, at),
    }


def statements() -> Iterator[Any]:
    for name, document in documents().items():
        for statement in document["Statement"]:
            yield pytest.param(statement, id=f"{name}: {statement['Sid']}")


def ask(action: str, resource: str, who: str = "user/ann", /, **context: Any) -> Request:
    kind, _, path = who.partition("/")
    keys = {
        key.replace("_", ":", 1).lower(): (value if isinstance(value, tuple) else (value,))
        for key, value in context.items()
    }
    if kind == "user":
        keys["aws:username"] = (path.rpartition("/")[2],)
    return Request(
        action=action,
        resource=resource,
        context={"aws:principalarn": (AT.iam(who),), **keys},
        principal=Principal(account=AT.account_id, names=frozenset({AT.iam(who)})),
    )


def answer(request: Request, *identity: Any, trusted: Any = None) -> Answer:
    return evaluate(
        Policies(
            identity=tuple(parse_document(each) for each in identity),
            resource=() if trusted is None else (parse_document(trusted),),
            resource_decides=trusted is not None,
        ),
        request,
    )


# --- trust ----------------------------------------------------------------------------------------

ROLE = AT.iam("role/DeveloperRole")
OWN_ROLE = assume_own_role(GRANT, AT)
MFA = {"aws_MultiFactorAuthPresent": "true", "aws_MultiFactorAuthAge": "60"}
ANN = {**MFA, "sts_RoleSessionName": "ann"}


def without(key: str) -> dict[str, str]:
    return {name: value for name, value in ANN.items() if name != key}


@pytest.mark.parametrize(
    ("why", "model", "who", "context", "policies", "may"),
    [
        ("with MFA under one's own name", MODEL, "user/ann", ANN, [OWN_ROLE], True),
        ("a user with a path", MODEL, "user/team/ann", ANN, [OWN_ROLE], True),
        ("not in the group", MODEL, "user/ann", ANN, [], False),
        (
            "a plain access key",
            MODEL,
            "user/ann",
            {"sts_RoleSessionName": "ann"},
            [OWN_ROLE],
            False,
        ),
        (
            "a session without MFA",
            MODEL,
            "user/ann",
            {**ANN, "aws_MultiFactorAuthPresent": "false"},
            [OWN_ROLE],
            False,
        ),
        (
            "a proof as old as a session",
            MODEL,
            "user/ann",
            {**ANN, "aws_MultiFactorAuthAge": "28800"},
            [OWN_ROLE],
            True,
        ),
        (
            "an older proof",
            MODEL,
            "user/ann",
            {**ANN, "aws_MultiFactorAuthAge": "28801"},
            [OWN_ROLE],
            False,
        ),
        ("no age", MODEL, "user/ann", without("aws_MultiFactorAuthAge"), [OWN_ROLE], False),
        (
            "under another's name",
            MODEL,
            "user/ann",
            {**ANN, "sts_RoleSessionName": "bob"},
            [OWN_ROLE],
            False,
        ),
        ("from another role", MODEL, "role/other", ANN, [OWN_ROLE], False),
        (
            "an administrator's policy does not replace MFA",
            MODEL,
            "user/ann",
            {},
            [ADMINISTRATOR],
            0,
        ),
        ("named", BY_NAME, "user/ann", ANN, [], True),
        (
            "named with a path",
            BY_NAME,
            "user/team/bob",
            {**ANN, "sts_RoleSessionName": "bob"},
            [],
            1,
        ),
        ("named, without MFA", BY_NAME, "user/ann", {"sts_RoleSessionName": "ann"}, [], False),
        (
            "not named",
            BY_NAME,
            "user/eve",
            {**ANN, "sts_RoleSessionName": "eve"},
            [OWN_ROLE],
            False,
        ),
    ],
)
def test_a_role_is_assumed_only_as_its_trust_says(
    why: str, model: AccessModel, who: str, context: Any, policies: list[Any], *, may: bool
):
    found = answer(
        ask("sts:AssumeRole", ROLE, who, **context), *policies, trusted=trust(model, GRANT, AT)
    )

    assert found.allowed is bool(may), why


def test_a_group_is_never_a_principal_the_account_is():
    (statement,) = trust(MODEL, GRANT, AT)["Statement"]

    assert statement["Principal"] == {"AWS": ["arn:aws:iam::123456789012:root"]}


def test_trust_by_name_without_a_name_is_an_error_not_an_open_door():
    with pytest.raises(ValueError, match="nobody is trusted to assume DeveloperRole"):
        trust(BY_NAME, replace(GRANT, trusted_users=()), AT)


def test_a_group_opens_no_role_but_its_own():
    assert answer(ask("sts:AssumeRole", ROLE), OWN_ROLE).allowed
    assert not answer(ask("sts:AssumeRole", AT.iam("role/DeveloperRole2")), OWN_ROLE).allowed


# --- one's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [self_management(AT), onboarding(AT)])
@pytest.mark.parametrize(
    ("resource", "may"),
    [
        ("user/ann", True),
        ("user/team/ann", True),
        ("user/a/b/ann", True),
        ("user/joann", False),
        ("user/team/joann", False),
        ("user/ann/bob", False),
        ("user/bob", False),
    ],
)
def test_a_user_manages_himself_wherever_he_stands_and_nobody_else(
    document: Any, resource: str, *, may: bool
):
    for action in ("iam:ChangePassword", "iam:EnableMFADevice", "iam:GetUser"):
        request = ask(action, AT.iam(resource), aws_MultiFactorAuthPresent="true")
        assert answer(request, document).allowed is may


def test_a_user_whose_name_has_a_star_reaches_nobody_else():
    request = ask(
        "iam:ChangePassword", AT.iam("user/bob"), "user/*", aws_MultiFactorAuthPresent="true"
    )

    assert not answer(request, self_management(AT)).allowed


@pytest.mark.parametrize("action", ["iam:DeactivateMFADevice", "iam:DeleteVirtualMFADevice"])
@pytest.mark.parametrize("context", [{}, {"aws_MultiFactorAuthPresent": "false"}])
def test_a_device_is_not_removed_without_mfa_even_where_the_deny_is_missing(
    action: str, context: dict[str, str]
):
    kind = "mfa" if "Virtual" in action else "user"
    request = ask(action, AT.iam(f"{kind}/ann"), **context)

    assert not answer(request, self_management(AT)).allowed


# --- denies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", [{}, MFA, {"aws_MultiFactorAuthPresent": "false"}])
@pytest.mark.parametrize("action", ["s3:GetObject", "iam:ChangePassword", "sts:AssumeRole"])
def test_quarantine_leaves_nothing_whatever_else_is_granted(action: str, context: Any):
    found = answer(ask(action, AT.iam("user/ann"), **context), ADMINISTRATOR, quarantine(AT))

    assert found.decision is Decision.EXPLICIT_DENY


TAG, UNTAG, CREATE = "iam:TagUser", "iam:UntagUser", "iam:CreateUser"


@pytest.mark.parametrize(
    ("action", "keys", "who", "model", "may"),
    [
        (TAG, ("FunctionalGroup",), "role/Admin", MODEL, False),
        (TAG, ("Department",), "role/Admin", MODEL, True),
        (TAG, ("Department", "FunctionalGroup"), "role/Admin", MODEL, False),
        (TAG, ("functionalgroup",), "role/Admin", MODEL, False),
        (TAG, ("FUNCTIONALGROUP",), "user/ann", MODEL, False),
        (UNTAG, ("FunctionalGroup",), "user/ann", MODEL, False),
        (UNTAG, ("email",), "user/ann", MODEL, True),
        (CREATE, ("FunctionalGroup",), "role/Admin", MODEL, False),
        (CREATE, (), "role/Admin", MODEL, True),
        (TAG, ("FunctionalGroup",), "role/provisioner", MODEL, True),
        (CREATE, ("FunctionalGroup",), "role/provisioner", MODEL, True),
        (TAG, ("FunctionalGroup",), "role/provisioner2", MODEL, False),
        (TAG, ("FunctionalGroup",), "role/provisioner", replace(MODEL, provisioners=()), False),
    ],
)
def test_nobody_but_a_provisioner_sets_the_role_tag(
    action: str, keys: tuple[str, ...], who: str, model: AccessModel, *, may: bool
):
    request = ask(action, AT.iam("user/bob"), who, aws_TagKeys=keys)

    assert answer(request, ADMINISTRATOR, deny_role_tag(model, AT)).allowed is may


# --- as AWS takes them ----------------------------------------------------------------------------


@pytest.mark.parametrize("statement", list(statements()))
def test_what_allows_asks_for_mfa_by_bool_and_what_denies_by_bool_if_exists(statement: Any):
    """The other way round, plain access keys would pass (E4)."""
    asks = {
        operator
        for operator, keys in statement.get("Condition", {}).items()
        if "aws:MultiFactorAuthPresent" in keys
    }
    assert asks <= ({"Bool"} if statement["Effect"] == "Allow" else {"BoolIfExists", "Null"})


@pytest.mark.parametrize("statement", list(statements()))
def test_every_action_exists(statement: Any):
    """A slip such as `iam>CreateVirtualMFADevice` grants nothing and says nothing (S2.T8)."""
    session = botocore.session.get_session()
    named = statement.get("Action", statement.get("NotAction"))
    for action in [named] if isinstance(named, str) else named:
        if action != "*":
            service, _, operation = action.partition(":")
            assert operation in session.get_service_model(service).operation_names


def test_the_documents_are_as_long_as_aws_allows():
    for name, document in documents().items():
        size = len(json.dumps(document, separators=(",", ":")))
        assert size <= (TRUST_QUOTA if name.startswith("trust") else QUOTA), name


def test_a_template_s_place_stands_as_cloudformation_writes_it():
    for at in (AT, TEMPLATE):
        text = json.dumps(documents(at)).replace(PROVISIONER, "")
        assert (":123456789012:" in text) is (at is AT)
        assert ("${AWS::AccountId}" in text) is (at is TEMPLATE)
        assert "user/${aws:username}" in text


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn"])
def test_every_arn_is_of_its_partition(partition: str):
    text = json.dumps(documents(replace(AT, partition=partition)))

    assert "arn:aws:" not in text.replace(PROVISIONER, "")
