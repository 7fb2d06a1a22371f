"""The same stops over HTTP: the SDK with its own retries, S3 and SES play their part.

A whole case is lived once against the emulator in a process of its own; at every call of every
run that process forks, and the fork lives on with the stop, or without the answer.  A call that
changes nothing is left without its answer; a stop there is a stop after the change before it.

    python -m tests.proofs.stops_over_http [--size ci|full] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.proofs.checker import Rules, violations
from tests.proofs.chronicle import Blow, End
from tests.proofs.figure import SEED, Figure, Mutant, Size
from tests.proofs.history import Call, History, Key, Mail
from tests.proofs.letters import read
from tests.proofs.planting import named, plant_what_is_named
from tests.proofs.wire import Emulator, Tap, ends_for, in_a_fork, strike
from tests.sandbox_fixture import MONDAY, aws
from tests.scenario.peril import Stopped
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.aws.sessions import Sessions
from keyreeve.config import parse
from keyreeve.model.errors import KeyreeveError
from keyreeve.pipeline import daily
from keyreeve.pipeline.execution import Execution
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox

PROMISES = ("P1", "P2", "P3", "P5")
DAYS = (0, 3, 5, 7, 8, 10, 11, 14, 15)
"""Days on which a run is struck."""
QUIET = (5, 8)
"""A Saturday, and a day without a notice: as all days that are left out."""
LATER = (16, 17, 18, 21, 22, 23, 24)
"""Days for what a stop has delayed."""
PREFIX = "iam-compliance/etv/"
CONFIG = f"""\
project_name: "ETV"
storage: {{bucket: {BUCKET}}}
mail:
  sender: "IAM Compliance <iam-compliance@example.com>"
  cc: [msp-team@example.com]
  owner: {{domains: [example.com]}}
"""
ACCOUNT = {
    "password_policy": {"MinimumPasswordLength": 14, "AllowUsersToChangePassword": True},
    "users": [
        {
            "name": "aged.key",
            "tags": {"email": "aged.key@example.com"},
            "keys": [{"created": "120d", "last_used": "1d"}],
        },
        {
            "name": "old.password",
            "tags": {"email": "old.password@example.com"},
            "password": {"changed": "100d", "last_sign_in": "2d"},
            "mfa": True,
        },
    ],
}
WORST = (
    ("CreateAccessKey", End.ANSWER_LOST),
    ("CreateAccessKey", End.STOPPED_AFTER),
    ("UpdateLoginProfile", End.ANSWER_LOST),
    ("UpdateAccessKey", End.ANSWER_LOST),
    ("UpdateAccessKey", End.STOPPED_AFTER),
)
"""What is tried at every size: calls that must never be repeated."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """In a process of its own, since the emulator bends moto for good."""
    tried: Counter[str] = Counter()
    bad: dict[tuple[str, str], list[str]] = defaultdict(list)
    for what, where, found in trials(size, seed):
        tried[what] += 1
        for promise, text in found:
            bad[what, promise].append(f"{where}: {text}")
    for promise in sorted({*PROMISES, *(promise for _, promise in bad)}):
        for what, count in tried.items():
            violated = tuple(bad[what, promise])
            yield Figure(promise=promise, what=what, tried=count, violations=violated)


def trials(size: Size, seed: int) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """What was tried, where, and what was found."""
    command = [sys.executable, "-m", "tests.proofs.stops_over_http"]
    command += ["--size", size, "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield from map(json.loads, process.stdout)
            if process.wait() != 0:
                raise RuntimeError("the process of the proof broke off")
        finally:
            process.kill()


# --- in the process of the proof ----------------------------------------------------------------


def run(sandbox: Sandbox, events: list[Call | Mail], day: float, blow: Blow | None = None) -> Tap:
    """The daily run as the command line does it, in this process."""
    now = MONDAY + timedelta(days=day)
    sandbox.set_clock(now)
    config = parse(CONFIG, path=Path("config.yaml"))
    tap = Tap(sandbox, events, blow)
    with tap.between(), suppress(*([Stopped, KeyreeveError] if blow else [])):
        door = wiring.open_door(config, execute=True, as_of=now)
        with wiring.account_for_writing(door) as account:
            daily.run(account, now, Silence(), execute=True)
    return tap


def tried(size: Size, seed: int) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    emulator, events = Emulator(ACCOUNT, MONDAY), []
    chance = random.Random(seed)
    for position, day in enumerate(DAYS):
        calls = in_a_fork(lambda day=day: _calls(emulator, events, day))
        for blow in _chosen(size, chance, day, calls):
            found = in_a_fork(lambda b=blow, p=position: _trial(emulator, events, b, p))
            where = f"day {day}: {strike(blow, calls[blow.at])}"
            yield "stops and lost answers over HTTP", where, found
        with emulator.serving() as sandbox:
            run(sandbox, events, day)


def _calls(emulator: Emulator, events: list[Call | Mail], day: int) -> list[str]:
    with emulator.serving() as sandbox:
        return run(sandbox, events, day).calls


def _chosen(size: Size, chance: random.Random, day: int, calls: Sequence[str]) -> Iterator[Blow]:
    """At full size every call; else the worst, and one by chance on every other day."""
    every = [Blow(n, end) for n, call in enumerate(calls) for end in ends_for(call)]
    worst = [blow for blow in every if (calls[blow.at], blow.end) in WORST]
    if size is Size.FULL:
        yield from every
    elif worst or day not in QUIET:
        yield from worst or [chance.choice(every)]


def _trial(
    emulator: Emulator, events: list[Call | Mail], blow: Blow, position: int
) -> list[tuple[str, str]]:
    """The run with the blow, another one the same day, and the days that follow."""
    day = DAYS[position]
    with emulator.serving() as sandbox:
        (old,) = sandbox.user("aged.key")["keys"][:1]
        calls = run(sandbox, events, day, blow).calls
        if blow.kills:
            break_the_lock(sandbox)
        for later in (day + 0.01, *(d for d in DAYS[position + 1 :] if d not in QUIET)):
            run(sandbox, events, later)
        for later in LATER:
            if not state(sandbox)["users"]:
                break
            run(sandbox, events, later)
        rules = Rules(stops_at_send=repeats_a_mail(blow, calls[blow.at]))
        found = [(v.promise, v.text) for v in violations(history(sandbox, events), rules)]
        return found + [("P1", text) for text in unsettled(sandbox, events, old["id"])]


def repeats_a_mail(blow: Blow, call: str) -> bool:
    """The mail was accepted, and nothing tells so. (An answer lost to a put is made up for.)"""
    return call == "POST outbound-emails" and blow.takes_effect


# --- what is there in the end -------------------------------------------------------------------


def break_the_lock(sandbox: Sandbox) -> None:
    """As the lease's end would."""
    aws(sandbox.url, "s3").delete_object(Bucket=BUCKET, Key=f"{PREFIX}lock.json")


