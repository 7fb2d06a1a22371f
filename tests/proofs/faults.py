"""P9, P13: every AWS call of a case fails in every way, and nothing happens on an unread fact.

One account lives through the ladder (days 0 to 17) on an AWS made of memory.  From the undisturbed
life every other one is forked: `operation/kind/first-last`, the days on which the failure stands.
A failure can only delay.  So no finding may stand on a higher rung, be resolved earlier or be acted
upon earlier than undisturbed; where a call taught nothing, what needs it does not happen; and once
the failure has ended, the case comes to its end.

    python -m tests.proofs.faults 'iam:GetUser/denied/7-7'
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.proofs.checker import Rules, violations
from tests.proofs.failing_lives import (
    LAST,
    PATIENCE,
    PEOPLE,
    Case,
    Day,
    Fault,
    Undisturbed,
    labels,
    lived_day,
    rows,
    undisturbed,
)
from tests.proofs.fault_kinds import Kind, kinds
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.history import Call, Mail
from tests.proofs.memory_world import TEAM, Ran, World, in_memory

from keyreeve.aws.iam_reader import IamReader
from keyreeve.model.errors import AwsFailure
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline import collect, daily
from keyreeve.pipeline.enforcement import Enforcement
from keyreeve.pipeline.execution import Execution

LONGEST = 400
"""Seconds that a run may wait: the credential report has about five minutes."""
EVENTFUL = (0, 3, 5, 7, 8, 10, 11, 13, 14, 15)
"""Days on which something happens; one of a weekend, and the one on which somebody mends."""
STAGES = (
    "pending",
    "notification",
    "reminder",
    "new_credentials",
    "warning",
    "countdown",
    "enforcement",
)
ALL = "everything"
NEVER_MADE = "the call that shall fail was never made: nothing was proved"
NEEDED_FOR: Mapping[str, frozenset[str] | str] = {
    "sts:GetCallerIdentity": ALL,
    "iam:GenerateCredentialReport": ALL,
    "iam:GetCredentialReport": ALL,
    "iam:GetAccountAuthorizationDetails": ALL,
    "s3:GetObject state.json": ALL,
    "s3:GetObject waivers.json": ALL,
    "s3:GetObject holds.json": ALL,
    "s3:GetObject pause.json": ALL,
    "s3:GetObject lock.json": ALL,
    "s3:PutObject lock.json": ALL,
    "s3:PutObject state.json": ALL,
    "s3:ListObjectsV2 ops/": ALL,
    "iam:GetUser": frozenset(
        {
            "iam:CreateAccessKey",
            "iam:UpdateAccessKey",
            "iam:UpdateLoginProfile",
            "iam:DeleteLoginProfile",
            "iam:AddUserToGroup",
        }
    ),
    "iam:ListAccessKeys": frozenset({"iam:CreateAccessKey", "iam:UpdateAccessKey"}),
    "iam:GetAccessKeyLastUsed": frozenset({"iam:UpdateAccessKey"}),
    "iam:GetLoginProfile": frozenset(
        {"iam:UpdateLoginProfile", "iam:DeleteLoginProfile", "iam:AddUserToGroup"}
    ),
    "iam:ListMFADevices": frozenset({"iam:UpdateLoginProfile", "iam:AddUserToGroup"}),
    "iam:GetAccountPasswordPolicy": frozenset({"iam:UpdateLoginProfile"}),
    "s3:PutObject ops/": frozenset(
        {
            "iam:CreateAccessKey",
            "iam:UpdateAccessKey",
            "iam:UpdateLoginProfile",
            "iam:DeleteLoginProfile",
            "iam:AddUserToGroup",
        }
    ),
    "s3:PutObject credentials/": frozenset({"iam:UpdateLoginProfile"}),
}
"""What must not happen while this call teaches nothing."""


# --- one case -----------------------------------------------------------------------------------


def lived(case: Case) -> list[str]:
    """What the case violates; its name leads each line."""
    life = undisturbed()
    world = life.mornings[case.first].fork()
    days: dict[int, Day] = {}
    end = min(case.last + PATIENCE, LAST + PATIENCE)
    for n in range(case.first, end + 1):
        fault = Fault(case) if n <= case.last else None
        days[n] = lived_day(world, n, fault)
        if n > max(case.last, LAST) and not world.cases():
            break
    found = [*_delayed(life, days), *_unread(case, days), *_told(case, days)]
    found += [*_ended(world, days), *_bounded(life, days), *_forbidden(case, world, days)]
    found += _never_struck(case, days)
    return [f"{case.name}: {what}" for what in found]


def _delayed(life: Undisturbed, days: Mapping[int, Day]) -> Iterator[str]:
    """No higher rung, no earlier resolution, no earlier act than undisturbed."""
    known: set[tuple[str, str]] = set()
    first = _first_acts(life.days)
    for n, day in days.items():
        calm = life.days[n].stages
        for finding, stage in day.stages.items():
            if _rank(stage) > _rank(calm.get(finding, "enforcement")):
                yield f"day {n}: {finding} stands on {stage}, undisturbed {calm.get(finding)}"
            if finding not in calm and not any(finding in d.stages for d in life.days[: n + 1]):
                yield f"day {n}: {finding} opened, which undisturbed it does not"
        for finding in known & calm.keys() - day.stages.keys():
            yield f"day {n}: {finding} is gone, undisturbed it stands on {calm[finding]}"
        known |= day.stages.keys()
        for act in day.acts:
            what = (act.user, act.operation)
            if not _own_key(act) and n < first.get(what, LAST + PATIENCE):
                yield f"day {n}: {act.operation} for {act.user}, undisturbed {first.get(what)}"


def _unread(case: Case, days: Mapping[int, Day]) -> Iterator[str]:
    """While a call teaches nothing, nothing happens that needs it."""
    needed = NEEDED_FOR.get(case.operation, frozenset())
    before = undisturbed().days[case.first - 1].stages if case.first else {}
    for n, day in days.items():
        if case.first <= n <= case.last and case.kind.unread and day.struck:
            if case.kind.missing is not None:
                yield from _left_out(case.kind, n, before, day)
            elif needed == ALL:
                if day.stages != before:
                    yield f"day {n}: cases moved although nothing could be read"
                if day.acts or any(mail.to != (TEAM,) for mail in day.mails):
                    yield f"day {n}: acts or mails although nothing could be read"
            else:
                for act in day.acts:
                    if act.operation in needed and not _own_key(act):
                        yield f"day {n}: {act.operation} for {act.user} on an unread fact"
        before = day.stages


def _never_struck(case: Case, days: Mapping[int, Day]) -> Iterator[str]:
    """Up to its first blow the life is the undisturbed one, in which the call is made.

    An answer that comes is another matter: of what is not there (no object in the other layout)
    nothing can be spoilt.
    """
    if case.kind.answer.error is not None and not any(day.struck for day in days.values()):
        yield NEVER_MADE


def _left_out(kind: Kind, n: int, before: Mapping[tuple[str, str], str], day: Day) -> Iterator[str]:
    """Of whom nothing was read, nothing is known."""
    for place, user in enumerate(PEOPLE):
        if kind.missing is not None and kind.missing(place):
            then, now = (
                {k: v for k, v in stages.items() if k[0] == user.name}
                for stages in (before, day.stages)
            )
            if then != now:
                yield f"day {n}: {user.name} was left out, and moved from {then} to {now}"
            if _share(day, user.name):
                yield f"day {n}: {user.name} was left out, and got {_share(day, user.name)}"


def _told(case: Case, days: Mapping[int, Day]) -> Iterator[str]:
    """The exit code says so, and nothing escapes."""
    for n, day in days.items():
        if day.ran.code not in (0, 1, 4, 6, *_LOCKED.get(case.operation, ())):
            yield f"day {n}: exit {day.ran.code}: {day.ran.failure}"
        if day.ran.code == 6 and (day.acts or day.mails):
            yield f"day {n}: exit 6 although something was done"
        users = case.kind.missing is not None  # deleted since the report, for all that is known
        quiet = not case.kind.unread or case.operation in SILENT or users
        if day.struck and n <= case.last and not quiet and day.ran.code == 0:
            yield f"day {n}: exit 0 although {case.operation} failed {day.struck} times"


SILENT = frozenset({"sesv2:GetAccount"})
"""Without SES's word on the quota mail is tried, one attempt each: the refusal itself tells."""
_LOCKED = {"s3:PutObject lock.json": (5,), "s3:GetObject lock.json": (5,)}
"""Who cannot get at the lock takes it for held."""


