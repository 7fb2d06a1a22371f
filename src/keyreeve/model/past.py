"""What earlier days left behind: one line a run, and the records of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from keyreeve.model.identifiers import RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFinding:
    """Of one finding, what a count over time needs. Text, for controls come and go."""

    control: str
    user: str
    """The unique id, or the name where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One run of the past, as its `runs/{run_id}/run.json` tells."""

    run_id: RunId
    as_of: datetime
    on: date
    exit_code: int
    findings: tuple[PastFinding, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """How many effects were done, by the effect's kind; rehearsed and refused ones left out."""
    failed: int = 0
    held: int = 0
    refused: bool = False
    judged: bool = True
    """False: something about the whole account was not read, and few findings mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRecord:
    """One record of the audit log; it matches its own digest."""

    seq: int
    at: datetime
    run_id: RunId
    event: str
    data: Mapping[str, object]
    previous: str
    """The digest of the record before it."""
    digest: str
    """SHA-256 of its canonical JSON, in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTrail:
    """Records in the order of the chain, as far as they could be read."""

    records: tuple[AuditedRecord, ...] = ()
    since: date | None = None
    """The first day that was read; None: nothing was."""
    problem: str | None = None
    """Where reading had to end, and why."""
