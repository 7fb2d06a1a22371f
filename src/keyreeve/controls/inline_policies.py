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
    mappings={
        "CIS AWS Foundations 3.0": ("1.15",),
        "CIS AWS Foundations 5.0": ("1.14",),
        "CIS AWS Foundations 6.0": ("2.14",),
        "CIS AWS Foundations 7.0": ("2.13",),
        "AWS Security Hub": ("IAM.2",),
        "NIST 800-53 r5": ("AC-2(1)", "AC-3", "AC-3(7)", "AC-3(15)", "AC-6", "AC-6(3)"),
        "PCI DSS 4.0.1": ("7.2.1", "7.2.2", "7.2.5", "7.3.1", "7.3.2", "7.3.3"),
        "HIPAA": ("164.308(a)(4)(ii)(B)", "164.308(a)(4)(ii)(C)"),
        "SOC 2": ("CC1.3", "CC6.3"),
        "ISO 27001:2022": ("A.5.15", "A.5.18"),
    },
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
