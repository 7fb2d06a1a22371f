"""Who signed: an IAM user with a key or a session, a role's session, or root.

Source: IAM User Guide, "Global condition context keys" and "Principal key values" (policy
variables); STS API Reference, GetSessionToken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keyreeve.language.policy_evaluator import Principal
from keyreeve.language.policy_values import Context
from keyreeve.sandbox.sessions import Session, SessionKind
from keyreeve.sandbox.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A principal in its account; neither user nor role: root."""

    account_id: str
    iam: Any
    """moto's IAM of the account."""
    user: Any = None
    role: Any = None
    session: Session | None = None
    """None: a long-term key."""

    @property
    def arn(self) -> str:
        """As GetCallerIdentity and refusals tell it."""
        if self.role is not None and self.session is not None:
            told = f"assumed-role/{self.role.name}/{self.session.name}"
            return f"arn:aws:sts::{self.account_id}:{told}"
        return self.principal_arn

    @property
    def principal_arn(self) -> str:
        """`aws:PrincipalArn`: of a session, the role's."""
        found = self.role if self.role is not None else self.user
        return f"arn:aws:iam::{self.account_id}:root" if found is None else str(found.arn)

    @property
    def unique_id(self) -> str:
        """`aws:userid`."""
        if self.role is not None and self.session is not None:
            return f"{self.role.id}:{self.session.name}"
        return self.account_id if self.user is None else str(self.user.id)

    @property
    def name(self) -> str:
        """Of the user; empty for others."""
        return "" if self.user is None else str(self.user.name)

    @property
    def tags(self) -> Mapping[str, str]:
        """`aws:PrincipalTag`: of the user or the role, and above them the session's own."""
        if self.role is not None:
            own = {tag["Key"]: tag["Value"] for tag in self.role.tags}
        elif self.user is not None:
            own = self.iam.tagger.get_tag_dict_for_resource(self.user.arn)
        else:
            own = {}
        return {**own, **(self.session.tags if self.session else {})}

    def principal(self, kept: Mapping[str, str]) -> Principal:
        """As resource policies may name it.

        AWS keeps a named user by its unique id: `kept` has those of when the policy was stored, by
        ARN. So another user of that name is not meant, and a renamed one still is.
        """
        own = {self.arn, self.principal_arn} - set(kept)
        own |= {arn for arn, unique_id in kept.items() if unique_id == self.unique_id}
        return Principal(account=self.account_id, names=frozenset({*own, self.unique_id}))

    def context(self, at: datetime) -> Context:
        """The keys that tell about the caller."""
        kind = "Account" if self.user is None else "User"
        told: dict[str, tuple[str, ...]] = {
            "aws:userid": (self.unique_id,),
            "aws:principalarn": (self.principal_arn,),
            "aws:principalaccount": (self.account_id,),
            "aws:principaltype": ("AssumedRole" if self.role is not None else kind,),
            **{f"aws:principaltag/{key.lower()}": (value,) for key, value in self.tags.items()},
        }
        if self.user is not None:
            told["aws:username"] = (self.name,)
        return {**told, **(_of_session(self.session, at) if self.session else {})}


def _of_session(session: Session, at: datetime) -> Context:
    """AWS: a long-term key has none of these; a role's session does not tell of its MFA."""
    shown = session.mfa_at if session.kind is not SessionKind.ROLE else None
    told: dict[str, tuple[str, ...]] = {
        "aws:tokenissuetime": (session.issued.strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:multifactorauthpresent": ("false" if shown is None else "true",),
    }
    if shown is not None:
        told["aws:multifactorauthage"] = (str(int((at - shown).total_seconds())),)
    return told


def caller_of(world: World, access_key: str | None) -> Caller | None:
    """Whose key it is. None: nobody's, or its user or role is gone."""
    from moto.iam.models import iam_backends

    session = world.sessions.get(access_key or "")
    if session is not None:
        return _in_session(session, iam_backends[session.account_id]["aws"])
    for account_id, partitions in list(iam_backends.items()):
        backend: Any = partitions["aws"]
        key = backend.access_keys.get(access_key or "")
        if key is not None and key.user_name in backend.users:
            user = backend.users[key.user_name]
            return Caller(account_id=account_id, iam=backend, user=user)
    return None


def _in_session(session: Session, backend: Any) -> Caller | None:
    found = Caller(account_id=session.account_id, iam=backend, session=session)
    if session.kind is SessionKind.ROOT:
        return found
    role = backend.roles.get(session.role_id)
    users = (user for user in backend.users.values() if user.id == session.user_id)
    user = None if session.role_id else next(users, None)
    if role is None and user is None:
        return None
    return Caller(account_id=session.account_id, iam=backend, user=user, role=role, session=session)
