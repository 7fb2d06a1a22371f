"""The actions that controls ask the evaluator about: documents are pared to them, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from keyreeve.controls.posture.escalation_paths import PATHS
from keyreeve.language.policy_document import PolicyDocument, Statement
from keyreeve.language.policy_values import matches

ANYTHING: Final = (
    "ec2:TerminateInstances",
    "iam:CreateUser",
    "kms:Decrypt",
    "s3:DeleteBucket",
    "keyreeve-probe:AnyAction",
)
"""Whoever may do all of these to every resource may do everything: the last exists nowhere."""

GIT: Final = ("codecommit:GitPull", "codecommit:GitPush")

ASKED: Final = frozenset(
    action.lower() for action in (*ANYTHING, *GIT, *(a for path in PATHS for a in path.actions))
)


def pared(document: PolicyDocument) -> PolicyDocument:
    """The same answer to every question about ASKED, in a fraction of the time.

    AWS's ReadOnlyAccess alone has patterns by the thousand, and thousands may hold it.
    """
    kept = (_pared(statement) for statement in document.statements)
    return PolicyDocument(statements=tuple(each for each in kept if each is not None))


def _pared(statement: Statement) -> Statement | None:
    """Only the patterns that mean one of the asked; None: it means none of them."""
    actions = statement.actions
    if actions.negated:
        return statement
    kept = tuple(pattern for pattern in actions.values if _means_asked(pattern))
    return replace(statement, actions=replace(actions, values=kept)) if kept else None


def _means_asked(pattern: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern in ASKED
    return any(matches(pattern, action) for action in ASKED)
