"""P14: no secret leaves its sinks, whatever fails and however loudly it is told.

forced    the whole case in a laboratory that forks: at every call something else goes wrong, the
          next run mends it, and everything that both have written is searched
spoken    the whole case in processes of their own, with every debug switch that a user might set
values    what holds a secret, shown in every way that Python knows
"""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.laboratory import CONFIG, KINDS, TOKEN, Laboratory, Place, Trouble
from tests.proofs.leaks import Leaks
from tests.proofs.shown_values import shown_values
from tests.proofs.spoken_story import SMTP_PASSWORD, spoken

from keyreeve import logs
from keyreeve.aws import failures, ses_mailer, sessions
from keyreeve.aws.iam_actuator import IamActuator
from keyreeve.aws.secrets_manager import SecretsManagerVault
from keyreeve.model.notice import RenderedMail
from keyreeve.pipeline import rotation
from keyreeve.pipeline.workbench import Workbench
from keyreeve.sandbox.account import OWN_SECRET

PROMISE = "P14"
OWN = {"own secret access key": OWN_SECRET, "own session token": TOKEN, "SMTP": SMTP_PASSWORD}
"""Keyreeve's own secrets: these have no sink at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where a secret that was made for a user may lie."""

    name: str
    holds: Callable[[str], bool]
    """Whether a place is in it."""


SINKS = (
    Sink(name="escrow", holds=lambda place: place.startswith("object credentials/")),
    Sink(name="private attachment", holds=lambda place: place.endswith(" to its owner")),
    Sink(name="Secrets Manager", holds=lambda place: place.startswith("secret ")),
)
"""A further sink is one more line here, and its places in `Laboratory.written`."""

BY_MAIL, BY_BOTH = CONFIG, f"{CONFIG}credentials: {{delivery: both}}\n"
SINKS_OF = {BY_MAIL: SINKS[:2], BY_BOTH: SINKS}
"""Which of them each config.yaml uses."""

RUN = ("run", "--execute")
Story = tuple[tuple[float, tuple[str, ...]], ...]
STORY: Story = (
    *((day, RUN) for day in range(8)),
    (7.1, ("case", "resend", "aged.key", "--send")),
    (7.2, ("state", "show")),
    (7.2, ("state", "verify")),
    (7.3, ("--output", "json", "case", "show", "aged.key")),
    (7.3, ("mail", "preview", "aged.key", "--stage", "warning")),
    (7.3, ("mail", "preview", "aged.key", "--out", "preview")),
    (7.4, ("plan", "--days", "9")),
    (7.4, ("run",)),
    (7.4, ("--output", "json", "check")),
    *((day, RUN) for day in range(8, 15)),
    (14.1, ("reinstate", "aged.key", "{old}", "--for", "24h", "--reason", "cannot", "--execute")),
    (14.2, ("state", "repair")),
    (14.3, ("summary", "--send")),
    *((day, RUN) for day in range(15, 18)),
)
"""Day and command; `{old}` is the key that was replaced."""
SHORT = tuple(
    (day, command)
    for day, command in STORY
    if day in (0, 7, 14) or command[:2] in (("case", "resend"), ("reinstate", "aged.key"))
)
FEWEST: Story = ((0, RUN), (7, RUN))
"""What a planted violation needs to show itself, and secrets to lie in every sink."""
MOST_HITS = 5
"""Told of one branch: what leaks, leaks in many places."""
MENDED = (7, 14)
"""Days of acts."""
TELLING = (
    *("CreateAccessKey", "UpdateLoginProfile"),
    *("/credentials/", "outbound-emails", "PutSecretValue"),
)
"""Calls that carry a secret: at any size every kind of trouble meets them."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Forced exceptions with both ways to hand secrets out, real processes, shown values."""
    if size is Size.FULL:
        yield forced(size, seed)
    yield forced(size, seed, SHORT, config=BY_BOTH)
    yield spoken(size, STORY if size is Size.FULL else SHORT, _hits, OWN)
    tried, violations = shown_values()
    yield Figure(promise=PROMISE, what="showings of values", tried=tried, violations=violations)


# --- forced -------------------------------------------------------------------------------------


