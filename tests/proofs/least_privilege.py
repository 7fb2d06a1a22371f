"""P16: the shipped policies are sufficient and minimal.

Recorded in the sandbox, which refuses what the policies do not allow (the questions that AWS would
ask are kept with each call), then judged: by the evaluator, by taking every single right away, by
attempts that must be refused, by what the statements say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from typing import Any
from unittest.mock import patch

from tests import fleets
from tests.proofs.attempts import OBJECTS, USER, Attempt, attempts
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.lived_policies import Key, Recorded, recorded
from tests.scenario import roles
from tests.scenario.roles import PLAIN, PREFIX, AnyRole, actions_in

from keyreeve.aws.failures import READS
from keyreeve.governance.own_policies import Role
from keyreeve.governance.people_policies import PeopleRole
from keyreeve.language import policy_evaluator, policy_values
from keyreeve.language.authorizations import ACTIONS, Kind, actions_of
from keyreeve.language.policy_document import parse_document
from keyreeve.language.policy_evaluator import Policies
from keyreeve.model.identifiers import AccountId
from keyreeve.sandbox.account import BUCKET
from keyreeve.storage import layout


def prove(size: Size, seed: int) -> Iterable[Figure]:
    """Eight figures."""
    found = recorded(size)
    calls = [(done, call) for done in found.done for call in done.calls]
    yield _figure("calls under the shipped policies", calls, _refused(found))
    yield _figure("stories with and without policies", found.ends, _other_ends(found))
    asked = [(key, question) for key, mine in found.questions.items() for question in mine]
    yield _figure("different questions of AWS", asked, _not_allowed(found))
    rights = list(_rights(found))
    yield _figure("rights taken away one by one", rights, _spare(found, rights))
    shared = list(_of_fleets(found))
    yield _figure("statements of a fleet that are the actor's", shared, _foreign(shared, rights))
    tried = list(attempts())
    yield _figure("attempts beyond the policies", tried, _let_through(tried))
    statements = list(_statements(found))
    yield _figure("statements", statements, _too_wide(statements))
    reading = sorted(actions_in(roles.shipped(PLAIN, Role.READER)))
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
    for key, questions in found.questions.items():
        policies = _parsed(roles.shipped(*key))
        for question in questions:
            if not policy_evaluator.evaluate(policies, question).allowed:
                told = f"{question.action} on {question.resource} {dict(question.context)}"
                yield f"{key.role}: {told}"


def _parsed(documents: Iterable[Mapping[str, Any]]) -> Policies:
    return Policies(identity=tuple(map(parse_document, documents)))


# --- minimal --------------------------------------------------------------------------------------

Right = tuple[Key, str, str]
"""Whose, Sid, action."""
Statement = tuple[Key, dict[str, Any]]
FLEETS = (Role.FLEET, Role.MEMBER)


def _statements(found: Recorded) -> Iterator[Statement]:
    for key in found.questions:
        for document in roles.shipped(*key):
            yield from ((key, statement) for statement in document["Statement"])


def _rights(found: Recorded) -> Iterator[Right]:
    """All but those that a fleet's roles have of the actor."""
    for key, statement in _statements(found):
        if statement["Effect"] == "Allow" and not (
            key.role in FLEETS and _is_actors(key, statement)
        ):
            yield from ((key, statement["Sid"], action) for action in statement["Action"])


def _is_actors(key: Key, statement: Mapping[str, Any]) -> bool:
    """Whether the actor of the same config has the same statement."""
    of_actor = roles.shipped(key.config, Role.ACTOR, key.account)
    return any(statement == each for document in of_actor for each in document["Statement"])


def _of_fleets(found: Recorded) -> Iterator[Statement]:
    """What a fleet's roles have of the actor; of a member's, everything."""
    for key, statement in _statements(found):
        if key.role is Role.MEMBER or (key.role is Role.FLEET and _is_actors(key, statement)):
            yield key, statement


def _foreign(shared: Iterable[Statement], rights: Iterable[Right]) -> Iterator[str]:
    """A statement that is not the actor's, or a right that nobody has taken from the actor."""
    taken = {(sid, action) for key, sid, action in rights if key.role is Role.ACTOR}
    for key, statement in shared:
        if not _is_actors(key, statement):
            yield f"{key.role} {statement['Sid']}: the actor has no such statement"
        if statement["Effect"] == "Allow":
            for action in statement["Action"]:
                if (statement["Sid"], action) not in taken:
                    yield f"{key.role} {statement['Sid']}: {action} was not taken from the actor"


def _spare(found: Recorded, rights: Iterable[Right]) -> Iterator[str]:
    """A right that nothing recorded needs: without it every question would be allowed still.

    What one config's story does not come to, another's may.
    """
    needed = {(key.role, *right) for key, *right in rights if _is_needed(found, (key, *right))}
    for role, sid, action in dict.fromkeys((key.role, *right) for key, *right in rights):
        if (role, sid, action) not in needed:
            yield f"{role} {sid}: nothing needs {action}"


