"""The command line as a person or a pipeline meets it, against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws

from keyreeve.cli import main
from keyreeve.sandbox.process import Sandbox

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
ON_S3 = "{bucket: keyreeve-sandbox}"
SES = "transport: ses"


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Command:
    """`keyreeve …` in this process; `spawn` in one of its own."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = folder / "config.yaml"
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.now = MONDAY
        monkeypatch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(("AWS_", "KEYREEVE_"))]:
            monkeypatch.delenv(name)
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)

    def settle(self, *, storage: str = ON_S3, mail: str = SES, more: str = "") -> None:
        self.config.write_text(
            "project_name: ETV\n"
            f"storage: {storage}\n"
            "mail:\n"
            "  sender: IAM Compliance <iam@example.com>\n"
            "  cc: [msp@example.com]\n"
            f"  {mail}\n{more}",
            encoding="utf-8",
        )

    def __call__(self, *arguments: str) -> Answer:
        self._capsys.readouterr()
        code = main(list(arguments))
        said = self._capsys.readouterr()
        return Answer(code, said.out, said.err)

    def json(self, *arguments: str) -> Any:
        answer = self("--output", "json", *arguments)
        return answer.json

    def spawn(self, *arguments: str, more: Mapping[str, str] | None = None) -> Answer:
        done = subprocess.run(
            [sys.executable, "-m", "keyreeve", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(more or {})},
            cwd=self.folder,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def at(self, day: int) -> tuple[str, str]:
        """`--as-of` on a day of the story, the sandbox's clock set alike."""
        self.now = MONDAY + timedelta(days=day)
        self.sandbox.set_clock(self.now)
        return "--as-of", self.now.isoformat()

    def run(self, day: int) -> Answer:
        return self("run", "--execute", *self.at(day))

    def objects(self) -> Any:
        """The client and where the project lies."""
        return aws(self.sandbox.url, "s3"), {"Bucket": "keyreeve-sandbox"}, "iam-compliance/etv/"

    def give_lock_back(self) -> None:
        """The other run has ended."""
        client, bucket, prefix = self.objects()
        client.delete_object(**bucket, Key=f"{prefix}lock.json")

    def hold_lock(self, *, minutes: int = 5) -> None:
        """As another run would."""
        client, bucket, prefix = self.objects()
        now = datetime.now(UTC)
        lock = {
            "token": "0" * 32,
            "holder": "another.run",
            "since": now.isoformat(),
            "until": (now + timedelta(minutes=minutes)).isoformat(),
            "released": False,
        }
        client.put_object(**bucket, Key=f"{prefix}lock.json", Body=json.dumps(lock).encode())

    def stored(self, key: str) -> bytes:
        client, bucket, prefix = self.objects()
        return client.get_object(**bucket, Key=prefix + key)["Body"].read()

    def store(self, key: str, content: bytes) -> None:
        client, bucket, prefix = self.objects()
        client.put_object(**bucket, Key=prefix + key, Body=content)

    def audited(self) -> list[str]:
        """Events of the audit log, in the order of its chain."""
        return [record["event"] for record in self.audit_records()]

    def audit_records(self) -> list[dict[str, Any]]:
        """The audit log, in the order of its chain."""
        client, bucket, prefix = self.objects()
        listed = client.list_objects_v2(**bucket, Prefix=f"{prefix}audit/").get("Contents", ())
        lines = [
            json.loads(line)
            for row in listed
            for line in client.get_object(**bucket, Key=row["Key"])["Body"].read().splitlines()
        ]
        return sorted(lines, key=lambda line: line["seq"])
