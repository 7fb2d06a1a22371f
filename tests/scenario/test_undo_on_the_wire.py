"""People decide while a real run is under way: one process is held at a call, others decide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.proofs.stage import BUCKETED, LOCAL, Stage

from keyreeve.sandbox.process import Sandbox

AGED, PASSWORD = "aged.key", "old.password"


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    yield Stage(sandbox, tmp_path, getattr(request, "param", BUCKETED))
    sandbox.clear_faults()


def say(stage: Stage, day: float, *arguments: str) -> tuple[int, str]:
    """Another process, to its end."""
    process = stage.launch(day, *arguments)
    said, _ = process.communicate()
    return process.returncode, said


def old_key(stage: Stage) -> tuple[str, str]:
    key, *_ = sorted(stage.sandbox.user(AGED)["keys"], key=lambda key: key["created"])
    return key["id"], key["status"]


def test_decisions_taken_during_a_run_stop_what_it_has_not_begun(stage: Stage):
    """Held while it reads the account on day 14; a pause comes, and nothing is done or sent."""
    for day in (0, 7, 11):
        stage.run(day)
    sent = len(stage.sandbox.mails())
    stage.sandbox.plant_fault("GetCredentialReport", answer="hang")
    run = stage.launch(14)
    assert stage.await_hanging(run)
    code, said = say(stage, 14, "run", "--pause", "migration")
    assert code == 0, said
    key, _ = old_key(stage)
    code, said = say(
        stage, 14, "reinstate", AGED, key, "--for", "24h", "--reason", "batch", "--execute"
    )
    assert code == 5, said
    stage.sandbox.clear_faults()
    run.communicate()
    assert old_key(stage) == (key, "Active")
    assert len(stage.sandbox.mails()) == sent
    code, said = say(stage, 14, "run", "--resume")
    assert code == 0, said
    assert "goes on" in said
    for day in (14.1, 15, 16):
        stage.run(day)
    assert old_key(stage) == (key, "Inactive")
    audited = _audited(stage)
    assert [audited.count(event) for event in ("people.paused", "people.resumed")] == [1, 1]


@pytest.mark.parametrize("stage", [LOCAL], ids=["directory"], indirect=True)
def test_a_hold_taken_during_a_run_holds_that_user_alone(stage: Stage):
    stage.run(0)
    stage.sandbox.plant_fault("GetCredentialReport", answer="hang")
    run = stage.launch(7)
    assert stage.await_hanging(run)
    until = ("--until", "2026-03-01", "--reason", "on leave")
    code, said = say(stage, 7, "case", "hold", AGED, *until)
    assert code == 0, said
    stage.sandbox.clear_faults()
    run.communicate()
    assert len(stage.sandbox.user(AGED)["keys"]) == 1
    private = [m.destinations for m in stage.sandbox.mails() if b"text/csv" in m.raw]
    assert private == [(f"{PASSWORD}@example.com",)]


def _audited(stage: Stage) -> list[str]:
    with stage.door() as door:
        lines = [
            json.loads(line)
            for row in door.store.list("audit/")
            for line in door.store.get(row.key).content.splitlines()
        ]
    return [line["event"] for line in lines]
