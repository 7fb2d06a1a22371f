"""What the records of past runs are asked for."""

from __future__ import annotations

from typing import Protocol

from keyreeve.model.identifiers import RunId


class RunRecords(Protocol):
    """`runs/{run_id}/run.json`, as runs have left them."""

    def failures(self, run_id: RunId) -> int | None:
        """Outcomes of the run that failed; None if it left no record. StateUnreadable if broken."""
