"""What sending findings to Security Hub needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from keyreeve.model.control import Severity
from keyreeve.model.identifiers import UserId
from keyreeve.model.posture import ResourceType

BATCH: Final = 100
"""Findings that one BatchImportFindings takes (API Reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotImported:
    """A finding that Security Hub did not take, in its own words."""

    id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is remembered of a finding that Security Hub holds: enough to archive it one day."""

    uid: str
    product: str
    """The ARN of the product: findings of another region are another matter."""
    control: str
    user_id: UserId | None
    resource_type: ResourceType
    resource_id: str
    resource_name: str
    severity: Severity
    region: str | None
    first_seen: datetime


class FindingImporter(Protocol):
    """Security Hub, as a finding provider sees it."""

    def import_findings(self, documents: Sequence[Mapping[str, Any]]) -> tuple[NotImported, ...]:
        """At most BATCH ASFF documents; those that were not taken. AwsFailure if none was.

        Repeated, it changes nothing: a finding is known by its Id.
        """


class SentFindings(Protocol):
    """The memory of what was sent: `reports/security-hub.json`."""

    def read(self) -> tuple[Sent, ...]:
        """As it was written last; empty before the first time. StateUnreadable if corrupt."""

    def write(self, sent: Sequence[Sent]) -> None:
        """Replace what was read. StorageConflict if somebody else did meanwhile."""
