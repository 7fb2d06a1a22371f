"""P15 at the small size, and what the proof finds when a rehearsal changes something."""

from __future__ import annotations

from collections.abc import Iterable

import click
import pytest
from tests.proofs import rehearsal
from tests.proofs.figure import SEED, Size, found


def test_a_rehearsal_changes_nothing_whatever_fails():
    figures = list(rehearsal.prove(Size.CI, SEED))
    assert found(figures, "P15") == ()
    tried = {figure.what: figure.tried for figure in figures}
    reading = len(rehearsal.commands(rehearsal.Form.READS))
    assert tried["rehearsals, with every call failing in every way"] == 2 * reading >= 30
    assert tried["operations that AWS knows, asked of the guard"] >= 700


def test_a_new_verb_without_a_row_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(rehearsal, "COMMANDS")
    monkeypatch.setattr(rehearsal, "COMMANDS", {"plan": (), "fly": ()}, raising=False)
    told = rehearsal.forgotten()
    assert "run: no row says what it may do" in told
    assert "fly: there is no such command" in told
    assert not any(line.startswith("plan:") for line in told)


def test_every_verb_that_asks_for_consent_is_rehearsed_without_it():
    consents = {"--execute", "--send", "--send-test"}
    for name, rows in rehearsal.COMMANDS.items():
        command: click.Command = rehearsal.app
        for word in name.split():
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        asks = consents & set(_options(command))
        if asks:
            without = {rehearsal.Form.READS, rehearsal.Form.SEVERAL}
            assert any(row.form in without for row in rows), name
        assert not any(consents & set(row.words) for row in rows), name


def _options(command: click.Command) -> Iterable[str]:
    return (word for parameter in command.params for word in parameter.opts)


def test_a_guard_that_lets_one_call_through_is_found():
    (mutant, _) = rehearsal.MUTANTS
    with mutant.plant():
        told = [what for one in rehearsal.guarded() for what in one]
    assert told
    assert all("iam:UpdateAccessKey" in what for what in told)


def test_a_rehearsal_that_saves_the_state_is_found():
    (_, mutant) = rehearsal.MUTANTS
    (run, *_) = rehearsal.COMMANDS["run"]
    with rehearsal.stage(rehearsal.IN_FOLDER) as on:
        assert rehearsal.rehearsed(on, run) == []
        with mutant.plant():
            assert any("disk changed" in what for what in rehearsal.rehearsed(on, run))
