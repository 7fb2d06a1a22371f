"""Which requirements of which frameworks a control supports. "Supports", never "satisfies"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CitedBy(StrEnum):
    """Who says so."""

    PUBLISHED = "published"
    """A published mapping (Prowler's frameworks, Security Hub's control pages) carries it."""
    OURS = "ours"
    """Our own judgement; no published mapping carries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One requirement of one version of one framework."""

    framework: str
    """`CIS AWS Foundations`, `NIST 800-53`, `PCI DSS`, `HIPAA`, `SOC 2`, `ISO 27001`, …"""
    version: str
    """`5.0`, `r5`, `4.0.1`, …; empty where the framework has none."""
    id: str
    cited_by: CitedBy = CitedBy.PUBLISHED

    @property
    def title(self) -> str:
        """Framework and version, as they are written together; ISO puts a colon before the year."""
        between = ":" if self.framework.startswith("ISO") else " "
        return f"{self.framework}{between}{self.version}" if self.version else self.framework
