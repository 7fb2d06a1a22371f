"""P16: the shipped policies are sufficient and minimal.

Recorded in the sandbox, which refuses what the policies do not allow (the questions that AWS would
ask are kept with each call), then judged: by the evaluator, by taking every single right away, by
attempts that must be refused, by what the statements say.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.proofs.attempts import OBJECTS, USER, Attempt, attempts
from tests.proofs.figure import Figure, Mutant, Size
from tests.sandbox_fixture import MONDAY
from tests.scenario import roles
from tests.scenario.roles import (
    BY_MAIL,
    PLAIN,
    PREFIX,
    Done,
    House,
    actions_in,
    installed,
)

from keyreeve.aws.failures import READS
from keyreeve.governance import own_policies
from keyreeve.governance.own_policies import Role
from keyreeve.language import policy_evaluator, policy_values
from keyreeve.language.authorizations import ACTIONS, Kind, actions_of
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Policies, Principal, Request
from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox
from keyreeve.storage import layout

Key = tuple[str, Role]
"""The text of config.yaml, and whose policies were in force."""


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
        mine = found.setdefault((each.config, each.role), {})
        for call in each.calls:
            if call["code"] != "AccessDenied":
                mine |= {
                    json.dumps(told, sort_keys=True): _question(told) for told in call["asked"]
                }
    return {key: tuple(questions.values()) for key, questions in found.items()}


def _twice(free: House, guarded: House, account: Any, story: Any) -> tuple[Any, Any]:
    """The end under the policies and the end without; the guarded house goes on from there."""
    ends = []
    for house in (free, guarded):
        house.reset(account)
        story(house)
        ends.append(house.end())
    return ends[1], ends[0]


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Seven figures."""
    found = recorded(size)
    calls = [(done, call) for done in found.done for call in done.calls]
    yield _figure("calls under the shipped policies", calls, _refused(found))
    yield _figure("stories with and without policies", found.ends, _other_ends(found))
    asked = [(key, question) for key, mine in found.questions.items() for question in mine]
    yield _figure("different questions of AWS", asked, _not_allowed(found))
    rights = list(_rights(found))
    yield _figure("rights taken away one by one", rights, _spare(found, rights))
    tried = list(attempts())
    yield _figure("attempts beyond the policies", tried, _let_through(tried))
    statements = [s for _, document in _shipped(found) for s in document["Statement"]]
    yield _figure("statements", statements, _too_wide(statements))
    reading = sorted(actions_in(_documents(PLAIN, Role.READER)))
    yield _figure("rights of the reader", reading, _acting(reading))


def _figure(what: str, tried: Any, violations: Iterable[str]) -> Figure:
    return Figure(promise="P16", what=what, tried=len(tried), violations=tuple(violations))


# --- sufficient -----------------------------------------------------------------------------------


def _refused(found: Recorded) -> Iterator[str]:
    """AccessDenied in a run, or a command that did not end well."""
    for done in found.done:
        if done.code:
            yield f"{done.role} {done.command}: exit {done.code}"
        for call in done.calls:
            if call["code"] == "AccessDenied" and not (done.refusable and _is_probe(call)):
                yield f"{done.role} {done.command}: {call['operation']} {call['params']} refused"


def _is_probe(call: Mapping[str, Any]) -> bool:
    """The doctor's write on a condition that cannot hold."""
    return call["operation"] == "PutObject" and call["params"]["Key"] == f"{PREFIX}{layout.PROBE}"


def _other_ends(found: Recorded) -> Iterator[str]:
    for story, under, without in found.ends:
        if under != without:
            yield f"{story} ends otherwise under the policies"


def _not_allowed(found: Recorded) -> Iterator[str]:
    for (config, role), questions in found.questions.items():
        policies = _parsed(_documents(config, role))
        for question in questions:
            if not policy_evaluator.evaluate(policies, question).allowed:
                yield f"{role}: {question.action} on {question.resource} {dict(question.context)}"


def _question(told: Mapping[str, Any]) -> Request:
    context = {key: tuple(values) for key, values in told["context"].items()}
    return Request(
        action=told["action"],
        resource=told["resource"],
        context=context,
        principal=Principal(account=HOME_ACCOUNT),
    )


def _parsed(documents: Iterable[Mapping[str, Any]]) -> Policies:
    return Policies(identity=tuple(map(parse_document, documents)))


def _documents(config: str, role: Role) -> tuple[dict[str, Any], ...]:
    return own_policies.documents(installed(config), role)


# --- minimal --------------------------------------------------------------------------------------

Right = tuple[str, Role, str, str]
"""config, role, Sid, action."""


def _shipped(found: Recorded) -> Iterator[tuple[Key, dict[str, Any]]]:
    for key in found.questions:
        for document in _documents(*key):
            yield key, document


def _rights(found: Recorded) -> Iterator[Right]:
    for (config, role), document in _shipped(found):
        for statement in document["Statement"]:
            if statement["Effect"] == "Allow":
                yield from ((config, role, statement["Sid"], a) for a in statement["Action"])


def _spare(found: Recorded, rights: Iterable[Right]) -> Iterator[str]:
    """A right that nothing recorded needs: without it every question would be allowed still.

    What one config's story does not come to, another's may.
    """
    needed = {right[1:] for right in rights if _is_needed(found, right)}
    for right in dict.fromkeys(right[1:] for right in rights):
        if right not in needed:
            role, sid, action = right
            yield f"{role} {sid}: nothing needs {action}"


def _is_needed(found: Recorded, right: Right) -> bool:
    config, role, sid, action = right
    less = _parsed(_without(document, sid, action) for document in _documents(config, role))
    return any(
        question.action == action and not policy_evaluator.evaluate(less, question).allowed
        for question in found.questions[config, role]
    )


