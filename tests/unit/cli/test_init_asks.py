"""`init` with a person at the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from keyreeve.cli.app import app
from keyreeve.config import load

ANSWERS = ["ETV", "./state", "", "IAM <iam@example.com>", "a@example.com, b@example.com"]


@pytest.mark.parametrize("free_slot", ["", "30"])
def test_a_few_answers_make_a_config_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_slot: str
):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(
        app, ["init"], input="\n".join([*ANSWERS, "Asia/Kolkata", "example.com", free_slot, ""])
    )
    assert told.exit_code == 0, told.output
    assert "both slots are taken" in told.output
    assert "keyreeve arm" in told.output
    policy = load(tmp_path / "config.yaml").escalation_policy()
    assert policy.observe_only
    assert policy.mail_cc == ("a@example.com", "b@example.com")
    assert policy.timezone.key == "Asia/Kolkata"
    assert policy.owner.domains == ("example.com",)
    assert policy.free_slot_after_days == (int(free_slot) if free_slot else None)


def test_impossible_answers_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(
        app,
        [
            *("init", "--yes", "--project-name", "ETV", "--storage", "./state"),
            *("--sender", "no address", "--cc", "msp@example.com", "--timezone", "Asia/Nowhere"),
        ],
    )
    assert told.exit_code != 0
    assert not (tmp_path / "config.yaml").exists()
