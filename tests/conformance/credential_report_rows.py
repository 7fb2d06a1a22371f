"""Rows of the credential report: its root row, its dates, its cells, how long one is kept."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

from tests.conformance.rows import Clients, Row, Skip, user

ONE_REPORT = Skip("AWS makes one report in four hours: a new user is not in it yet")


def report(iam: Any) -> tuple[list[list[str]], Any]:
    while iam.generate_credential_report()["State"] != "COMPLETE":
        time.sleep(0.02)
    told = iam.get_credential_report()
    return list(csv.reader(io.StringIO(told["Content"].decode()))), told["GeneratedTime"]


def report_row(iam: Any, name: str) -> dict[str, str]:
    head, *rows = report(iam)[0]
    return next(dict(zip(head, row, strict=False)) for row in rows if row[0] == name)


def root_row(clients: Clients) -> Any:
    return report(clients("iam"))[0][1:2] != [] and report(clients("iam"))[0][1][0]


def generated_time(clients: Clients) -> Any:
    return report(clients("iam"))[1].isoformat()


def cells_without_password(clients: Clients) -> Any:
    row = report_row(user(clients), "someone")
    return row["password_last_used"], row["password_last_changed"] == "N/A"


def cells_of_an_unused_key(clients: Clients) -> Any:
    iam = user(clients)
    iam.create_access_key(UserName="someone")
    row = report_row(iam, "someone")
    return row["access_key_1_last_used_region"], row["access_key_1_last_used_service"]


def comma_in_a_name(clients: Clients) -> Any:
    return (
        "one row each"
        if len({len(row) for row in report(user(clients, "a,b"))[0]}) == 1
        else "broken"
    )


def second_report(clients: Clients) -> Any:
    iam = user(clients)
    report(iam)
    iam.create_user(UserName="newcomer")
    rows, _ = report(iam)
    return "fresh" if any(row[0] == "newcomer" for row in rows) else "cached"


DIFFERENCES = (
    Row(root_row, False, "<root_account>"),
    Row(
        generated_time,
        "2015-02-02T20:02:02+00:00",
        "2026-01-05T06:00:00+00:00",
        Skip("the instant is another each time"),
    ),
    Row(cells_without_password, ("not_supported", False), ("N/A", True), ONE_REPORT),
    Row(
        cells_of_an_unused_key,
        ("not_supported", "not_supported"),
        ("N/A", "N/A"),
        ONE_REPORT,
    ),
    Row(comma_in_a_name, "broken", "one row each", ONE_REPORT),
    Row(second_report, "fresh", "cached"),
)
AS_AWS = ()
LEFT_UNLIKE_AWS = ()
