"""P10: who mends the finding between report and act is left alone.

One user is brought to the morning of an act.  On that day's run somebody edits the account, or a
person decides, just before one of the run's calls: at every call after GetCredentialReport, up to
the last look that can show the edit.  Which looks can show it is stated below; they must lie
between the first save of the state, where the acting begins, and the act.  What is edited after
the last look cannot be seen by anybody: AWS has no conditional write for IAM.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from botocore.httpsession import URLLib3Session
from tests.proofs.edits import ALWAYS, EDITS, LATER, Edit
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.history import Call, Mail
from tests.proofs.memory_aws import Asked
from tests.proofs.memory_world import CONFIG, PREFIX, World, in_memory
from tests.scenario import on_the_wire
from tests.scenario.people import (
    MONDAY,
    aged,
    bystanders,
    key,
    no_mfa,
    old_password,
    quiet,
    spare,
)

from keyreeve.model.snapshot import PasswordPolicy, User
from keyreeve.pipeline.enforcement import Enforcement
from keyreeve.pipeline.reset import Reset
from keyreeve.pipeline.rotation import Rotation
from keyreeve.pipeline.workbench import Workbench
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring import machine

REPORT = "iam:GetCredentialReport"
EXCLUDED = 'exclusions: [{tag: "keyreeve:exclude=true", reason: "watched, never touched"}]\n'


# --- the acts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What Keyreeve is about to do, to whom, on which day, and what would mend it."""

    call: str
    user: User
    day: int
    settings: str = ""
    mended_by: tuple[str, ...]
    may_change: bool = True

    @property
    def edits(self) -> tuple[str, ...]:
        return (*self.mended_by, *ALWAYS)


CREATE, SHUT = "iam:CreateAccessKey", "iam:UpdateAccessKey"
RESET, REMOVE = "iam:UpdateLoginProfile", "iam:DeleteLoginProfile"
GROUP = "iam:AddUserToGroup"
DAY_7, DAY_14 = 7, 14
ACTS: Mapping[str, Act] = {
    "replacement": Act(
        call=CREATE, user=aged(), day=DAY_7, mended_by=("key deleted", "key made Inactive")
    ),
    "password reset": Act(
        call=RESET, user=old_password(), day=DAY_7, mended_by=("signed in", "password removed")
    ),
    "aged key": Act(
        call=SHUT,
        user=aged(),
        day=DAY_14,
        mended_by=("key deleted", "key made Inactive", "other key deleted"),
    ),
    "spare key": Act(
        call=SHUT,
        user=spare(),
        day=DAY_14,
        mended_by=("key deleted", "key made Inactive", "key used", "other key deleted"),
    ),
    "unused key": Act(
        call=SHUT,
        user=quiet("gone.quiet", key(65, None)),  # of age when the warning tells of it
        day=DAY_14,
        settings="user_inactive: deactivate_unused_keys",
        mended_by=("key deleted", "key made Inactive", "key used", "signed in"),
    ),
    "password without MFA": Act(
        call=REMOVE,
        user=no_mfa(),
        day=DAY_14,
        settings="console_mfa: delete_login_profile",
        mended_by=("MFA enrolled", "password removed"),
    ),
    "password of the inactive": Act(
        call=REMOVE,
        user=quiet(),
        day=DAY_14,
        settings="user_inactive: delete_login_profile",
        mended_by=("signed in", "password removed"),
    ),
    "password that cannot be reset": Act(
        call=REMOVE,
        user=old_password(),
        day=DAY_14,
        settings="password_age: delete_login_profile",
        mended_by=("signed in", "password removed"),
        may_change=False,
    ),
    "quarantine without MFA": Act(
        call=GROUP,
        user=no_mfa(),
        day=DAY_14,
        settings="console_mfa: quarantine",
        mended_by=("MFA enrolled", "password removed"),
    ),
    "quarantine of the inactive": Act(
        call=GROUP,
        user=quiet(),
        day=DAY_14,
        settings="user_inactive: quarantine",
        mended_by=("signed in", "password removed"),
    ),
}


