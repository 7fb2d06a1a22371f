"""Nobody holds all rights for good: they come by a role, with MFA and for a while (S2.15)."""

from __future__ import annotations

from typing import Final

from keyreeve.controls.posture.asked_actions import ANYTHING
from keyreeve.controls.posture.library import Library, Shelf
from keyreeve.controls.posture.question import Question, Verdicts, resource_of
from keyreeve.language.policy_evaluator import Policies, Request, evaluate
from keyreeve.model.account_facts import Holder, HolderKind
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard

CARD: Final = PostureCard(
    id=PostureId.ADMINISTRATOR_ACCESS,
    title="Standing administrator access",
    severity=Severity.HIGH,
    why="All rights come by assuming the administrators' role, with MFA and for an hour or so.",
    risk="One stolen key or password of such a holder is the whole account.",
    remediation=(
        "Give people a group whose only right is to assume the administrators' role.",
        "`keyreeve user demote` takes the policy off a user once the role is proved assumable.",
        "Give a role of a service the actions that it uses: IAM Access Analyzer can propose them.",
    ),
    sources=(
        "S2.11",
        "S2.15",
        "S2.19",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-1",
    ),
)


def check(question: Question) -> Verdicts | None:
    """Users, groups and roles; the access model's administrator roles are meant to be so."""
    return None if question.library is None else _judged(question, question.library)


def _judged(question: Question, library: Library) -> Verdicts:
    meant = {g.role for g in question.model.grants if g.administrator} if question.model else set()
    for holder in library.identities.holders:
        if holder.of_aws or (holder.kind is HolderKind.ROLE and holder.name in meant):
            continue
        shelf = library.own(holder)
        for name in shelf.unread:
            yield question.gap(CARD, f"{name} of {holder.kind} {holder.name} cannot be judged")
        if everything(library.policies(holder, shelf)):
            yield question.finding(
                CARD,
                resource_of(holder),
                f"The {holder.kind} may do everything, by {_through(library, holder, shelf)}.",
                observed=True,
                threshold=False,
            )


def everything(policies: Policies) -> bool:
    """Whether all actions on all resources are allowed, conditions taken as met."""
    return all(
        evaluate(policies, Request(action=action, complete=False), hopeful=True).allowed
        for action in ANYTHING
    )


def _through(library: Library, holder: Holder, shelf: Shelf) -> str:
    """The one policy that does it, or all of them together."""
    for name, document in shelf.documents:
        alone = Shelf(documents=((name, document),))
        if everything(library.policies(holder, alone)):
            return name
    return "its policies together"