def forced(
    size: Size,
    seed: int,
    story: Story | None = None,
    *,
    config: str = BY_MAIL,
    hasty: bool = False,
) -> Figure:
    """The whole case; at every call, or at a sample of them, each kind of trouble.

    `hasty`: only where keys are made, and no further than to the first violation.
    """
    story = story or (STORY if size is Size.FULL else SHORT)
    import moto.moto_server.werkzeug_app  # noqa: F401, PLC0415 - seconds, once for all forks

    folder = Path(tempfile.mkdtemp(prefix="secrecy-"))
    try:
        told = Laboratory.branch(
            lambda: _case(folder, size, random.Random(seed), story, config=config, hasty=hasty)
        )
    finally:
        shutil.rmtree(folder)
    return Figure(
        promise=PROMISE,
        what=f"forced exceptions{', secrets by both ways' * (config == BY_BOTH)}",
        tried=told["tried"],
        violations=tuple(f"seed {seed}, {violation}" for violation in told["violations"]),
    )


def _case(
    folder: Path,
    size: Size,
    dice: random.Random,
    story: Story,
    *,
    config: str,
    hasty: bool,
) -> dict[str, Any]:
    """The story, and before each of its commands all that could go wrong in it."""
    laboratory = Laboratory(folder / "case", config=config)
    laboratory.prepare()
    laboratory.settle()
    tried, violations = 0, []
    for number, (day, command) in enumerate(story):
        troubles = []
        if not hasty or number == len(story) - 1:
            calls, ports = laboratory.branch(lambda d=day, c=command: _counted(laboratory, d, c))
            troubles = _troubles(size, dice, calls, ports, hasty=hasty)
        for trouble in troubles:
            place = folder / f"{day}-{tried}"
            violations += laboratory.branch(
                lambda d=day, c=command, t=trouble, p=place: _branch(laboratory, p, d, c, t)
            )
            shutil.rmtree(place)
            tried += 1
            if hasty and violations:
                return {"tried": tried, "violations": violations}
        laboratory.command(day, *_filled(laboratory, command))
        violations += _hits_of(laboratory, f"day {day} {' '.join(command)}")
    if len(laboratory.secrets) < 2:
        violations.append(f"only {len(laboratory.secrets)} secrets were made: nothing was proved")
    violations += [
        f"nothing came into the sink {sink.name}: nothing was proved about it"
        for sink in SINKS_OF[config]
        if not any(map(sink.holds, laboratory.seen))
    ]
    return {"tried": tried, "violations": violations}


def _counted(laboratory: Laboratory, day: float, command: tuple[str, ...]) -> Any:
    laboratory.command(day, *_filled(laboratory, command))
    return laboratory.calls, laboratory.ports


def _troubles(
    size: Size, dice: random.Random, calls: list[str], ports: list[str], *, hasty: bool
) -> list[Trouble]:
    """At every call: each kind where a secret is carried, else one kind after the other."""
    telling = [at for at, call in enumerate(calls) if any(part in call for part in TELLING)]
    certain = [Trouble(kind=kind, at=at) for kind in KINDS[:-1] for at in telling]
    others = [
        Trouble(kind=KINDS[at % (len(KINDS) - 1)], at=at)
        for at in range(len(calls))
        if at not in telling
    ] + [Trouble(kind="port", at=at) for at in range(len(ports))]
    if size is Size.FULL:
        return certain + others
    if hasty:
        return certain[:2]
    most = 6 if "CreateAccessKey" in calls else 1
    return dice.sample(certain, min(len(certain), most)) + dice.sample(others, 1)


def _branch(
    laboratory: Laboratory, folder: Path, day: float, command: tuple[str, ...], trouble: Trouble
) -> list[str]:
    """The command with its trouble; on days of acts, the run that finds out what became of it."""
    laboratory.folder = folder
    laboratory.settle()
    laboratory.command(day, *_filled(laboratory, command), trouble=trouble)
    if trouble.kind != "port" and command == RUN and day in MENDED:
        laboratory.command(day, "state", "unlock", "--force")
        laboratory.command(day + 0.05, *RUN)
    return _hits_of(laboratory, f"day {day} {' '.join(command)}, {trouble}")


def _filled(laboratory: Laboratory, command: tuple[str, ...]) -> list[str]:
    return [laboratory.old_key if word == "{old}" else word for word in command]


# --- searching ----------------------------------------------------------------------------------


def _hits_of(laboratory: Laboratory, where: str) -> list[str]:
    hits = _hits(laboratory.secrets, laboratory.written())
    return [f"{where}: {hit}" for hit in islice(hits, MOST_HITS)]


