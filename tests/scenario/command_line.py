"""The command line in a process of its own, pointed at the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.sandbox_fixture import MONDAY

from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox

CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
exclusions:
  - {{tag: "keyreeve:exclude=true", reason: "watched, never touched"}}
"""


class CommandLine:
    """`keyreeve` with a config.yaml in a folder."""

    def __init__(self, sandbox: Sandbox, folder: Path, config: str = CONFIG) -> None:
        self.sandbox = sandbox
        self.config = folder / "config.yaml"
        self.config.write_text(config, encoding="utf-8")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COV_"))}
        return subprocess.run(
            [sys.executable, "-m", "keyreeve", "--config", str(self.config), *arguments],
            env=environment | self.sandbox.environment() | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
            cwd=self.config.parent,
        )

    def json(self, *arguments: str) -> dict[str, Any]:
        """The document that a command prints."""
        done = self("--output", "json", *arguments)
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def run(self, day: float, *more: str) -> subprocess.CompletedProcess[str]:
        """The daily run of a day, for real."""
        at = at_day(day)
        self.sandbox.set_clock(at)
        return self("run", "--execute", "--as-of", iso(at), *more)


def at_day(day: float) -> datetime:
    return MONDAY + timedelta(days=day)


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
