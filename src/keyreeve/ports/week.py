"""What the weekly summary asks CloudTrail."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from keyreeve.model.week import Week


class EventHistory(Protocol):
    """CloudTrail's event history of the account (90 days, two look-ups a second: E6)."""

    def week(self, roles: frozenset[str], since: datetime) -> Week:
        """Sessions of these roles (names), and changes of IAM. AwsFailure if it does not tell."""
