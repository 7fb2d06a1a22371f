"""Failing calls over HTTP: what the SDK makes of them, its own retries included (P9).

A case is lived once against the emulator in a process of its own; on the days on which the first
mail goes out, a key is made and the old one ends, that process forks for every failure, which
stands for that day's run, and the fork lives on to the end of the case.  The other days' failures
are those of `faults`, in memory.

    python -m tests.proofs.faults_over_http [--size ci|full] [--seed N] [--only NAME]
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.proofs.checker import Rules, violations
from tests.proofs.failing_lives import undisturbed
from tests.proofs.faults import hasty
from tests.proofs.figure import SEED, Figure, Mutant, Size
from tests.proofs.history import Call, Mail
from tests.proofs.memory_world import in_memory
from tests.proofs.planting import named, plant_what_is_named
from tests.proofs.stops_over_http import (
    ACCOUNT,
    CONFIG,
    DAYS,
    LATER,
    QUIET,
    history,
    let_the_sdk_repeat,
    state,
    unsettled,
)
from tests.proofs.wire import Emulator, Tap, in_a_fork
from tests.sandbox_fixture import MONDAY
from tests.scenario.village import Silence

from keyreeve import wiring
from keyreeve.config import parse
from keyreeve.model.errors import KeyreeveError
from keyreeve.pipeline import daily
from keyreeve.pipeline.enforcement import Enforcement
from keyreeve.sandbox.faults import read_fault
from keyreeve.sandbox.process import Sandbox

THROTTLING = {
    "s3": {"code": "SlowDown", "status": 503},
    "sesv2": {"code": "TooManyRequestsException", "status": 429},
}
FAILURES: Mapping[str, Mapping[str, object]] = {
    "denied": {"code": "AccessDenied", "status": 403},
    "throttled": {"code": "Throttling", "status": 400},
    "throttled-once": {"code": "Throttling", "status": 400, "count": 1},
    "server-error": {"code": "ServiceFailure", "status": 500},
    "dropped-before": {"answer": "drop"},
    "dropped-after": {"answer": "drop", "when": "after"},
    "dropped-after-once": {"answer": "drop", "when": "after", "count": 1},
    "malformed": {"answer": "malformed"},
}
ONCE = {"CreateAccessKey": 2, "SendEmail": 1, "UpdateAccessKey": 1, "UpdateLoginProfile": 1}
"""Calls that the SDK never repeats; a key may be tried to create twice, with reads between."""
SOMEWHERE = {
    0: ("denied", "throttled-once", "server-error"),
    7: ("dropped-before", "dropped-after-once"),
}
"""Day → failures that meet a call by chance at the small size."""
WORST = {
    7: (("CreateAccessKey", "throttled"), ("CreateAccessKey", "dropped-after")),
    14: (("GetUser", "malformed"),),
}
STRUCK = (0, 7, 14)
"""Days on which every call fails in every way, at full size."""
ATTEMPTS = 5
ACTS = frozenset({"CreateAccessKey", "UpdateAccessKey", "UpdateLoginProfile"})
NOTHING_WITHOUT = frozenset(
    {
        "GetCallerIdentity",
        "GenerateCredentialReport",
        "GetCredentialReport",
        "GetAccountAuthorizationDetails",
        "GetObject state.json",
        "GetObject holds.json",
        "ListObjectsV2 ops/",
        "PutObject lock.json",
        "PutObject state.json",
        "GetUser",
    }
)
"""What must answer before anything is changed in the account."""
STANDING = frozenset({"denied", "throttled", "server-error", "dropped-before", "malformed"})
WRITTEN_ANYHOW = frozenset({"PutObject lock.json", "PutObject state.json"})
"""Malformed means: done, and the answer cannot be read. The next write on top of it then fails."""


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """What is called here and never fails in memory is a violation too."""
    with in_memory():
        known = undisturbed().operations()
    tried, found, called = 0, [], set()
    for name, what, operations in trials(size, seed):
        tried += 1
        called |= set(operations)
        found += [f"{name}: {each}" for each in what]
    failing = {operation.partition(" ")[0] for operation in known}
    unknown = [f"{operation} is called and never fails" for operation in sorted(called - failing)]
    yield Figure(
        promise="P9",
        what="days over HTTP with a failing call",
        tried=tried,
        violations=(*found, *unknown),
    )


def trials(size: Size, seed: int, only: str = "") -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, violations, and what was called, of every trial."""
    command = [sys.executable, "-m", "tests.proofs.faults_over_http"]
    command += ["--size", size, "--seed", str(seed), "--only", only]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield from map(json.loads, process.stdout or ())
            if process.wait() != 0:
                raise RuntimeError("the process of the proof broke off")
        finally:
            process.kill()


# --- in the process of the proof ----------------------------------------------------------------


