"""Users hold no inline policies of their own; reported, never escalated (S1.7)."""

from __future__ import annotations

from keyreeve.controls.subject import Subject, Verdicts
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.finding import INLINE
from keyreeve.model.identifiers import ControlId

CARD = ControlCard(
    id=ControlId.INLINE_POLICIES,
    title="User has inline policies",
    severity=Severity.LOW,
    why="Permissions belong to groups and roles, where they can be reviewed together.",
    risk="A policy that lives inside one user is easily forgotten, and hard to find in a review.",
    remediation=(
        "Move what is still needed into a group's or a role's policy.",
        "Remove the inline policies from {user}.",
    ),
    sources=("S1.7",),
    escalated=False,
)


def check(subject: Subject) -> Verdicts:
    """One finding per user with inline policies; offline reports carry none."""
    names = subject.user.inline_policies
    if names:
        yield subject.finding(
            CARD,
            INLINE,
            observed=len(names),
            threshold=0,
            detail=f"Inline: {', '.join(sorted(names))}.",
            since=subject.user.created_at,
        )
