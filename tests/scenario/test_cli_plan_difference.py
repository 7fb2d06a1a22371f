"""`plan --against`: what a change of config.yaml would do, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import MONDAY, sandbox
from tests.scenario.cli_command import Command

from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
WITHOUT = "exclusions: [{user: aged.key, reason: emergency}]\n"


@pytest.fixture
def keyreeve(
    sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Command:
    sandbox.reset("small", at=MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


def kept(keyreeve: Command, *more: str) -> str:
    path = keyreeve.folder / "before.json"
    path.write_text(keyreeve("--output", "json", "plan", *more, *keyreeve.at(0)).out)
    return str(path)


@pytest.mark.parametrize("days", [(), ("--days", "3")])
def test_a_change_of_the_config_shows_whom_it_reaches_and_when(keyreeve: Command, days):
    before = kept(keyreeve, *days)
    same = keyreeve("plan", "--against", before)
    assert (same.code, "The plan is the same." in same.out) == (0, True), same.err
    keyreeve.settle(more=WITHOUT)
    differs = keyreeve("plan", "--against", before)
    assert differs.code == 0
    assert "removed" in differs.out
    assert all(
        "2026-01-" in line for line in differs.out.splitlines() if line[:1] in "+-~" and line
    )
    found = keyreeve.json("plan", "--against", before)["differences"]
    assert found
    assert {each["part"] for each in found} <= {"effects", "held", "figures"}
    assert keyreeve.sandbox.mails() == []


def test_a_refused_plan_exits_as_the_run_would(keyreeve: Command):
    before = kept(keyreeve)
    keyreeve.settle(more="limits: {disruptive_share: 0.0, disruptive_floor: 0}\n")
    assert keyreeve("plan", *keyreeve.at(0)).code == keyreeve("plan", "--against", before).code


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"schema": "keyreeve.plan/1"}', "[" * 100_000, '{"as_of": 1}'],
)
def test_a_file_that_holds_no_plan_is_a_mistake_with_what_to_do(keyreeve: Command, content: str):
    path = keyreeve.folder / "before.json"
    path.write_text(content)
    refused = keyreeve("plan", "--against", str(path))
    assert refused.code == 2
    assert "--against" in refused.err
    assert "Keep a plan with" in refused.err


def test_a_plan_without_its_time_or_of_another_account_is_refused(keyreeve: Command):
    path = Path(kept(keyreeve))
    document = json.loads(path.read_text())
    for change in ({"as_of": "2026-01-05T06:00:00"}, {"account_id": "999999999999"}):
        path.write_text(json.dumps(document | change))
        refused = keyreeve("plan", "--against", str(path))
        assert refused.code == 2, change
    assert keyreeve("plan", "--against", str(path), "--days", "3").code == 2


def test_junit_xml_comes_with_the_exit_code_of_what_was_read(keyreeve: Command):
    out = keyreeve.folder / "findings.xml"
    made = keyreeve("report", "--format", "junit", "--out", str(out), *keyreeve.at(0))
    assert made.code == 0, made.err
    assert "<failure" in out.read_text()
    keyreeve.sandbox.plant_fault("GetAccountSummary", code="AccessDenied", status=403)
    partly = keyreeve("report", "--format", "junit", *keyreeve.at(0))
    assert partly.code == 1
    assert "<error" in partly.out
