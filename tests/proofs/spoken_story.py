"""The case in processes of their own, at highest verbosity, with every debug switch there is."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from tests.fakes.ports import free_port
from tests.proofs.figure import Figure, Size
from tests.proofs.laboratory import CONFIG, MONDAY, TOKEN, Place, split_mail
from tests.sandbox_fixture import aws

from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox

SMTP_PASSWORD = "smtp-canary-Zk4vQ9xW2bLm7RtY"
OVER_SMTP = ("case", "summary")
"""Verbs that send their mail by SMTP here, so that this password is used too."""
LOUD = """\
import http.client, logging, smtplib, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("botocore.parsers").setLevel(logging.DEBUG)
logging.getLogger("botocore.endpoint").addHandler(logging.FileHandler("botocore.log"))
logging.getLogger("botocore.endpoint").setLevel(logging.DEBUG)
http.client.HTTPConnection.debuglevel = 2
smtplib.SMTP.debuglevel = 2
import boto3
boto3.set_stream_logger("")
boto3.set_stream_logger("botocore")
boto3.set_stream_logger("urllib3")
"""
"""sitecustomize.py of somebody who wants to know everything."""
Hits = Callable[[dict[str, str], Iterable[Place]], Iterable[str]]
Story = Iterable[tuple[float, tuple[str, ...]]]


class Mailbox:
    """What the SMTP server was given."""

    def __init__(self) -> None:
        self.places: list[Place] = []

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802 - its name
        private, rest = split_mail(envelope.content)
        number = len(self.places)
        who = "to its owner" if len(envelope.rcpt_tos) == 1 else "to several"
        self.places.append(Place(name=f"SMTP mail {number}", content=rest))
        self.places += [
            Place(name=f"SMTP attachment {number} {who}", content=content) for content in private
        ]
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    """An SMTP server on 127.0.0.1 that asks for a password."""
    box = Mailbox()

    def judge(_: Any, __: Any, ___: Any, ____: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password == SMTP_PASSWORD.encode())

    port = free_port()
    server = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        authenticator=judge,
        auth_require_tls=False,
    )
    server.start()
    try:
        yield box, port
    finally:
        server.stop()


def spoken(size: Size, story: Story, hits: Hits, own: Mapping[str, str]) -> Figure:
    """Each command of the story a process; all that they have written is searched."""
    with (
        tempfile.TemporaryDirectory(prefix="spoken-") as name,
        Sandbox(account="small", at=MONDAY) as sandbox,
        mail_server() as (box, port),
    ):
        folder = Path(name)
        _furnish(folder, port)
        said: list[Place] = []
        for number, (day, command) in enumerate(story):
            said += _process(sandbox, folder, number, day, command)
        made = _escrowed(sandbox)
        places = [*said, *_files(folder), *_objects(sandbox), *_mails(sandbox), *box.places]
        violations = [f"spoken: {hit}" for hit in hits(made, places)]
        if len(made) < 2 or not box.places or not any(b"botocore" in p.content for p in said):
            violations.append("spoken: no secrets, no SMTP or no SDK: nothing was proved")
    return Figure(
        promise="P14", what="loud processes", tried=number + 1, violations=tuple(violations)
    )


def _furnish(folder: Path, port: int) -> None:
    for name in ("home", "site", "work"):
        (folder / name).mkdir()
    (folder / "site" / "sitecustomize.py").write_text(LOUD)
    (folder / "config.yaml").write_text(CONFIG)
    smtp = f"  transport: smtp\n  smtp: {{host: 127.0.0.1, port: {port}, tls: none, user: iam}}\n"
    (folder / "smtp.yaml").write_text(CONFIG + smtp)


def _process(
    sandbox: Sandbox, folder: Path, number: int, day: float, command: tuple[str, ...]
) -> list[Place]:
    """One command to its end: its streams, and what others could see of it meanwhile."""
    at = MONDAY + timedelta(days=day)
    sandbox.set_clock(at)
    old = sandbox.user("aged.key")["keys"][0]["id"]
    words = [word.replace("{old}", old) for word in command]
    config = "smtp.yaml" if words[0] in OVER_SMTP else "config.yaml"
    when = [] if words[0] == "state" else ["--as-of", at.isoformat()]
    process = subprocess.Popen(
        [
            *(sys.executable, "-X", "dev", "-m", "keyreeve", "-v"),
            *("--config", str(folder / config), *words, *when),
        ],
        env=_environment(sandbox, folder),
        cwd=folder / "work",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    watched = _watched(process.pid)
    out, err = process.communicate()
    where = f"day {day} {' '.join(command)}"
    return [
        Place(name=f"stdout of {where}", content=out),
        Place(name=f"stderr of {where}", content=err),
        Place(name=f"arguments of {where}", content=watched),
    ]


def _environment(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KEYREEVE_", "COV_"))}
    return (
        kept
        | sandbox.environment()
        | {
            "AWS_SESSION_TOKEN": TOKEN,
            "KEYREEVE_SMTP_PASSWORD": SMTP_PASSWORD,
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), os.environ.get("PYTHONPATH", "")]),
            "PYTHONWARNINGS": "default",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONASYNCIODEBUG": "1",
            "PYTHONVERBOSE": "",
            "BOTO_LOG_LEVEL": "DEBUG",
            "AWS_LOG_LEVEL": "debug",
            "URLLIB3_DEBUG": "1",
        }
    )


def _watched(pid: int) -> bytes:
    """Arguments of the process; arguments and environment of its children, for a while."""
    seen = b""
    for _ in range(20):
        time.sleep(0.01)
        for file in (Path(f"/proc/{pid}/cmdline"), *_of_children(pid)):
            try:
                seen += file.read_bytes() + b"\n"
            except OSError:
                continue
    return seen


def _of_children(pid: int) -> Iterator[Path]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from (Path(f"/proc/{child}/cmdline"), Path(f"/proc/{child}/environ"))


def _files(folder: Path) -> list[Place]:
    return [
        Place(name=f"file {path.relative_to(folder)}", content=path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def _objects(sandbox: Sandbox) -> list[Place]:
    """Every version of every object."""
    s3 = aws(sandbox.url, "s3")
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
        for row in page.get("Versions", ()):
            told = s3.get_object(Bucket=BUCKET, Key=row["Key"], VersionId=row["VersionId"])
            content = row["Key"].encode() + repr(told["Metadata"]).encode() + told["Body"].read()
            found.append(Place(name=f"object {row['Key'].split('/', 2)[-1]}", content=content))
    return found


def _escrowed(sandbox: Sandbox) -> dict[str, str]:
    """The secrets that were made, by the objects that hold them."""
    made = {}
    s3 = aws(sandbox.url, "s3")
    for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        if "/credentials/" in row["Key"]:
            text = s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read().decode()
            (line,) = csv.DictReader(io.StringIO(text))
            made[row["Key"].rpartition("/")[2]] = line.get("Password") or line["Secret access key"]
    return made


def _mails(sandbox: Sandbox) -> list[Place]:
    found = []
    for mail in sandbox.mails():
        private, rest = split_mail(mail.raw)
        who = "to its owner" if len(mail.destinations) == 1 else "to several"
        found.append(Place(name=f"mail {mail.number}", content=rest))
        found += [
            Place(name=f"attachment {mail.number} {who}", content=content) for content in private
        ]
    return found