def state(sandbox: Sandbox) -> dict[str, Any]:
    found = aws(sandbox.url, "s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}state.json")
    return json.loads(found["Body"].read())


def escrow(sandbox: Sandbox) -> dict[str, bytes]:
    s3 = aws(sandbox.url, "s3")
    rows = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}credentials/").get("Contents", [])
    return {
        row["Key"].removeprefix(PREFIX): s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read()
        for row in rows
    }


def history(sandbox: Sandbox, events: list[Call | Mail]) -> History:
    users = sandbox.account()["users"]
    return History(
        calls=tuple(events),
        keys=tuple(
            Key(key_id=key["id"], user=name, active=key["status"] == "Active")
            for name, user in users.items()
            for key in user["keys"]
        ),
        escrow=escrow(sandbox),
        team=frozenset({"msp-team@example.com"}),
    )


def unsettled(sandbox: Sandbox, events: list[Call | Mail], old: str) -> Iterator[str]:
    """A stop only delays: the case closes, the old key ends, its owner holds the new one."""
    for case in state(sandbox)["users"].values():
        yield f"the case of {case['user_name']} is still open"
    keys = {key["id"]: key["status"] for key in sandbox.user("aged.key")["keys"]}
    if keys.pop(old) != "Inactive":
        yield f"{old} is still active"
    if list(keys.values()) != ["Active"]:
        yield f"the replacements are {keys}"
    acts = [e for e in events if isinstance(e, Call) and e.params.get("AccessKeyId") == old]
    if sum(act.effect and act.operation == "iam:UpdateAccessKey" for act in acts) > 1:
        yield f"{old} was made Inactive twice"
    held = set(mailed(sandbox))
    yield from (f"nobody was given {key}" for key in set(keys) - held)
    if sandbox.user("old.password")["login_profile"]["sha256"] not in held:
        yield "nobody was given the password of old.password"


def mailed(sandbox: Sandbox) -> Iterator[str]:
    """Key ids, and digests of passwords, of every private mail."""
    sent = {read(mail.raw).attachment for mail in sandbox.mails()}
    for content in escrow(sandbox).values():
        if content in sent:
            row = list(csv.reader(io.StringIO(content.decode())))[-1]
            yield from (row[1], hashlib.sha256(row[1].encode()).hexdigest())


# --- planted violations -------------------------------------------------------------------------


_client = Sessions.client


def _retry_everything(self: Sessions, service: Any, *, attempts_once: bool = False) -> Any:
    del attempts_once
    return _client(self, service)


def let_the_sdk_repeat() -> None:
    """Every call, those that must never be repeated too."""
    Sessions.client = _retry_everything  # type: ignore[method-assign]


def _forget_notices() -> None:
    Execution._remember = lambda *_: lambda _: None  # type: ignore[method-assign]


PLANTS = {
    "the SDK repeats CreateAccessKey": let_the_sdk_repeat,
    "a notice that was sent is forgotten": _forget_notices,
}
MUTANTS = tuple(
    Mutant(promise=promise, name=name, plant=named(name))
    for promise, name in zip(("P1", "P5"), PLANTS, strict=True)
)


def main() -> int:
    """One JSON line per trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=Size, default=Size.FULL)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    plant_what_is_named(PLANTS)
    for line in tried(options.size, options.seed):
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