@dataclass(frozen=True, slots=True)
class Morning:
    """The world before the run of the act, and that run's calls if nobody does anything."""

    world: World
    calls: tuple[Call | Mail, ...]


@cache
def morning(name: str) -> Morning:
    """Lived once, before any violation is planted."""
    act = ACTS[name]
    config = f"{CONFIG}{EXCLUDED}enforcement: {{{act.settings}}}\n"
    world = World(act.user, *bystanders(8), config=config)
    policy = PasswordPolicy(minimum_length=14, users_may_change=act.may_change, custom=True)
    world.aws.account._facts = replace(world.aws.account._facts, password_policy=policy)
    with in_memory():
        for day in range(act.day):
            world.run(day)
        calls, _ = _run(world.fork(), act)
    return Morning(world, calls)


def _run(
    world: World, act: Act, at: int | None = None, edit: Edit | None = None
) -> tuple[tuple[Call | Mail, ...], bool]:
    """The calls of the act's day, the edit before the call `at`; whether the act was done."""
    since, number = len(world.aws.calls), 0

    def before(asked: Asked) -> None:
        nonlocal number
        if number == at and edit is not None:
            edit.do(world.aws, act.user.name)
        number += 1

    world.aws.fails = before
    world.run(act.day)
    calls = tuple(world.aws.calls[since:])
    done = any(
        isinstance(call, Call) and call.effect and call.operation == act.call for call in calls
    )
    return calls, done


# --- moments ------------------------------------------------------------------------------------


def moments(name: str, edit: str, calls: Iterable[Any]) -> range:
    """The calls before which the edit must save its user; empty if it is never looked for."""
    names = [_name(call) for call in calls]
    report = names.index(REPORT)
    begin = names.index(f"s3:PutObject {PREFIX}state.json")
    act = names.index(ACTS[name].call)
    looks = [n for n in range(begin, act) if names[n] in EDITS[edit].looks]
    return range(report + 1, looks[-1] + 1) if looks else range(0)


def _name(event: Any) -> str:
    if not isinstance(event, Call):
        return "mail"
    return f"{event.operation} {event.params.get('Key', '')}".strip()


def cell(name: str, edit: str, at: int) -> Iterator[str]:
    """One edit at one moment of one act."""
    act = ACTS[name]
    _, done = _run(morning(name).world.fork(), act, at, EDITS[edit])
    if done:
        yield f"{name}/{edit}/before call {at}: {act.call} all the same"


def looked_for(name: str) -> Iterator[str]:
    """Every fact is read live, after the acting has begun."""
    calls, done = _run(morning(name).world.fork(), ACTS[name])
    if not done:
        yield f"{name}: not done although nobody mended anything"
        return
    for edit in ACTS[name].edits:
        if not moments(name, edit, calls):
            yield f"{name}/{edit}: never looked for between the first save and {ACTS[name].call}"


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """All moments of all edits of all acts; at the small size the edges and one in between."""
    chance = random.Random(seed)
    tried, found = 0, []
    with in_memory():
        for name, act in ACTS.items():
            found += looked_for(name)
            for edit in act.edits:
                every = moments(name, edit, morning(name).calls)
                chosen = set(every)
                if size is Size.CI:
                    chosen = {every[0], every[-1], chance.choice(every)}
                for at in sorted(chosen):
                    tried += 1
                    found += cell(name, edit, at)
    yield Figure(
        promise="P10",
        what="edits between report and act",
        tried=tried,
        violations=tuple(found),
    )
    yield Figure(
        promise="P10",
        what="of them over HTTP",
        tried=len(OVER_HTTP),
        violations=tuple(over_http()),
    )


# --- the same over HTTP: the sandbox's people act while the SDK talks to it ---------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Just before the first such call of the act's day, somebody does something."""

    user: str
    days: tuple[int, ...]
    """The runs; the last one is the act's."""
    before: str
    do: tuple[str, Mapping[str, object]]
    act: str
    """What must not happen."""


