from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from keyreeve.model.errors import StateUnreadable
from keyreeve.model.months import LogEntry, MinutesPer
from keyreeve.pipeline.months import read_months

KOLKATA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 1, 31, 20, tzinfo=UTC)
"""Already February in Kolkata."""


class History:
    """ports.months.AuditHistory: remembers what it was asked."""

    def __init__(self, *entries: LogEntry, broken: bool = False) -> None:
        self.asked: list[tuple[date, ...]] = []
        self._entries, self._broken = entries, broken

    def entries(self, *days: date):
        self.asked.append(days)
        yield from self._entries
        if self._broken:
            raise StateUnreadable("record 7 does not match its digest", where="audit/x")


def run(month: int) -> LogEntry:
    at = datetime(2026 if month == 1 else 2025, month, 15, 6, tzinfo=UTC)
    return LogEntry(at=at, run_id="r", event="run.started", data={})


def test_the_two_complete_months_before_today_are_asked_for_in_the_projects_zone():
    history = History(run(12), run(1))
    found = read_months(history, KOLKATA, NOW, MinutesPer())
    assert [figures.first for figures in found.figures] == [date(2025, 12, 1), date(2026, 1, 1)]
    assert history.asked == [(date(2025, 12, 1), date(2026, 1, 31), date(2026, 2, 1))]


def test_without_a_run_in_the_last_month_there_are_no_figures():
    assert read_months(History(run(12)), KOLKATA, NOW, MinutesPer()).figures == ()
    assert read_months(History(), KOLKATA, NOW, MinutesPer()).unread == ""


def test_a_log_that_breaks_off_gives_no_figures_and_says_why():
    found = read_months(History(run(12), run(1), broken=True), KOLKATA, NOW, MinutesPer())
    assert found.figures == ()
    assert found.unread == "audit/x: record 7 does not match its digest"
