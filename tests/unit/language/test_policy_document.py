from __future__ import annotations

import pytest

from keyreeve.language.policy_document import (
    Effect,
    MalformedPolicy,
    Quantifier,
    parse_document,
)

ONE = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


def test_one_statement_may_stand_without_a_list():
    alone = parse_document({"Version": "2012-10-17", "Statement": ONE})
    listed = parse_document({"Version": "2012-10-17", "Statement": [ONE]})
    assert alone == listed
    (statement,) = alone.statements
    assert statement.effect is Effect.ALLOW
    assert statement.actions.values == ("s3:*",)


def test_a_trust_policy_has_principals_and_no_resource():
    document = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": ["a", "b"], "Service": "c"},
            "Action": "sts:AssumeRole",
        }
    }
    (statement,) = parse_document(document).statements
    assert statement.resources is None
    assert statement.principals.values == ("AWS:a", "AWS:b", "Service:c")
    assert not statement.variables


def test_operators_keys_and_values_are_read_as_the_reference_spells_them():
    block = {"forallvalues:stringlikeIFEXISTS": {"AWS:TagKeys": ["a", 1, True]}}
    (statement,) = parse_document({"Statement": {**ONE, "Condition": block}}).statements
    (condition,) = statement.conditions
    assert condition.quantifier is Quantifier.ALL
    assert (condition.operator, condition.if_exists) == ("StringLike", True)
    assert (condition.key, condition.values) == ("aws:tagkeys", ("a", "1", "true"))


MALFORMED = {
    "no object": ["Allow"],
    "no Statement": {},
    "a version that is none": {"Version": "2026-01-01", "Statement": ONE},
    "a statement that is text": {"Statement": "Allow"},
    "an effect in lower case": {"Statement": {**ONE, "Effect": "allow"}},
    "no action": {"Statement": {"Effect": "Allow", "Resource": "*"}},
    "no resource": {"Statement": {"Effect": "Allow", "Action": "*"}},
    "both actions": {"Statement": {**ONE, "NotAction": "*"}},
    "both resources": {"Statement": {**ONE, "NotResource": "*"}},
    "both principals": {"Statement": {**ONE, "Principal": "*", "NotPrincipal": "*"}},
    "an empty list": {"Statement": {**ONE, "Action": []}},
    "an action that is a number": {"Statement": {**ONE, "Action": 7}},
    "an element that is none": {"Statement": {**ONE, "Actions": "*"}},
    "a principal of no kind": {"Statement": {**ONE, "Principal": {"User": "x"}}},
    "a condition that is text": {"Statement": {**ONE, "Condition": "x"}},
    "a block that is text": {"Statement": {**ONE, "Condition": {"Bool": "false"}}},
    "an operator that is none": {"Statement": {**ONE, "Condition": {"StringAlmost": {"a": "b"}}}},
    "Null with IfExists": {"Statement": {**ONE, "Condition": {"NullIfExists": {"a": "true"}}}},
    "a value that is an object": {"Statement": {**ONE, "Condition": {"Bool": {"a": {}}}}},
}


@pytest.mark.parametrize("row", MALFORMED)
def test_what_aws_would_not_store_is_malformed(row):
    with pytest.raises(MalformedPolicy):
        parse_document(MALFORMED[row])
