"""P14: no secret leaves its sinks, whatever fails and however loudly it is told.

forced    the whole case in a laboratory that forks: at every call something else goes wrong, the
          next run mends it, and everything that both have written is searched
spoken    the whole case in processes of their own, with every debug switch that a user might set
values    what holds a secret, shown in every way that Python knows
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.proofs.figure import Figure, Size
from tests.proofs.laboratory import KINDS, TOKEN, Laboratory, Place, Trouble
from tests.proofs.leaks import Leaks
from tests.proofs.shown_values import shown_values
from tests.proofs.spoken_story import SMTP_PASSWORD, spoken

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
)
"""A further sink is one more line here, and its places in `Laboratory.written`."""

RUN = ("run", "--execute")
STORY: tuple[tuple[float, tuple[str, ...]], ...] = (
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
TELLING = ("CreateAccessKey", "UpdateLoginProfile", "/credentials/", "outbound-emails")
"""Calls that carry a secret: at any size every kind of trouble meets them."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Forced exceptions, real processes, shown values."""
    yield forced(size, seed)
    yield spoken(size, STORY if size is Size.FULL else SHORT, _hits, OWN)
    tried, violations = shown_values()
    yield Figure(promise=PROMISE, what="showings of values", tried=tried, violations=violations)


# --- forced -------------------------------------------------------------------------------------


def forced(size: Size, seed: int) -> Figure:
    """The whole case; at every call, or at a sample of them, each kind of trouble."""
    import moto.moto_server.werkzeug_app  # noqa: F401, PLC0415 - seconds, once for all forks

    folder = Path(tempfile.mkdtemp(prefix="secrecy-"))
    try:
        told = _forked(lambda: _case(folder, size, random.Random(seed)))
    finally:
        shutil.rmtree(folder)
    return Figure(
        promise=PROMISE,
        what="forced exceptions",
        tried=told["tried"],
        violations=tuple(f"seed {seed}, {violation}" for violation in told["violations"]),
    )


def _forked(work: Callable[[], Any]) -> Any:
    return Laboratory.branch(work)


def _case(folder: Path, size: Size, dice: random.Random) -> dict[str, Any]:
    """The story, and before each of its commands all that could go wrong in it."""
    laboratory = Laboratory(folder / "case")
    laboratory.prepare()
    laboratory.settle()
    tried, violations = 0, []
    for day, command in STORY if size is Size.FULL else SHORT:
        calls, ports = laboratory.branch(lambda d=day, c=command: _counted(laboratory, d, c))
        for number, trouble in enumerate(_troubles(size, dice, command, calls, ports)):
            place = folder / f"{day}-{number}"
            violations += laboratory.branch(
                lambda d=day, c=command, t=trouble, p=place: _branch(laboratory, p, d, c, t)
            )
            shutil.rmtree(place)
            tried += 1
        laboratory.command(day, *_filled(laboratory, command))
        violations += _hits_of(laboratory, f"day {day} {' '.join(command)}")
    if len(laboratory.secrets) < 2:
        violations.append(f"only {len(laboratory.secrets)} secrets were made: nothing was proved")
    return {"tried": tried, "violations": violations}


def _counted(laboratory: Laboratory, day: float, command: tuple[str, ...]) -> Any:
    laboratory.command(day, *_filled(laboratory, command))
    return laboratory.calls, laboratory.ports


def _troubles(
    size: Size, dice: random.Random, command: tuple[str, ...], calls: list[str], ports: list[str]
) -> list[Trouble]:
    """At every call: each kind where a secret is carried, else one kind after the other."""
    telling = [at for at, call in enumerate(calls) if any(part in call for part in TELLING)]
    certain = [Trouble(kind=kind, at=at) for at in telling for kind in KINDS[:-1]]
    others = [
        Trouble(kind=KINDS[at % (len(KINDS) - 1)], at=at)
        for at in range(len(calls))
        if at not in telling
    ] + [Trouble(kind="port", at=at) for at in range(len(ports))]
    if size is Size.FULL:
        return certain + others
    most = 6 if "CreateAccessKey" in calls else 1
    return dice.sample(certain, min(len(certain), most)) + dice.sample(others, 1)


def _branch(
    laboratory: Laboratory, folder: Path, day: float, command: tuple[str, ...], trouble: Trouble
) -> list[str]:
    """The command with its trouble, then the run that finds out what became of it."""
    laboratory.folder = folder
    laboratory.settle()
    laboratory.command(day, *_filled(laboratory, command), trouble=trouble)
    laboratory.command(day, "state", "unlock", "--force")
    laboratory.command(day + 0.05, *RUN)
    return _hits_of(laboratory, f"day {day} {' '.join(command)}, {trouble}")


def _filled(laboratory: Laboratory, command: tuple[str, ...]) -> list[str]:
    return [laboratory.old_key if word == "{old}" else word for word in command]


# --- searching ----------------------------------------------------------------------------------


def _hits_of(laboratory: Laboratory, where: str) -> list[str]:
    return [f"{where}: {hit}" for hit in _hits(laboratory.secrets, laboratory.written())]


def _hits(made: dict[str, str], places: Iterable[Place]) -> Iterator[str]:
    """Secrets made for users outside their sinks; Keyreeve's own anywhere."""
    own, all_of_them = Leaks(OWN), Leaks(OWN | made)
    for place in places:
        in_sink = any(sink.holds(place.name) for sink in SINKS)
        leaks = own if in_sink else all_of_them
        yield from (f"{place.name} holds {hit}" for hit in leaks.found(place.content))
