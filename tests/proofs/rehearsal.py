"""P15: a rehearsal changes nothing, whatever fails on the way; and nobody escapes its guard.

Every command of the command line, in the form in which it rehearses or reads, against the sandbox:
without a failure, and with every call of it failing in every way.  No call leaves that may change
something, and the sandbox's fingerprint is byte-equal before and after; so is the folder.  What
changes Keyreeve's own storage by design is listed as such, and touches neither IAM nor mail.

The guard itself: every operation that AWS's models know, asked of it in every way that the SDK has.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

import botocore.endpoint
import click
import pytest
from tests.proofs.evidence_pack import pack_of, story
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.guard import guarded
from tests.proofs.rehearsed_commands import AT, COMMANDS, OPEN, SHUT, Command, Form
from tests.scenario import on_the_wire
from tests.scenario.answering import filled_in
from tests.scenario.people import MONDAY

from keyreeve.aws import s3_store, sessions
from keyreeve.aws.failures import READS
from keyreeve.cli import deciding, main
from keyreeve.cli.app import app
from keyreeve.cli.probes import NOBODY, PROBE
from keyreeve.pipeline import daily
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring import machine

ACCOUNT: dict[str, Any] = {
    **on_the_wire.ACCOUNT,
    "groups": [
        *on_the_wire.ACCOUNT.get("groups", []),
        *({"name": name} for name in ("MFA-Setup", "Developers", "Quarantine")),
    ],
    "users": [
        *on_the_wire.ACCOUNT["users"],
        {"name": SHUT, "groups": ["Quarantine"]},
        {
            "name": OPEN,
            "tags": {"email": f"{OPEN}@example.com"},
            "password": {"changed": "10d", "last_sign_in": "2d"},
        },
    ],
}
ACCESS = """\
roles:
  Developer:
    group: Developers
    role: DeveloperRole
    policies: [arn:aws:iam::aws:policy/job-function/ViewOnlyAccess]
"""
REVIEWERS = """\
reviewers:
  boss: {email: boss@example.com}
default: boss
"""
DAYS = (0, 7, 11, 14)
"""Lived before anything is rehearsed: a key was replaced and made Inactive, a password reset."""
REVIEW = "2026-01-19-open"
OWN = frozenset({"s3:PutObject", "s3:DeleteObject"})
SIGNED_AS = {"access-analyzer": "accessanalyzer", "monitoring": "cloudwatch"}
"""Services whose calls are signed under another name than the SDK's."""

FAILURES: Mapping[str, Mapping[str, object]] = {
    "denied": {"code": "AccessDenied", "status": 403},
    "throttled": {"code": "Throttling", "status": 400},
    "throttled-once": {"code": "Throttling", "status": 400, "count": 1},
    "server-error": {"code": "ServiceUnavailable", "status": 503},
    "token-expired": {"code": "ExpiredToken", "status": 403},
    "dropped-before": {"answer": "drop", "when": "before"},
    "dropped-after": {"answer": "drop", "when": "after"},
    "malformed": {"answer": "malformed"},
}


# --- the command tree ---------------------------------------------------------------------------


