"""The weekly summary on its day, and by hand: every part that the interface names."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import sandbox
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.account_file import load_document
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

UNREACHABLE = {
    "name": "nobody",
    "created": "300d",
    "keys": [{"created": "120d", "last_used": "1d"}],
}
FULL = {
    "name": "full",
    "created": "500d",
    "tags": {"email": "full@example.com"},
    "keys": [
        {"created": "120d", "last_used": "1d"},
        {"created": "400d", "last_used": "300d", "active": False},
    ],
}
"""Two keys, one of them Inactive: no slot is free."""
SECTIONS = {
    "HELD": "aged.key",
    "OVERDUE": "gone.quiet",
    "OWNERS WHO CANNOT BE REACHED": "nobody",
    "INLINE POLICIES": "gone.quiet",
    "WAIVERS THAT END SOON": "no.mfa",
}


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    document = dict(load_document("small"))
    document["users"] = [*document["users"], UNREACHABLE, FULL]
    sandbox.reset(document, MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


def summaries(keyreeve: Command, since: int = 0) -> list[str]:
    """Plain texts of the summaries that were sent."""
    mails = [
        message_from_bytes(mail.raw, policy=policy.default)
        for mail in keyreeve.sandbox.mails(since)
    ]
    texts = [mail.get_body(("plain",)) for mail in mails if "summary" in mail["subject"]]
    return [text.get_content().replace("\r\n", "\n") for text in texts]


def after(text: str, heading: str) -> str:
    """What stands below a heading, up to the next rule."""
    assert f"\n{heading}" in text, text
    return text.partition(f"\n{heading}")[2].partition("\n-----")[0]


def weeks(keyreeve: Command) -> None:
    """Two weeks: a waiver that ends soon, a case that is held."""
    keyreeve.run(0)
    reason = ("--reason", "token is on its way", "--requested-by", "a", "--approved-by", "b")
    for verb in (
        ("waiver", "add", "no.mfa", "--expires", "2026-01-30", *reason),
        ("case", "hold", "aged.key", "--until", "2026-03-01", "--reason", "release week"),
    ):
        answer = keyreeve(*verb)
        assert answer.code == 0, answer.err
    for day in (3, 7, 10, 11, 14, 15):
        keyreeve.run(day)


def test_every_part_of_the_summary_stands_in_the_mail_of_its_day(keyreeve: Command):
    weeks(keyreeve)
    before = len(keyreeve.sandbox.mails())
    assert keyreeve.run(21).code == 0
    (text,) = summaries(keyreeve, before)
    for heading, user in SECTIONS.items():
        assert user in after(text, heading), heading
    document = keyreeve.json("summary", *keyreeve.at(21))["summary"]
    assert f"{document['users']:6}  IAM users" in text
    stages = text.partition("Open cases by stage")[2].partition("\n\n")[0].splitlines()[1:]
    shown = [int(line.split()[0]) for line in stages]
    assert [count for count in shown if count] == [count for _, count in document["cases_by_stage"]]
    spared = 0
    for control, _, count in document["by_control"]:
        found = keyreeve.json("check", *keyreeve.at(21))["findings"]
        of = [row["status"] for row in found if row["control"] == control]
        assert count == of.count("open"), control
        spared += len(of) - count
    assert spared, "somebody is waived in this story"


def test_plan_and_summary_count_alike_whom_the_two_key_limit_blocks(keyreeve: Command):
    said = "1 user cannot get a new key: both slots are taken."
    document = keyreeve.json("plan", *keyreeve.at(0))["slot_blocked"]
    assert (document["users"], document["by_keyreeve"]) == (1, 0)
    assert [key["user_name"] for key in document["keys"]] == ["full"]
    assert said in keyreeve("plan", *keyreeve.at(0)).out.splitlines()
    keyreeve.run(0)
    (text,) = summaries(keyreeve)
    assert said in after(text, "NO FREE KEY SLOT (1)")


def test_it_comes_once_on_its_day_and_by_hand_whenever_asked(keyreeve: Command):
    for day in range(9):
        keyreeve.run(day)
    assert len(summaries(keyreeve)) == 2  # the two Mondays
    assert keyreeve("summary", "--send", *keyreeve.at(9)).code == 0
    assert len(summaries(keyreeve)) == 3
    keyreeve.run(9)
    assert len(summaries(keyreeve)) == 3


def test_a_monday_that_was_missed_is_made_up_for_on_the_next_mail_day(keyreeve: Command):
    keyreeve.run(0)
    keyreeve.run(8)
    assert len(summaries(keyreeve)) == 2
    keyreeve.run(9)
    assert len(summaries(keyreeve)) == 2


def test_its_day_and_readers_are_settings(keyreeve: Command):
    keyreeve.settle(more="summary: {day: wed, to: [lead@example.com]}\n")
    for day in range(4):
        keyreeve.run(day)
    (mail,) = [m for m in keyreeve.sandbox.mails() if m.destinations == ("lead@example.com",)]
    assert mail.at.weekday() == 2
