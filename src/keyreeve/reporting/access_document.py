"""Who may do what, through which group and role, why and since when (S2.30); pure.

The document that reviews and audits ask for: from access.yaml and what the account holds.  What
CloudTrail no longer remembers (it keeps 90 days) is said to be older, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from keyreeve.language.policy_document import MalformedPolicy, PolicyDocument, parse_document
from keyreeve.language.policy_evaluator import Policies, Principal, Request, evaluate
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel, Grant, TrustModel
from keyreeve.model.identifiers import AccountId, UserId, UserName
from keyreeve.model.snapshot import User

REMEMBERED = timedelta(days=90)
"""How far CloudTrail's event history reaches back (E6)."""


class Remark(StrEnum):
    """What a reviewer should look at."""

    STANDING_ADMINISTRATOR = "standing administrator rights, without a role session"
    STANDING_RIGHTS = "standing rights beside the role"
    NO_ROLE_GROUP = "in no role group"
    SEVERAL_ROLE_GROUPS = "in several role groups"
    ONBOARDING_TOO = "in onboarding and a role group at once"
    TAG_DISAGREES = "the role tag names another group"
    TAG_MISSING = "required tags are missing"
    NO_MFA = "no MFA device"
    QUARANTINED = "in quarantine"


class RoleState(StrEnum):
    """Whether a role is what access.yaml says."""

    AS_WANTED = "as access.yaml says"
    MISSING = "not there"
    WITHOUT_MFA = "can be assumed without MFA"
    UNREADABLE = "its trust policy cannot be read"
    LONGER = "its sessions may last longer than access.yaml says"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """A role of the model as it is; None fields: there is no such role."""

    name: str
    trust: Mapping[str, Any] | None
    max_session: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """When somebody was put into a group, and by whom, as CloudTrail tells."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read of the account."""

    account_id: AccountId
    as_of: datetime
    users: tuple[User, ...]
    with_mfa: frozenset[UserName]
    roles: tuple[RoleFacts, ...]
    administrators: frozenset[UserName]
    """Whose policies allow everything for certain, whatever they are called, wherever they hang."""
    own_policies: frozenset[str]
    """Names of the policies that the identity stack attaches: they grant no standing right."""
    joined: Mapping[tuple[UserName, str], Joined] = field(default_factory=dict)
    """By user and group."""
    remembered_from: datetime | None = None
    """None: CloudTrail was not readable, and no date is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a right: by a group into a role."""

    group: str
    role: str | None
    """None: onboarding and quarantine lead to no role."""
    since: datetime | None
    """None: before CloudTrail's memory."""
    by: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One user."""

    user_name: UserName
    user_id: UserId | None
    created_at: datetime
    tags: Mapping[str, str]
    mfa: bool
    ways: tuple[Way, ...]
    standing: tuple[str, ...]
    """Policies that reach the user without any role session: ARNs, and names of inline ones, the
    groups' too."""
    other_groups: tuple[str, ...]
    """Groups that access.yaml does not know."""
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One grant of the model, with its people."""

    grant: Grant
    state: RoleState
    people: tuple[UserName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """The document."""

    account_id: AccountId
    as_of: datetime
    remembered_from: datetime | None
    trust: TrustModel
    duties: tuple[Duty, ...]
    people: tuple[Person, ...]

    @property
    def to_look_at(self) -> tuple[Person, ...]:
        """Users with a remark."""
        return tuple(person for person in self.people if person.remarks)


def access_report(model: AccessModel, facts: Facts) -> AccessReport:
    """In the order of access.yaml, and of names."""
    roles = {role.name: role for role in facts.roles}
    return AccessReport(
        account_id=facts.account_id,
        as_of=facts.as_of,
        remembered_from=facts.remembered_from,
        trust=model.trust,
        duties=tuple(
            Duty(
                grant=grant,
                state=role_state(grant, roles.get(grant.role), facts.account_id),
                people=tuple(sorted(u.name for u in facts.users if grant.group in u.groups)),
            )
            for grant in model.grants
        ),
        people=tuple(
            _person(model, facts, user) for user in sorted(facts.users, key=lambda user: user.name)
        ),
    )


def role_state(grant: Grant, role: RoleFacts | None, account_id: AccountId) -> RoleState:
    """Whether a person of this account could assume it without MFA, and for how long."""
    if role is None or role.trust is None:
        return RoleState.MISSING
    try:
        trust = parse_document(role.trust)
    except MalformedPolicy:
        return RoleState.UNREADABLE
    if any(_assumable(trust, grant, account_id, mfa) for mfa in ("false", None)):
        return RoleState.WITHOUT_MFA
    if role.max_session is not None and role.max_session > grant.max_session:
        return RoleState.LONGER
    return RoleState.AS_WANTED


_MAY_ASK = parse_document(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
    }
)
"""What a person's own policies may allow at most: here the trust policy alone is looked at."""


