"""Roles that nobody has assumed for a long time are taken away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from keyreeve.controls.posture.question import (
    Question,
    Verdicts,
    in_days,
    resource_of,
    whole_days,
)
from keyreeve.model.account_facts import Holder, HolderKind, Identities
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard
from keyreeve.model.snapshot import Absent

UNUSED: Final = timedelta(days=90)
"""Ours; Access Analyzer's own default for unused access is 90 days, too."""

CARD: Final = PostureCard(
    id=PostureId.UNUSED_ROLES,
    title="Role is not used",
    severity=Severity.LOW,
    why="Roles that nobody assumes are deleted.",
    risk="Nobody watches a role that nobody uses, and its trust still opens a way in.",
    remediation=(
        "Ask its owner; the tags and the stack that made it tell who that is.",
        "Deny everything to it for a while, or empty its trust policy.",
        "Delete it when nobody has missed it.",
    ),
    sources=(
        "S2.19",
        "S2.29",
        "S2.T16",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html",
    ),
)


def check(question: Question) -> Verdicts | None:
    """RoleLastUsed, which goes back 400 days; a role never used counts from its creation.

    Roles that AWS made are AWS's to delete.
    """
    identities = question.facts.identities
    return None if identities is None else _judged(question, identities)


def _judged(question: Question, identities: Identities) -> Verdicts:
    for role in identities.of_kind(HolderKind.ROLE):
        if role.last_used is None or role.last_used is Absent.UNKNOWN:
            yield question.gap(CARD, f"the last use of {role.name} is unknown")
            continue
        since = role.last_used if isinstance(role.last_used, datetime) else role.created_at
        idle = question.now - since
        if idle >= UNUSED:
            yield question.finding(
                CARD,
                resource_of(role),
                "".join(_sentence(role, whole_days(idle))),
                observed=whole_days(idle),
                threshold=UNUSED.days,
                since=since,
            )


def _sentence(role: Holder, idle: int) -> Iterator[str]:
    if role.last_used is Absent.NEVER:
        yield f"No use known in the {in_days(idle)} since it was created"
    else:
        yield f"Not used for {in_days(idle)}"
    yield f"; the limit is {in_days(UNUSED.days)}."
