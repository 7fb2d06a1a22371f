"""The card of a control: what people are told about it, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keyreeve.model.identifiers import ControlId


class Severity(StrEnum):
    """Consequence if unresolved."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCard:
    """Title, why, risk and remediation of one control, with its sources."""

    id: ControlId
    title: str
    severity: Severity
    why: str
    """One paragraph for the owner: what is asked for."""
    risk: str
    """What may happen if it stays."""
    remediation: tuple[str, ...]
    """Steps for the owner; `{user}`, `{key}` and `{account}` are filled in."""
    sources: tuple[str, ...]
    """Requirement ids such as `S1.2`."""
    escalated: bool = True
    """False: weekly summary only (S1.7)."""
