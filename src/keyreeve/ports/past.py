"""The past of one account: what the reports over time are made of."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from keyreeve.model.case import AuditHead
from keyreeve.model.past import AuditTrail, PastRun


class Past(Protocol):
    """Reads what earlier runs left. Nothing is changed."""

    def runs(self, since: date) -> tuple[PastRun, ...]:
        """Every run that began on that day (UTC) or later, oldest first.

        A record of a run that cannot be read is left out: the state and the audit log are the
        evidence, not this.
        """

    def trail(self, since: date, head: AuditHead | None = None) -> AuditTrail:
        """The audit log from that day on. What cannot be read ends it, and is named.

        So is that its newest record is missing: `head`, which the state remembers, or a newer one
        that the storage does.
        """