_NEXT_MINUTE = {"at": (MONDAY + timedelta(days=DAY_7) + LATER).isoformat()}
_WEEK, _FORTNIGHT = (0, DAY_7), (0, DAY_7, 11, DAY_14)
OVER_HTTP = (
    Happening(
        user="aged.key",
        days=_WEEK,
        before="ListAccessKeys",
        do=("delete_key", {}),
        act="CreateAccessKey",
    ),
    Happening(
        user="aged.key",
        days=_WEEK,
        before="GetUser",
        do=("rename", {"to": "aged.two"}),
        act="CreateAccessKey",
    ),
    Happening(
        user="old.password",
        days=_WEEK,
        before="GetUser",
        do=("sign_in", _NEXT_MINUTE),
        act="UpdateLoginProfile",
    ),
    Happening(
        user="aged.key",
        days=_FORTNIGHT,
        before="GetUser",
        do=("tag", {"tags": {"keyreeve:exclude": "true"}}),
        act="UpdateAccessKey",
    ),
    Happening(
        user="aged.key",
        days=_FORTNIGHT,
        before="GetAccessKeyLastUsed",
        do=("delete_key", {}),
        act="UpdateAccessKey",
    ),
)


def over_http() -> Iterator[str]:
    """Each happening in an account of its own."""
    with Sandbox(at=MONDAY) as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine.WallClock, "sleep", lambda *_: None)
        patch.setattr(on_the_wire, "CONFIG", on_the_wire.CONFIG + EXCLUDED)
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        for happening in OVER_HTTP:
            sandbox.reset(on_the_wire.ACCOUNT, MONDAY)
            yield from _happens(sandbox, happening)


def _happens(sandbox: Sandbox, happening: Happening) -> Iterator[str]:
    *earlier, day = happening.days
    for past in earlier:
        on_the_wire.run(sandbox, past)
    sandbox.forget_calls()
    with _before(happening.before, happening.user, lambda: _let(sandbox, happening)) as happened:
        on_the_wire.run(sandbox, day)
    made = [c for c in sandbox.calls() if c["operation"] == happening.act]
    where = f"{happening.do[0]} of {happening.user} before {happening.before} on day {day}"
    if not happened:
        yield f"{where}: there was no such call"
    if any(call["user"] == happening.user and call["status"] == OK for call in made):
        yield f"{where}: {happening.act} all the same"


def _let(sandbox: Sandbox, happening: Happening) -> None:
    act, details = happening.do
    sandbox.act(happening.user, act, **details)


OK = 200


@contextmanager
def _before(operation: str, user: str, do: Callable[[], None]) -> Iterator[list[str]]:
    """Something happens before the first such call for the user; which it was."""
    send, happened = URLLib3Session.send, []

    def watched(self: Any, request: Any) -> Any:
        body = request.body if isinstance(request.body, str) else ""
        if not happened and f"Action={operation}&" in body and (user in body or "KeyId" in body):
            happened.append(body)
            do()
        return send(self, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", watched)
        yield happened


# --- planted violations -------------------------------------------------------------------------


def _patched(place: Any, name: str, value: Any) -> Callable[[], Any]:
    @contextmanager
    def planted() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(place, name, value)
            yield

    return planted


def _as_planned(bench: Any, act: Any) -> User:
    return bench.outlook.users[act.user_id]


def _never_mind(_: Any, __: Any) -> None:
    return None


MUTANTS = (
    Mutant(
        promise="P10",
        name="identity, exclusions and decisions are not read again",
        plant=_patched(Workbench, "still_allowed", _as_planned),
    ),
    Mutant(
        promise="P10",
        name="the finding is not read again before an enforcement",
        plant=_patched(Enforcement, "_still_due", _never_mind),
    ),
    Mutant(
        promise="P10",
        name="the key is not read again before an enforcement",
        plant=_patched(Enforcement, "_key_still_due", lambda *_: None),
    ),
    Mutant(
        promise="P10",
        name="the old key is not read again before a rotation",
        plant=_patched(Rotation, "_old_key_is_due", lambda _: ()),
    ),
    Mutant(
        promise="P10",
        name="nothing is read again before a reset",
        plant=_patched(Reset, "_look_again", lambda self: _as_planned(self._bench, self._act)),
    ),
)
