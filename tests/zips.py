"""`python -m tests.zips FOLDER`: the zips of both processors, from the real lock and wheels.

    each processor     packed from pip's index, and again from the folder of those wheels: the same
                       bytes; every native module in it is of that processor
    this machine's     unpacked into an empty folder and run by AWS's runtime client against the
                       sandbox for a day; how long a cold start takes

Needs pip's index; a minute or two.  Fails at the first thing that is not so.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.installed_wheels import HERE
from tests.sandbox_fixture import MONDAY
from tests.scenario.on_the_wire import CONFIG, PREFIX

from keyreeve.local.run_package import RunPackage, make
from keyreeve.local.wheels import Architecture, Target, fetched, run_lock
from keyreeve.sandbox.account import BUCKET, REGION
from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.running_function import FunctionData, RunningFunction

PYTHON = "3.13"
MACHINES = {Architecture.ARM64: 0xB7, Architecture.X86_64: 0x3E}
"""ELF's e_machine: AArch64, AMD x86-64."""
NAME = "keyreeve-etv-run"


def packed(target: Target, folder: Path) -> RunPackage:
    """From the index, and offline from the same wheels: equal, and native where it is native."""
    lock = run_lock()
    online = make(lock, target)
    wheels = folder / f"{target.architecture}-{target.python}"
    fetched(lock, target, wheels, source=None)
    offline = make(lock, target, source=wheels)
    assert online.content == offline.content, "the second package differs"
    machines = list(native(online.content))
    assert len(machines) > 3, machines
    assert {machine for _, machine in machines} == {MACHINES[target.architecture]}, machines
    say(
        f"{target.architecture}, Python {target.python}: {len(online.content) / 1e6:.1f} MB, "
        f"unpacked {online.unpacked / 1e6:.1f} MB, {len(online.wheels)} wheels, "
        f"{len(machines)} native modules; the same bytes from index and folder\n"
        f"  sha256 {online.sha256}"
    )
    return online


def native(content: bytes) -> Iterator[tuple[str, int]]:
    """Shared objects, and the processor that they are for."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            head = archive.open(entry).read(20)
            if head.startswith(b"\x7fELF"):
                yield entry.filename, struct.unpack_from("<H", head, 18)[0]


def lived(package: RunPackage) -> None:
    """A day in an account of the sandbox."""
    content = package.with_files({"config/config.yaml": CONFIG.encode()})
    with Sandbox(account="small", at=MONDAY) as sandbox:
        began = time.monotonic()
        running = RunningFunction(function(sandbox, content))
        unpacking = time.monotonic() - began
        try:
            running.ask(b'["no event"]')
            starting = time.monotonic() - began - unpacking
            first, took = day(running, MONDAY)
            again, warm = day(running, MONDAY + timedelta(minutes=1))
        finally:
            running.stop()
        assert first["exit_code"] == again["exit_code"] == 0
        told = {mail.destinations[0] for mail in sandbox.mails()}
        assert "aged.key@example.com" in told, told
        assert first["record"].startswith(f"s3://{BUCKET}/{PREFIX}runs/")
        say(
            f"{package.target.architecture}, Python {package.target.python}, run by AWS's runtime "
            f"client in an empty folder: cold start {starting:.2f} s, first run {took:.2f} s "
            f"({len(told)} people told), the same day again {warm:.2f} s"
        )


def function(sandbox: Sandbox, content: bytes) -> FunctionData:
    return FunctionData(
        arn=f"arn:aws:lambda:{REGION}:123456789012:function:{NAME}",
        handler="keyreeve.handlers.daily_run.handle",
        code=content,
        environment={**sandbox.environment(), "AWS_LAMBDA_FUNCTION_NAME": NAME},
        seconds=900,
        good_until=datetime.now(UTC) + timedelta(hours=1),
    )


def day(running: RunningFunction, at: datetime) -> tuple[Any, float]:
    began = time.monotonic()
    told = running.ask(json.dumps({"as_of": at.isoformat()}).encode())
    assert told.error is None, told
    return json.loads(told.payload), time.monotonic() - began


def say(text: str) -> None:
    print(text, flush=True)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for architecture in Architecture:
            target = Target(architecture=architecture, python=PYTHON)
            made[target] = packed(target, Path(folder))
            (out / f"keyreeve-lambda-{architecture}.zip").write_bytes(made[target].content)
        lived(made.get(HERE) or packed(HERE, Path(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
