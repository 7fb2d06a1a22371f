"""Which findings people have accepted: waived for a time, or excluded by the configuration."""

from __future__ import annotations

from datetime import date

from keyreeve.model.decisions import HumanDecisions, Waiver
from keyreeve.model.finding import Finding, FindingStatus
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import User


def waiver_for(finding: Finding, people: HumanDecisions, today: date) -> Waiver | None:
    """The waiver that protects the finding today; an expired one protects nothing."""
    return next(
        (
            waiver
            for waiver in people.waivers
            if waiver.revoked_at is None
            and waiver.expires_on >= today
            and waiver.user in (finding.user_name, finding.user_id)
            and waiver.control in (None, finding.control)
            and waiver.resource_id in (None, finding.resource_id)
        ),
        None,
    )


def status_of(
    finding: Finding,
    user: User | None,
    people: HumanDecisions,
    policy: EscalationPolicy,
    today: date,
) -> FindingStatus:
    """Open, waived or excluded."""
    if user is not None and policy.exclusion_for(user) is not None:
        return FindingStatus.EXCLUDED
    if waiver_for(finding, people, today) is not None:
        return FindingStatus.WAIVED
    return FindingStatus.OPEN