def _hits(made: dict[str, str], places: Iterable[Place]) -> Iterator[str]:
    """Secrets made for users outside their sinks; Keyreeve's own anywhere."""
    own, all_of_them = Leaks(OWN), Leaks(OWN | made)
    for place in places:
        in_sink = any(sink.holds(place.name) for sink in SINKS)
        leaks = own if in_sink else all_of_them
        yield from (f"{place.name} holds {hit}" for hit in leaks.found(place.content))


# --- mutants ------------------------------------------------------------------------------------


@contextmanager
def _logged_password() -> Iterator[None]:
    """A line of the log says what the password is now."""
    reset = IamActuator.reset_password

    def telling(self: Any, user: Any, password: str) -> None:
        logging.getLogger("keyreeve").info("%s can sign in with %s now", user, password)
        reset(self, user, password)

    with patch.object(IamActuator, "reset_password", telling):
        yield


@contextmanager
def _step_with_secret() -> Iterator[None]:
    """The step `created` keeps the secret, in base64."""
    made, write = rotation.key_csv, Workbench.write
    last: list[bytes] = []

    def remembered(*args: Any) -> bytes:
        last.append(made(*args))
        return last[-1]

    def written(self: Any, *args: Any) -> None:
        more = {"note": b64encode(last[-1]).decode()} if last else {}
        write(self, *args[:-1], {**args[-1], **more})

    with patch.object(rotation, "key_csv", remembered), patch.object(Workbench, "write", written):
        yield


@contextmanager
def _told_in_the_body() -> Iterator[None]:
    """The private mail says in its words what is attached."""
    to_bytes = ses_mailer.to_bytes

    def telling(mail: Any, **more: Any) -> bytes:
        for attachment in mail.attachments:
            body = RenderedMail(html=mail.body.html, text=attachment.content.decode())
            mail = replace(mail, body=body)
        return to_bytes(mail, **more)

    with patch.object(ses_mailer, "to_bytes", telling):
        yield


@contextmanager
def _told_in_a_tag() -> Iterator[None]:
    """The secret in Secrets Manager is tagged with what it holds."""
    keep, tags = SecretsManagerVault.keep, SecretsManagerVault._tags

    def telling(self: Any, item: Any, owner_arn: str, content: str) -> Any:
        note = {"note": content.encode().hex()}
        with patch.object(SecretsManagerVault, "_tags", lambda *told: tags(*told) | note):
            return keep(self, item, owner_arn, content)

    with patch.object(SecretsManagerVault, "keep", telling):
        yield


@contextmanager
def _sdk_at_debug() -> Iterator[None]:
    """Nobody keeps the SDK's DEBUG log down."""
    with (
        patch.object(sessions, "_hush", lambda: logging.getLogger("botocore").setLevel("DEBUG")),
        patch.object(logs, "CHATTY", ()),
    ):
        yield


@contextmanager
def _words_as_they_are() -> Iterator[None]:
    """What AWS says of a failure is kept as it is, whatever it quotes."""
    with (
        patch.object(failures, "redact", str),
        patch.object(failures, "_CARRY_SECRETS", frozenset()),
    ):
        yield


MUTANTS = tuple(
    Mutant(promise=PROMISE, name=name, plant=plant)
    for name, plant in {
        "a log line with the password": _logged_password,
        "a step with the secret in base64": _step_with_secret,
        "the private mail's body with the secret": _told_in_the_body,
        "a tag of the secret in Secrets Manager": _told_in_a_tag,
        "the SDK's DEBUG log": _sdk_at_debug,
        "AWS's words as they are": _words_as_they_are,
    }.items()
)
SHOWN_AS: Mapping[str, str] = {
    "a log line with the password": r"file stderr holds password \d+ \(plain\)",
    "a step with the secret in base64": r"-created\.json \S+ holds secret access key \d+ \(base64",
    "the private mail's body with the secret": r"mail \d+ holds (password|secret access key) \d+ ",
    "a tag of the secret in Secrets Manager": r"about secret \S+ holds \D+ \d+ \(plain",
    "the SDK's DEBUG log": r"file stderr holds own session token \(plain\)",
    "AWS's words as they are": r"-abandoned\.json \S+ holds own session token \(plain\)",
}
"""Planted leak → where it must be found, a regular expression."""
