"""AWS's evaluation logic within one account: may this principal do this, and who says so.

    1  an explicit Deny in any policy ends it
    2  every service control policy level must allow, where there are any
    3  a resource policy that names the principal itself allows
    4  else an identity policy must allow, and so must boundary and session policy, where they are

A trust policy or a key policy (`resource_decides`) must allow by itself, or name the account, which
hands the question to the identity policies.

Source: IAM User Guide, "Policy evaluation logic" and "Evaluating identity-based policies with
resource-based policies / permissions boundaries".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from keyreeve.language.policy_document import Effect, Listed, PolicyDocument, Statement
from keyreeve.language.policy_values import Context, arn_matches, holds, matches

EVERY_RESOURCE = "*"
"""The resource of a call that names none."""


class Decision(StrEnum):
    """What AWS answers."""

    ALLOWED = "allowed"
    IMPLICIT_DENY = "implicit deny"
    EXPLICIT_DENY = "explicit deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, as resource policies may name it."""

    account: str | None = None
    """Its account's number."""
    names: frozenset[str] = frozenset()
    """ARN of the user, of the role and of its session, unique ids."""
    service: str | None = None
    """`cloudtrail.amazonaws.com`, where AWS itself asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question."""

    action: str
    """`iam:CreateAccessKey`, in any case."""
    resource: str = EVERY_RESOURCE
    """The ARN; `*` for a call that names none."""
    context: Context = field(default_factory=dict)
    """Keys in lower case."""
    principal: Principal = Principal()
    complete: bool = True
    """False: keys that the context lacks are unknown, not absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What bears on the question. None: there is no such policy, so it limits nothing."""

    identity: tuple[PolicyDocument, ...] = ()
    resource: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    session: PolicyDocument | None = None
    service_control: tuple[tuple[PolicyDocument, ...], ...] = ()
    """Level by level, root first."""
    resource_decides: bool = False
    """Trust policies of roles, key policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The decision and the statement that decided; None: that none did."""

    decision: Decision
    statement: Statement | None = None
    lacking: str = ""
    """For an implicit deny: the kind of policy that does not allow."""

    @property
    def allowed(self) -> bool:
        """Whether the call may happen."""
        return self.decision is Decision.ALLOWED


def evaluate(policies: Policies, request: Request, *, hopeful: bool = False) -> Answer:
    """AWS's answer.

    Where the context is not complete, a condition that nobody can judge counts against the
    principal, or with `hopeful` for it: allowed without hope is certain, with hope possible.
    """
    asked = _Asked(request, hopeful=hopeful)
    denied = asked.first(Effect.DENY, _all(policies))
    if denied is not None:
        return Answer(decision=Decision.EXPLICIT_DENY, statement=denied)
    for level in policies.service_control:
        if asked.first(Effect.ALLOW, level) is None:
            return _implicit("service control policy")
    direct = asked.first(Effect.ALLOW, policies.resource, named=True)
    if direct is not None:
        return Answer(decision=Decision.ALLOWED, statement=direct)
    if policies.resource_decides and asked.first(Effect.ALLOW, policies.resource) is None:
        return _implicit("resource policy")
    return _by_identity(policies, asked)


def _by_identity(policies: Policies, asked: _Asked) -> Answer:
    allowing = asked.first(Effect.ALLOW, policies.identity)
    if allowing is None:
        return _implicit("identity policy")
    limits = {"permissions boundary": policies.boundary, "session policy": policies.session}
    for kind, document in limits.items():
        if document is not None and asked.first(Effect.ALLOW, (document,)) is None:
            return _implicit(kind)
    return Answer(decision=Decision.ALLOWED, statement=allowing)


def _implicit(lacking: str) -> Answer:
    return Answer(decision=Decision.IMPLICIT_DENY, lacking=lacking)


def _all(policies: Policies) -> Iterator[PolicyDocument]:
    yield from policies.identity
    yield from policies.resource
    yield from (each for each in (policies.boundary, policies.session) if each is not None)
    for level in policies.service_control:
        yield from level


class _Asked:
    """One request, put to statements."""

    def __init__(self, request: Request, *, hopeful: bool) -> None:
        self._request = request
        self._hopeful = hopeful
        self._action = request.action.lower()

    def first(
        self, effect: Effect, documents: Iterable[PolicyDocument], *, named: bool = False
    ) -> Statement | None:
        """The first statement of this effect that matches; `named`: by the principal's own name."""
        for document in documents:
            for statement in document.statements:
                if statement.effect is effect and self._matches(statement, named=named):
                    return statement
        return None

    def _matches(self, statement: Statement, *, named: bool) -> bool:
        return (
            self._names_action(statement)
            and self._names_resource(statement)
            and self._names_principal(statement.principals, named=named)
            and self._conditions_hold(statement)
        )

    def _names_action(self, statement: Statement) -> bool:
        found = any(matches(pattern, self._action) for pattern in statement.actions.values)
        return found is not statement.actions.negated

    def _names_resource(self, statement: Statement) -> bool:
        resources, request = statement.resources, self._request
        if resources is None:
            return True
        bound = request.context if statement.variables else None
        found = any(arn_matches(p, request.resource, bound) for p in resources.values)
        return found is not resources.negated

    def _names_principal(self, principals: Listed | None, *, named: bool) -> bool:
        if principals is None:
            return not named
        who = self._request.principal
        own = {f"AWS:{name}" for name in who.names}
        if who.service is not None:
            own.add(f"Service:{who.service}")
        if not named and who.account is not None:
            own |= {f"AWS:{who.account}"}
            own |= {p for p in principals.values if _is_root(p, who.account)}
        found = "*" in principals.values or not own.isdisjoint(principals.values)
        return found is not principals.negated

    def _conditions_hold(self, statement: Statement) -> bool:
        request = self._request
        # In doubt an Allow holds for the hopeful, a Deny for the others.
        in_doubt = self._hopeful is (statement.effect is Effect.ALLOW)
        for condition in statement.conditions:
            met = holds(
                condition,
                request.context,
                complete=request.complete,
                variables=statement.variables,
            )
            if met is None:
                met = in_doubt
            if not met:
                return False
        return True


def _is_root(principal: str, account: str) -> bool:
    parts = principal.removeprefix("AWS:").split(":", 5)
    return parts[-2:] == [account, "root"]