def _is_needed(found: Recorded, right: Right) -> bool:
    key, sid, action = right
    less = _parsed(_without(document, sid, action) for document in roles.shipped(*key))
    return any(
        question.action == action and not policy_evaluator.evaluate(less, question).allowed
        for question in found.questions[key]
    )


def _without(document: dict[str, Any], sid: str, action: str) -> dict[str, Any]:
    """The document without this action in this statement; a statement left empty goes."""
    kept = [
        {**s, "Action": [a for a in s["Action"] if (s["Sid"], a) != (sid, action)]}
        for s in document["Statement"]
    ]
    return {**document, "Statement": [s for s in kept if s["Action"]]}


def _too_wide(statements: Iterable[Statement]) -> Iterator[str]:
    """`*` where AWS knows resources, patterns of actions, resources of another account."""
    for key, statement in statements:
        for action in statement["Action"]:
            scoped = ACTIONS.get(action) is not Kind.NONE
            if "*" in action or action not in ACTIONS:
                yield f"{statement['Sid']}: {action} is no single action"
            elif scoped and "*" in statement["Resource"]:
                yield f"{statement['Sid']}: {action} on * could be scoped"
        for resource in statement["Resource"]:
            if resource != "*" and not _is_named(resource, key.account):
                yield f"{statement['Sid']}: {resource} names neither account nor bucket"


def _is_named(resource: str, own: AccountId) -> bool:
    service, account, name = (resource.split(":", 5)[i] for i in (2, 4, 5))
    if service == "s3":
        return name.split("/")[0] in (BUCKET, roles.NEW_BUCKET)
    if account == "aws":  # one of AWS's own policies, by its name
        return name.startswith("policy/") and "*" not in name
    if service == "cloudtrail":  # an organisation's trail bears the management account's number
        return name == "trail/*"
    if service == "organizations":  # which units lie below one, only AWS knows
        return name in ("ou/*", "root/*")
    if name == f"role/{fleets.ROLE}":  # in each account of the fleet
        return True
    return account == own and name not in ("*", "")


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
        key = Key(attempt.config, attempt.role)
        mine = policies[key] = policies.get(key) or _parsed(roles.shipped(*key))
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
    stock = roles.shipped

    def shipped(config: str, role: AnyRole, *account: AccountId) -> tuple[dict[str, Any], ...]:
        return tuple(
            {**document, "Statement": [change(role, dict(s)) for s in document["Statement"]]}
            for document in stock(config, role, *account)
        )

    return patch.object(roles, "shipped", cache(shipped))


def _one_more(role: AnyRole, sid: str, action: str) -> AbstractContextManager[object]:
    """The statement of the role with one action more."""

    def change(whose: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
        if (whose, statement["Sid"]) == (role, sid):
            statement["Action"] = [*statement["Action"], action]
        return statement

    return _changed(change)


def _one_action_fewer(_: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
    statement["Action"] = [a for a in statement["Action"] if a != "iam:UpdateLoginProfile"] or [
        "iam:GetUser"
    ]
    return statement


def _on_everything(_: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Sid"] == "ActOnUsers":
        statement["Resource"] = ["*"]
    return statement


def _no_denies(_: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Effect"] == "Deny":
        statement["Resource"] = [f"{USER}nobody"]
    return statement


def _purges_everything(_: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
    if statement["Sid"] == "PurgeEscrow":
        statement["Resource"] = [f"{OBJECTS}*"]
    return statement


def _writes_again(role: AnyRole, statement: dict[str, Any]) -> dict[str, Any]:
    if role is Role.MAIL_FEEDBACK:
        statement["Condition"] = {k: v for k, v in statement["Condition"].items() if k != "Null"}
    return statement


def _no_conditions(*_: Any, **__: Any) -> bool:
    return True


_MORE = (
    ("one action more", Role.ACTOR, "ActOnUsers", "iam:AddUserToGroup"),
    ("the reader acts", Role.READER, "ReadUsers", "iam:UpdateAccessKey"),
    ("a fleet lists more", Role.FLEET, "ListAccounts", "organizations:ListRoots"),
    ("a fleet clears its days", Role.FLEET, "KeepDays", "s3:DeleteObject"),
    ("a fleet acts like no actor", Role.FLEET, "ActOnUsers", "iam:TagUser"),
    ("a member acts like no actor", Role.MEMBER, "ActOnUsers", "iam:TagUser"),
    ("people read more", PeopleRole.PEOPLE, "ReadUsers", "iam:ListSSHPublicKeys"),
    ("people act more", PeopleRole.PEOPLE, "ActOnUsers", "iam:CreateAccessKey"),
    ("onboarding reads more", PeopleRole.ONBOARDING, "ReadMembers", "iam:ListAccessKeys"),
)
MUTANTS = (
    *(
        Mutant(promise="P16", name=name, plant=partial(_one_more, role, sid, action))
        for name, role, sid, action in _MORE
    ),
    Mutant(promise="P16", name="one action fewer", plant=lambda: _changed(_one_action_fewer)),
    Mutant(promise="P16", name="a resource of *", plant=lambda: _changed(_on_everything)),
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