def _assumable(trust: PolicyDocument, grant: Grant, account_id: AccountId, mfa: str | None) -> bool:
    """Whether the trust policy lets anybody of the account in; `mfa` None: the key is absent."""
    people = ("somebody", *grant.trusted_users)
    names = frozenset(f"arn:aws:iam::{account_id}:user/{name}" for name in people)
    context: dict[str, tuple[str, ...]] = {"aws:principalaccount": (account_id,)}
    if mfa is not None:
        context["aws:multifactorauthpresent"] = (mfa,)
    asked = Request(
        action="sts:AssumeRole",
        principal=Principal(account=account_id, names=names),
        context=context,
    )
    policies = Policies(identity=(_MAY_ASK,), resource=(trust,), resource_decides=True)
    return evaluate(policies, asked).allowed


# --- one user -------------------------------------------------------------------------------------


def _person(model: AccessModel, facts: Facts, user: User) -> Person:
    known = {model.onboarding_group, QUARANTINE_GROUP, *model.role_groups}
    standing = _standing(facts, user)
    return Person(
        user_name=user.name,
        user_id=user.user_id,
        created_at=user.created_at,
        tags={name: user.tags.get(name, "") for name in model.tags.all},
        mfa=user.name in facts.with_mfa,
        ways=tuple(_way(model, facts, user, group) for group in user.groups if group in known),
        standing=standing,
        other_groups=tuple(sorted(set(user.groups) - known)),
        remarks=tuple(_remarks(model, facts, user, standing)),
    )


def _way(model: AccessModel, facts: Facts, user: User, group: str) -> Way:
    grant = model.grant_of_group(group)
    joined = facts.joined.get((user.name, group))
    return Way(
        group=group,
        role=grant.role if grant else None,
        since=joined.at if joined else None,
        by=joined.by if joined else None,
        why=_why(model, user, group, grant),
    )


def _why(model: AccessModel, user: User, group: str, grant: Grant | None) -> str:
    if group == QUARANTINE_GROUP:
        return "quarantined"
    if group == model.onboarding_group:
        return "until MFA is active"
    value = user.tags.get(model.tags.role, "")
    if grant is not None and value == grant.functional_group:
        return f"{model.tags.role} is {value}"
    return f"not by the tag {model.tags.role}, which is {value!r}"


def _standing(facts: Facts, user: User) -> tuple[str, ...]:
    """Policies of the user and the user's groups, but those of the identity stack."""
    managed = sorted(
        arn for arn in user.granted.managed if arn.rpartition("/")[2] not in facts.own_policies
    )
    inline = tuple(f"inline: {name}" for name in sorted(user.inline_policies or ()))
    by_group = tuple(f"inline of a group: {name}" for name in sorted(user.granted.group_inline))
    return (*managed, *inline, *by_group)


def _remarks(
    model: AccessModel, facts: Facts, user: User, standing: tuple[str, ...]
) -> list[Remark]:
    groups = set(user.groups) & model.role_groups
    grant = model.grant_for(user.tags.get(model.tags.role))
    named = any(arn.endswith(":policy/AdministratorAccess") for arn in standing)
    administrator = named or user.name in facts.administrators
    found = {
        Remark.QUARANTINED: QUARANTINE_GROUP in user.groups,
        Remark.STANDING_ADMINISTRATOR: administrator,
        Remark.STANDING_RIGHTS: bool(standing) and not administrator,
        Remark.NO_MFA: user.name not in facts.with_mfa,
        Remark.NO_ROLE_GROUP: not groups and model.onboarding_group not in user.groups,
        Remark.SEVERAL_ROLE_GROUPS: len(groups) > 1,
        Remark.ONBOARDING_TOO: bool(groups) and model.onboarding_group in user.groups,
        Remark.TAG_DISAGREES: bool(groups) and (grant is None or grant.group not in groups),
        Remark.TAG_MISSING: bool(model.missing_tags(user.tags)),
    }
    return [remark for remark, holds in found.items() if holds]
