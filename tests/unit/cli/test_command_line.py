"""The command line before any verb does its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from typing import Any

import click
import pytest

from keyreeve import cli
from keyreeve.cli.app import SECTIONS, app
from keyreeve.cli.options import Options
from keyreeve.model.errors import (
    AccountUnreadable,
    ConfigError,
    LockHeld,
    StorageConflict,
    UnsafePlan,
)

HEAVY = ("boto3", "botocore", "pydantic", "rich", "jinja2", "ruamel", "moto", "holidays")
VERBS = [verb for verbs in SECTIONS.values() for verb in verbs]


def loaded_by(*arguments: str) -> set[str]:
    """Names of the modules that a command has imported."""
    script = (
        "import sys, json, keyreeve.cli as cli\n"
        f"code = cli.main({list(arguments)!r})\n"
        "sys.stderr.write(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_asking_for_help_imports_nothing_heavy(arguments: tuple[str, ...]):
    assert not loaded_by(*arguments).intersection(HEAVY)


@pytest.mark.parametrize("verb", ["check", "run", "case", "state", "doctor", "init"])
def test_the_help_of_a_verb_imports_nothing_heavy(verb: str):
    assert not loaded_by(verb, "--help").intersection(HEAVY)


def commands(group: click.Group, *above: str) -> list[tuple[str, ...]]:
    with click.Context(group) as ctx:
        found = []
        for name in group.list_commands(ctx):
            command = group.get_command(ctx, name)
            assert command is not None
            found.append((*above, name))
            if isinstance(command, click.Group):
                found += commands(command, *above, name)
    return found


@pytest.mark.parametrize("words", commands(app), ids=" ".join)
def test_every_verb_has_a_description_and_an_example(words: tuple[str, ...], capsys: Any):
    assert cli.main([*words, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Example" in help_text
    assert f"keyreeve {words[0]}" in help_text.split("Example")[1]
    assert len(help_text.splitlines()[2].strip()) > 10


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_is_listed_is_there(verb: str):
    assert isinstance(getattr(import_module(f"keyreeve.cli.{verb}"), verb), click.Command)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (AccountUnreadable("no"), 6),
        (LockHeld("somebody"), 5),
        (UnsafePlan("odd"), 4),
        (ConfigError("wrong", where="config.yaml:3", remedy="Mend it."), 2),
        (StorageConflict("lost"), 1),
        (RuntimeError("bug"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    def fail(options: Options) -> None:
        raise error

    monkeypatch.setattr(Options, "begin", fail)
    assert cli.main(["state", "show"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.strip()


def test_a_bug_is_told_in_one_line_without_its_secret(monkeypatch: pytest.MonkeyPatch, capsys: Any):
    secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"

    def fail(options: Options) -> None:
        raise RuntimeError(f"SecretAccessKey={secret}\x1b[2J\nerror: forged")

    monkeypatch.setattr(Options, "begin", fail)
    for arguments in (["check"], ["-v", "check"]):
        assert cli.main(arguments) == 1
        said = capsys.readouterr().err
        assert secret not in said
        assert "\x1b" not in said
    assert "Traceback" in said


def test_an_interrupted_process_exits_with_130():
    script = (
        "import os, signal, keyreeve.cli as cli\n"
        "from keyreeve.cli.options import Options\n"
        "Options.begin = lambda self: os.kill(os.getpid(), signal.SIGTERM)\n"
        "import sys; sys.exit(cli.main(['state', 'show']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_without_a_config_the_way_to_one_is_named(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KEYREEVE_CONFIG", raising=False)
    assert cli.main(["check"]) == 2
    assert "keyreeve init" in capsys.readouterr().err


def test_the_config_may_be_named_by_the_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.setenv("KEYREEVE_CONFIG", str(tmp_path / "named.yaml"))
    assert cli.main(["check"]) == 2
    assert "named.yaml" in capsys.readouterr().err


def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "keyreeve", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.startswith("keyreeve, version ")


def test_a_reader_that_goes_away_is_no_error_worth_a_traceback():
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m keyreeve --help | head -1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr


def test_a_help_that_cannot_be_written_is_told_without_a_traceback():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "keyreeve", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "cannot write the help: No space left on device\n"


@pytest.mark.parametrize("arguments", [["check", "\x1b[31mred"], ["--foo\x1b[31m"], ["a\x1b[2J"]])
def test_what_was_mistyped_does_not_steer_the_terminal(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.setattr(click.utils, "should_strip_ansi", lambda *_: False)  # as on a terminal
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda *_: False)
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "Try 'keyreeve" in said


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("ch", {"check"}), ("case un", {"unhold"}), ("check --po", {"--posture"})],
)
def test_the_shell_completes_verbs_and_options(typed: str, offered: set[str]):
    words = ["keyreeve", *typed.split(" ")]
    done = subprocess.run(
        [sys.executable, "-m", "keyreeve"],
        env={
            **os.environ,
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
            "_KEYREEVE_COMPLETE": "bash_complete",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered
