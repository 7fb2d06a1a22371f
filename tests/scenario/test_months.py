"""Month-over-month figures over the command line, counted against what the sandbox itself saw."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws, sandbox
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.process import Mail, Sandbox

__all__ = ["sandbox"]

SEEN = ("aged.key", "stale.key", "old.password", "no.mfa", "gone.quiet", "gone.quiet, day 15")
"""Findings of the month; the last is a password that becomes 75 days old in it."""
FEBRUARY_2 = 28
"""A Monday."""


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


def parsed(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail.raw, policy=policy.default)


def keys_of(keyreeve: Command, user: str) -> list[str]:
    """The state of each access key, oldest first."""
    keys = aws(keyreeve.sandbox.url, "iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [key["Status"] for key in sorted(keys, key=lambda key: key["CreateDate"])]


def january(keyreeve: Command) -> None:
    """A month in which stale.key mends, aged.key is enforced, and no.mfa is waived."""
    iam = aws(keyreeve.sandbox.url, "iam")
    for day in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 15):
        if day == 2:
            keyreeve("run", "--execute", *keyreeve.at(day))  # twice on one day
            answer = keyreeve(
                *("waiver", "add", "no.mfa", "--control", "console_mfa", "--expires", "2026-03-01"),
                *("--reason", "hardware token is on its way", "--requested-by", "no.mfa"),
                *("--approved-by", "boss"),
            )
            assert answer.code == 0, answer.err
        if day == 4:
            for key in iam.list_access_keys(UserName="stale.key")["AccessKeyMetadata"]:
                iam.update_access_key(
                    UserName="stale.key", AccessKeyId=key["AccessKeyId"], Status="Inactive"
                )
        assert keyreeve.run(day).code == 0


def test_last_month_is_shown_against_the_one_before_agrees_with_the_account_and_is_mailed(
    keyreeve: Command,
):
    january(keyreeve)
    mails = [parsed(mail) for mail in keyreeve.sandbox.mails()]
    private = [mail for mail in mails if "Your new" in mail["subject"]]
    document = keyreeve.json("summary", *keyreeve.at(FEBRUARY_2))
    december, month = document["summary"]["months"]
    assert (december["first"], december["run_days"]) == ("2025-12-01", 0)
    assert (month["first"], month["run_days"]) == ("2026-01-01", 12)
    assert month["mails"] == len(mails)
    assert month["credentials"] == len(private) == 2
    assert keys_of(keyreeve, "aged.key") == ["Inactive", "Active"]
    ended = ("opened", "resolved_by_owner", "new_passwords", "enforced", "set_aside", "users_gone")
    assert {name: month[name] for name in ended} == {
        "opened": len(SEEN),
        "resolved_by_owner": 1,
        "new_passwords": 1,
        "enforced": 1,
        "set_aside": 1,
        "users_gone": 0,
    }
    assert "÷ 60" in month["saved"]["formula"]
    # The mail of the first Monday carries the table, and the formula with the project's minutes.
    minutes = "{finding: 0, mail: 0, credential: 60, enforcement: 0}"
    keyreeve.settle(more=f"summary: {{minutes_per: {minutes}}}\n")
    before = len(keyreeve.sandbox.mails())
    assert keyreeve.run(FEBRUARY_2).code == 0
    mails = map(parsed, keyreeve.sandbox.mails(before))
    (mail,) = [mail for mail in mails if "summary" in mail["subject"]]
    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        words = " ".join(body.split())
        assert "Jan 2026" in words
        assert "Resolved by their owner" in words
        assert f"Hours saved in Jan 2026 (estimate): ({len(SEEN)} findings opened × 0 min" in words
    month = keyreeve.json("summary", *keyreeve.at(FEBRUARY_2))["summary"]["months"][-1]
    assert month["saved"]["hours"] == month["credentials"] == 2


def test_a_young_project_shows_no_months_and_one_whose_log_was_altered_says_why(
    keyreeve: Command,
):
    keyreeve.run(0)
    assert keyreeve.json("summary", *keyreeve.at(1))["summary"]["months"] == []
    client, bucket, prefix = keyreeve.objects()
    (row,) = client.list_objects_v2(**bucket, Prefix=f"{prefix}audit/")["Contents"][:1]
    key = row["Key"].removeprefix(prefix)
    keyreeve.store(key, keyreeve.stored(key).replace(b'"run.started"', b'"run.stalled"'))
    summary = keyreeve.json("summary", *keyreeve.at(FEBRUARY_2))["summary"]
    assert summary["months"] == []
    (gap,) = [gap for gap in summary["gaps"] if "past months" in gap]
    assert "does not match its digest" in gap
