"""A role's trust policy as it stands: whom it lets in that it should not, and the other way."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keyreeve.governance.access_policies import Place, trust
from keyreeve.governance.trust_check import faults
from keyreeve.model.access import AccessModel, Grant, TrustModel

AT = Place(partition="aws", account_id="123456789012")
GRANT = Grant(
    functional_group="Developer",
    group="Developers",
    role="DeveloperRole",
    policies=(),
    max_session=timedelta(hours=2),
    trusted_users=("ann", "team/bob"),
)
MODEL = AccessModel(grants=(GRANT,))
BY_NAME = replace(MODEL, trust=TrustModel.USERS)
SHUT_OUT = "does not let in the members of its group, even with MFA under their own names"
PLAIN_KEY = "lets in without MFA (a plain access key)"
SESSION = "lets in without MFA (a session)"
OLD = "lets in with an MFA proof older than 7200 s"
OTHER_NAME = "lets in under a session name that is not the user's"


def changed(*path: Any, to: Any, model: AccessModel = MODEL) -> dict[str, Any]:
    document: Any = copy.deepcopy(trust(model, GRANT, AT))
    inside = document["Statement"][0]
    for part in path[:-1]:
        inside = inside[part]
    if to is None:
        del inside[path[-1]]
    else:
        inside[path[-1]] = to
    return document


def root(number: str) -> str:
    return f"arn:aws:iam::{number}:root"


@pytest.mark.parametrize(
    ("why", "document", "told"),
    [
        ("as it should be", trust(MODEL, GRANT, AT), []),
        ("one text for a list", changed("Principal", to={"AWS": root(AT.account_id)}), []),
        ("the account's number", changed("Principal", to={"AWS": AT.account_id}), []),
        (
            "another operator, the same meaning",
            changed("Condition", "Bool", "aws:MultiFactorAuthPresent", to=[True]),
            [],
        ),
        (
            "no condition at all",
            changed("Condition", to=None),
            [PLAIN_KEY, SESSION, OLD, OTHER_NAME],
        ),
        ("no word of MFA but its age", changed("Condition", "Bool", to=None), []),
        (
            "MFA asked with IfExists",
            changed(
                "Condition",
                to={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
            ),
            [PLAIN_KEY, OLD, OTHER_NAME],
        ),
        ("any age", changed("Condition", "NumericLessThanEquals", to=None), [OLD]),
        ("any name", changed("Condition", "StringEquals", to=None), [OTHER_NAME]),
        (
            "another account",
            changed("Principal", to={"AWS": [root(AT.account_id), root("999999999999")]}),
            ["also trusts arn:aws:iam::999999999999:root"],
        ),
        (
            "a service",
            changed("Principal", to={"AWS": root(AT.account_id), "Service": "ec2.amazonaws.com"}),
            ["also trusts Service:ec2.amazonaws.com"],
        ),
        ("everybody", changed("Principal", to="*"), ["also trusts *"]),
        (
            "a user who is gone, in place of the account",
            changed("Principal", to={"AWS": "AIDAJQABLZS4A3QDU576Q"}),
            ["also trusts AIDAJQABLZS4A3QDU576Q", SHUT_OUT],
        ),
        (
            "an age that nobody can keep",
            changed("Condition", "NumericLessThanEquals", "aws:MultiFactorAuthAge", to="-1"),
            [SHUT_OUT],
        ),
        (
            "an external id",
            changed("Condition", "StringLike", to={"sts:ExternalId": "x"}),
            [SHUT_OUT],
        ),
        ("unreadable", {"Statement": []}, [SHUT_OUT]),
        ("malformed", {"Version": "2012-10-17"}, ["cannot be read: no Statement"]),
    ],
)
def test_every_fault_of_a_trust_policy_is_named_and_no_other(
    why: str, document: dict[str, Any], told: list[str]
):
    assert list(faults(MODEL, GRANT, AT, document)) == told, why


def test_every_user_who_should_be_trusted_and_is_not_is_missed():
    ann = changed("Principal", to={"AWS": [AT.iam("user/ann")]}, model=BY_NAME)

    assert list(faults(BY_NAME, GRANT, AT, trust(BY_NAME, GRANT, AT))) == []
    assert list(faults(BY_NAME, GRANT, AT, ann)) == [
        "does not let in team/bob, whom access.yaml names"
    ]


def test_the_whole_account_is_too_many_where_users_are_named():
    assert list(faults(BY_NAME, GRANT, AT, trust(MODEL, GRANT, AT))) == [
        "also trusts arn:aws:iam::123456789012:root"
    ]
