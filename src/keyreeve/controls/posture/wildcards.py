"""The account's own policies name actions and resources, no `*` and no `service:*` on `*`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keyreeve.controls.posture.library import Library, policy_name
from keyreeve.controls.posture.question import (
    Question,
    Resource,
    Verdicts,
    resource_of,
)
from keyreeve.language.policy_document import (
    Effect,
    MalformedPolicy,
    Statement,
    parse_document,
)
from keyreeve.model.account_facts import Document
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard, ResourceType

CARD: Final = PostureCard(
    id=PostureId.WILDCARD_POLICIES,
    title="Policy allows whole services on everything",
    severity=Severity.MEDIUM,
    why="Policies of the account's own name the actions and resources that are needed.",
    risk="Whatever the service can do, today or after its next feature, its holders may do.",
    remediation=(
        "See in IAM, Access Advisor, which services and actions are used.",
        "Put these actions, and the ARNs that they are meant for, in place of the `*`.",
        "Delete policies that nobody needs any more.",
    ),
    sources=(
        "S2.19",
        "S2.T16",
        "https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    ),
)

_AWS: Final = "aws"


def check(question: Question) -> Verdicts | None:
    """Customer managed policies, attached or not, and inline policies; by their text alone.

    A statement with a condition is left out, as Security Hub's IAM.1 and IAM.21 do.
    """
    return None if question.library is None else _judged(question, question.library)


def _judged(question: Question, library: Library) -> Verdicts:
    for arn, text in library.identities.policies.items():
        if arn.split(":")[4] != _AWS:
            resource = Resource(type=ResourceType.POLICY, id=arn, name=policy_name(arn))
            yield from _policy(question, resource, "The policy", text)
    for holder in library.identities.holders:
        if not holder.of_aws:
            for name, text in holder.inline.items():
                yield from _policy(question, resource_of(holder), f"Inline policy {name}", text)


def _policy(question: Question, resource: Resource, what: str, text: Document) -> Verdicts:
    try:
        statements = parse_document(text).statements
    except MalformedPolicy as error:
        yield question.gap(CARD, f"{resource.name}: {what} cannot be read: {error}")
        return
    wide = sorted({action for each in statements for action in too_wide(each)})
    if wide:
        yield question.finding(
            CARD,
            resource,
            f"{what} allows {', '.join(wide)} on all resources.",
            observed=", ".join(wide),
            threshold="named actions",
        )


def too_wide(statement: Statement) -> Iterator[str]:
    """`*`, `service:*` or `all but …`, where allowed on `*` without condition."""
    if statement.effect is not Effect.ALLOW or statement.conditions:
        return
    resources = statement.resources
    if resources is None or (not resources.negated and "*" not in resources.values):
        return
    if statement.actions.negated:
        yield f"all but {', '.join(statement.actions.values)}"
        return
    for action in statement.actions.values:
        service, _, name = action.partition(":")
        if service == "*" or name == "*":
            yield action
