from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from io import StringIO

import pytest
from tests.browser.report_accounts import hostile, report_of
from tests.proofs.hostile_corpus import CORPUS
from tests.scenario.people import aged, console, key, person
from tests.scenario.village import Village

from keyreeve.model.identifiers import RunId
from keyreeve.render import charts
from keyreeve.render.report import document, headline, page, rows
from keyreeve.reporting.report_lines import DayLine


@pytest.fixture(scope="module")
def report():
    village = Village(
        aged(), person("ann", key(10)), person("bob", key(76), key(99), **console(mfa=False))
    )
    village.live(0, 3)
    return report_of(village, 4)


def embedded(html: str) -> str:
    return html.split('id="data">')[1].split("</script>", maxsplit=1)[0]


# --- the page -------------------------------------------------------------------------------------


def test_only_the_pages_own_style_and_script_may_run(report):
    html = page(report)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (own,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{directive} &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy


def test_the_page_names_no_address_of_the_network(report):
    html = page(report)
    assert not re.findall(r'(?:src|href|action)="(?!#)[^"]*"', html)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert " style=" not in html


def test_the_page_carries_the_json_itself(report):
    shown = json.loads(embedded(page(report)))
    del shown["words"]
    assert shown == json.loads(json.dumps(document(report)))
    assert shown["schema"] == "keyreeve.report/1"


def test_no_text_ends_the_element_that_holds_the_json(report):
    data = embedded(page(hostile(report, CORPUS)))
    assert not set("<>&") & set(data)
    assert json.loads(data)["users"]


def test_the_headline_says_what_presses(report):
    quiet = replace(report.figures, overdue=0, due_this_week=0, held=0, users=3, in_order=3)
    assert headline(replace(report, figures=quiet)) == (
        "3 of 3 users are in order. Nothing is due within a week."
    )
    alone = replace(quiet, users=1, in_order=1)
    assert headline(replace(report, figures=alone)).startswith("1 of 1 user is in order. ")
    pressing = replace(quiet, in_order=1, overdue=1, due_this_week=2, held=1)
    assert headline(replace(report, figures=pressing)) == (
        "1 of 3 users are in order. 1 case is overdue, 2 dates fall within a week "
        "and 1 case is held at a gate."
    )


# --- CSV ------------------------------------------------------------------------------------------


def test_the_csv_has_a_line_for_each_finding_and_for_each_user_without_one(report):
    lines = list(csv.DictReader(StringIO(rows(report))))
    found = [(line["user"], line["control"]) for line in lines]
    expected = [
        (user.user_name, finding.control.value)
        for user in report.users
        for finding in user.findings
    ] + [(user.user_name, "") for user in report.users if not user.findings]
    assert sorted(found) == sorted(expected)
    line = next(line for line in lines if line["user"] == "aged.key")
    assert (line["stage"], line["day_0"], line["enforcement_on"]) == (
        "reminder",
        "2026-01-05",
        "2026-01-19",
    )
    assert (line["severity"], line["status"], line["threshold"]) == ("medium", "open", "75")


def test_nothing_in_the_csv_is_calculated_by_a_spreadsheet(report):
    text = rows(hostile(report, CORPUS))
    cells = [cell for line in csv.reader(StringIO(text)) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert any(cell.startswith("'=") for cell in cells)
    assert len({len(line) for line in csv.reader(StringIO(text))}) == 1


# --- charts ---------------------------------------------------------------------------------------


def line_of(day: int, told: int = 0, **findings: int) -> DayLine:
    return DayLine(
        on=date(2026, 1, 5) + timedelta(days=day),
        run_id=RunId("r"),
        exit_code=0,
        findings=findings,
        users=0,
        told=told,
        handed_over=0,
        enforced=0,
        held=0,
        failed=0,
    )


def test_a_ring_goes_once_round_and_leaves_nothing_out():
    slices = charts.ring((("a", 1), ("b", 0), ("c", 3)))
    assert [(s.tone, s.length, s.offset) for s in slices] == [("a", 25, 25), ("c", 75, 0)]
    assert charts.ring((("a", 0),)) == ()


def test_bands_are_stacked_and_days_without_a_run_leave_room():
    drawn = charts.over_time([line_of(0, a=4), line_of(1, a=2, b=2), line_of(4, b=4)], ["a", "b"])
    first, second = drawn.bands
    assert first.points == ("0.0,0.0 250.0,100.0 1000.0,200.0 1000.0,200.0 250.0,200.0 0.0,200.0")
    assert second.points == "0.0,0.0 250.0,0.0 1000.0,0.0 1000.0,200.0 250.0,100.0 0.0,0.0"
    assert [tick.label for tick in drawn.up] == ["0", "1", "2", "3", "4"]
    assert [(tick.at, tick.label) for tick in drawn.across] == [
        (0.0, "5 Jan"),
        (25.0, "6 Jan"),
        (100.0, "9 Jan"),
    ]


def test_a_single_day_is_a_level_field_and_none_is_nothing():
    (band,) = charts.over_time([line_of(0, a=2)], ["a"]).bands
    assert band.points == "0.0,100.0 1000.0,100.0 1000.0,200.0 0.0,200.0"
    assert charts.over_time([], ["a"]).bands == ()


@pytest.mark.parametrize(
    ("most", "top"), [(0, "4"), (4, "4"), (5, "8"), (9, "20"), (30, "40"), (1213, "2000")]
)
def test_the_scale_ends_at_a_round_number(most, top):
    assert charts.over_time([line_of(0, a=most)], ["a"]).up[-1].label == top


def test_a_column_says_what_was_done_on_its_day():
    drawn = charts.over_time([line_of(0, told=2, a=1), line_of(1, a=1)], ["a"])
    assert [column.words for column in drawn.columns] == ["5 Jan: 2 told", "6 Jan: nothing was due"]
    assert drawn.columns[0].parts == (("told", 0.0, 200.0),)
    assert charts.over_time([line_of(0, a=1)], ["a"]).columns == ()
