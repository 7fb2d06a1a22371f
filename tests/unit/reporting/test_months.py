from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from keyreeve.model.months import LogEntry, MinutesPer
from keyreeve.reporting.months import (
    estimate,
    last_day,
    month_figures,
    month_rows,
    months_until,
)

DECEMBER, JANUARY = date(2025, 12, 1), date(2026, 1, 1)
NOTHING = {
    "opened": 0,
    "resolved_by_owner": 0,
    "new_passwords": 0,
    "enforced": 0,
    "set_aside": 0,
    "users_gone": 0,
    "credentials": 0,
    "mails": 0,
    "held": 0,
}


def at(day, month=1, hour=6):
    return datetime(2026 if month == 1 else 2025, month, day, hour, tzinfo=UTC)


def entry(event, when, **data):
    return LogEntry(at=when, run_id=f"run-{when:%d}", event=event, data=data)


def key(user="ann", resource="AKIA1", opened="2026-01-05", control="access_key_rotation", **more):
    return {"control": control, "resource_id": resource, "opened_on": opened, **more}


def notice(when, *told, user="ann", message=None):
    facts = {"topic": "notice", "findings": list(told), "message_id": message or f"m{when}"}
    return entry("step.notice.accepted", when, user_id=user, attempt=1, data=facts)


def ended(how, when, opened="2026-01-05", *, user="ann", event="case.finding_cleared", **more):
    return entry(event, when, user_id=user, ended=[key(opened=opened, how=how, **more)])


def enforced(when, opened="2026-01-05", *, user="ann", operation="e1", **more):
    facts = key(opened=opened, **more)
    return entry(
        "step.enforcement.done", when, user_id=user, operation_id=operation, attempt=1, data=facts
    )


def delivered(kind, when, operation="r1", attempt=1):
    return entry(
        f"step.{kind}.delivered",
        when,
        user_id="ann",
        operation_id=operation,
        attempt=attempt,
        data={"message_id": f"c-{operation}-{attempt}", "to": "ann@example.com"},
    )


def counted(*entries, month=JANUARY, zone=UTC):
    (found,) = month_figures(entries, [month], zone)
    return found


def differing(found):
    return {name: n for name in NOTHING if (n := getattr(found, name)) != NOTHING[name]}


OPENED = notice(at(5), key())