def _forbidden(case: Case, world: World, days: Mapping[int, Day]) -> Iterator[str]:
    """What no history may show (P1 to P5, P7), whatever fails."""
    lost = case.operation in ("sesv2:SendEmail", "s3:PutObject ops/")
    cut = sum(day.struck if lost else bool(day.ran.failure) for day in days.values())
    history = world.aws.history(frozenset({TEAM}))
    yield from map(str, violations(history, Rules(stops_at_send=cut)))


def _ended(world: World, days: Mapping[int, Day]) -> Iterator[str]:
    """The cases close, the old key is Inactive, its owner holds the new one."""
    last = max(days)
    for name, case in world.cases().items():
        stuck = [o["stuck"] for o in rows(case["operations"]) if o.get("stuck")]
        if not stuck:
            yield f"day {last}: the case of {name} is still open: {days[last].stages}"
        elif not any(name.encode() in m.raw and m.to == (TEAM,) for m in world.aws.mails()):
            yield f"day {last}: {name} is stuck, and nobody was told: {stuck}"
    active = {k: a for k, a in world.aws.account.keys_of("aged.key").items() if a}
    if not world.cases().get("aged.key"):
        if not active.keys() & {call.made for call in _created(world)}:
            yield f"day {last}: aged.key has no new key that is Active"
        private = [m for m in world.aws.mails() if m.to == ("aged.key@example.com",)]
        for made in active:
            if not any(_attached(mail, made) for mail in private):
                yield f"day {last}: the owner never got {made}"


