"""What the controls found, which requirements they support, and what was accepted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import AnyControlId, ControlId
from keyreeve.reporting.report_facts import Citations, ReportFacts
from keyreeve.reporting.report_lines import (
    ControlLine,
    FrameworkLine,
    RequirementLine,
    WaiverLine,
)

_LADDER = frozenset(
    {
        ControlId.ACCESS_KEY_ROTATION,
        ControlId.ACCESS_KEY_STALE,
        ControlId.PASSWORD_AGE,
        ControlId.CONSOLE_MFA,
        ControlId.USER_INACTIVE,
        ControlId.INLINE_POLICIES,
    }
)
"""Controls of users, which every run judges; all others are of the account's posture."""


def control_lines(facts: ReportFacts) -> tuple[ControlLine, ...]:
    """In the order of the catalogue."""
    count: Counter[tuple[AnyControlId, FindingStatus]] = Counter(
        (finding.control, facts.status(finding)) for finding in facts.findings
    )
    within, posture = facts.within, facts.posture
    for finding in posture.findings if posture else ():
        count[finding.control, FindingStatus.OPEN] += 1
    judged = facts.snapshot.account_readable and not _unjudged(facts)
    return tuple(
        ControlLine(
            control=control,
            title=card.title,
            severity=card.severity,
            escalated=card.escalated,
            judged=judged if control in _LADDER else control in (posture.judged if posture else ()),
            open=count[control, FindingStatus.OPEN],
            waived=count[control, FindingStatus.WAIVED],
            excluded=count[control, FindingStatus.EXCLUDED],
            why=card.why,
            risk=card.risk,
            cited=facts.citations.get(control, ()),
        )
        for control, card in facts.cards.items()
        if control in within
    )


def _unjudged(facts: ReportFacts) -> bool:
    """Whether somebody could not be judged: no control may then be said to have found nothing."""
    return any(
        gap.user_name is not None and gap.user_id not in facts.excluded
        for gap in facts.evaluation.gaps
    )


def framework_lines(facts: ReportFacts, controls: tuple[ControlLine, ...]) -> list[FrameworkLine]:
    """Every framework that is cited, or only the one that was asked for."""
    by_id = {line.control: line for line in controls}
    cited: defaultdict[str, defaultdict[str, dict[AnyControlId, Citation]]]
    cited = defaultdict(lambda: defaultdict(dict))
    for control, citations in facts.citations.items():
        for citation in citations:
            if control in by_id and facts.framework in (None, citation.title):
                cited[citation.title][citation.id][control] = citation
    return [
        FrameworkLine(
            title=title,
            requirements=tuple(
                _requirement(name, cited[title][name], by_id)
                for name in sorted(cited[title], key=_natural)
            ),
        )
        for title in sorted(cited)
    ]


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """`1.9` before `1.14`."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for character in f"{name} ":
        if character.isdigit():
            digits += character
            continue
        if digits:
            parts.append((int(digits), ""))
            digits = ""
        parts.append((-1, character))
    return tuple(parts)


def _requirement(
    name: str, cited: Mapping[AnyControlId, Citation], lines: Mapping[AnyControlId, ControlLine]
) -> RequirementLine:
    return RequirementLine(
        id=name,
        controls=tuple(cited),
        ours=all(citation.cited_by is CitedBy.OURS for citation in cited.values()),
        open=sum(lines[control].open for control in cited),
        waived=sum(lines[control].waived for control in cited),
        judged=all(lines[control].judged for control in cited),
    )


def find_framework(name: str, citations: Citations) -> tuple[str | None, tuple[str, ...]]:
    """The title that somebody means, and every title there is.

    A title in any case, or the beginning of exactly one.
    """
    titles = sorted({citation.title for cited in citations.values() for citation in cited})
    asked = name.strip().casefold()
    same = [title for title in titles if title.casefold() == asked]
    begun = [title for title in titles if asked and title.casefold().startswith(asked)]
    found = same or (begun if len(begun) == 1 else [])
    return (found[0] if found else None), tuple(titles)


def waiver_lines(facts: ReportFacts) -> tuple[WaiverLine, ...]:
    """Those in force and those that ran out, the next to expire first."""
    today, within = facts.plan.on, facts.within
    lines = [
        WaiverLine(
            waiver_id=waiver.waiver_id,
            user=waiver.named,
            control=waiver.control,
            resource_id=waiver.resource_id,
            reason=waiver.reason,
            requested_by=waiver.requested_by,
            approved_by=waiver.approved_by,
            added_at=waiver.added_at,
            expires_on=waiver.expires_on,
            days_left=(waiver.expires_on - today).days,
            revoked_at=waiver.revoked_at,
            covers=facts.covered.get(waiver.waiver_id, 0),
        )
        for waiver in facts.people.waivers
        if waiver.control is None or waiver.control in within
    ]
    return tuple(sorted(lines, key=lambda line: (line.expires_on, line.user)))
