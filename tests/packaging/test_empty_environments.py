"""A way onto a machine that was asked for is tried, or its absence is a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.documentation.page import Step
from tests.packaging.empty_environments import TOOLS, installed, main


class Followed:
    """A machine that does whatever a page says."""

    version = "Python 3.11"

    def __init__(self) -> None:
        self.typed: list[str] = []

    def follow(self, steps: list[Step]) -> None:
        self.typed += [step.typed for step in steps]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs are looked for: nothing is there yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def put(path: Path, *tools: str) -> None:
    for tool in tools:
        (path / tool).write_text("#!/bin/sh\n")
        (path / tool).chmod(0o700)


def wrong(machine: Any, *tools: str) -> dict[str, str | None]:
    return {what.rpartition(" ")[2]: told for what, told in installed(machine, tools)}


def test_a_machine_without_them_tries_what_it_has_and_says_what_it_has_not(path: Path, capsys: Any):
    machine = Followed()
    assert wrong(machine) == {"python3": None}
    assert "pip install keyreeve" in machine.typed
    said = capsys.readouterr().out
    assert all(f"{tool}: not on this machine" in said for tool in TOOLS)


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_asked_for_and_is_not_there_is_a_failure(path: Path, tool: str, capsys: Any):
    [other] = set(TOOLS) - {tool}
    put(path, other)
    found = wrong(Followed(), tool)
    assert found.pop(tool) == "asked for, and not on this machine or page"
    assert found == {"python3": None, other: None}
    assert capsys.readouterr().out == ""


def test_what_is_there_is_tried_whether_it_was_asked_for_or_not(path: Path):
    put(path, *TOOLS)
    for asked in ((), TOOLS):
        machine = Followed()
        assert wrong(machine, *asked) == {"python3": None} | dict.fromkeys(TOOLS)
        assert {"pipx install keyreeve", "uvx keyreeve --version"} <= set(machine.typed)


def test_a_tool_that_no_page_names_cannot_be_asked_for(capsys: Any):
    with pytest.raises(SystemExit):
        main(["--tool", "pip", "dist", "python3"])
    assert "invalid choice" in capsys.readouterr().err
