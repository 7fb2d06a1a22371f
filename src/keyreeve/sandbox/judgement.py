"""What AWS asked about a call, how it was answered, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keyreeve.language.policy_evaluator import Answer, Decision, Policies, evaluate
from keyreeve.language.policy_evaluator import Request as Question

_LACKING = {
    "permissions boundary": "because no permissions boundary allows the {action} action",
    "session policy": "because no session policy allows the {action} action",
}
_ALLOWED_NOT = "because no identity-based policy allows the {action} action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What AWS asked about a call, and the first question that was answered with no."""

    asked: tuple[Question, ...]
    refused: tuple[Question, Answer] | None = None
    denier: str = "an identity-based policy"
    """Where an explicit deny stands."""
    words: str | None = None
    """What AWS says instead of why."""

    def message(self, caller: str) -> str:
        """As AWS words it."""
        if self.refused is None:
            return ""
        if self.words is not None:
            return self.words.format(caller=caller, resource=self.refused[0].resource)
        question, answer = self.refused
        if question.action.startswith("ses:"):
            return (
                f"User `{caller}' is not authorized to perform `{question.action}' "
                f"on resource `{question.resource}'"
            )
        why = _LACKING.get(answer.lacking, _ALLOWED_NOT).format(action=question.action)
        if answer.decision is Decision.EXPLICIT_DENY:
            why = f"with an explicit deny in {self.denier}"
        return (
            f"User: {caller} is not authorized to perform: {question.action} "
            f"on resource: {question.resource} {why}"
        )


def judged(policies: Policies, asked: Iterable[Question]) -> Judgement:
    """All questions put to the same policies."""
    questions = tuple(asked)
    for question in questions:
        answer = evaluate(policies, question)
        if not answer.allowed:
            refused = question, answer
            return Judgement(asked=questions, refused=refused, denier=_denier(policies, answer))
    return Judgement(asked=questions)


def _denier(policies: Policies, answer: Answer) -> str:
    limits = {"a permissions boundary": policies.boundary, "a session policy": policies.session}
    for kind, document in limits.items():
        if document is not None and any(it is answer.statement for it in document.statements):
            return kind
    return "an identity-based policy"
