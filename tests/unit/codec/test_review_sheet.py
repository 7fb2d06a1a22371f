"""Sheets go out safe to open, come back as they were, and anything else is refused."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import review_samples as samples
from tests.scenario.answering import filled_in

from keyreeve.codec.review import decode, encode, row_digest
from keyreeve.codec.review_sheet import (
    ANSWERED,
    COLUMNS,
    SCHEMA,
    read_sheet,
    shown_cells,
    write_sheet,
)
from keyreeve.model.errors import ConfigError, StateUnreadable
from keyreeve.model.review import Campaign

CAMPAIGN = samples.campaign(samples.PRIYA, samples.TOMAS, samples.ZOE, samples.EVIL)
TASK = CAMPAIGN.tasks[0]
SHEET = write_sheet(CAMPAIGN, TASK)


def test_a_sheet_saved_again_says_what_it_said():
    sheet = read_sheet(filled_in(SHEET.encode("utf-8-sig"), {}), "a.csv")
    assert (sheet.campaign_id, sheet.reviewer) == ("2026-01-05-quarter-1", "ann")
    shown = shown_cells(CAMPAIGN, TASK)
    assert {row.user_id: dict(row.cells) for row in sheet.rows} == shown
    assert {row.decision for row in sheet.rows} == {"keep"}


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=2), st.sampled_from([",", ";"]))
def test_whatever_users_are_called_their_rows_come_back_unaltered(name, tag, groups, delimiter):
    row = samples.shown("x", user_name=name, department=tag, groups=tuple(groups))
    campaign = samples.campaign(row)
    task = campaign.tasks[0]
    content = filled_in(write_sheet(campaign, task).encode("utf-8-sig"), {}, delimiter)
    (back,) = read_sheet(content, "a.csv").rows
    assert back.cells == shown_cells(campaign, task)[row.user_id]


def test_no_cell_is_a_formula_and_no_cell_is_a_date_or_number_that_a_spreadsheet_would_rewrite():
    for line in csv.DictReader(StringIO(SHEET, newline="")):
        for column, cell in line.items():
            assert not cell.startswith(("=", "+", "-", "@"))
            if column not in ANSWERED:
                assert not cell.replace("-", "").replace(".", "").isdigit()
    assert "'=HYPERLINK" in SHEET


def given_json(**changes) -> bytes:
    document = {
        "schema": SCHEMA,
        "campaign": "c",
        "reviewer": "ann",
        "rows": [{"user_id": "AIDA1", "digest": "0", "decision": "keep"}],
    }
    return json.dumps(document | changes).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "no UTF-8 text"),
        (b"", "the column campaign is missing"),
        (b"hello", "the column campaign is missing"),
        (b"{", "Expecting property name"),
        (given_json(schema="keyreeve.review.answers/2"), "schema: expected"),
        (given_json(rows={}), "rows: expected a list"),
        (given_json(rows=[1]), "rows[0]: expected an object"),
        (given_json(rows=[{"user": 1}]), "rows[0]: unknown field 'user'"),
        (given_json(rows=[{"user_id": 1}]), "rows[0]: user_id: expected text, found 1"),
        (given_json(campaign=[1]), "document: campaign: expected text"),
        (b'{"schema": 1, "schema": 2}', "a key stands twice"),
        (",".join(COLUMNS).encode(), "no line below its header"),
        (",".join(COLUMNS).encode() + b"\na,b", "line 2: 2 cells"),
        (SHEET.replace("ann", "bob", 1).encode(), "several campaigns or reviewers"),
        (b'"a', "unexpected end"),
    ],
)
def test_what_is_no_sheet_is_refused_with_what_is_wrong(content, said):
    with pytest.raises(ConfigError) as raised:
        read_sheet(content, "a.csv")
    assert said in str(raised.value)
    assert str(raised.value).startswith("a.csv: ")


def test_the_digest_binds_a_row_to_its_campaign_its_reviewer_and_every_fact():
    row = samples.PRIYA
    digests = {
        row_digest(CAMPAIGN.campaign_id, TASK.reviewer.name, each)
        for each in (row, samples.shown("priya.sharma"), samples.shown("priya.sharma", mfa=False))
    }
    digests.add(row_digest("another", TASK.reviewer.name, row))
    digests.add(row_digest(CAMPAIGN.campaign_id, "boss", row))
    assert len(digests) == 5


def test_a_step_is_read_as_it_was_written_and_every_altered_byte_shows():
    content = encode(CAMPAIGN)
    assert decode(Campaign, content, where="x") == CAMPAIGN
    for index in range(0, len(content), 7):
        altered = content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :]
        with pytest.raises(StateUnreadable, match="reviews/x"):
            decode(Campaign, altered, where="reviews/x")
