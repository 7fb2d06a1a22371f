"""Findings as OCSF Compliance Findings (class_uid 2003), for SIEMs and data lakes.

Source: the Open Cybersecurity Schema Framework, version 1.5.0, class `compliance_finding` with the
profiles `cloud` and `datetime`. One document a finding; times in milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from keyreeve import __version__
from keyreeve.codec.visible import one_line
from keyreeve.model.compliance import Citation
from keyreeve.model.control import Severity
from keyreeve.model.finding import FindingStatus
from keyreeve.reporting.reported import Card, Reported, published, steps_for

VERSION: Final = "1.5.0"
"""Of the schema; `metadata.version`."""
CATEGORY, CLASS = 2, 2003
_CREATE, _UPDATE = 1, 2
_NEW, _SUPPRESSED = 1, 3
_FAIL: Final = 3
_RULE: Final = 1
"""analytic.type_id."""
_AWS_ACCOUNT: Final = 10
"""account.type_id."""
_USER: Final = 1
"""user.type_id: a regular user account."""
_SEVERITY_IDS: Final[Mapping[Severity, int]] = {
    Severity.LOW: 2,
    Severity.MEDIUM: 3,
    Severity.HIGH: 4,
    Severity.CRITICAL: 5,
}
_ACTIVITIES: Final[Mapping[int, str]] = {_CREATE: "Create", _UPDATE: "Update"}

Document = dict[str, Any]


def documents(
    findings: Iterable[Reported],
    cards: Mapping[str, Card],
    citations: Mapping[str, Sequence[Citation]],
    now: datetime,
    partition: str = "aws",
) -> list[Document]:
    """One document a finding, in the order given; the same for the same arguments."""
    return [
        _document(
            each, cards[each.control], published(citations.get(each.control, ())), now, partition
        )
        for each in findings
    ]


def _document(
    finding: Reported,
    card: Card,
    citations: Sequence[Citation],
    now: datetime,
    partition: str,
) -> Document:
    seen = min(finding.first_seen or now, now)
    activity = _CREATE if seen == now else _UPDATE
    silenced = finding.status is not FindingStatus.OPEN
    return {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {_ACTIVITIES[activity]}",
        **_at("time", now),
        "severity_id": _SEVERITY_IDS[finding.severity],
        "severity": finding.severity.value.capitalize(),
        "status_id": _SUPPRESSED if silenced else _NEW,
        "status": "Suppressed" if silenced else "New",
        "status_code": finding.status.value,
        "message": one_line(finding.detail),
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud", "datetime"],
            "uid": f"{finding.uid}@{now.isoformat()}",
            "event_code": finding.control,
            "product": {"name": "Keyreeve", "vendor_name": "Keyreeve", "version": __version__},
        },
        "finding_info": {
            "uid": finding.uid,
            "title": card.title,
            "desc": one_line(f"{card.title}: {finding.resource_name}. {finding.detail}"),
            "types": ["Software and Configuration Checks"],
            "analytic": {
                "name": card.title,
                "uid": finding.control,
                "type": "Rule",
                "type_id": _RULE,
            },
            **_at("created_time", seen),
            **_at("first_seen_time", seen),
            **_at("last_seen_time", now),
            **_at("modified_time", now),
        },
        "compliance": _compliance(card, citations),
        "remediation": {"desc": one_line(" ".join(steps_for(finding, card.remediation)))},
        "resources": [_resource(finding, partition)],
        "cloud": {
            "provider": "AWS",
            "account": _account(finding),
            **({"region": finding.region} if finding.region else {}),
        },
        "unmapped": {
            "observed": finding.observed,
            "threshold": finding.threshold,
            "since": finding.since.isoformat() if finding.since else None,
            "risk": card.risk,
        },
    }


def _compliance(card: Card, citations: Sequence[Citation]) -> Document:
    return {
        "control": card.title,
        "desc": card.why,
        "standards": list(dict.fromkeys(each.title for each in citations)),
        "requirements": [f"{each.title} {each.id}" for each in citations],
        "status": "Fail",
        "status_id": _FAIL,
    }


def _resource(finding: Reported, partition: str) -> Document:
    found: Document = {
        "uid": finding.resource_id,
        "name": one_line(finding.resource_name),
        "type": finding.resource_type.value,
        "cloud_partition": partition,
    }
    if finding.region:
        found["region"] = finding.region
    if finding.owner is not None:
        found["owner"] = {
            "name": one_line(finding.owner.name),
            "uid": finding.owner.arn or finding.owner.name,
            "uid_alt": finding.owner.user_id,
            "type": "User",
            "type_id": _USER,
            "account": _account(finding),
        }
    return found


def _account(finding: Reported) -> Document:
    return {
        "name": finding.account_id,
        "uid": finding.account_id,
        "type": "AWS Account",
        "type_id": _AWS_ACCOUNT,
    }


def _at(name: str, at: datetime) -> Document:
    """A time, and the same for people (profile `datetime`)."""
    return {name: int(at.timestamp() * 1000), f"{name}_dt": at.isoformat()}
