"""IAM Access Analyzer is on, and what it has found: unused access, access from outside."""

from __future__ import annotations

from typing import Final

from keyreeve.controls.posture.question import Question, Resource, Verdicts
from keyreeve.model.account_facts import AnalyzerFinding, AnalyzerKind
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import PostureId
from keyreeve.model.posture import PostureCard, ResourceType

_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/what-is-access-analyzer.html"

ON: Final = PostureCard(
    id=PostureId.ACCESS_ANALYZER_ON,
    title="Access Analyzer is off",
    severity=Severity.MEDIUM,
    why="An analyzer of external access watches every region that is used.",
    risk="A bucket, key or role that was opened to the outside stays open, and nobody is told.",
    remediation=(
        "In IAM, Access analyzer, create an analyzer of external access; it costs nothing.",
        "Or `keyreeve baseline deploy detection`.",
    ),
    sources=("S2.19", _GUIDE),
)

UNUSED: Final = PostureCard(
    id=PostureId.UNUSED_ACCESS,
    title="Access Analyzer finds unused access",
    severity=Severity.LOW,
    why="Rights, keys, passwords and roles that nobody uses are taken away.",
    risk="What nobody uses helps only whoever steals it.",
    remediation=(
        "Open the finding in IAM, Access analyzer: it proposes the smaller policy.",
        "Archive it there with a reason if the access is meant for later.",
    ),
    sources=("S2.19", _GUIDE),
)

EXTERNAL: Final = PostureCard(
    id=PostureId.EXTERNAL_ACCESS,
    title="Access Analyzer finds access from outside",
    severity=Severity.HIGH,
    why="Nobody outside the account can use its resources unless somebody decided so.",
    risk="Others can read or use the resource, or assume the role.",
    remediation=(
        "Open the finding in IAM, Access analyzer: it tells who can do what.",
        "Mend the resource's policy; or archive the finding with a reason if it is meant so.",
    ),
    sources=("S2.19", _GUIDE),
)

_TYPES: Final = {
    "AWS::IAM::Role": ResourceType.ROLE,
    "AWS::IAM::User": ResourceType.USER,
}


def check_on(question: Question) -> Verdicts | None:
    """An active analyzer of external access in the region."""
    return None if question.facts.analyzers is None else _on(question)


def _on(question: Question) -> Verdicts:
    if not _has(question, AnalyzerKind.EXTERNAL):
        yield question.finding(
            ON,
            question.account,
            f"No active analyzer of external access in {question.facts.region}.",
            observed=False,
            threshold=True,
            regional=True,
        )


def check_unused(question: Question) -> Verdicts | None:
    """Active findings of analyzers of unused access; without such an analyzer a gap."""
    return _checked(question, UNUSED, AnalyzerKind.UNUSED)


def check_external(question: Question) -> Verdicts | None:
    """Active findings of analyzers of external access; without such an analyzer a gap."""
    return _checked(question, EXTERNAL, AnalyzerKind.EXTERNAL)


def _checked(question: Question, card: PostureCard, kind: AnalyzerKind) -> Verdicts | None:
    facts = question.facts
    if facts.analyzers is None or facts.analyzer_findings is None:
        return None
    return _findings(question, card, kind, facts.analyzer_findings)


def _findings(
    question: Question, card: PostureCard, kind: AnalyzerKind, found: tuple[AnalyzerFinding, ...]
) -> Verdicts:
    if not _has(question, kind):
        where = question.facts.region
        yield question.gap(card, f"no active analyzer of {kind} access in {where}")
        return
    for each in found:
        if each.kind is kind:
            yield question.finding(
                card,
                Resource(
                    type=_TYPES.get(each.resource_type, ResourceType.OTHER),
                    id=f"{each.resource}#{each.type}",
                    name=each.resource.rpartition(":")[2] or each.resource,
                ),
                f"{each.type} of {each.resource}, as of {each.updated_at:%Y-%m-%d}.",
                observed=each.type,
                threshold="none",
                since=each.updated_at,
                regional=True,
            )


def _has(question: Question, kind: AnalyzerKind) -> bool:
    return any(each.active and each.kind is kind for each in question.facts.analyzers or ())
