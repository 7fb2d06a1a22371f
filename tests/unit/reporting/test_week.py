from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from keyreeve.model.week import IamChange, RoleUse, Week
from keyreeve.reporting.week import week_part

NOW = datetime(2026, 1, 12, 6, tzinfo=UTC)


def use(by="ana", days=1, **changes):
    usual = {"role": "AdministratorAccessRole", "by": by, "at": NOW - timedelta(days=days)}
    return RoleUse(**{**usual, "calls": 12, **changes})


def change(call="AttachUserPolicy", on="bob", by="ana"):
    return IamChange(call=call, on=on, by=by, at=NOW)


def test_where_nobody_asked_the_summary_says_nothing():
    assert week_part(None) == week_part(Week())


def test_each_session_says_who_when_and_how_much():
    rows = week_part(Week(sessions=(use("ana", 1), use("bob", 3, calls=200, more=True)))).sessions
    assert [(row.user_name, row.on, row.reason) for row in rows] == [
        ("bob", date(2026, 1, 9), "200 or more calls in it"),
        ("ana", date(2026, 1, 11), "12 calls in it"),
    ]


def test_calls_that_were_not_counted_are_no_zero():
    [row] = week_part(Week(sessions=(use(calls=None),))).sessions
    assert row.reason == "its calls were not counted"


def test_changes_are_counted_by_who_and_what_and_name_whom():
    told = [change(on=name) for name in ("bob", "eve", "dan", "kim", "bob")]
    rows = week_part(Week(changes=(*told, change("CreateUser", "zoe", "bob")))).changes
    assert [(row.user_name, row.what, row.reason) for row in rows] == [
        ("ana", "AttachUserPolicy ×5", "bob, dan, eve …"),
        ("bob", "CreateUser", "zoe"),
    ]


def test_what_could_not_be_read_or_was_too_much_is_a_gap():
    assert "AccessDenied" in week_part(Week(unread="AccessDenied")).gaps[0]
    assert "thousand" in week_part(Week(truncated=True)).gaps[0]
