"""The sorts of files in an evidence pack, and which of them support which requirements.

"Supports", never "satisfies": whether a requirement is met is the auditor's judgement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.identifiers import ControlId

Supports = Mapping[ControlId, tuple[Citation, ...]]
"""Per control, the requirements that its findings and acts support."""


def _ours(framework: str, version: str, *ids: str) -> tuple[Citation, ...]:
    return tuple(
        Citation(framework=framework, version=version, id=each, cited_by=CitedBy.OURS)
        for each in ids
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """One sort of files in a pack."""

    prefix: str
    title: str
    about: str
    supports: tuple[Citation, ...] = ()


SORTS = (
    Sort(
        prefix="audit/",
        title="Audit log",
        about="Every change, mail, waiver, held finding and decision, one record a line, each "
        "naming the SHA-256 of the record before it, over all runs. Whole segments: a segment "
        "belongs to the day on which its run began.",
        supports=(
            *_ours("NIST 800-53", "r5", "AU-11"),
            *_ours("PCI DSS", "4.0.1", "10.5.1"),
            *_ours("HIPAA", "", "164.316(b)(2)(i)"),
            *_ours("SOC 2", "", "CC7.3"),
            *_ours("ISO 27001", "2022", "A.5.28", "A.5.33"),
        ),
    ),
    Sort(
        prefix="audit-links/",
        title="The record before the period and the one after it",
        about="So that the chain shows that nothing was cut off at the borders.",
    ),
    Sort(
        prefix="collected/",
        title="Credential reports",
        about="As AWS gave them, by the day on which AWS made them. AWS gives one again for hours: "
        "several runs may have judged by one, and the first run of a period by one of the day "
        "before.",
    ),
    Sort(
        prefix="runs/",
        title="Runs",
        about="Findings, plan, what was done, what was held and at which gate, per run.",
    ),
    Sort(
        prefix="mails/",
        title="Mails",
        about="As they were accepted by the mail system. An attachment with credentials is "
        "replaced by its name and size; Keyreeve keeps no credential outside its escrow, and the "
        "escrow is never read for a pack.",
    ),
    Sort(
        prefix="mail-feedback/",
        title="Mails that came back",
        about="Bounces and complaints, as the mail system told of them.",
    ),
    Sort(
        prefix="decisions/",
        title="Decisions of people",
        about="Waivers, holds, the pause and the arming as they stood when the pack was made; "
        "history.jsonl holds the records of the audit log that tell of them, within the period.",
    ),
    Sort(
        prefix="reviews/",
        title="Access reviews",
        about="Campaigns: who reviewed whom, what was decided, when. All that are kept, whatever "
        "their day.",
        supports=(
            *_ours("NIST 800-53", "r5", "AC-2(j)", "AC-6(7)"),
            *_ours("PCI DSS", "4.0.1", "7.2.4"),
            *_ours(
                *("HIPAA", "", "164.308(a)(1)(ii)(D)"),
                *("164.308(a)(4)(ii)(C)", "164.308(a)(8)"),
            ),
            *_ours("SOC 2", "", "CC4.1", "CC6.2", "CC6.3"),
            *_ours("ISO 27001", "2022", "A.5.18"),
        ),
    ),
    Sort(
        prefix="config/",
        title="Configuration",
        about="config.yaml, and access.yaml where there is one, as they stood when the pack was "
        "made, defaults filled in, without secrets.",
    ),
    Sort(
        prefix="policies/",
        title="Policies of Keyreeve's own roles",
        about="As `keyreeve policy print` writes them for this configuration.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEvidence:
    """What the runs of a pack found of one control."""

    title: str
    findings: Counter[str] = field(default_factory=Counter)
    """Findings per file."""


def counts(names: Iterable[str]) -> dict[str, int]:
    """Files per sort, every sort named."""
    found = Counter(sort.prefix for name in names for sort in SORTS if name.startswith(sort.prefix))
    return {sort.prefix.rstrip("/"): found[sort.prefix] for sort in SORTS}


def index_document(
    names: Iterable[str],
    controls: Mapping[ControlId, ControlEvidence],
    supports: Supports,
    mapping_version: str,
    unread: Iterable[str] = (),
) -> dict[str, object]:
    """index.json: which files support which requirements; `unread`: runs that count for none."""
    counted = counts(names)
    return {
        "schema": "keyreeve.evidence-index/1",
        "wording": "A file supports a requirement; whether the requirement is met, it does not "
        "say. `ours`: our own judgement, which no published mapping carries.",
        "mapping": mapping_version,
        "not_counted": sorted(unread),
        "controls": [
            {
                "control": control.value,
                "title": evidence.title,
                "findings": dict(sorted(evidence.findings.items())),
                "supports": _cited(supports.get(control, ())),
            }
            for control, evidence in sorted(controls.items())
        ],
        "sorts": [
            {
                "files": f"{sort.prefix}*",
                "title": sort.title,
                "count": counted[sort.prefix.rstrip("/")],
                "supports": _cited(sort.supports),
            }
            for sort in SORTS
        ],
    }


def _cited(citations: Iterable[Citation]) -> list[dict[str, str]]:
    return [
        {"framework": each.title, "id": each.id, "cited_by": each.cited_by.value}
        for each in citations
    ]
