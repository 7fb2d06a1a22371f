from __future__ import annotations

import pytest
from tests.unit.controls.posture.accounts import (
    ADMIN,
    allow,
    deny,
    document,
    findings,
    found,
    group,
    iam,
    identities,
    posture,
    role,
    user,
)

from keyreeve.controls.posture.escalation_paths import PATHS
from keyreeve.controls.posture.wildcards import too_wide
from keyreeve.language.policy_document import parse_document
from keyreeve.model.access import AccessModel, Grant
from keyreeve.model.identifiers import PostureId

MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ADMINISTRATORS = AccessModel(
    grants=(
        Grant(functional_group="A", group="Administrator", role="AdminRole", policies=(ADMIN,)),
    )
)


def inline(*statements):
    return {"inline": {"own": document(*statements)}}


@pytest.mark.parametrize(
    ("holder", "flagged"),
    [
        (user("ann", attached=(ADMIN,)), True),
        (group("Everyone", attached=(ADMIN,)), True),
        (role("AdminRole", attached=(ADMIN,)), False),
        (role("Other", attached=(ADMIN,)), True),
        (role("Sso", path="/aws-reserved/sso.amazonaws.com/", attached=(ADMIN,)), False),
        (user("ann", **inline(allow("*"))), True),
        (user("ann", **inline(allow("*", Condition=MFA))), True),
        (user("ann", **inline(allow("*:*"))), True),
        (user("ann", **inline(allow("*"), deny("iam:*"))), False),
        (user("ann", **inline(allow("*", on="arn:aws:s3:::b/*"))), False),
        (user("ann", **inline(allow("s3:*", "ec2:*", "iam:*"))), False),
        (
            user(
                "ann",
                **inline({"Effect": "Allow", "NotAction": "organizations:*", "Resource": "*"}),
            ),
            True,
        ),
        (user("ann", attached=(ADMIN,), boundary=iam("policy/bound")), False),
        (user("ann", groups=("Everyone",)), False),
    ],
    ids=str,
)
def test_standing_administrators_are_who_may_do_everything_by_what_hangs_on_themselves(
    holder, flagged
):
    account = identities(holder, bound=document(allow("s3:*")))
    names = found(PostureId.ADMINISTRATOR_ACCESS, ADMINISTRATORS, identities=account)
    assert names == [holder.name] * flagged


def test_the_policy_that_does_it_is_named():
    both = user("ann", attached=(iam("policy/reads"), ADMIN))
    account = identities(both, reads=document(allow("s3:Get*")))
    (told,) = findings(PostureId.ADMINISTRATOR_ACCESS, identities=account)
    assert told.detail == "The user may do everything, by policy AdministratorAccess."


def test_a_policy_whose_document_nobody_knows_leaves_the_control_unjudged():
    account = identities(user("ann", attached=("arn:aws:iam::aws:policy/Strange",)))
    told = posture(identities=account)
    assert PostureId.ADMINISTRATOR_ACCESS not in told.judged
    assert "policy Strange of user ann" in told.gaps[0].reason


@pytest.mark.parametrize(
    ("statement", "wide"),
    [
        (allow("*"), ["*"]),
        (allow("*:*"), ["*:*"]),
        (allow("S3:*", "ec2:Describe*"), ["s3:*"]),
        (allow("s3:*", on="arn:aws:s3:::b/*"), []),
        (allow("s3:*", on=["arn:aws:s3:::b", "*"]), ["s3:*"]),
        (allow("s3:*", Condition=MFA), []),
        (allow("s3:Get*"), []),
        (deny("s3:*"), []),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, ["all but iam:*"]),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::b"}, ["s3:*"]),
    ],
)
def test_whole_services_on_everything_are_too_wide(statement, wide):
    (parsed,) = parse_document(document(statement)).statements
    assert list(too_wide(parsed)) == wide


