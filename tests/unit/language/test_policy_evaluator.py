"""AWS's documented logic, row by row; each row names the page's topic."""

from __future__ import annotations

from typing import Any

import pytest

from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import (
    Decision,
    Policies,
    Principal,
    Request,
    evaluate,
)

ALLOWED, IMPLICIT, EXPLICIT = Decision.ALLOWED, Decision.IMPLICIT_DENY, Decision.EXPLICIT_DENY
ACCOUNT = "123456789012"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Developer"
KEY = "arn:aws:s3:::bucket/home/ann/notes.txt"
EVERYTHING: dict[str, Any] = {}
WHO = Principal(account=ACCOUNT, names=frozenset({ANN}))


def doc(*statements: dict[str, Any], version: str = "2012-10-17") -> Any:
    return parse_document({"Version": version, "Statement": list(statements)})


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def ask(
    action: str = "s3:GetObject", resource: str = KEY, *, complete: bool = True, **context: Any
) -> Request:
    found = {
        key.replace("__", "/").replace("_", ":", 1).lower(): (
            value if isinstance(value, tuple) else (value,)
        )
        for key, value in context.items()
    }
    return Request(
        action=action, resource=resource, context=found, principal=WHO, complete=complete
    )


def identity(*statements: dict[str, Any], **more: Any) -> Policies:
    return Policies(identity=(doc(*statements),), **more)


S3 = allow("s3:*")
FLOW = [
    ("nothing allows", identity(), ask(), IMPLICIT),
    ("an allow", identity(S3), ask(), ALLOWED),
    ("another action", identity(S3), ask("ec2:RunInstances", "*"), IMPLICIT),
    ("an explicit deny wins", identity(S3, deny("s3:GetObject")), ask(), EXPLICIT),
    ("whatever the order", identity(deny("s3:GetObject"), S3), ask(), EXPLICIT),
    (
        "a deny in another document",
        Policies(identity=(doc(S3), doc(deny("s3:*")))),
        ask(),
        EXPLICIT,
    ),
    ("a deny of something else", identity(S3, deny("s3:PutObject")), ask(), ALLOWED),
    ("a boundary limits", identity(allow(), boundary=doc(allow("ec2:*"))), ask(), IMPLICIT),
    ("a boundary grants nothing", identity(boundary=doc(allow())), ask(), IMPLICIT),
    ("both allow", identity(allow(), boundary=doc(S3)), ask(), ALLOWED),
    ("a deny in the boundary", identity(allow(), boundary=doc(allow(), deny())), ask(), EXPLICIT),
    ("a session policy limits", identity(allow(), session=doc(allow("ec2:*"))), ask(), IMPLICIT),
    ("a session policy allows too", identity(allow(), session=doc(S3)), ask(), ALLOWED),
    (
        "every level of SCPs must allow",
        identity(allow(), service_control=((doc(allow()),), (doc(allow("ec2:*")),))),
        ask(),
        IMPLICIT,
    ),
    (
        "one SCP of a level is enough",
        identity(allow(), service_control=((doc(allow("ec2:*")), doc(S3)),)),
        ask(),
        ALLOWED,
    ),
    ("an SCP grants nothing", identity(service_control=((doc(allow()),),)), ask(), IMPLICIT),
    (
        "an SCP denies",
        identity(allow(), service_control=((doc(allow(), deny()),),)),
        ask(),
        EXPLICIT,
    ),
]


