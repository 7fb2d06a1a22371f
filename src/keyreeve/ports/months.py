"""What figures over months ask the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from keyreeve.model.months import LogEntry


class AuditHistory(Protocol):
    """The audit log of the account, read back."""

    def entries(self, first: date, last: date, today: date) -> Iterator[LogEntry]:
        """What may tell of the days from `first` to `last`, in the order of the chain.

        With the days around them, and until `today`: a step that a stop left unrecorded is told
        by a later run. Nothing where no run wrote between `first` and `last`.
        StateUnreadable if a record is not as it was written, or if they are too many.
        """
