"""What the proof of P16 judges: stories lived through in the sandbox under the shipped policies."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.proofs.figure import Size
from tests.sandbox_fixture import MONDAY
from tests.scenario import roles, roles_of_fleet, roles_of_people
from tests.scenario.roles import BY_MAIL, AnyRole, Done, House

from keyreeve.governance.own_policies import Role
from keyreeve.language.policy_evaluator import Principal, Request
from keyreeve.model.identifiers import AccountId
from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

OF_SEVERAL = (
    roles_of_people.people,
    roles_of_people.joined_under_a_key,
    roles_of_people.review,
    roles_of_people.mover,
    roles_of_fleet.listed,
    roles_of_fleet.organized,
)
"""Each in an account of its own, or in several."""


class Key(NamedTuple):
    """Whose policies were in force."""

    config: str
    """The text of config.yaml."""
    role: AnyRole
    account: AccountId = HOME_ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """All that was done, and how the same story ends with and without policies."""

    done: tuple[Done, ...]
    ends: tuple[tuple[str, Any, Any], ...]
    """Story, end under the policies, end without."""
    questions: Mapping[Key, tuple[Request, ...]]
    """What AWS asked about the calls that were served, each different question once."""


@cache
def recorded(size: Size) -> Recorded:
    """Lived through once a process; judged as often as needed."""
    with tempfile.TemporaryDirectory() as name, Sandbox(account="empty", at=MONDAY) as sandbox:
        folder = Path(name)
        guarded, free = House(sandbox, folder), House(sandbox, folder, guarded=False)
        ends = [("cycle", *_twice(free, guarded, roles.account(), roles.cycle))]
        roles.lookers(guarded)
        roles.senders(guarded)
        roles.deciders(guarded)
        roles.signing(guarded)
        roles.deploying(guarded)
        guarded.reset(roles.account())
        roles.encrypted(guarded)
        for story in OF_SEVERAL:
            story(guarded)
        if size is Size.FULL:
            for house in (free, guarded):
                house.settle(BY_MAIL)
            guarded.spawned = True  # as a pipeline starts it
            ends.append(("demo", *_twice(free, guarded, "demo", roles.demo)))
        done = tuple(guarded.recording.done)
        return Recorded(done=done, ends=tuple(ends), questions=_different(done))


def _different(done: Iterable[Done]) -> dict[Key, tuple[Request, ...]]:
    found: dict[Key, dict[str, Request]] = {}
    for each in done:
        for call in each.calls:
            if call["code"] != "AccessDenied":
                for told in call["asked"]:
                    mine = found.setdefault(_asked_of(each, told), {})
                    mine[json.dumps(told, sort_keys=True)] = _question(told)
    return {key: tuple(questions.values()) for key, questions in found.items()}


def _asked_of(done: Done, told: Mapping[str, Any]) -> Key:
    """In another account than ours the central role is a member's."""
    account = _caller(told)
    return Key(done.config, done.role if account == HOME_ACCOUNT else Role.MEMBER, account)


def _caller(told: Mapping[str, Any]) -> AccountId:
    (account,) = told["context"]["aws:principalaccount"]
    return AccountId(account)


def _question(told: Mapping[str, Any]) -> Request:
    context = {key: tuple(values) for key, values in told["context"].items()}
    return Request(
        action=told["action"],
        resource=told["resource"],
        context=context,
        principal=Principal(account=_caller(told)),
    )


def _twice(free: House, guarded: House, account: Any, story: Any) -> tuple[Any, Any]:
    """The end under the policies and the end without; the guarded house goes on from there."""
    ends = []
    for house in (free, guarded):
        house.reset(account)
        story(house)
        ends.append(house.end())
    return ends[1], ends[0]
