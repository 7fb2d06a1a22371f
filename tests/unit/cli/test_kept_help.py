"""The help that is kept as text is the help of today."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from keyreeve import cli
from keyreeve.cli import handbook
from keyreeve.cli.app import app
from keyreeve.cli.help_page import page
from keyreeve.cli.kept_help import kept


def said_by_click(*arguments: str) -> str:
    return CliRunner().invoke(app, arguments, prog_name="keyreeve").output


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_kept_help_is_what_click_says():
    """Mend with: python -m keyreeve.cli.help_page."""
    assert kept(["--help"]) == kept(["-h"]) == page() == said_by_click("--help")


def test_the_help_is_the_same_after_the_page_of_the_commands_was_made(monkeypatch):
    """Click keeps the help option of the first context that asks a command for it."""
    monkeypatch.setattr(app, "_help_option", None)
    handbook.page()
    assert said_by_click("--help") == page()
    assert "-h, --help" in said_by_click("--help")


def test_the_version_is_what_click_says():
    assert kept(["--version"]) == said_by_click("--version")


def test_a_narrow_terminal_gets_its_own(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    assert kept(["--help"]) is None
    assert cli.main(["--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_without_a_terminal_there_is_room(monkeypatch):
    def none(_: int) -> os.terminal_size:
        raise OSError

    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(os, "get_terminal_size", none)
    assert kept(["--help"]) == page()


@pytest.mark.parametrize("arguments", [[], ["check", "--help"], ["-v", "--help"], ["help"]])
def test_whatever_else_is_asked_is_parsed(arguments: list[str]):
    assert kept(arguments) is None
