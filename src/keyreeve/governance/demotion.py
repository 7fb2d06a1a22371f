"""From standing rights to a role that is assumed (S2.11): proved before anything is taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Decision, Policies, Principal, Request, evaluate
from keyreeve.model.access import Grant
from keyreeve.model.people import Member, Role

_MFA: Final = "aws:multifactorauthpresent"
_MFA_AGE: Final = "aws:multifactorauthage"


def cannot_assume(
    grant: Grant,
    member: Member,
    role: Role,
    kept: Iterable[Mapping[str, Any]],
    boundary: Mapping[str, Any] | None = None,
) -> str | None:
    """Why the user could not assume the role with MFA, by what it keeps; None: it is proved.

    `kept`: every document that still reaches the user afterwards.  What no policy settles counts
    against: a condition on a key that nobody knows here is no proof.
    """
    if grant.group not in member.groups:
        return f"not in {grant.group}, whose people assume {grant.role}"
    if not member.has_mfa:
        return "without an MFA device nobody assumes a role"
    try:
        identity = tuple(parse_document(raw) for raw in kept)
        trust = parse_document(role.trust)
        limit = parse_document(boundary) if boundary is not None else None
    except MalformedPolicy as error:
        return f"a policy cannot be read: {error}"
    answer = evaluate(_policies(identity, trust, limit), _request(member, role, mfa="true"))
    if answer.decision is Decision.EXPLICIT_DENY:
        sid = answer.statement.sid if answer.statement and answer.statement.sid else "without Sid"
        return f"a statement ({sid}) denies sts:AssumeRole on {grant.role}"
    if not answer.allowed:
        lacking = {"resource policy": "trust policy of the role"}.get(
            answer.lacking, answer.lacking
        )
        return f"no {lacking} allows sts:AssumeRole on {grant.role}"
    return None


def needs_mfa(member: Member, role: Role, kept: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the same is refused without MFA: worth a remark where it is not (S2.18)."""
    identity = tuple(parse_document(raw) for raw in kept)
    policies = _policies(identity, parse_document(role.trust), None)
    return not evaluate(policies, _request(member, role, mfa="false"), hopeful=True).allowed


def _policies(
    identity: tuple[PolicyDocument, ...], trust: PolicyDocument, boundary: PolicyDocument | None
) -> Policies:
    return Policies(identity=identity, resource=(trust,), boundary=boundary, resource_decides=True)


def _request(member: Member, role: Role, *, mfa: str) -> Request:
    account = role.arn.split(":")[4]
    tags = {f"aws:principaltag/{key.lower()}": (value,) for key, value in member.tags.items()}
    # AWS: the key is there only with MFA.  The user can always prove it anew, with a fresh code.
    age = {_MFA_AGE: ("0",)} if mfa == "true" else {}
    return Request(
        action="sts:AssumeRole",
        resource=role.arn,
        context={
            "aws:username": (member.name,),
            "aws:principalarn": (member.arn,),
            "aws:principalaccount": (account,),
            "aws:principaltype": ("User",),
            "aws:viaawsservice": ("false",),
            _MFA: (mfa,),
            # AWS: the console and `aws sts assume-role` let the user name the session.
            "sts:rolesessionname": (member.name,),
            **age,
            **tags,
        },
        principal=Principal(account=account, names=frozenset({member.arn, member.user_id})),
        complete=False,
    )
