"""Each kind of damage, and what every verb on the storage says and does about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.codec.seal import parse, seal
from keyreeve.sandbox.process import Sandbox

STATE = "state.json"
UNREADABLE, BROKEN, DONE = 6, 1, 0


@pytest.fixture
def settled(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    keyreeve = Command(sandbox, tmp_path, capsys, monkeypatch)
    keyreeve.settle()
    assert keyreeve.run(0).code == 0
    return keyreeve


def _resealed(**changes: object) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        document = parse(content) | changes
        document.pop("sha256")
        return seal(document)

    return change


def _first_step(settled: Command) -> str:
    client, bucket, prefix = settled.objects()
    (row, *_) = client.list_objects_v2(**bucket, Prefix=f"{prefix}ops/")["Contents"]
    return str(row["Key"].removeprefix(prefix))


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "cut off": (lambda it: it[: len(it) // 2], DONE),
    "nothing in it": (lambda _: b"", DONE),
    "an altered byte": (lambda it: it.replace(b'"ETV"', b'"ETW"', 1), DONE),
    "a field too many": (_resealed(surprise=1), DONE),
    "another project's": (_resealed(project="Etv"), DONE),
    "another account's": (_resealed(account_id="999999999999"), DONE),
    "of a newer schema": (_resealed(schema_version=2), UNREADABLE),
}
"""What happened to state.json, and how `repair` ends: a newer state is good, only not for us."""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_named_by_every_verb_and_repair_puts_the_last_good_one_back(
    settled: Command, damage: str
):
    change, repaired = DAMAGES[damage]
    good = settled.stored(STATE)
    settled.store(STATE, change(good))
    before = settled.sandbox.fingerprint()
    for verb in (("state", "show"), ("check",), ("plan",), ("case", "list")):
        answer = settled(*verb, *(settled.at(1) if verb[0] in ("check", "plan") else ()))
        if answer.code == 0:
            assert verb == ("check",)  # findings need no state
            continue
        assert answer.code == UNREADABLE, (verb, answer.err)
        assert STATE in answer.err
        assert "Traceback" not in answer.err
    verified = settled("state", "verify")
    assert verified.code == BROKEN
    assert STATE in verified.out
    assert settled.sandbox.fingerprint() == before
    assert settled.run(1).code == UNREADABLE
    assert settled("state", "migrate").code == UNREADABLE
    assert settled("state", "unlock").code == DONE
    assert settled("state", "repair").code == repaired
    if repaired == DONE:
        assert settled.stored(STATE) == good
        assert settled("state", "verify").code == DONE
        assert settled.run(1).code == 0


@pytest.mark.parametrize("key", ["holds.json", "waivers.json", "pause.json", "ops/", "lock.json"])
def test_other_damaged_objects_stop_the_run_and_are_named(settled: Command, key: str):
    key = _first_step(settled) if key == "ops/" else key
    settled.store(key, b'{"torn')
    sent = len(settled.sandbox.mails())
    answer = settled.run(1)
    assert answer.code == UNREADABLE, answer.err
    assert key in answer.err
    assert len(settled.sandbox.mails()) == sent
    if key != "lock.json":
        verified = settled("state", "verify")
        assert verified.code == BROKEN
        assert key in verified.out
        return
    assert settled("state", "unlock").code == UNREADABLE
    assert settled("state", "unlock", "--force").code == DONE
    assert settled.run(1).code == DONE
