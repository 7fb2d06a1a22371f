"""Everything that the report is made from, read and judged already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from keyreeve.model.case import State
from keyreeve.model.compliance import Citation
from keyreeve.model.control import ControlCard
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.finding import Evaluation, Finding, FindingStatus
from keyreeve.model.identifiers import AccessKeyId, AnyControlId, UserId
from keyreeve.model.notice import Letterhead, Notice
from keyreeve.model.past import AuditTrail, PastRun
from keyreeve.model.plan import Plan
from keyreeve.model.posture import Posture, PostureCard
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.model.usage import KeyUsage

Citations = Mapping[AnyControlId, tuple[Citation, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """One account of one project at one instant."""

    letterhead: Letterhead
    as_of: datetime
    snapshot: AccountSnapshot
    evaluation: Evaluation
    plan: Plan
    """What today's run would do."""
    state: State
    """With today's stages and holds written in, as the plan leaves it."""
    people: HumanDecisions
    cards: Mapping[AnyControlId, ControlCard | PostureCard]
    citations: Citations
    statuses: Mapping[str, FindingStatus] = field(default_factory=dict)
    """By fingerprint; those missing here are open."""
    waived_until: Mapping[str, date] = field(default_factory=dict)
    """By fingerprint of a waived finding."""
    covered: Mapping[str, int] = field(default_factory=dict)
    """By waiver's id: how many findings of today it accepts."""
    notices: Mapping[UserId, Notice] = field(default_factory=dict)
    """What today's notice of each case would say; missing where the user was not read."""
    owners: Mapping[UserId, tuple[str | None, str]] = field(default_factory=dict)
    """The address that a user's mail goes to, and how it was found or why there is none."""
    excluded: Mapping[UserId, str] = field(default_factory=dict)
    """Why a user is out of scope."""
    extended: Mapping[UserId, int] = field(default_factory=dict)
    """Days that people have added to E, by case."""
    runs: tuple[PastRun, ...] = ()
    """Oldest first, one a day."""
    trail: AuditTrail = field(default_factory=AuditTrail)
    posture: Posture | None = None
    """None: the account itself was not looked at."""
    usage: Mapping[AccessKeyId, KeyUsage] = field(default_factory=dict)
    framework: str | None = None
    """Only controls that support this framework (its title); None: every control."""

    @property
    def within(self) -> frozenset[AnyControlId]:
        """The controls that the report is about."""
        if self.framework is None:
            return frozenset(self.cards) | frozenset(self.citations)
        return frozenset(
            control
            for control, cited in self.citations.items()
            if any(citation.title == self.framework for citation in cited)
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Today's findings of those controls."""
        within = self.within
        return tuple(f for f in self.evaluation.findings if f.control in within)

    def status(self, finding: Finding) -> FindingStatus:
        """Open, waived or excluded."""
        return self.statuses.get(finding.fingerprint, FindingStatus.OPEN)
