"""A person's terminal, as far as the pages need one: `keyreeve`, `aws`, `export`, `>` and `&`.

It has a folder and an environment of its own.  What runs for long runs in a process of its own,
everything else in this one.  `aws` is the AWS CLI's own way from words to calls, by the SDK's
description of each service: a wrong operation or parameter fails here as it does there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name

from keyreeve.cli import main

_TAKES_TIME = (
    "arm",
    "check",
    "plan",
    "run",
    "summary",
    "report",
    "case",
    "mail",
    "waiver",
    "reinstate",
)
_NOT_JUDGED = {"--pause", "--resume", "--as-of", "--help"}
_LAST_OF_ENVIRONMENT = "export no_proxy"


class Shell:
    """One terminal; `at` is the time that commands judge by, since no test goes by the clock."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], capsys: Any, patch: pytest.MonkeyPatch
    ) -> None:
        self.folder = folder
        self.at: datetime | None = None
        self._background: subprocess.Popen[str] | None = None
        self._capsys = capsys
        self._patch = patch
        patch.chdir(folder)
        patch.setenv("COLUMNS", "100")
        for name in [name for name in os.environ if name.startswith(("AWS_", "KEYREEVE_"))]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)

    def write(self, name: str, content: str) -> None:
        """A new file, or more of one that is there."""
        path = Path(name.replace("~", str(self.folder)))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(content)

    def paste(self, lines: Iterable[str]) -> None:
        """Lines of `export`."""
        for line in lines:
            assert self.type(line) == (0, "")

    def type(self, line: str) -> tuple[int, str]:
        """The exit code, and what stood on the terminal: stdout, then stderr."""
        words = shlex.split(line, comments=True)
        if words[-1] == "&":
            return 0, self._start(words[1:-1])
        if words[:2] == ["keyreeve", "demo"]:
            return self._wait_for(words[1:])
        self._capsys.readouterr()
        target = None
        if ">" in words:
            words, target = words[: words.index(">")], words[words.index(">") + 1]
        code = self._run(words)
        said = self._capsys.readouterr()
        if target is None:
            return code, said.out + said.err
        (self.folder / target).write_text(said.out, encoding="utf-8")
        return code, said.err

    def close(self) -> None:
        """End what was begun in the background, by its id."""
        process, self._background = self._background, None
        if process is not None:
            process.terminate()
            process.communicate(timeout=20)

    def _start(self, words: list[str]) -> str:
        """In the background; what it printed until it waits for somebody."""
        command = [sys.executable, "-m", "keyreeve", *words]
        process = subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._background = process
        lines: list[str] = []
        while not lines or not lines[-1].startswith(_LAST_OF_ENVIRONMENT):
            lines.append(process.stdout.readline() if process.stdout else "")
            assert lines[-1], "it ended"
        return "".join(lines)

    def _wait_for(self, words: list[str]) -> tuple[int, str]:
        command = [sys.executable, "-m", "keyreeve", *words]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def _run(self, words: list[str]) -> int:
        command, *arguments = words
        if command == "export":
            for each in arguments:
                self._patch.setenv(*each.split("=", 1))
            return 0
        if command == "aws":
            return _aws(*arguments)
        assert command == "keyreeve", f"this terminal has no {command}"
        if self.at and self._is_judged(arguments):
            arguments += ["--as-of", self.at.isoformat()]
        return main(arguments)

    @staticmethod
    def _is_judged(arguments: list[str]) -> bool:
        verb = next((word for word in arguments if word in _TAKES_TIME), None)
        return verb is not None and not set(arguments) & _NOT_JUDGED


def _aws(service: str, operation: str, *options: str) -> int:
    client = boto3.session.Session().client(service)
    method = xform_name(operation.replace("-", "_"))
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method])
    cli_names = {xform_name(name, "-"): name for name in model.input_shape.members}
    given = {
        cli_names[name.removeprefix("--")]: _value(text)
        for name, text in zip(options[::2], options[1::2], strict=True)
    }
    getattr(client, method)(**given)
    return 0


def _value(text: str) -> str:
    return Path(text.removeprefix("file://")).read_text() if text.startswith("file://") else text