def _bounded(life: Undisturbed, days: Mapping[int, Day]) -> Iterator[str]:
    """A storm does not multiply calls beyond the SDK's own retries."""
    most = 5 * max(len(day.events) for day in life.days)
    for n, day in days.items():
        if len(day.events) > most:
            yield f"day {n}: {len(day.events)} calls in one run"
        if day.ran.waited > LONGEST:
            yield f"day {n}: {day.ran.waited:.0f} seconds of waiting in one run"


# --- small things -------------------------------------------------------------------------------


def _rank(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else STAGES.index("new_credentials")


def _first_acts(days: Sequence[Day]) -> dict[tuple[str | None, str], int]:
    found: dict[tuple[str | None, str], int] = {}
    for n, day in enumerate(days):
        for act in day.acts:
            found.setdefault((act.user, act.operation), n)
    return found


def _own_key(act: Call) -> bool:
    """An orphan that is shut or deleted: a key that the product itself has made."""
    return act.params.get("AccessKeyId", "").startswith("AKIAFORECAST")


def _created(world: World) -> list[Call]:
    return [act for act in world.aws.acts() if act.made]


def _attached(mail: Mail, key_id: str) -> bool:
    return f"{key_id}.csv".encode() in mail.raw


# --- P13: one user's failure is nobody else's ---------------------------------------------------

THREE = ("aged.key", "old.password", "no.mfa")
PARTIAL = ("denied", "throttled", "dropped-before", "malformed-before", "ServiceFailure")
EVERYBODY = frozenset({"sesv2:SendEmail/denied"})
"""What AWS says of one mail and means of all: the sender may not send."""


def partly(case: Case) -> list[str]:
    """What one day looks like on which the calls about one user fail."""
    life = undisturbed()
    world = life.mornings[case.first].fork()
    day, calm = lived_day(world, case.first, Fault(case)), life.days[case.first]
    if not day.struck:
        return [f"{case.name}: {NEVER_MADE}"]
    others = {user.name for user in PEOPLE} - {case.user}
    found = [
        f"{name} had another day than undisturbed"
        for name in sorted(others)
        if _share(day, name) != _share(calm, name)
    ]
    mended = _share(day, str(case.user)) == _share(calm, str(case.user))
    # A fact that changes nobody's day (how keys are used) is named all the same.
    named = case.user in _named(day.ran)
    if day.ran.code != (0 if mended and not named else 1):
        found.append(f"exit {day.ran.code} {day.ran.failure}")
    if not mended and not named:
        found.append(f"the report does not name {case.user}")
    return [f"{case.name}: {what}" for what in found]


def _share(day: Day, name: str) -> list[object]:
    """What a user got: acts and mails, but for ids and passwords that are given anew."""
    got: list[object] = [(a.operation, _told_of(a)) for a in day.acts if a.user == name]
    address = f"{name}@example.com"
    got += [(m.to, _SUBJECT.findall(m.raw)) for m in day.mails if address in m.to]
    return got


def _told_of(act: Call) -> list[tuple[str, str]]:
    """With which params, but for what differs from life to life."""
    return [
        (name, "" if name == "Password" or (name == "AccessKeyId" and _own_key(act)) else value)
        for name, value in sorted(act.params.items())
    ]


_SUBJECT = re.compile(rb"^Subject: .*$", re.MULTILINE)


def _named(ran: Ran) -> set[str]:
    """Users of whom the report says that something could not be done or read."""
    undone = {
        str(o.user_name)
        for o in ran.outcomes
        if o.kind in (OutcomeKind.FAILED, OutcomeKind.DEFERRED, OutcomeKind.REFUSED)
    }
    gaps = ran.plan.gaps if ran.plan else ()
    return undone | {str(gap.user_name) for gap in gaps}


# --- the cases ----------------------------------------------------------------------------------


def cases() -> Iterator[Case]:
    """Every operation, every kind; single days, three days, the whole ladder."""
    life = undisturbed()
    for operation in life.operations():
        called = [day for day in life.called(operation) if day in EVENTFUL]
        for kind in kinds(operation.partition(" ")[0]) if called else ():
            make = partial(Case, operation=operation, kind=kind)
            yield make(first=0, last=LAST)
            for day in called:
                yield make(first=day, last=day)
            if kind.times is None:
                yield make(first=max(0, called[-1] - 2), last=called[-1])


def cases_of_one_user() -> Iterator[Case]:
    """Every call about one of three users, on each day on which it is made."""
    life = undisturbed()
    for user in THREE:
        for n, day in enumerate(life.days[: LAST + 1]):
            about = [e for e in day.events if isinstance(e, Mail) or e.user == user]
            about = [e for e in about if not isinstance(e, Mail) or e.to[0].startswith(f"{user}@")]
            for operation in sorted(labels(about)):
                for kind in kinds(operation):
                    whole = f"{operation}/{kind.name}" in EVERYBODY
                    if kind.name in PARTIAL and not whole:
                        yield Case(operation=operation, kind=kind, first=n, last=n, user=user)


def sampled(found: Sequence[Case], seed: int, *, each: int) -> list[Case]:
    """So many cases at least of every operation and of every kind."""
    shuffled = random.Random(seed).sample(found, len(found))
    operations: Counter[str] = Counter()
    names: Counter[str] = Counter()
    taken = []
    for case in shuffled:
        if operations[case.operation] < each or names[case.kind.name] < each:
            operations[case.operation] += 1
            names[case.kind.name] += 1
            taken.append(case)
    return taken


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Both promises."""
    every, partial_ones = list(cases()), list(cases_of_one_user())
    if size is Size.CI:
        every, partial_ones = sampled(every, seed, each=1), sampled(partial_ones, seed, each=4)
    with in_memory():
        yield Figure(
            promise="P9",
            what="ladders with a failing call",
            tried=len(every),
            violations=replayed(every),
        )
        yield Figure(
            promise="P13",
            what="days on which one user's calls fail",
            tried=len(partial_ones),
            violations=replayed(partial_ones),
        )


def replayed(chosen: Iterable[Case]) -> tuple[str, ...]:
    """What these cases violate, within `in_memory`."""
    return tuple(what for c in chosen for what in (partly(c) if c.user else lived(c)))


def named(*names: str) -> list[Case]:
    """Cases by name. KeyError if there is no such."""
    known = {case.name: case for case in (*cases(), *cases_of_one_user())}
    return [known[name] for name in names]


def main(names: Sequence[str]) -> int:
    """Replay cases by name."""
    with in_memory():
        found = replayed(named(*names))
    print("\n".join(found) or "no violation")
    return 1 if found else 0


# --- planted violations -------------------------------------------------------------------------


def _patched(place: Any, name: str, value: Any) -> Any:
    @contextmanager
    def planted() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(place, name, value)
            yield

    return planted


def _no_keys(ask: Any = IamReader.access_keys) -> Any:
    def access_keys(self: IamReader, user: Any) -> Any:
        try:
            return ask(self, user)
        except AwsFailure:
            return ()

    return access_keys


def _collected(collect: Any = daily.collect, **changes: Any) -> Any:
    def collected(*given: Any) -> Any:
        snapshot, report = collect(*given)
        return replace(snapshot, **changes), report

    return collected


def _evaluated(evaluate: Any = daily.evaluate) -> Any:
    return lambda *given: replace(evaluate(*given), gaps=())


def hasty(look: Any = Enforcement._look_again) -> Any:
    """A look that takes a failing call for a good answer."""

    def look_again(self: Any) -> None:
        with suppress(AwsFailure):
            look(self)

    return look_again


def _unguarded(_: Any, __: Any, work: Any) -> Any:
    return work()


SHOWN_BY: Mapping[str, str] = {
    "unreadable keys are no keys": "iam:ListAccessKeys/denied/14-14",
    "a truncated user list clears": "iam:GetAccountAuthorizationDetails/few-users-missing/11-11",
    "a gap is ignored": "iam:GetCredentialReport/few-rows/11-11",
    "an old report is trusted": "iam:GetCredentialReport/old/11-11",
    "a look that fails has seen nothing wrong": "iam:GetUser/denied/14-14",
    "one user's failure ends the run": "iam:GetUser@aged.key/denied/14-14",
    "a failure leaves the exit code at 0": "iam:GetUser@aged.key/denied/14-14",
}
"""Planted violation → a case that shows it, for the small size."""
MUTANTS = tuple(
    Mutant(promise=promise, name=name, plant=plant)
    for promise, name, plant in (
        ("P9", "unreadable keys are no keys", _patched(IamReader, "access_keys", _no_keys())),
        (
            "P9",
            "a truncated user list clears",
            _patched(collect, "_unconfirmed", lambda *_: frozenset()),
        ),
        ("P9", "a gap is ignored", _patched(daily, "evaluate", _evaluated())),
        (
            "P9",
            "an old report is trusted",
            _patched(daily, "collect", _collected(account_readable=True)),
        ),
        (
            "P9",
            "a look that fails has seen nothing wrong",
            _patched(Enforcement, "_look_again", hasty()),
        ),
        (
            "P13",
            "one user's failure ends the run",
            _patched(Execution, "_guarded", _unguarded),
        ),
        (
            "P13",
            "a failure leaves the exit code at 0",
            _patched(daily, "exit_code", lambda *_: 0),
        ),
    )
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
