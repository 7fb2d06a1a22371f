"""A whole account of hostile users, lived through the command line; one user among them is calm."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from tests.proofs.figure import Figure, Size
from tests.proofs.hostile_corpus import FAMILIES, NAMES, TAGS, USER_PATHS
from tests.proofs.laboratory import Laboratory
from tests.proofs.terminal_rules import HARMLESS

from keyreeve.sandbox.account import BUCKET

CALM = "ana.calm"
TEAM = "msp-team@example.com"
REASON = "\x1b[2J<svg/onload=alert(1)>\r\nBcc: eve@evil.example \u202e=cmd"
CONFIG = f"""\
project_name: "<svg/onload=alert(1)> {{{{7*7}}}} =cmd"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "\\"Ana, eve@evil.example; =cmd\\" <iam-compliance@example.com>"
  cc: [{TEAM}]
limits: {{disruptive_share: 1.0}}
texts: {{contact: "<svg/onload=alert(1)>", help_url: null}}
"""
_KEY = re.compile(r"iam-compliance/[a-z0-9._-]+(/[A-Za-z0-9._-]+)+")


_ADDRESSES = [t for t in FAMILIES["addresses"] + FAMILIES["headers"] if t in TAGS]


NAMED = ("=cmd", "+cmd", "@SUM")
"""Users whom the story names."""


def _address(number: int, name: str) -> str:
    """Every other owner can be reached, and those whom the story names."""
    if number % 2 == 0 or name in NAMED:
        return f"u{number}@example.com"
    return _ADDRESSES[number // 2 % len(_ADDRESSES)]


def document(size: Size) -> dict[str, Any]:
    """Users named, placed and tagged with the corpus."""
    people = [(name, TAGS[number]) for number, name in enumerate(NAMES)]
    if size is Size.CI:
        people = [p for number, p in enumerate(people) if p[0] in NAMED or number % 4 == 0]
    else:
        people += [(f"u{number}", text) for number, text in enumerate(TAGS)]
    calm = {"name": CALM, "tags": {"email": f"{CALM}@example.com"}}
    others = [
        {
            "name": name,
            "path": USER_PATHS[number % len(USER_PATHS)],
            "tags": {"email": _address(number, name), "team": text},
        }
        for number, (name, text) in enumerate(people)
        if name != "keyreeve"
    ]
    keys = [{"created": "120d", "last_used": "1d"}]
    policy = {"MinimumPasswordLength": 14, "AllowUsersToChangePassword": True}
    return {
        "password_policy": policy,
        "users": [{**user, "keys": keys, "inline": [user["name"]]} for user in [calm, *others]],
    }


def story() -> Iterator[tuple[float, tuple[str, ...]]]:
    """Days and commands."""
    run = ("run", "--execute")
    yield from ((0, run), (3, run))
    yield 3.1, ("case", "hold", "=cmd", "--until", "2026-02-02", "--reason", REASON)
    yield (
        3.1,
        (
            *("waiver", "add", "@SUM", "--reason", REASON, "--requested-by", f"{REASON} a"),
            *("--approved-by", f"{REASON} b", "--expires", "2026-02-02"),
        ),
    )
    yield 7, run
    for command in (
        ("check",),
        ("plan",),
        ("run",),
        ("case", "list"),
        ("case", "show", "=cmd"),
        ("waiver", "list"),
        ("state", "show"),
        ("state", "verify"),
        ("summary",),
        ("mail", "preview", "+cmd"),
    ):
        yield 7.1, command
        yield 7.1, ("--output", "json", *command)


def lived(size: Size, seed: int) -> Figure:
    """The story in a fork; every command and all that it left is looked at."""
    import moto.moto_server.werkzeug_app  # noqa: F401, PLC0415 - seconds, before the fork

    folder = Path(tempfile.mkdtemp(prefix="hostile-account-"))
    try:
        told = Laboratory.branch(lambda: _live(folder / "case", size))
    finally:
        shutil.rmtree(folder)
    return Figure(
        promise="P17",
        what="users and commands of hostile accounts",
        tried=told["tried"],
        violations=tuple(f"seed {seed}, hostile account: {hit}" for hit in told["violations"]),
    )


def _live(folder: Path, size: Size) -> dict[str, Any]:
    account = document(size)
    laboratory = Laboratory(folder, account=account, config=CONFIG)
    laboratory.prepare()
    laboratory.settle(loud=False)
    violations: list[str] = []
    tried = len(account["users"])
    for day, command in story():
        code = laboratory.command(day, *command, quiet=True)
        words = " ".join(command)
        violations += [f"day {day} {words[:60]!a}: {hit}" for hit in _said(folder, command, code)]
        tried += 1
    violations += [*_objects(laboratory), *_mails(laboratory, account)]
    return {"tried": tried, "violations": violations}


def _said(folder: Path, command: tuple[str, ...], code: int) -> Iterator[str]:
    """What the command has written to its streams since the last one."""
    told: dict[str, str] = {}
    for name in ("stdout", "stderr"):
        path = folder / name
        text = path.read_bytes().decode("utf-8", "replace")
        path.write_bytes(b"")
        told[name] = text
        if not HARMLESS.fullmatch(text):
            yield f"{name}: {re.sub(HARMLESS, '', text)[:40]!a}"
        if name == "stdout" and "json" in command:
            try:
                json.loads(text)
            except ValueError as error:
                yield f"no JSON: {error}"
        if name == "stderr" and ("Traceback" in text or "unexpected" in text):
            yield f"it broke: {text[-300:]!a}"
    if code not in (0, 1):
        yield f"exit code {code}: {told['stderr'][-300:]!a}"
    if code and "verify" in command:
        yield f"the storage is not sound: {told['stdout'][-300:]!a}"


def _objects(laboratory: Laboratory) -> Iterator[str]:
    """Keys hold no foreign name; what is JSON parses."""
    for place in laboratory._objects():
        key, _, content = place.content.partition(b"{")
        name = key.decode()
        if not _KEY.fullmatch(name):
            yield f"object {name!a}"
        if name.endswith(".json"):
            json.loads(content[content.index(b"}") + 1 :])


def _mails(laboratory: Laboratory, account: dict[str, Any]) -> Iterator[str]:
    """Only known readers; the calm user was told, and got a key, in spite of the others."""
    known = {user["tags"]["email"] for user in account["users"]} | {TEAM}
    calm = []
    for number, mail in enumerate(laboratory.world.outbox):
        parsed = message_from_bytes(mail.raw, policy=default)
        if not set(mail.destinations) <= known:
            yield f"mail {number} to {mail.destinations}"
        if parsed["Bcc"] is not None or parsed.defects:
            yield f"mail {number}: Bcc {parsed['Bcc']}, defects {parsed.defects}"
        if f"{CALM}@example.com" in mail.destinations:
            calm.append(len(mail.destinations))
    if calm != [2, 2, 1, 2] and sorted(calm) != [1, 2, 2, 2]:
        yield f"the calm user got mails of {calm} readers"