CASES = {
    "nothing": ([], {}, None),
    "told": ([OPENED], {"opened": 1, "mails": 1}, None),
    "told twice": (
        [OPENED, notice(at(8), key())],
        {"opened": 1, "mails": 2},
        None,
    ),
    "told before, reminded in the month": (
        [notice(at(8), key(opened="2025-12-30"))],
        {"mails": 1},
        None,
    ),
    "mended by its owner": ([ended("owner", at(9))], {"resolved_by_owner": 1}, 4),
    "ended by a new password": ([ended("new_password", at(13))], {"new_passwords": 1}, 8),
    "enforced": ([enforced(at(19))], {"enforced": 1}, 14),
    "enforced, then it cleared": (
        [enforced(at(19)), ended("enforced", at(20))],
        {"enforced": 1},
        14,
    ),
    "enforced the month before, cleared in this one": (
        [enforced(at(31, 12), "2025-12-17"), ended("enforced", at(1), "2025-12-17")],
        {},
        None,
    ),
    "waived": ([ended("set_aside", at(9), event="case.finding_set_aside")], {"set_aside": 1}, None),
    "the user is gone": (
        [ended("user_gone", at(9), event="case.user_gone")],
        {"users_gone": 1},
        None,
    ),
    "gone after the act": (
        [enforced(at(19)), ended("enforced", at(20), event="case.user_gone")],
        {"enforced": 1},
        14,
    ),
    "mended before anybody was told": ([ended("owner", at(9), None)], {}, None),
    "two acts for one finding": (
        [
            enforced(at(19), control="user_inactive", resource="user", operation="e1"),
            enforced(at(19), control="user_inactive", resource="user", operation="e2"),
        ],
        {"enforced": 1},
        14,
    ),
    "the end of a reinstatement is no finding": (
        [enforced(at(19), control=None, opened=None)],
        {},
        None,
    ),
    "it came back": (
        [
            OPENED,
            ended("owner", at(9)),
            notice(at(12), key(opened="2026-01-12")),
            ended("owner", at(14), "2026-01-12"),
        ],
        {"opened": 2, "mails": 2, "resolved_by_owner": 2},
        3,
    ),
    "credentials and their mail": (
        [delivered("rotation", at(12)), delivered("password_reset", at(12), "p1")],
        {"credentials": 2, "mails": 2},
        None,
    ),
    "a second key after the first came back": (
        [delivered("rotation", at(12)), delivered("rotation", at(13), attempt=2)],
        {"credentials": 2, "mails": 2},
        None,
    ),
    "sent once more by a person": (
        [
            delivered("rotation", at(12)),
            entry(
                "step.resend.accepted",
                at(13),
                user_id="ann",
                attempt=1,
                data={"message_id": "again"},
            ),
        ],
        {"credentials": 1, "mails": 2},
        None,
    ),
    "held for five days": (
        [
            entry("held", at(day), user_id="ann", control="password_age", resource_id="password")
            for day in range(5, 10)
        ],
        {"held": 1},
        None,
    ),
    "a whole case held, no finding": (
        [entry("held", at(5), user_id="ann", control=None)],
        {},
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_each_record_counts_as(name):
    entries, figures, median_days = CASES[name]
    found = counted(*entries)
    assert (differing(found), found.median_days) == (figures, median_days)


@pytest.mark.parametrize("name", CASES)
def test_records_that_stand_twice_count_once(name):
    """A run cut off before its state was saved says again what it had said; so does a recovery."""
    entries, _, _ = CASES[name]
    assert counted(*entries, *entries) == counted(*entries)


def test_each_finding_has_one_end_whichever_is_told_first():
    ways = [enforced(at(19)), ended("enforced", at(20)), ended("user_gone", at(21))]
    for order in permutations(ways[:2]):
        assert differing(counted(*order)) == {"enforced": 1}
    assert differing(counted(*ways)) == {"enforced": 1}


def test_like_findings_of_two_users_and_of_two_keys_are_apart():
    found = counted(
        notice(at(5), key(), key(resource="AKIA2")), notice(at(5), key(), user="bob", message="b")
    )
    assert (found.opened, found.mails) == (3, 2)


def test_days_with_a_run_are_counted_not_runs():
    starts = [entry("run.started", when) for when in (at(5), at(5, hour=9), at(6))]
    assert counted(*starts).run_days == 2


def test_a_month_begins_where_the_project_is():
    late = [entry("run.started", datetime(2025, 12, 31, 20, tzinfo=UTC))]
    assert counted(*late, zone=ZoneInfo("Asia/Kolkata")).run_days == 1
    assert counted(*late).run_days == 0


def test_an_end_belongs_to_its_own_month_and_its_days_go_back_to_day_0():
    told = notice(at(28, 12), key(opened="2025-12-28"))
    entries = [told, ended("owner", at(7), "2025-12-28")]
    december, january = month_figures(entries, [DECEMBER, JANUARY], UTC)
    assert (december.opened, december.resolved_by_owner, december.median_days) == (1, 0, None)
    assert (january.opened, january.resolved_by_owner, january.median_days) == (0, 1, 10)


def test_the_median_is_over_all_that_were_resolved():
    ends = [
        ended("owner", at(6), user="a"),
        ended("owner", at(9), user="b"),
        ended("new_password", at(13), user="c"),
        enforced(at(19), user="d"),
        ended("user_gone", at(30), user="e"),
    ]
    assert counted(*ends).median_days == 6


def test_hours_are_an_estimate_whose_formula_gives_the_same_hours():
    counts = {"opened": 12, "mails": 30, "credentials": 4, "enforced": 3}
    minutes = MinutesPer(finding=10, mail=5, credential=15, enforcement=10)
    found = estimate(counts, minutes)
    formula, _, source = found.formula.partition(";")
    assert found.hours == 6.0
    assert formula == (
        "(12 findings opened × 10 min + 30 mails × 5 min + 4 credentials × 15 min"
        " + 3 enforcements × 10 min) ÷ 60"
    )
    assert "assumptions" in source
    assert "summary.minutes_per" in source


def test_the_table_has_a_column_a_month_and_leaves_one_without_runs_empty():
    figures = month_figures([entry("run.started", at(5)), OPENED], [DECEMBER, JANUARY], UTC)
    rows = {row.label: row.values for row in month_rows(figures)}
    assert rows["Findings opened"] == ("–", "1")
    assert rows["Median days to resolve"] == ("–", "–")
    assert "Gone with their user" not in rows
    assert [label for label in rows if "ours saved" in label] == ["Hours saved (estimate)"]


@pytest.mark.parametrize(
    ("today", "number", "firsts"),
    [
        (date(2026, 2, 2), 2, (date(2025, 12, 1), date(2026, 1, 1))),
        (date(2026, 3, 31), 1, (date(2026, 2, 1),)),
        (date(2026, 1, 1), 3, (date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1))),
    ],
)
def test_months_are_the_complete_ones_before_today(today, number, firsts):
    assert months_until(today, number) == firsts


def test_the_last_day_of_each_month_is_the_day_before_the_next():
    for month in range(1, 13):
        first = date(2024, month, 1)
        assert (last_day(first) + timedelta(days=1)).day == 1
        assert last_day(first).month == month
