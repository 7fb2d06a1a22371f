"""A new version of Keyreeve over the storage of an old one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.codec.seal import seal
from keyreeve.codec.state import MIGRATIONS
from keyreeve.model.case import SCHEMA_VERSION
from keyreeve.sandbox.process import Sandbox

OLD_FIELD = "name_of_the_project"


@pytest.fixture
def upgraded(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    """A case three days old, in a state that an older version wrote: a field had another name."""
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    keyreeve = Command(sandbox, tmp_path, capsys, monkeypatch)
    keyreeve.settle()
    assert keyreeve.run(0).code == 0
    document = json.loads(keyreeve.stored("state.json"))
    document[OLD_FIELD] = document.pop("project")
    del document["sha256"]
    keyreeve.store("state.json", seal({**document, "schema_version": SCHEMA_VERSION - 1}))
    monkeypatch.setitem(MIGRATIONS, SCHEMA_VERSION - 1, _renamed)
    return keyreeve


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {"project": document.pop(OLD_FIELD), **document}


def _schema(keyreeve: Command) -> int:
    version: int = json.loads(keyreeve.stored("state.json"))["schema_version"]
    return version


def test_a_run_goes_on_with_an_older_state_where_it_stood_and_writes_it_anew(upgraded: Command):
    answer = upgraded("--output", "json", "plan", *upgraded.at(3))
    assert answer.code == 0, answer.err
    plan = answer.json
    assert {e["stage"] for e in plan["effects"] if e["kind"] == "send_notice"} >= {"reminder"}
    assert _schema(upgraded) == SCHEMA_VERSION - 1, "who only looks, writes nothing"

    assert upgraded.run(3).code == 0

    assert _schema(upgraded) == SCHEMA_VERSION
    assert upgraded("state", "verify").code == 0


def test_migrate_does_so_at_once_and_says_it_in_the_audit_log(upgraded: Command):
    answer = upgraded("state", "migrate")
    assert answer.code == 0, answer.err
    assert _schema(upgraded) == SCHEMA_VERSION
    assert upgraded.audited()[-1] == "state.migrated"
    assert upgraded("state", "verify").code == 0


def test_an_older_version_refuses_what_a_newer_one_wrote_and_changes_nothing(upgraded: Command):
    assert upgraded.run(3).code == 0
    document = json.loads(upgraded.stored("state.json"))
    del document["sha256"]
    newer = seal({**document, "schema_version": SCHEMA_VERSION + 1})
    upgraded.store("state.json", newer)

    answer = upgraded.run(4)

    assert answer.code == 6
    assert "Upgrade Keyreeve on this machine" in answer.err
    assert upgraded.stored("state.json") == newer
