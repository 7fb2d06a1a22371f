"""Calls to Secrets Manager, where a secret's own policy has its say too.

AWS: a secret's policy that names the principal itself allows without any identity policy.
"""

from __future__ import annotations

from dataclasses import replace

from keyreeve.language.policy_evaluator import Policies
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.judgement import Judgement, judged
from keyreeve.sandbox.principals import stored
from keyreeve.sandbox.questions import Questions


def judge(caller: Caller, policies: Policies, questions: Questions) -> Judgement:
    """By the caller's policies and the secret's, where it has one. Keys ask the caller's alone."""
    secret = questions.secret()
    if secret is None or not secret.policy:
        return judged(policies, questions.all())
    principal = caller.principal(getattr(secret, "trusted_ids", {}))
    asked = [replace(question, principal=principal) for question in questions.all()]
    own = [question for question in asked if question.action.startswith("secretsmanager:")]
    others = [question for question in asked if question not in own]
    told = judged(replace(policies, resource=(stored(secret.policy),)), own)
    if told.refused is None:
        told = judged(policies, others)
    return replace(told, asked=tuple(asked))
