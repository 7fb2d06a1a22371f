"""Which days are mail days and act days, and what date it is on the ladder.

State advances every calendar day; mail goes out on mail days only (S1.25).
Under a compressed clock a ladder day lasts minutes, every day is a mail day and an act day, and
dates are counted from the case's day 0 (S2.14).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.model.policy import EnforcementDays, EscalationPolicy

_HORIZON = 3660
"""Days looked ahead for an open day; beyond ten years of holidays there is none."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The project's days."""

    policy: EscalationPolicy

    def today(self, now: datetime, anchor: datetime | None = None) -> date:
        """The ladder's date at `now`: the project's local date.

        Under a compressed clock: the local date of `anchor` plus ⌊(now − anchor) / day⌋.
        """
        compressed = self.policy.compressed
        if compressed is None or anchor is None:
            return now.astimezone(self.policy.timezone).date()
        elapsed = max((now - anchor) // compressed.day, 0)
        return anchor.astimezone(self.policy.timezone).date() + timedelta(days=elapsed)

    def ledger_day(self, now: datetime) -> date:
        """The day on which the blast radius is counted: the local date, or the ladder's bucket."""
        compressed = self.policy.compressed
        if compressed is None:
            return now.astimezone(self.policy.timezone).date()
        buckets = int(now.timestamp() // compressed.day.total_seconds())
        return date(1970, 1, 1) + timedelta(days=buckets % 2_000_000)

    def is_mail_day(self, day: date) -> bool:
        """Whether mail may go out."""
        if self.policy.compressed is not None:
            return True
        return day.weekday() in self.policy.mail_weekdays and day not in self.policy.holidays

    def is_act_day(self, day: date) -> bool:
        """Whether disruptive effects may happen: weekdays and freezes (gate 7)."""
        if any(freeze.first <= day <= freeze.last for freeze in self.policy.enforcement.freezes):
            return False
        if self.policy.enforcement.weekdays is EnforcementDays.EVERY_DAY:
            return True
        return self.is_mail_day(day)

    def mail_day_from(self, day: date) -> date:
        """The first mail day on or after `day`."""
        return next(
            (d for d in _days_from(day) if self.is_mail_day(d)), day + timedelta(days=_HORIZON)
        )

    def act_day_from(self, day: date) -> date:
        """The first act day on or after `day`."""
        return next(
            (d for d in _days_from(day) if self.is_act_day(d)), day + timedelta(days=_HORIZON)
        )

    def hand_over_day_from(self, day: date, *, disruptive: bool) -> date:
        """The first day for new credentials: a mail day, and for a reset an act day too."""
        return next(
            (
                d
                for d in _days_from(day)
                if self.is_mail_day(d) and (not disruptive or self.is_act_day(d))
            ),
            day + timedelta(days=_HORIZON),
        )


def _days_from(day: date) -> Iterator[date]:
    return (day + timedelta(days=n) for n in range(_HORIZON))
