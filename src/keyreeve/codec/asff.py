"""Findings in the AWS Security Finding Format, as BatchImportFindings takes them.

Sources: Security Hub API Reference, "AwsSecurityFinding" (lengths, required members); Security Hub
User Guide, "Required top-level ASFF attributes" and "BatchImportFindings for finding providers":
severity and types of a finding that is there already are given in FindingProviderFields only, and
its Workflow is its customers'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, Final

from keyreeve.codec.visible import one_line
from keyreeve.model.compliance import Citation
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import AccountId
from keyreeve.model.posture import ResourceType
from keyreeve.reporting.reported import Card, Reported, published, steps_for

SCHEMA_VERSION: Final = "2018-10-08"
TYPES: Final = ("Software and Configuration Checks/Industry and Regulatory Standards",)
LONGEST_ID: Final = 512
"""Characters of Id and GeneratorId."""
LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_ADVICE, LONGEST_FIELD = 256, 1024, 512, 2048
MOST_REQUIREMENTS: Final = 32

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Where the findings go: the account's own product in one region."""

    account_id: AccountId
    region: str
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """The default product, which every account may import findings for."""
        place = f"arn:{self.partition}:securityhub:{self.region}:{self.account_id}"
        return f"{place}:product/{self.account_id}/default"


def documents(
    findings: Iterable[Reported],
    cards: Mapping[str, Card],
    citations: Mapping[str, Sequence[Citation]],
    product: Product,
    now: datetime,
    known: frozenset[str] = frozenset(),
) -> list[Document]:
    """One document a finding, in the order given; `known`: uids that were imported before."""
    return [
        _active(
            finding,
            cards[finding.control],
            published(citations.get(finding.control, ())),
            product,
            now,
            known=finding.uid in known,
        )
        for finding in findings
    ]


def archived(
    findings: Iterable[Reported],
    cards: Mapping[str, Card],
    product: Product,
    now: datetime,
) -> list[Document]:
    """Findings that were imported before and are there no more."""
    return [_archived(finding, cards.get(finding.control), product, now) for finding in findings]


def _active(
    finding: Reported,
    card: Card,
    citations: Sequence[Citation],
    product: Product,
    now: datetime,
    *,
    known: bool,
) -> Document:
    requirements = _requirements(citations)
    left_out = len(requirements) - MOST_REQUIREMENTS
    steps = " ".join(steps_for(finding, card.remediation))
    fields = {
        "Control": finding.control,
        "Observed": str(finding.observed),
        "Threshold": str(finding.threshold),
        "Status": finding.status.value,
        "Since": _instant(finding.since) if finding.since else "",
        "RequirementsLeftOut": str(left_out) if left_out > 0 else "",
    }
    compliance: Document = {"Status": "FAILED"}
    if requirements:
        compliance["RelatedRequirements"] = requirements[:MOST_REQUIREMENTS]
    made = {
        **_frame(finding, product, now),
        "Title": _cut(card.title, LONGEST_TITLE),
        "Description": _cut(
            f"{card.title}: {finding.resource_name}. {finding.detail} {card.risk}",
            LONGEST_DESCRIPTION,
        ),
        "ProductName": "Keyreeve",
        "CompanyName": "Keyreeve",
        "FirstObservedAt": _instant(min(finding.first_seen or now, now)),
        "LastObservedAt": _instant(now),
        "ProductFields": {
            f"keyreeve/{name}": _cut(value, LONGEST_FIELD)
            for name, value in fields.items()
            if value.strip()
        },
        "Compliance": compliance,
        "RecordState": "ACTIVE",
    }
    if steps.strip():
        made["Remediation"] = {"Recommendation": {"Text": _cut(steps, LONGEST_ADVICE)}}
    if not known:
        made |= made["FindingProviderFields"]
        silenced = finding.status is not FindingStatus.OPEN
        made["Workflow"] = {"Status": "SUPPRESSED" if silenced else "NEW"}
    return made


def _archived(finding: Reported, card: Card | None, product: Product, now: datetime) -> Document:
    title = card.title if card else finding.control
    return {
        **_frame(finding, product, now),
        "Title": _cut(title, LONGEST_TITLE),
        "Description": _cut(
            f"{title}: {finding.resource_name}. No longer found on {now.astimezone(UTC):%Y-%m-%d}: "
            "mended, or the resource is gone.",
            LONGEST_DESCRIPTION,
        ),
        "Compliance": {"Status": "PASSED"},
        "RecordState": "ARCHIVED",
    }


def _frame(finding: Reported, product: Product, now: datetime) -> Document:
    """What every import of a finding must carry."""
    label = finding.severity.value
    return {
        "SchemaVersion": SCHEMA_VERSION,
        "Id": identifier(finding.uid),
        "ProductArn": product.arn,
        "GeneratorId": f"keyreeve/{finding.control}",
        "AwsAccountId": product.account_id,
        "CreatedAt": _instant(min(finding.first_seen or now, now)),
        "UpdatedAt": _instant(now),
        "FindingProviderFields": {
            "Severity": {"Label": label.upper(), "Original": label},
            "Types": list(TYPES),
        },
        "Resources": list(_resources(finding, product)),
    }


def identifier(uid: str) -> str:
    """The uid; one that is too long is cut and ends with its digest, so that no two meet."""
    if len(uid) <= LONGEST_ID:
        return uid
    digest = hashlib.sha256(uid.encode()).hexdigest()
    return f"{uid[: LONGEST_ID - len(digest) - 1]}#{digest}"


def _resources(finding: Reported, product: Product) -> Iterable[Document]:
    region = {"Region": finding.region} if finding.region else {}
    found: Document = {
        "Type": finding.resource_type.value,
        "Id": finding.resource_id,
        "Partition": product.partition,
        **region,
    }
    owner = finding.owner
    if owner is None:
        yield found
        return
    name = one_line(owner.name)
    if finding.resource_type is ResourceType.ACCESS_KEY:
        key = {"AccessKeyId": finding.resource_name, "UserName": name}
        yield {**found, "Details": {"AwsIamAccessKey": key}}
    user: Document = {
        "Type": ResourceType.USER.value,
        "Id": owner.arn or f"arn:{product.partition}:iam::{product.account_id}:user/{owner.name}",
        "Partition": product.partition,
    }
    known = {"UserName": name, **({"UserId": owner.user_id} if owner.user_id else {})}
    yield {**user, "Details": {"AwsIamUser": known}}


def _requirements(citations: Sequence[Citation]) -> list[str]:
    """One of each framework and version in turn: where not all fit, none is left out whole."""
    by_title: dict[str, list[str]] = {}
    for each in citations:
        by_title.setdefault(each.title, []).append(f"{each.title} {each.id}")
    turns = zip_longest(*by_title.values())
    return [requirement for turn in turns for requirement in turn if requirement is not None]


def _cut(text: str, most: int) -> str:
    clean = one_line(text).strip()
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def _instant(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as ASFF's timestamps are."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
