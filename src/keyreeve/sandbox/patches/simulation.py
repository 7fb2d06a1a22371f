"""The policy simulator, over our own evaluator.

AWS: SimulatePrincipalPolicy puts actions and resources to the policies of a user, group or role,
with the context that is given and no other; SimulateCustomPolicy to given documents. Each answer
names the statements that decided and the context keys that were missing. moto has neither.
Source: IAM API Reference, SimulatePrincipalPolicy, SimulateCustomPolicy, EvaluationResult.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import EVERY_RESOURCE, Decision, Policies, evaluate
from keyreeve.language.policy_evaluator import Request as Question
from keyreeve.language.policy_values import Context
from keyreeve.sandbox.assuming import role_of
from keyreeve.sandbox.callers import Caller
from keyreeve.sandbox.patches.replacing import add
from keyreeve.sandbox.principals import Named, boundary_of, held, identity_policies

_DECISIONS: Final = {
    Decision.ALLOWED: "allowed",
    Decision.EXPLICIT_DENY: "explicitDeny",
    Decision.IMPLICIT_DENY: "implicitDeny",
}


def apply() -> None:
    """Answer both simulations."""
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse

    def simulate_principal_policy(self: Any) -> Any:
        arn = self._get_param("PolicySourceArn")
        named, boundary = _of_principal(self.backend, arn)
        named += _given(self, "PolicyInputList")
        return ActionResult(_simulated(self, named, boundary, arn))

    def simulate_custom_policy(self: Any) -> Any:
        return ActionResult(_simulated(self, _given(self, "PolicyInputList"), None, ""))

    add(
        IamResponse,
        simulate_principal_policy=simulate_principal_policy,
        simulate_custom_policy=simulate_custom_policy,
    )


def _of_principal(backend: Any, arn: str) -> tuple[tuple[Named, ...], PolicyDocument | None]:
    from moto.iam.exceptions import NoSuchEntity

    by_arn = {it.arn: it for it in (*backend.users.values(), *backend.groups.values())}
    holder = by_arn.get(arn) or role_of(arn)
    if holder is None:
        raise NoSuchEntity(f"The entity with ARN {arn} cannot be found.")
    if ":group/" in arn:
        return tuple(held(holder, "group")), None
    kind = "user" if ":user/" in arn else "role"
    caller = Caller(account_id=backend.account_id, iam=backend, **{kind: holder})
    return identity_policies(caller), boundary_of(backend, holder)


def _given(response: Any, param: str) -> tuple[Named, ...]:
    from moto.iam.exceptions import MalformedPolicyDocument

    found = []
    for number, text in enumerate(response._get_param(param, []), start=1):
        try:
            document = parse_document(json.loads(text))
        except (MalformedPolicy, ValueError) as error:
            raise MalformedPolicyDocument(f"{param}.member.{number}: {error}") from None
        found.append(Named(id=f"{param}.{number}", kind="none", document=document))
    return tuple(found)


def _simulated(
    response: Any, named: tuple[Named, ...], boundary: PolicyDocument | None, source: str
) -> dict[str, Any]:
    limits = _given(response, "PermissionsBoundaryPolicyInputList")
    policies = Policies(
        identity=tuple(it.document for it in named),
        boundary=limits[0].document if limits else boundary,
    )
    context = _context(response, source)
    results = [
        _result(policies, named, Question(action=action, resource=resource, context=context))
        for action in response._get_param("ActionNames")
        for resource in response._get_param("ResourceArns", [EVERY_RESOURCE])
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def _context(response: Any, source: str) -> Context:
    """What is given; of the principal AWS knows its name, if it is a user."""
    told: dict[str, tuple[str, ...]] = {}
    caller = response._get_param("CallerArn") or source
    if ":user/" in caller:
        told["aws:username"] = (caller.rpartition("/")[2],)
        told["aws:principalarn"] = (caller,)
    for entry in response._get_param("ContextEntries", []):
        told[entry["ContextKeyName"].lower()] = tuple(entry["ContextKeyValues"])
    return told


def _result(policies: Policies, named: Sequence[Named], question: Question) -> dict[str, Any]:
    answer = evaluate(policies, question)
    return {
        "EvalActionName": question.action,
        "EvalResourceName": question.resource,
        "EvalDecision": _DECISIONS[answer.decision],
        "MatchedStatements": [
            {"SourcePolicyId": it.id, "SourcePolicyType": it.kind}
            for it in named
            if any(statement is answer.statement for statement in it.document.statements)
        ],
        "MissingContextValues": sorted(set(_missing(policies, question))),
        **_by_boundary(policies, question),
    }


def _by_boundary(policies: Policies, question: Question) -> dict[str, Any]:
    if policies.boundary is None:
        return {}
    alone = replace(policies, identity=(policies.boundary,), boundary=None)
    allowed = evaluate(alone, question).allowed
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": allowed}}


def _missing(policies: Policies, question: Question) -> Iterator[str]:
    """Keys of conditions that the context does not have."""
    for document in policies.identity:
        for statement in document.statements:
            for condition in statement.conditions:
                if condition.key not in question.context:
                    yield condition.key
