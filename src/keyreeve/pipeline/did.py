"""What came of each step of a verb, for tables and JSON alike."""

from __future__ import annotations

from dataclasses import dataclass

from keyreeve.model.plan import OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One step: what, about what, and what came of it."""

    what: str
    subject: str
    outcome: OutcomeKind
    detail: str = ""


def failed(steps: tuple[Did, ...]) -> bool:
    """Whether any step failed."""
    return any(step.outcome is OutcomeKind.FAILED for step in steps)
