"""The access document over the command line, against the sandbox."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from tests.sandbox_fixture import aws, sandbox
from tests.scenario.test_cli_user import MORE, People, people

__all__ = ["people", "sandbox"]


@pytest.fixture
def village(people: People) -> People:
    """Ann, put into her group on Monday by its administrator."""
    people.make("ann", "Developers", department="Eng", email="ann@example.com")
    people.role("DeveloperRole", group="Developers")
    return people


def row_of(text: str, user: str) -> dict[str, str]:
    (row,) = (row for row in csv.DictReader(StringIO(text)) if row["user"] == user)
    return row


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_since_when_somebody_has_a_role_is_known_wherever_the_work_is_done(
    village: People, monkeypatch: pytest.MonkeyPatch, region: str
):
    village.settle(more=MORE.replace("access.yaml", f"access.yaml, region: {region}"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_REGION", region)
    told = village("report", "--access", "--format", "csv", *village.at(0))
    assert told.code == 0, told.err
    row = row_of(told.out, "ann")
    assert (row["group"], row["role"], row["since"]) == (
        "Developers",
        "DeveloperRole",
        "2026-01-05",
    )
    assert row["by"] == aws(village.sandbox.url, "sts").get_caller_identity()["Arn"]


def test_the_page_and_the_json_tell_of_the_same_people(village: People):
    page = village.folder / "access.html"
    assert village("report", "--access", "--out", str(page)).code == 0
    found = village("report", "--access", "--format", "json", *village.at(0)).json["report"]
    names = [person["user_name"] for person in found["people"]]
    assert "ann" in names
    text = page.read_text(encoding="utf-8")
    assert all(f"<b>{name}</b>" in text for name in names)


def test_a_document_that_cannot_be_written_is_said_so(village: People):
    answer = village("report", "--access", "--out", str(village.folder / "nowhere" / "a.html"))
    assert answer.code == 2
    assert "cannot be written" in answer.err
