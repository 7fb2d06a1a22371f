"""The dead man's switch over the command line: a URL on 127.0.0.1 and a metric of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.contract.test_heartbeat import CANARY, VARIABLE, Watcher
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.scenario.cli_command import Command

from keyreeve.sandbox.old_account import old_account
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
HEARTBEAT = f"heartbeat: {{url_env: {VARIABLE}, metric: true}}\n"


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with closing(Watcher()) as made:
        yield made


@pytest.fixture
def keyreeve(
    sandbox: Sandbox, watcher: Watcher, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Command:
    sandbox.reset("small", at=MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    monkeypatch.setenv(VARIABLE, watcher.url)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    command.settle(more=HEARTBEAT)
    return command


def counted(sandbox: Sandbox) -> int:
    named = aws(sandbox.url, "cloudwatch").list_metrics(Namespace="Keyreeve")["Metrics"]
    return len(named)


def test_a_run_that_ended_beats_and_neither_a_rehearsal_nor_any_other_verb_does(
    keyreeve: Command, watcher: Watcher
):
    for verb in (("run",), ("plan",), ("check",), ("report",), ("summary",)):
        assert keyreeve(*verb, *keyreeve.at(0)).code == 0
    assert keyreeve("doctor").out.count("heartbeat, ") == 2
    assert (watcher.asked, counted(keyreeve.sandbox)) == ([], 0)
    ran = keyreeve.run(0)
    assert (ran.code, watcher.asked) == (0, [f"/{CANARY}"]), ran.out + ran.err
    assert counted(keyreeve.sandbox) == 1
    assert "Heartbeat" not in ran.out
    assert CANARY not in ran.out + ran.err


def test_a_beat_that_is_not_heard_is_told_and_harms_nothing(keyreeve: Command, watcher: Watcher):
    watcher.statuses = [500]
    ran = keyreeve.run(0)
    assert ran.code == 1
    assert f"Heartbeat: URL in {VARIABLE} was not told that the run has ended" in ran.out
    assert "the watcher answered 500" in ran.out
    assert CANARY not in ran.out + ran.err
    assert keyreeve.sandbox.mails(), "the mails went out all the same"
    assert counted(keyreeve.sandbox) == 1, "the other watcher was told"
    assert keyreeve.json("state", "show")["last_run"]["exit_code"] == 0
    again = keyreeve.json("run", "--execute", *keyreeve.at(1))
    assert again["exit_code"] == 1
    missed, told = again["heartbeat"]
    assert (missed["missed"], told["missed"]) == ("the watcher answered 500", None)


def test_a_run_that_did_not_come_to_its_end_is_silent(keyreeve: Command, watcher: Watcher):
    keyreeve.hold_lock()
    assert keyreeve("run", "--execute", *keyreeve.at(0)).code == 5
    keyreeve.give_lock_back()
    keyreeve.store("state.json", b"{")
    assert keyreeve("run", "--execute", *keyreeve.at(0)).code == 6
    assert (watcher.asked, counted(keyreeve.sandbox)) == ([], 0)


def test_a_refused_run_has_ended_too_and_keeps_its_exit_code(keyreeve: Command, watcher: Watcher):
    keyreeve.sandbox.reset(old_account(40, 0), MONDAY)
    assert keyreeve.run(0).code == 0
    keyreeve.settle(
        more=f"{HEARTBEAT}thresholds: {{access_key_rotation: 20d, password_age: 20d}}\n"
    )
    watcher.statuses = [500]
    refused = keyreeve.run(1)
    assert refused.code == 4, refused.out + refused.err
    assert watcher.heard() == 1 + 3
    assert "was not told that the run has ended" in refused.out


def test_another_time_than_now_is_not_told_to_the_world(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, f"https://hc-ping.com/{CANARY}")
    refused = keyreeve.run(0)
    assert refused.code == 2
    assert "--as-of" in refused.err
    assert CANARY not in refused.err