def _without(document: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """The document without this action in this statement; a statement left empty goes."""
    kept = [
        {**s, "Action": [a for a in s["Action"] if (s["Sid"], a) != (sid, action)]}
        for s in document["Statement"]
    ]
    return {**document, "Statement": [s for s in kept if s["Action"]]}


def _too_wide(statements: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """`*` where AWS knows resources, patterns of actions, resources of another account."""
    for statement in statements:
        for action in statement["Action"]:
            scoped = ACTIONS.get(action) is not Kind.NONE
            if "*" in action or action not in ACTIONS:
                yield f"{statement['Sid']}: {action} is no single action"
            elif scoped and "*" in statement["Resource"]:
                yield f"{statement['Sid']}: {action} on * could be scoped"
        for resource in statement["Resource"]:
            if resource != "*" and not _is_named(resource):
                yield f"{statement['Sid']}: {resource} names neither account nor bucket"


def _is_named(resource: str) -> bool:
    service, account, name = (resource.split(":", 5)[i] for i in (2, 4, 5))
    if service == "s3":
        return name.split("/")[0] in (BUCKET, roles.NEW_BUCKET)
    if account == "aws":  # one of AWS's own policies, by its name
        return name.startswith("policy/") and "*" not in name
    if service == "cloudtrail":  # an organisation's trail bears the management account's number
        return name == "trail/*"
    return account == HOME_ACCOUNT and name not in ("*", "")


def _acting(actions: Iterable[str]) -> Iterator[str]:
    """Rights of the reader that no reading operation asks for."""
    reading = {action for operation in READS for action in actions_of(operation) or ()}
    for action in actions:
        if action not in reading:
            yield f"the reader may {action}"


# --- what must be refused -------------------------------------------------------------------------


def _let_through(tried: Iterable[Attempt]) -> Iterator[str]:
    """An attempt that is allowed; and one that would be refused whatever it asked for."""
    policies: dict[Key, Policies] = {}
    for attempt in tried:
        key = (attempt.config, attempt.role)
        mine = policies[key] = policies.get(key) or _parsed(_documents(*key))
        against = _beside_everything(mine) if attempt.denied else mine
        if policy_evaluator.evaluate(against, attempt.question).allowed:
            yield str(attempt)
        mended = attempt.mended
        if mended is not None and not policy_evaluator.evaluate(mine, mended).allowed:
            yield f"{attempt.role} may not even {attempt.mended.action}: the attempt proves nothing"


def _beside_everything(mine: Policies) -> Policies:
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}],
    }
    return replace(mine, identity=(*mine.identity, parse_document(everything)))


# --- planted violations ---------------------------------------------------------------------------


def _changed(change: Any) -> AbstractContextManager[object]:
    """The shipped documents, each statement changed."""
    stock = own_policies.documents

    def documents(installation: Any, role: Role) -> tuple[dict[str, Any], ...]:
        return tuple(
            {**document, "Statement": [change(role, dict(s)) for s in document["Statement"]]}
            for document in stock(installation, role)
        )

    return patch.object(own_policies, "documents", documents)


def _one_action_more(role: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if (role, statement["Sid"]) == (Role.ACTOR, "ActOnUsers"):
        statement["Action"] = [*statement["Action"], "iam:AddUserToGroup"]
    return statement


def _one_action_fewer(_: Role, statement: dict[str, Any]) -> dict[str, Any]:
    statement["Action"] = [a for a in statement["Action"] if a != "iam:UpdateLoginProfile"] or [
        "iam:GetUser"
    ]
    return statement


def _on_everything(_: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Sid"] == "ActOnUsers":
        statement["Resource"] = ["*"]
    return statement


def _reading_acts(role: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if (role, statement["Sid"]) == (Role.READER, "ReadUsers"):
        statement["Action"] = [*statement["Action"], "iam:UpdateAccessKey"]
    return statement


def _no_denies(_: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Effect"] == "Deny":
        statement["Resource"] = [f"{USER}nobody"]
    return statement


def _purges_everything(_: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Sid"] == "PurgeEscrow":
        statement["Resource"] = [f"{OBJECTS}*"]
    return statement


def _writes_again(role: Role, statement: dict[str, Any]) -> dict[str, Any]:
    if role is Role.MAIL_FEEDBACK:
        statement["Condition"] = {k: v for k, v in statement["Condition"].items() if k != "Null"}
    return statement


def _no_conditions(*_: Any, **__: Any) -> bool:
    return True


MUTANTS = (
    Mutant(promise="P16", name="one action more", plant=lambda: _changed(_one_action_more)),
    Mutant(promise="P16", name="one action fewer", plant=lambda: _changed(_one_action_fewer)),
    Mutant(promise="P16", name="a resource of *", plant=lambda: _changed(_on_everything)),
    Mutant(promise="P16", name="the reader acts", plant=lambda: _changed(_reading_acts)),
    Mutant(promise="P16", name="nobody is denied", plant=lambda: _changed(_no_denies)),
    Mutant(promise="P16", name="all is purged", plant=lambda: _changed(_purges_everything)),
    Mutant(promise="P16", name="feedback is replaced", plant=lambda: _changed(_writes_again)),
    Mutant(
        promise="P16",
        name="the evaluator ignores conditions",
        plant=lambda: patch.object(policy_evaluator, "holds", _no_conditions),
    ),
    Mutant(
        promise="P16",
        name="every pattern matches",
        plant=lambda: patch.object(policy_values, "matches", _no_conditions),
    ),
)