def grant(principal: Any, action: Any = "s3:*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def resource(*statements: dict[str, Any], **more: Any) -> Policies:
    return Policies(resource=(doc(*statements),), **more)


NOBODY = doc(allow("ec2:*"))
RESOURCES = [
    ("a resource policy names the user", resource(grant({"AWS": ANN})), ask(), ALLOWED),
    ("everybody", resource(grant("*")), ask(), ALLOWED),
    ("everybody, written otherwise", resource(grant({"AWS": "*"})), ask(), ALLOWED),
    ("somebody else", resource(grant({"AWS": ANN + "a"})), ask(), IMPLICIT),
    ("the account only hands the question on", resource(grant({"AWS": ROOT})), ask(), IMPLICIT),
    (
        "… and identity policies answer it",
        resource(grant({"AWS": ACCOUNT}), identity=(doc(S3),)),
        ask(),
        ALLOWED,
    ),
    ("a list of principals", resource(grant({"AWS": [ROLE, ANN]})), ask(), ALLOWED),
    ("a service is no user", resource(grant({"Service": "s3.amazonaws.com"})), ask(), IMPLICIT),
    (
        "the user itself is not limited by an implicit deny of the boundary",
        resource(grant({"AWS": ANN}), boundary=NOBODY),
        ask(),
        ALLOWED,
    ),
    (
        "but by an explicit one",
        resource(grant({"AWS": ANN}), boundary=doc(deny())),
        ask(),
        EXPLICIT,
    ),
    (
        "a deny for all but the role",
        resource({"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}),
        ask(),
        EXPLICIT,
    ),
    (
        "a deny for all but ann and her account",
        Policies(
            identity=(doc(S3),),
            resource=(
                doc(
                    {
                        "Effect": "Deny",
                        "NotPrincipal": {"AWS": [ANN, ROOT]},
                        "Action": "*",
                        "Resource": "*",
                    }
                ),
            ),
        ),
        ask(),
        ALLOWED,
    ),
]


def trust(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def assume(**context: Any) -> Request:
    return ask("sts:AssumeRole", ROLE, **context)


MAY_ASSUME = doc(allow("sts:AssumeRole", ROLE))
WITH_MFA = when("Bool", "aws:MultiFactorAuthPresent", "true")
IF_EXISTS = when("BoolIfExists", "aws:MultiFactorAuthPresent", "true")


def trusted(*statements: dict[str, Any], may: bool = True) -> Policies:
    identity = (MAY_ASSUME,) if may else ()
    return resource(*statements, identity=identity, resource_decides=True)


TRUST = [
    ("trust of the account and a policy of the user", trusted(trust({"AWS": ROOT})), ALLOWED, {}),
    ("trust of the account alone", trusted(trust({"AWS": ROOT}), may=False), IMPLICIT, {}),
    ("trust of the user alone", trusted(trust({"AWS": ANN}), may=False), ALLOWED, {}),
    ("a policy of the user alone", trusted(trust({"AWS": ROLE})), IMPLICIT, {}),
    ("MFA asked, none", trusted(trust({"AWS": ROOT}, **WITH_MFA)), IMPLICIT, {}),
    (
        "MFA asked, false",
        trusted(trust({"AWS": ROOT}, **WITH_MFA)),
        IMPLICIT,
        {"aws_MultiFactorAuthPresent": "false"},
    ),
    (
        "MFA asked and given",
        trusted(trust({"AWS": ROOT}, **WITH_MFA)),
        ALLOWED,
        {"aws_MultiFactorAuthPresent": "true"},
    ),
    ("IfExists lets plain keys through", trusted(trust({"AWS": ROOT}, **IF_EXISTS)), ALLOWED, {}),
    (
        "the external id",
        trusted(trust({"AWS": ROOT}, **when("StringEquals", "sts:ExternalId", "secret"))),
        ALLOWED,
        {"sts_ExternalId": "secret"},
    ),
    (
        "another external id",
        trusted(trust({"AWS": ROOT}, **when("StringEquals", "sts:ExternalId", "secret"))),
        IMPLICIT,
        {"sts_ExternalId": "guess"},
    ),
    (
        "the principal's tag",
        trusted(trust({"AWS": ROOT}, **when("StringEquals", "aws:PrincipalTag/Group", "Dev"))),
        ALLOWED,
        {"aws_PrincipalTag__Group": "Dev"},
    ),
]

PATTERNS = [
    ("actions: any case", allow("S3:getOBJECT"), ask(), True),
    ("actions: a star inside", allow("s3:Get*"), ask(), True),
    ("actions: a question mark", allow("s3:GetObjec?"), ask(), True),
    ("actions: a question mark is one character", allow("s3:GetObject?"), ask(), False),
    ("actions: a list", allow(["ec2:*", "s3:GetObject"]), ask(), True),
    ("actions: the prefix is the service", allow("s:*"), ask(), False),
    ("NotAction allows the rest", {**S3, "Action": None, "NotAction": "iam:*"}, ask(), True),
    ("NotAction leaves out", {**S3, "Action": None, "NotAction": ["s3:Get*"]}, ask(), False),
    ("resources: exact", allow(resource=KEY), ask(), True),
    ("resources: a star crosses slashes", allow(resource="arn:aws:s3:::bucket/*"), ask(), True),
    ("resources: case counts", allow(resource="arn:aws:s3:::Bucket/*"), ask(), False),
    ("resources: the bucket is not its objects", allow(resource="arn:aws:s3:::bucket"), ask(), 0),
    ("resources: a list", allow(resource=["arn:aws:s3:::x", KEY]), ask(), True),
    (
        "resources: parts do not flow into each other",
        allow(resource="arn:aws:iam::*:user/*"),
        ask(resource="arn:aws:iam::123456789012:role/x:user/y"),
        False,
    ),
    ("NotResource allows the rest", {**S3, "Resource": None, "NotResource": ANN}, ask(), True),
    ("NotResource leaves out", {**S3, "Resource": None, "NotResource": KEY}, ask(), False),
    (
        "a call without resources needs a star",
        allow("iam:*", "arn:aws:iam::123456789012:user/*"),
        ask("iam:GenerateCredentialReport", "*"),
        False,
    ),
    (
        "a call without resources",
        allow("iam:*", "*"),
        ask("iam:GenerateCredentialReport", "*"),
        True,
    ),
    (
        "variables: the user's own folder",
        allow(resource="arn:aws:s3:::bucket/home/${aws:username}/*"),
        ask(aws_username="ann"),
        True,
    ),
    (
        "variables: another's folder",
        allow(resource="arn:aws:s3:::bucket/home/${aws:username}/*"),
        ask(aws_username="bob"),
        False,
    ),
    (
        "variables: without a value nothing matches",
        allow(resource="arn:aws:s3:::bucket/home/${aws:username}*"),
        ask(),
        False,
    ),
    (
        "variables: a default",
        allow(resource="arn:aws:s3:::bucket/home/${aws:PrincipalTag/team, 'ann'}/*"),
        ask(),
        True,
    ),
    (
        "variables: a tag",
        allow(resource="arn:aws:s3:::bucket/home/${aws:PrincipalTag/team}/*"),
        ask(aws_PrincipalTag__team="ann"),
        True,
    ),
    (
        "variables: a value with a star is no wildcard",
        allow(resource="arn:aws:s3:::bucket/home/${aws:username}/*"),
        ask(aws_username="*"),
        False,
    ),
    (
        "variables: ${*} is a star",
        allow(resource="arn:aws:s3:::bucket/${*}"),
        ask(resource="arn:aws:s3:::bucket/*"),
        True,
    ),
    ("variables: ${*} is only a star", allow(resource="arn:aws:s3:::bucket/${*}"), ask(), False),
    (
        "variables: ${?} and ${$}",
        allow(resource="arn:aws:s3:::bucket/${?}${$}"),
        ask(resource="arn:aws:s3:::bucket/?$"),
        True,
    ),
]


def condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return allow(**when(operator, key, value))


def cond(topic: str, operator: str, value: Any, given: Any, met: Any) -> Any:
    context = {} if given is None else {"x_k": given}
    return (topic, condition(operator, "x:k", value), ask(**context), met)


CONDITIONS = [
    cond("StringEquals", "StringEquals", "a", "a", True),
    cond("StringEquals: case", "StringEquals", "a", "A", False),
    cond("StringEquals: one of several", "StringEquals", ["b", "a"], "a", True),
    cond("StringEquals: a star is a star", "StringEquals", "a*", "ab", False),
    cond("StringEquals: absent", "StringEquals", "a", None, False),
    cond("StringNotEquals", "StringNotEquals", "a", "b", True),
    cond("StringNotEquals: none of several", "StringNotEquals", ["a", "b"], "b", False),
    cond("negated: absent matches", "StringNotEquals", "a", None, True),
    cond("StringEqualsIgnoreCase", "StringEqualsIgnoreCase", "Ab", "aB", True),
    cond("StringNotEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "Ab", "aB", False),
    cond("StringLike", "StringLike", "a*c?", "abbcd", True),
    cond("StringLike: case", "StringLike", "A*", "ab", False),
    cond("StringNotLike", "StringNotLike", "a*", "ab", False),
    cond("StringNotLike: absent", "StringNotLike", "a*", None, True),
    cond("operators in any case", "stringlike", "a*", "ab", True),
    cond("IfExists: absent", "StringEqualsIfExists", "a", None, True),
    cond("IfExists: there", "StringEqualsIfExists", "a", "b", False),
    cond("ArnEquals has wildcards", "ArnEquals", "arn:aws:iam::*:role/*", ROLE, True),
    cond("ArnLike by parts", "ArnLike", "arn:*", ROLE, True),
    cond("ArnLike: another service", "ArnLike", "arn:aws:s3:::*", ROLE, False),
    cond("ArnNotEquals", "ArnNotEquals", ROLE, ROLE, False),
    cond("ArnNotLike", "ArnNotLike", "arn:aws:iam::*:user/*", ROLE, True),
    cond("NumericEquals", "NumericEquals", 10, "10.0", True),
    cond("NumericNotEquals", "NumericNotEquals", "10", "11", True),
    cond("NumericLessThan", "NumericLessThan", "10", "9", True),
    cond("NumericLessThanEquals", "NumericLessThanEquals", "10", "10", True),
    cond("NumericGreaterThan", "NumericGreaterThan", "10", "10", False),
    cond("NumericGreaterThanEquals", "NumericGreaterThanEquals", "10", "10", True),
    cond("numbers that are none", "NumericLessThan", "10", "ten", False),
    cond("MFA age", "NumericLessThan", "3600", None, False),
    cond(
        "DateGreaterThan",
        "DateGreaterThan",
        "2026-01-05T06:00:00Z",
        "2026-01-05T07:00:00Z",
        True,
    ),
    cond(
        "DateLessThan",
        "DateLessThan",
        "2026-01-05T06:00:00Z",
        "2026-01-05T06:00:00+01:00",
        True,
    ),
    cond("DateEquals: seconds since 1970", "DateEquals", "1767592800", "2026-01-05T06:00:00Z", 1),
    cond("DateLessThanEquals", "DateLessThanEquals", "2026-01-05", "2026-01-05T00:00:00Z", True),
    cond("Bool", "Bool", "true", "true", True),
    cond("Bool: written as JSON", "Bool", True, "true", True),
    cond("Bool: absent is neither", "Bool", "false", None, False),
    cond("BoolIfExists: absent", "BoolIfExists", "false", None, True),
    cond("IpAddress", "IpAddress", "10.0.0.0/8", "10.1.2.3", True),
    cond("IpAddress: outside", "IpAddress", "10.0.0.0/8", "11.1.2.3", False),
    cond("IpAddress: IPv6", "IpAddress", "2001:db8::/32", "2001:db8::1", True),
    cond("IpAddress: one address", "IpAddress", "10.1.2.3", "10.1.2.3", True),
    cond("NotIpAddress", "NotIpAddress", ["10.0.0.0/8", "192.168.0.0/16"], "10.1.2.3", False),
    cond("NotIpAddress: absent", "NotIpAddress", "10.0.0.0/8", None, True),
    cond("Null true: absent", "Null", "true", None, True),
    cond("Null true: there", "Null", "true", "x", False),
    cond("Null false: there", "Null", "false", "x", True),
    cond("Null false: absent", "Null", "false", None, False),
    cond("ForAnyValue", "ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
    cond("ForAnyValue: none", "ForAnyValue:StringEquals", ["a", "b"], ("c", "d"), False),
    cond("ForAnyValue: absent", "ForAnyValue:StringEquals", ["a"], None, False),
    cond("ForAnyValue, negated", "ForAnyValue:StringNotEquals", ["a"], ("a", "b"), True),
    cond("ForAllValues", "ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
    cond("ForAllValues: one is not", "ForAllValues:StringEquals", ["a"], ("a", "b"), False),
    cond("ForAllValues: absent", "ForAllValues:StringEquals", ["a"], None, True),
    cond("ForAllValues, negated", "ForAllValues:StringNotLike", ["x*"], ("a", "b"), True),
    cond("several values, no quantifier", "StringNotEquals", "a", ("a", "b"), False),
    (
        "several operators: all must hold",
        allow(Condition={"Bool": {"x:a": "true"}, "StringLike": {"x:b": "y*"}}),
        ask(x_a="true", x_b="z"),
        False,
    ),
    (
        "several keys: all must hold",
        allow(Condition={"StringEquals": {"x:a": "1", "x:b": "2"}}),
        ask(x_a="1", x_b="2"),
        True,
    ),
    (
        "condition keys in any case",
        condition("StringEquals", "AWS:PrincipalTag/Team", "a"),
        ask(aws_principaltag__team="a"),
        True,
    ),
    (
        "variables in values",
        condition("StringLike", "s3:prefix", "home/${aws:username}/*"),
        ask(s3_prefix="home/ann/x", aws_username="ann"),
        True,
    ),
    (
        "variables in values: the same text",
        condition("StringEquals", "s3:prefix", "home/${aws:username}"),
        ask(s3_prefix="home/ann", aws_username="ann"),
        True,
    ),
    (
        "variables in values: absent",
        condition("StringEquals", "s3:prefix", "${aws:username}"),
        ask(s3_prefix="${aws:username}"),
        False,
    ),
]

NO_MFA = {"Effect": "Deny", "NotAction": ["iam:EnableMFADevice"], "Resource": "*"}


def no_mfa(operator: str) -> Policies:
    return identity(allow(), NO_MFA | when(operator, "aws:MultiFactorAuthPresent", "false"))


MFA = [
    # a plain access key has no such key; a session without MFA has it as false
    ("BoolIfExists, plain key", no_mfa("BoolIfExists"), ask(), EXPLICIT),
    (
        "BoolIfExists, session without MFA",
        no_mfa("BoolIfExists"),
        ask(aws_MultiFactorAuthPresent="false"),
        EXPLICIT,
    ),
    (
        "BoolIfExists, session with MFA",
        no_mfa("BoolIfExists"),
        ask(aws_MultiFactorAuthPresent="true"),
        ALLOWED,
    ),
    ("Bool lets a plain key through", no_mfa("Bool"), ask(), ALLOWED),
    (
        "Bool, session without MFA",
        no_mfa("Bool"),
        ask(aws_MultiFactorAuthPresent="false"),
        EXPLICIT,
    ),
    ("what NotAction leaves out", no_mfa("BoolIfExists"), ask("iam:EnableMFADevice"), ALLOWED),
    (
        "Null false only says that the key is there",
        identity(allow(**when("Null", "aws:MultiFactorAuthPresent", "false"))),
        ask(aws_MultiFactorAuthPresent="false"),
        ALLOWED,
    ),
]


def clean(statement: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if value is not None}


@pytest.mark.parametrize("row", FLOW + RESOURCES + MFA, ids=lambda row: row[0])
def test_policies_are_evaluated_in_the_documented_order(row):
    _, policies, request, decision = row
    assert evaluate(policies, request).decision is decision


@pytest.mark.parametrize("row", TRUST, ids=lambda row: row[0])
def test_a_role_is_assumed_only_as_its_trust_policy_says(row):
    _, policies, decision, context = row
    assert evaluate(policies, assume(**context)).decision is decision


@pytest.mark.parametrize("row", PATTERNS + CONDITIONS, ids=lambda row: row[0])
def test_a_statement_matches_as_the_reference_says(row):
    _, statement, request, matched = row
    assert evaluate(identity(clean(statement)), request).allowed is bool(matched)
    denied = identity(allow(), clean(statement) | {"Effect": "Deny"})
    assert evaluate(denied, request).allowed is not bool(matched)


def test_variables_are_plain_text_before_version_2012():
    old = doc(allow(resource="arn:aws:s3:::bucket/${aws:username}"), version="2008-10-17")
    named = ask(resource="arn:aws:s3:::bucket/${aws:username}", aws_username="ann")
    assert evaluate(Policies(identity=(old,)), named).allowed
    other = ask(resource="arn:aws:s3:::bucket/ann", aws_username="ann")
    assert not evaluate(Policies(identity=(old,)), other).allowed


def test_a_service_is_named_by_its_own_kind():
    policies = resource(grant({"Service": "cloudtrail.amazonaws.com"}, "s3:PutObject"))
    trail = Principal(service="cloudtrail.amazonaws.com")
    question = Request(action="s3:PutObject", resource=KEY, principal=trail)
    assert evaluate(policies, question).allowed


def test_the_statement_that_decided_is_named():
    policies = identity(allow(Sid="Wide"), deny("iam:*", Sid="NotIam"))
    assert evaluate(policies, ask()).statement.sid == "Wide"
    assert evaluate(policies, ask("iam:GetUser")).statement.sid == "NotIam"
    answer = evaluate(identity(allow(), boundary=NOBODY), ask())
    assert (answer.statement, answer.lacking) == (None, "permissions boundary")


SOMEWHERE = when("IpAddress", "aws:SourceIp", "10.0.0.0/8")


@pytest.mark.parametrize(
    ("statements", "certain", "possible"),
    [
        ((allow(**SOMEWHERE),), False, True),
        ((allow(), deny(**SOMEWHERE)), False, True),
        ((allow(), deny("iam:*", **SOMEWHERE)), True, True),
        ((allow(), deny()), False, False),
        ((), False, False),
        (
            (allow(), deny(Condition={**SOMEWHERE["Condition"], "Bool": {"x:k": "true"}})),
            True,
            True,
        ),
    ],
)
def test_what_nobody_knows_counts_against_who_asks_or_with_hope_for_him(
    statements, certain, possible
):
    request = ask(complete=False, x_k="false")
    assert evaluate(identity(*statements), request).allowed is certain
    assert evaluate(identity(*statements), request, hopeful=True).allowed is possible
