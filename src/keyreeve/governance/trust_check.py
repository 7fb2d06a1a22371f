"""A role's trust policy as it stands, against the one that the access model asks for; pure.

Not compared letter by letter: what counts is whom it lets in. So the same questions are put to
both by the policy evaluator, and what is answered otherwise is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keyreeve.governance.access_policies import Place, assume_own_role, trust
from keyreeve.language.policy_document import (
    Effect,
    MalformedPolicy,
    PolicyDocument,
    parse_document,
)
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
from keyreeve.model.access import AccessModel, Grant, TrustModel

SOMEBODY: Final = "keyreeve-doctor"
"""Stands for any member of the group."""
_MFA: Final = "aws:multifactorauthpresent"
_AGE: Final = "aws:multifactorauthage"
_NAME: Final = "sts:rolesessionname"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    fault: str
    """What is wrong if the answer is not the wanted one."""
    context: Mapping[str, str]


def faults(model: AccessModel, grant: Grant, at: Place, found: Mapping[str, Any]) -> Iterator[str]:
    """What the role's trust policy does otherwise, in words; nothing if it does what it should."""
    wanted = trust(model, grant, at)
    if found == wanted:
        return
    try:
        live = parse_document(found)
    except MalformedPolicy as error:
        yield f"cannot be read: {error}"
        return
    strangers = sorted(_principals(live, at) - _principals(parse_document(wanted), at))
    if strangers:
        yield f"also trusts {', '.join(strangers)}"
    for question in _questions(grant):
        for name in _askers(model, grant):
            should = _lets_in(parse_document(wanted), grant, at, name, question.context)
            if _lets_in(live, grant, at, name, question.context) is not should:
                yield question.fault if not should else _shut_out(model, name)
                break


def _questions(grant: Grant) -> Iterator[_Question]:
    full = {_MFA: "true", _AGE: "0"}
    limit = int(grant.max_session.total_seconds())
    yield _Question(fault="", context=full)
    yield _Question(fault="lets in without MFA (a plain access key)", context={})
    yield _Question(fault="lets in without MFA (a session)", context={_MFA: "false"})
    yield _Question(
        fault=f"lets in with an MFA proof older than {limit} s",
        context={**full, _AGE: f"{limit + 1}"},
    )
    yield _Question(
        fault="lets in under a session name that is not the user's",
        context={**full, _NAME: "somebody-else"},
    )


def _shut_out(model: AccessModel, name: str) -> str:
    if model.trust is TrustModel.USERS:
        return f"does not let in {name}, whom access.yaml names"
    return "does not let in the members of its group, even with MFA under their own names"


def _askers(model: AccessModel, grant: Grant) -> tuple[str, ...]:
    """Users' paths and names."""
    return grant.trusted_users if model.trust is TrustModel.USERS else (SOMEBODY,)


def _lets_in(
    document: PolicyDocument, grant: Grant, at: Place, who: str, given: Mapping[str, str]
) -> bool:
    name = who.rpartition("/")[2]
    context = {
        "aws:username": name,
        "aws:principalarn": at.iam(f"user/{who}"),
        _NAME: name,
        **given,
    }
    request = Request(
        action="sts:AssumeRole",
        resource=at.iam(f"role/{grant.role}"),
        context={key: (value,) for key, value in context.items()},
        principal=Principal(account=at.account_id, names=frozenset({at.iam(f"user/{who}")})),
    )
    policies = Policies(
        identity=(parse_document(assume_own_role(grant, at)),),
        resource=(document,),
        resource_decides=True,
    )
    return evaluate(policies, request).allowed


def _principals(document: PolicyDocument, at: Place) -> frozenset[str]:
    """Whom the document allows anything; an account's bare number is its root."""
    named = (
        value.removeprefix("AWS:")
        for statement in document.statements
        if statement.effect is Effect.ALLOW and statement.principals is not None
        for value in statement.principals.values
    )
    return frozenset(at.iam("root") if name == at.account_id else name for name in named)
