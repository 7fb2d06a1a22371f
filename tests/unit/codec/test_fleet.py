from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from keyreeve.codec.fleet import (
    gathered,
    item_member,
    items,
    items_read,
    row_document,
    row_read,
    summary_document,
)
from keyreeve.model.case import Stage
from keyreeve.model.fleet import FleetRow, FleetSummary, Matters, Member, Named, Standing
from keyreeve.model.identifiers import AccountId, ControlId

ONE, TWO = AccountId("1" * 12), AccountId("2" * 12)
ROW = FleetRow(account_id=ONE, name="one", standing=Standing.DONE, exit_code=0, users=3)


def manifest(**files: list[str]) -> bytes:
    rows = {status: [{"Key": key, "Size": 1} for key in keys] for status, keys in files.items()}
    return json.dumps({"DestinationBucket": "b", "ResultFiles": rows}).encode()


def child(account: str, **more: str) -> dict[str, str]:
    return {"Input": json.dumps({"item": {"account_id": account}, "on": "2026-01-05"}), **more}


def read(files: dict[str, list[dict[str, str]]], **listed: list[str]):
    return gathered(manifest(**listed), lambda key: json.dumps(files[key]).encode())


def test_items_hold_no_role_and_no_external_id_and_are_read_back():
    member = Member(
        account_id=ONE, name="=one", role_arn="arn:aws:iam::1:role/r", external_id="x", barred="no"
    )
    content = items([member])
    assert b"role" not in content
    assert b'"x"' not in content
    assert items_read(content) == (Member(account_id=ONE, name="=one", barred="no"),)


@pytest.mark.parametrize(
    "item", [None, [], "1" * 12, {}, {"account_id": 1}, {"account_id": "1/2"}, {"account_id": "1"}]
)
def test_what_is_no_item_is_refused(item):
    with pytest.raises(ValueError, match="twelve digits"):
        item_member(item)


def test_results_and_failures_come_from_all_files_of_the_manifest():
    files = {
        "a": [child(ONE, Output=json.dumps(row_document(ROW)))],
        "b": [child(TWO, Error="Sandbox.Timedout", Cause='{"errorMessage": "after 900 s"}')],
        "c": [child("3" * 12)],
    }
    found = read(files, SUCCEEDED=["a"], FAILED=["b"], PENDING=["c"])
    assert found.rows == {ONE: ROW}
    assert found.failures == {TWO: "Sandbox.Timedout: after 900 s", "3" * 12: "PENDING"}


@pytest.mark.parametrize("cause", ["", "plain words", "[1]", "null", '{"other": 1}'])
def test_any_cause_is_told(cause):
    found = read({"f": [child(TWO, Error="E", Cause=cause)]}, FAILED=["f"])
    assert found.failures[TWO] == (f"E: {cause}" if cause else "E")


def test_a_cause_that_holds_a_secret_is_redacted_and_a_long_one_is_cut():
    secret = "aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"
    found = read({"f": [child(TWO, Error="E", Cause=secret + " x" * 999)]}, FAILED=["f"])
    assert "wJalrXUtn" not in found.failures[TWO]
    assert len(found.failures[TWO]) == 500


def test_a_row_that_is_not_ours_is_refused():
    with pytest.raises(ValueError, match="missing field"):
        read({"a": [child(ONE, Output="{}")]}, SUCCEEDED=["a"])


def test_a_row_with_names_is_read_back_as_it_was():
    named = Matters(held=Named(names=("ana, late",), more=2))
    row = replace(
        ROW,
        flagged=2,
        by_control={ControlId.CONSOLE_MFA: 1},
        cases_by_stage={Stage.REMINDER: 1},
        named=named,
    )
    assert row_read(json.loads(json.dumps(row_document(row)))) == row


LATER = ("flagged", "by_control", "cases_by_stage", "named")


def test_a_row_from_before_names_were_kept_is_still_read():
    old = {key: value for key, value in row_document(ROW).items() if key not in LATER}
    assert len(old) == len(row_document(ROW)) - len(LATER)
    assert row_read(old) == ROW
    files = {"a": [child(ONE, Output=json.dumps(old))]}
    assert read(files, SUCCEEDED=["a"]).rows == {ONE: ROW}


@pytest.mark.parametrize("document", [None, [], "row", {"held": 1}, {"names": []}])
def test_what_is_no_row_is_refused(document):
    with pytest.raises(ValueError, match=r"expected|missing|unknown"):
        row_read(document)


def test_the_document_counts_what_its_rows_say():
    at = datetime(2026, 1, 5, 6, tzinfo=UTC)
    other = FleetRow(account_id=TWO, name="two", standing=Standing.NOT_COVERED, exit_code=6)
    document = summary_document(
        FleetSummary(project="ETV", on=date(2026, 1, 5), as_of=at, executed=True, rows=(other, ROW))
    )
    assert (document["standings"], document["exit_code"]) == ({"not covered": 1, "done": 1}, 1)
    assert document["totals"]["users"] == 3
