"""What holds whatever the policies say."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keyreeve.language.policy_document import PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Decision, Policies, Request, evaluate
from keyreeve.language.policy_values import arn_matches, matches

ACTIONS = ("iam:GetUser", "iam:CreateUser", "s3:GetObject")
RESOURCES = ("arn:aws:iam::123456789012:user/ann", "arn:aws:s3:::bucket/key", "*")
OWN = "arn:aws:iam::*:user/${aws:username}"
KEYS = ("aws:username", "x:flag")
patterns = st.sampled_from((*ACTIONS, "iam:*", "*", "iam:Get?ser"))
conditions = st.dictionaries(
    st.sampled_from(("StringEquals", "StringNotEquals", "StringLikeIfExists", "Null")),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("true", "ann")), max_size=2),
    max_size=2,
)


@st.composite
def statements(draw: Any, effect: str | None = None) -> dict[str, Any]:
    action = draw(st.sampled_from(("Action", "NotAction")))
    resource = draw(st.sampled_from(("Resource", "NotResource")))
    return {
        "Effect": effect or draw(st.sampled_from(("Allow", "Deny"))),
        action: draw(st.lists(patterns, min_size=1, max_size=2)),
        resource: draw(
            st.lists(
                st.sampled_from((*RESOURCES, "arn:aws:iam::*:user/${aws:username}")), min_size=1
            )
        ),
        "Condition": draw(conditions),
    }


def document(*rows: dict[str, Any]) -> PolicyDocument:
    return parse_document({"Version": "2012-10-17", "Statement": list(rows)})


policies = st.lists(statements(), max_size=4).map(lambda rows: document(*rows))
requests = st.builds(
    Request,
    action=st.sampled_from(ACTIONS),
    resource=st.sampled_from(RESOURCES),
    context=st.dictionaries(st.sampled_from(KEYS), st.sampled_from((("ann",), ("true",), ()))),
    complete=st.booleans(),
)


@given(policies, statements("Deny"), requests)
def test_one_more_deny_never_allows_anything(policy, more, request):
    before = evaluate(Policies(identity=(policy,)), request)
    after = evaluate(Policies(identity=(policy, document(more))), request)
    assert before.allowed or not after.allowed


@given(policies, statements("Allow"), requests)
def test_one_more_allow_never_takes_anything_away(policy, more, request):
    before = evaluate(Policies(identity=(policy,)), request)
    after = evaluate(Policies(identity=(policy, document(more))), request)
    assert after.allowed or not before.allowed


@given(policies, policies, requests)
def test_a_boundary_never_allows_more(policy, boundary, request):
    free = evaluate(Policies(identity=(policy,)), request)
    bound = evaluate(Policies(identity=(policy,), boundary=boundary), request)
    assert free.allowed or not bound.allowed
    within = evaluate(Policies(identity=(boundary,)), request)
    assert bound.allowed is (
        free.allowed and within.allowed and bound.decision is not Decision.EXPLICIT_DENY
    )


@given(policies, requests, st.dictionaries(st.sampled_from(KEYS), st.just(("ann",))))
def test_what_is_certain_stays_true_and_what_is_impossible_false_once_all_is_known(
    policy, request, learnt
):
    partial = replace(request, complete=False)
    known = replace(request, complete=True, context={**learnt, **request.context})
    truth = evaluate(Policies(identity=(policy,)), known).allowed
    certain = evaluate(Policies(identity=(policy,)), partial).allowed
    possible = evaluate(Policies(identity=(policy,)), partial, hopeful=True).allowed
    if "aws:username" in request.context:  # a variable of a resource is known or it is not
        assert truth or not certain
        assert possible or not truth


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_pattern_without_wildcards_matches_only_itself(pattern, text):
    plain = pattern.replace("*", "").replace("?", "")
    assert matches(plain, text) is (plain == text)
    assert matches("*", text)
    assert arn_matches("*", text)


@given(st.text(alphabet="ab*?:/", max_size=8), st.text(alphabet="ab:/", max_size=8))
def test_wildcards_match_as_the_shells_do(pattern, text):
    assert matches(pattern, text) is fnmatchcase(text, pattern)