def tried(size: Size, seed: int, only: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """One row per trial; at the small size few, with every kind of failure among them."""
    emulator, events = Emulator(ACCOUNT, MONDAY), []
    chance = random.Random(seed)
    for position, day in enumerate(DAYS):
        wanted = day in (STRUCK if size is Size.FULL else SOMEWHERE.keys() | WORST.keys())
        called = in_a_fork(lambda day=day: _called(emulator, events, day)) if wanted else {}
        for target, failure in _chosen(size, chance, day, list(called)):
            name = f"{target}/{failure}/day-{day}"
            if only in ("", name):
                work = (emulator, events, target, failure, position, called)
                yield name, in_a_fork(lambda work=work: _trial(*work)), sorted(_all(called))
        with emulator.serving() as sandbox:
            _run(sandbox, events, day)


def _chosen(
    size: Size, chance: random.Random, day: int, targets: list[str]
) -> Iterator[tuple[str, str]]:
    """At full size every failure of every call; else each failure somewhere, and the worst."""
    if size is Size.FULL:
        yield from ((target, failure) for target in sorted(targets) for failure in FAILURES)
        return
    for failure in SOMEWHERE.get(day, ()):
        yield chance.choice(sorted(targets)), failure
    yield from WORST.get(day, ())


def _called(emulator: Emulator, events: list[Call | Mail], day: int) -> dict[str, Any]:
    """Target → service and how often, on an undisturbed day."""
    with emulator.serving() as sandbox:
        sandbox.forget_calls()
        _run(sandbox, events, day)
        counted: dict[str, Any] = {}
        for call in sandbox.calls():
            service, times = counted.get(_target(call), (call["service"], 0))
            counted[_target(call)] = (service, times + 1)
        return counted


def _all(called: Mapping[str, Any]) -> set[str]:
    return {f"{service}:{target.partition(' ')[0]}" for target, (service, _) in called.items()}


def _target(call: Mapping[str, Any]) -> str:
    """The operation; for S3 with the part of the storage."""
    params = call["params"]
    key = str(params.get("Key") or params.get("prefix") or "").partition("/etv/")[2]
    head, slash, _ = key.partition("/")
    return f"{call['operation']} {head}{slash}".strip()


def _trial(
    emulator: Emulator,
    events: list[Call | Mail],
    target: str,
    failure: str,
    position: int,
    called: Mapping[str, Any],
) -> list[str]:
    day = DAYS[position]
    operation, _, key = target.partition(" ")
    service, usual = called[target]
    fault = {"count": None} | dict(FAILURES[failure])
    if failure.startswith("throttled"):
        fault |= THROTTLING.get(service, {})
    with emulator.serving() as sandbox:
        (old,) = sandbox.user("aged.key")["keys"][:1]
        sandbox.forget_calls()
        emulator.world.faults.append(
            read_fault(fault | {"operation": operation, "service": service, "key": key or None})
        )
        code = _run(sandbox, events, day)
        calls = sandbox.calls()
        emulator.world.faults.clear()
        found = list(_on_the_day(target, failure, code, calls, usual))
        for later in (day + 0.01, *(d for d in DAYS[position + 1 :] if d not in QUIET), *LATER):
            if later > max(DAYS) and not state(sandbox)["users"]:
                break
            emulator.world.clock.set(MONDAY + timedelta(days=later))
            _run(sandbox, events, later)
        lost = operation == "SendEmail" and ("after" in failure or failure == "malformed")
        rules = Rules(stops_at_send=len(calls) if lost or key == "ops/" else 0)
        told = [str(v) for v in violations(history(sandbox, events), rules)]
        told += unsettled(sandbox, events, old["id"])
        silent = operation in ONCE or key == "credentials/"
        unseen = silent and ("after" in failure or failure == "malformed")
        return found + [what for what in told if not (unseen and _of_the_tap(what))]


def _of_the_tap(what: str) -> bool:
    """The tap sees no effect whose answer is lost, and one in an answer that was made up.

    (Stops over HTTP loses answers behind the tap.)
    """
    return what.startswith("P") or "was made Inactive twice" in what


def _on_the_day(
    target: str, failure: str, code: int, calls: list[dict[str, Any]], usual: int
) -> Iterator[str]:
    operation = target.partition(" ")[0]
    attempts = sum(_target(call) == target for call in calls)
    most = usual * ONCE.get(operation, ATTEMPTS) + (0 if operation in ONCE else ATTEMPTS)
    if attempts > most:
        yield f"{attempts} attempts, at most {most} are due"
    if code not in (0, 1, 5, 6):
        yield f"exit {code}"
    done = {c["operation"] for c in calls if c["status"] == 200} & ACTS
    if failure in STANDING and target in NOTHING_WITHOUT and done:
        yield f"{done} although the call taught nothing"
    if failure in STANDING and target in NOTHING_WITHOUT - {"GetUser"} and code == 0:
        yield "exit 0"


def _run(sandbox: Sandbox, events: list[Call | Mail], day: float) -> int:
    """The daily run as the command line does it; its exit code."""
    now = MONDAY + timedelta(days=day)
    sandbox.set_clock(now)
    config = parse(CONFIG, path=Path("config.yaml"))
    with Tap(sandbox, events).between():
        try:
            door = wiring.open_door(config, execute=True, as_of=now)
            with wiring.account_for_writing(door) as account:
                return daily.run(account, now, Silence(), execute=True).exit_code
        except KeyreeveError as error:
            return error.exit_code


# --- planted violations -------------------------------------------------------------------------


def _look_away() -> None:
    Enforcement._look_again = hasty()  # type: ignore[method-assign]


PLANTS = {
    "a look that fails has seen nothing wrong": _look_away,
    "the SDK repeats CreateAccessKey": let_the_sdk_repeat,
}
SHOWN_BY: Mapping[str, tuple[str, str]] = {
    "a look that fails has seen nothing wrong": (
        "GetUser/malformed/day-14",
        "although the call taught nothing",
    ),
    "the SDK repeats CreateAccessKey": ("CreateAccessKey/throttled/day-7", "attempts, at most"),
}
"""Planted violation → a trial of the small size that shows it, and how."""
MUTANTS = tuple(Mutant(promise="P9", name=name, plant=named(name)) for name in PLANTS)


def main() -> int:
    """One JSON line per trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=Size, default=Size.FULL)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    plant_what_is_named(PLANTS)
    for line in tried(options.size, options.seed, options.only):
        print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
