"""The figures of the last months, from the audit log."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from keyreeve.model.errors import KeyreeveError
from keyreeve.model.months import MinutesPer, Months
from keyreeve.ports.months import AuditHistory
from keyreeve.reporting.months import last_day, month_figures, months_until

COMPARED = 2
"""The weekly summary shows the last complete month against the one before."""


def read_months(
    history: AuditHistory,
    zone: ZoneInfo,
    now: datetime,
    minutes: MinutesPer,
    number: int = COMPARED,
) -> Months:
    """The last `number` complete months; without figures where no run was in the last of them.

    A log that cannot be read gives no figures at all, and says why: half a month looks like a
    good one.
    """
    today = now.astimezone(zone).date()
    firsts = months_until(today, number)
    try:
        entries = history.entries(firsts[0], last_day(firsts[-1]), today)
        figures = month_figures(entries, firsts, zone, minutes)
    except KeyreeveError as failure:
        return Months(unread=str(failure).partition("\n")[0])
    return Months(figures=figures if figures[-1].run_days else ())
