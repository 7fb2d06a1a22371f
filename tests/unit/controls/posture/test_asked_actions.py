from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keyreeve.controls.posture.asked_actions import ASKED, pared
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Policies, Request, evaluate

PATTERNS = st.sampled_from(
    [
        *("*", "*:*", "iam:*", "iam:Create*", "iam:PassRole", "IAM:passrole", "i?m:PassRole"),
        *("s3:Get*", "s3:*", "ec2:Run*", "lambda:*Function*", "sts:AssumeRole", "logs:*"),
    ]
)
STATEMENTS = st.builds(
    lambda effect, element, actions, resource: {
        "Effect": effect,
        element: actions,
        "Resource": resource,
    },
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "NotAction"]),
    st.lists(PATTERNS, min_size=1, max_size=4),
    st.sampled_from(["*", "arn:aws:iam::123456789012:role/*"]),
)
DOCUMENTS = st.builds(
    lambda rows: {"Version": "2012-10-17", "Statement": rows}, st.lists(STATEMENTS, max_size=5)
)
RESOURCES = st.sampled_from(["*", "arn:aws:iam::123456789012:role/x"])


@given(DOCUMENTS, st.sampled_from(sorted(ASKED)), RESOURCES)
def test_a_pared_document_answers_every_asked_question_as_the_whole_one_does(
    text, action, resource
):
    whole = parse_document(text)
    request = Request(action=action, resource=resource)

    def decision(document):
        return evaluate(Policies(identity=(document,)), request).decision

    assert decision(pared(whole)) is decision(whole)


def test_what_nobody_asks_about_is_gone():
    rows = {"Effect": "Allow", "Action": ["s3:Get*", "iam:PassRole"], "Resource": "*"}
    other = {"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}
    kept = pared(parse_document({"Version": "2012-10-17", "Statement": [rows, other]}))
    assert [statement.actions.values for statement in kept.statements] == [("iam:passrole",)]