def verbs(group: click.Group = app, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command of the tree, by its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield " ".join((*path, name))


def forgotten() -> list[str]:
    """Commands without arguments here, and rows without a command."""
    known = set(verbs())
    return [f"{verb}: no row says what it may do" for verb in sorted(known - COMMANDS.keys())] + [
        f"{verb}: there is no such command" for verb in sorted(COMMANDS.keys() - known)
    ]


# --- the stage ----------------------------------------------------------------------------------


class Stage:
    """The sandbox after some days, a folder with a config, and `keyreeve` in this process."""

    def __init__(self, sandbox: Sandbox, folder: Path, config: str) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._asked = folder.parent / "asked-for"
        (folder / "config.yaml").write_text(config + "baseline: {access: access.yaml}\n")
        (folder / "access.yaml").write_text(ACCESS)
        self._tags = folder / "tags.csv"
        self._tags.write_text(f"user,FunctionalGroup,Department,email\n{OPEN},Developer,Eng,\n")
        self._pack = folder / "pack.zip"
        self._pack.write_bytes(pack_of(story()).content)
        self._fresh = itertools.count()
        keys = sandbox.user("aged.key")["keys"]
        self._key = next(key["id"] for key in keys if key["status"] == "Inactive")
        self._waiver = "W0"
        self._reviewers = folder / "reviewers.yaml"
        self._reviewers.write_text(REVIEWERS)
        self._forms = folder.parent / "forms"
        self._review()

    def _review(self) -> None:
        """A review that is open, and answers to it that take somebody's access."""
        begin = ("review", "start", "--reviewers", str(self._reviewers), "--name", "open")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            assert main([*begin, "--out", str(self._forms), *AT]) == 0
        (sheet,) = self._forms.glob("*.csv")
        answers = filled_in(sheet.read_bytes(), {OPEN: ("revoke", "", "nobody needs this")})
        (self._forms / "answers.csv").write_bytes(answers)

    def run(self, command: Command) -> int:
        """The exit code."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(io.StringIO()):
            code = main(self.words(command))
        for word in said.getvalue().replace(":", " ").split():
            if word.startswith("W2026"):
                self._waiver = word
        return code

    def words(self, command: Command) -> list[str]:
        """The arguments, filled in."""
        filled = {
            "key": self._key,
            "folder": str(self._asked),
            "waiver": self._waiver,
            "tags": str(self._tags),
            "reviewers": str(self._reviewers),
            "review": REVIEW,
            "answers": str(self._forms / "answers.csv"),
            "pack": str(self._pack),
            "fresh": f"{self._asked}-{next(self._fresh)}",
        }
        return [word.format_map(filled) for word in command.words]

    def spawn(self, command: Command) -> int:
        """The same in a process of its own."""
        program = [sys.executable, "-m", "keyreeve", *self.words(command)]
        return subprocess.run(program, capture_output=True, check=False).returncode

    def everything(self) -> dict[str, Any]:
        """IAM, S3, mail, and every file of the folder."""
        told: dict[str, Any] = json.loads(self.sandbox.canonical_state())
        files = {
            str(path.relative_to(self._folder)): sha256(path.read_bytes()).hexdigest()
            for path in sorted(self._folder.rglob("*"))
            if path.is_file()
        }
        return told | {"disk": files}

    def operations(self) -> set[str]:
        """What was called since the calls were last forgotten."""
        return {call["operation"] for call in self.sandbox.calls()}


IN_BUCKET = on_the_wire.CONFIG
IN_FOLDER = IN_BUCKET.replace("{bucket: keyreeve-sandbox}", "{directory: ./state}").replace(
    "mail:\n", "mail:\n  transport: directory\n  directory: ./mails\n"
)


@contextmanager
def stage(config: str = IN_BUCKET) -> Iterator[Stage]:
    """Lived up to the day of enforcement."""
    with (
        Sandbox(at=MONDAY) as sandbox,
        tempfile.TemporaryDirectory() as place,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(place) / "here"
        folder.mkdir()
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(("AWS_", "KEYREEVE_"))]:
            patch.delenv(name)
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        _nobody_waits(patch)
        patch.setattr(on_the_wire, "CONFIG", config)
        sandbox.reset(ACCOUNT, MONDAY)
        for day in DAYS:
            on_the_wire.run(sandbox, day)
        yield Stage(sandbox, folder, config)


class _NoTime:
    """`time`, as the SDK uses it for waiting between its retries."""

    @staticmethod
    def sleep(_: float) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def _nobody_waits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(botocore.endpoint, "time", _NoTime())
    patch.setattr(deciding, "PATIENCE_SECONDS", 0)
    patch.setattr(machine.WallClock, "sleep", lambda *_: None)
    patch.setitem(s3_store.S3Store.__init__.__kwdefaults__, "sleep", lambda _: None)


# --- one command --------------------------------------------------------------------------------


def rehearsed(on: Stage, command: Command, operation: str = "", failure: str = "") -> list[str]:
    """What a command violates while an operation fails; nothing fails without one."""
    on.sandbox.forget_calls()
    before = on.everything()
    if operation:
        on.sandbox.plant_fault(operation, **{"count": None} | dict(FAILURES[failure]))
    code = on.run(command)
    on.sandbox.clear_faults()
    found = [*_sent(on, command), *_changed(before, on.everything(), command)]
    if not operation and code not in _SOUND.get(command.name, (0,)):
        found.append(f"exit {code} although nothing fails")
    where = f"{operation}/{failure}" if operation else "nothing fails"
    return [f"{command.name} [{where}]: {what}" for what in found]


_SOUND = {
    f"check --fail-on-findings {' '.join(AT)}": (3,),
    "doctor": (0, 1),
    f"user reconcile {' '.join(AT)}": (1,),
    "baseline verify": (1,),
    f"review close --campaign {{review}} {' '.join(AT)}": (0, 2),
    f"user demote {OPEN} --to-role Developer {' '.join(AT)}": (2,),
    f"user offboard {OPEN} --delete --after-days 9 {' '.join(AT)}": (2,),
}
"""Exit codes of commands that are sound and not 0: findings, what the doctor would mend, users
whom a person must place, and what may not be done: a review is not closed without answers."""


def _sent(on: Stage, command: Command) -> Iterator[str]:
    """Calls that left and may change something."""
    allowed = READS | (OWN if command.form is Form.OWN_STORAGE else frozenset())
    for call in on.sandbox.calls():
        service = SIGNED_AS.get(call["service"], call["service"])
        name = f"{service}:{call['operation']}"
        excused = (_the_probe, _bucket, _change_set)
        if name not in allowed and not any(is_one(call, command) for is_one in excused):
            yield f"{name} left"


def _the_probe(call: Mapping[str, Any], command: Command) -> bool:
    """The doctor's one write, on a version that no object has: it can never succeed."""
    params = call["params"]
    return (
        command.words[0] == "doctor"
        and call["operation"] == "PutObject"
        and params["Key"].endswith(PROBE)
        and params.get("IfMatch") == NOBODY
    )


def _bucket(call: Mapping[str, Any], command: Command) -> bool:
    return command.form is Form.MAKES_BUCKET and call["service"] == "s3"


def _change_set(call: Mapping[str, Any], command: Command) -> bool:
    made = ("CreateChangeSet", "DeleteChangeSet", "DeleteStack")
    return command.form is Form.MAKES_CHANGE_SETS and call["operation"] in made


def _changed(
    before: Mapping[str, Any], after: Mapping[str, Any], command: Command
) -> Iterator[str]:
    own = ("s3", "disk") if command.form is Form.OWN_STORAGE else ()
    for part in before:
        if part not in own and before[part] != after[part]:
            yield f"{part} changed"


# --- all of them --------------------------------------------------------------------------------


def commands(form: Form) -> list[Command]:
    """Those of one form, in the order in which their storage allows them."""
    return [c for row in COMMANDS.values() for c in row if c.form is form]


def _failing(on: Stage, size: Size, seed: int, given: Iterable[Command]) -> Iterator[list[str]]:
    """Each command with each of its calls failing in each way; few of them at the small size."""
    chance = random.Random(seed)
    for number, command in enumerate(given):
        yield rehearsed(on, command)
        operations = [*sorted(on.operations()), "*"]
        cells = [(o, f) for o in operations for f in FAILURES]
        if size is Size.CI:
            failure = list(FAILURES)[number % len(FAILURES)]
            cells = [(chance.choice(operations), failure)]
        for operation, failure in cells:
            yield rehearsed(on, command, operation, failure)


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Commands over a bucket, over a directory, in processes of their own; and the guard."""
    yield _figure("commands of the command line", [[what] for what in forgotten()], len(COMMANDS))
    with stage() as on:
        reading = list(_failing(on, size, seed, commands(Form.READS)))
        # Before a review has its answers: `review close` writes the result once it has them.
        apart = [_spawned(on, c) for c in commands(Form.READS)[: size.of(2, 99)]]
        own = list(_failing(on, size, seed, commands(Form.OWN_STORAGE)))
        makers = (*commands(Form.MAKES_BUCKET), *commands(Form.MAKES_CHANGE_SETS))
        bucket = [rehearsed(on, command) for command in makers]
    yield _figure("rehearsals, with every call failing in every way", reading)
    yield _figure("commands on Keyreeve's own storage: IAM and mail untouched", [*own, *bucket])
    yield _figure("rehearsals in processes of their own", apart)
    with stage(IN_FOLDER) as on:
        anywhere = [c for c in commands(Form.READS) if not c.needs_bucket]
        yield _figure("rehearsals on a directory", [rehearsed(on, c) for c in anywhere])
    yield _figure("operations that AWS knows, asked of the guard", list(guarded()))


def _spawned(on: Stage, command: Command) -> list[str]:
    before = on.everything()
    on.spawn(command)
    return [f"{command.name} (spawned): {w}" for w in _changed(before, on.everything(), command)]


def _figure(what: str, found: list[list[str]], tried: int | None = None) -> Figure:
    return Figure(
        promise="P15",
        what=what,
        tried=len(found) if tried is None else tried,
        violations=tuple(violation for some in found for violation in some),
    )


# --- planted violations -------------------------------------------------------------------------


@contextmanager
def _let_through() -> Iterator[None]:
    """The guard forgets one call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions, "READS", READS | {"iam:UpdateAccessKey"})
        yield


@contextmanager
def _saving(run: Any = daily.run) -> Iterator[None]:
    """A rehearsal saves the state."""

    def saves(account: Any, *given: Any, **more: Any) -> Any:
        report = run(account, *given, **more)
        account.tools.states.save(report.state)
        return report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daily, "run", saves)
        yield


MUTANTS = (
    Mutant(promise="P15", name="the guard lets one call through", plant=_let_through),
    Mutant(promise="P15", name="a rehearsal saves the state", plant=_saving),
)