def test_own_and_inline_policies_are_read_and_those_of_aws_are_not():
    account = identities(
        group("Ops", inline={"ops": document(allow("ec2:*"))}),
        role("Linked", path="/aws-service-role/x/", inline={"x": document(allow("s3:*"))}),
        wide=document(allow("dynamodb:*")),
        narrow=document(allow("dynamodb:GetItem")),
    )
    names = found(PostureId.WILDCARD_POLICIES, identities=account)
    assert sorted(names) == ["Ops", "wide"]


def test_a_policy_that_cannot_be_read_is_a_gap():
    told = posture(identities=identities(broken={"Statement": [{"Effect": "Perhaps"}]}))
    assert PostureId.WILDCARD_POLICIES not in told.judged
    assert "broken" in told.gaps[0].reason


# --- privilege escalation -------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_path_is_found_whole_and_not_without_any_one_of_its_actions(path):
    def named(*actions: str) -> bool:
        holder = group("g", **inline(allow(*actions)))
        told = findings(PostureId.PRIVILEGE_ESCALATION, identities=identities(holder))
        return any(path.name in each.observed.split(", ") for each in told)

    assert named(*path.actions)
    assert path.source.startswith("https://")
    for missing in path.actions:
        rest = [action for action in path.actions if action != missing]
        assert not rest or not named(*rest)


OWN = "arn:aws:iam::*:user/${aws:username}"


@pytest.mark.parametrize(
    ("statements", "flagged"),
    [
        ([allow("iam:CreateAccessKey")], True),
        ([allow("iam:CreateAccessKey", on=OWN)], False),
        ([allow("iam:CreateAccessKey", on=iam("user/*"))], True),
        ([allow("iam:CreateAccessKey", on=iam("user/robots/*"))], False),
        ([allow("iam:CreateAccessKey"), deny("iam:CreateAccessKey")], False),
        ([allow("iam:CreateAccessKey"), deny("iam:*", Condition=MFA)], True),
        ([allow("iam:*AccessKey")], True),
        ([allow("iam:PassRole", "ec2:RunInstances")], True),
        ([allow("iam:PassRole", on=iam("role/app")), allow("ec2:RunInstances")], False),
        (
            [
                allow(
                    "iam:PassRole",
                    Condition={"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}},
                ),
                allow("ec2:RunInstances"),
            ],
            False,
        ),
        (
            [
                allow(
                    "iam:PassRole",
                    Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
                ),
                allow("ec2:RunInstances"),
            ],
            True,
        ),
        ([allow("iam:Get*", "iam:List*")], False),
        ([allow("*")], False),
    ],
)
def test_what_leads_to_all_rights_is_judged_with_resources_conditions_and_denies(
    statements, flagged
):
    holder = user("ann", **inline(*statements))
    names = found(PostureId.PRIVILEGE_ESCALATION, identities=identities(holder))
    assert names == ["ann"] * flagged


def test_a_group_is_told_once_and_its_users_only_of_what_they_add():
    pass_role = document(allow("iam:PassRole"))
    run = document(allow("ec2:RunInstances"))
    keys = document(allow("iam:CreateAccessKey"))
    account = identities(
        group("Passers", inline={"p": pass_role}),
        group("Keys", inline={"k": keys}),
        user("only-group", groups=("Keys",)),
        user("both", groups=("Passers", "Keys"), inline={"r": run}),
        user("apart", groups=("Passers",)),
    )
    told = {
        f.resource_name: f for f in findings(PostureId.PRIVILEGE_ESCALATION, identities=account)
    }
    assert set(told) == {"Keys", "both"}
    assert told["both"].observed == "iam:PassRole + ec2:RunInstances"


def test_a_boundary_takes_the_way():
    holder = user("ann", boundary=iam("policy/bound"), **inline(allow("iam:CreateAccessKey")))
    account = identities(holder, bound=document(allow("s3:Get*")))
    assert found(PostureId.PRIVILEGE_ESCALATION, identities=account) == []


def test_many_ways_are_counted():
    holder = user("ann", **inline(allow("iam:*")))
    (told,) = findings(PostureId.PRIVILEGE_ESCALATION, identities=identities(holder))
    assert "ways more." in told.detail
    assert "iam:CreatePolicyVersion (writes a new version of its own policy)" in told.detail
