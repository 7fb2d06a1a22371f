"""Standing administrator rights taken off, once the role is proved assumable (S2.11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from keyreeve.codec.values import to_json
from keyreeve.escalation.authority import DENYING, aws_managed, is_administrator
from keyreeve.governance.demotion import cannot_assume, needs_mfa
from keyreeve.model.access import Grant
from keyreeve.model.errors import AwsFailure, ConfigError, NotFound
from keyreeve.model.people import Member, Role, Standing
from keyreeve.model.plan import OutcomeKind
from keyreeve.model.snapshot import Absent, GrantedPolicies, User
from keyreeve.pipeline.did import Did
from keyreeve.pipeline.roster import Registrar, Roster

ATTACHED, INLINE, GROUP = "detach", "delete inline policy", "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """What is taken off, what proves that the role can be assumed, what remains."""

    member: Member
    grant: Grant
    role: Role
    steps: tuple[Did, ...]
    """Empty: there is no standing administrator policy."""
    remarks: tuple[str, ...] = ()


def plan(roster: Roster, name: str, functional_group: str) -> Demotion:
    """What would be taken off. ConfigError unless the role is proved assumable afterwards."""
    member = roster.member(name)
    roster.not_untouchable(member)
    grant = _grant(roster, functional_group)
    if not grant.administrator:
        roster.not_last_administrator(member)
    role = _role(roster, grant)
    standing = roster.reader.standing(member.name)
    off = tuple(_standing_rights(roster, member, standing))
    kept = _kept(standing, off)
    refused = _denied(kept) or cannot_assume(grant, member, role, _documents(kept), _limit(kept))
    if refused is not None:
        raise ConfigError(
            f"{member.name} could not assume {grant.role} afterwards: {refused}",
            where="--to-role",
            remedy="Nothing was changed. `keyreeve user show` tells where the user stands.",
        )
    remarks = list(_remains(member, kept))
    if not needs_mfa(member, role, _documents(kept)):
        remarks.append(f"{grant.role} can be assumed without MFA: mend its trust policy (S2.18)")
    return Demotion(member=member, grant=grant, role=role, steps=off, remarks=tuple(remarks))


def demote(roster: Roster, planned: Demotion, now: datetime, by: str) -> Demotion:
    """Take it off; the lock must be held. What fails is told, and the rest is left as it is."""
    done: list[Did] = []
    member = planned.member
    named = {"user_id": member.user_id, "user_name": member.name}
    with Registrar(roster.account, now, by) as registrar:
        steps = [to_json(step) for step in planned.steps]
        registrar.note("demotion.begun", {**named, "role": planned.role.arn, "planned": steps})
        registrar.keep()
        for step in planned.steps:
            roster.account.tools.lease.check()
            done.append(_take_off(roster, member, step))
            registrar.note("demotion.step", {**named, "did": to_json(done[-1])})
            if done[-1].outcome is OutcomeKind.FAILED:
                break
    return replace(planned, steps=tuple(done))


# --- what gives standing rights ---------------------------------------------------------------


def _standing_rights(roster: Roster, member: Member, standing: Standing) -> Iterable[Did]:
    """Each policy and each foreign group that alone would make the user an administrator."""

    def alone(granted: GrantedPolicies) -> bool:
        # In doubt it is one: what is perhaps everything is too much to be standing.
        return is_administrator(_user(member, granted), hopeful=True)

    def step(what: str, subject: str) -> Did:
        return Did(what=what, subject=subject, outcome=OutcomeKind.REHEARSED)

    for arn, document in standing.attached.items():
        documents = () if document is None else (document,)
        if alone(GrantedPolicies(managed=frozenset({arn}), documents=documents)):
            yield step(ATTACHED, arn)
    for name, document in standing.inline.items():
        if alone(GrantedPolicies(documents=(document,))):
            yield step(INLINE, name)
    for group, granted in sorted(standing.groups.items()):
        if group not in roster.model.role_groups and alone(granted):
            yield step(GROUP, group)


def _kept(standing: Standing, off: Iterable[Did]) -> Standing:
    gone = {(step.what, step.subject) for step in off}
    return Standing(
        attached={a: d for a, d in standing.attached.items() if (ATTACHED, a) not in gone},
        inline={n: d for n, d in standing.inline.items() if (INLINE, n) not in gone},
        groups={g: d for g, d in standing.groups.items() if (GROUP, g) not in gone},
        boundary=standing.boundary,
    )


def _documents(standing: Standing) -> list[Mapping[str, Any]]:
    """Every document that was read. AWS's own allow nothing here that counts as proof."""
    own = [document for document in standing.attached.values() if document is not None]
    by_group = [document for granted in standing.groups.values() for document in granted.documents]
    return [*own, *standing.inline.values(), *by_group]


def _denied(standing: Standing) -> str | None:
    """A policy of AWS's own that denies, or a boundary of AWS's own: neither was read."""
    arns = {*standing.attached, *(a for g in standing.groups.values() for a in g.managed)}
    denying = sorted(name for name in map(aws_managed, arns) if name.startswith(DENYING))
    if denying:
        return f"the policy {denying[0]} denies"
    if standing.boundary is not None and standing.boundary.document is None:
        return "the permissions boundary is one of AWS's own, and its document was not read"
    return None


def _limit(standing: Standing) -> Mapping[str, Any] | None:
    return standing.boundary.document if standing.boundary is not None else None


def _remains(member: Member, kept: Standing) -> Iterable[str]:
    """Rights that this verb does not take off, since the group is the way to the role."""
    for group, granted in sorted(kept.groups.items()):
        if is_administrator(_user(member, granted), hopeful=True):
            yield (
                f"the group {group} itself grants administrator rights: groups grant nothing but "
                "sts:AssumeRole (S2.15); deploy the identity stack"
            )


def _user(member: Member, granted: GrantedPolicies) -> User:
    return User(
        name=member.name,
        arn=member.arn,
        created_at=datetime.fromtimestamp(0, UTC),
        user_id=member.user_id,
        tags=member.tags,
        granted=granted,
        password_enabled=None,
        password_last_used=Absent.UNKNOWN,
        password_last_changed=Absent.UNKNOWN,
        mfa_active=True,
    )


# --- looking and acting -----------------------------------------------------------------------


def _grant(roster: Roster, functional_group: str) -> Grant:
    """By the tag's value, or by the role's own name."""
    grants = roster.model.grants
    found = next((g for g in grants if functional_group in (g.functional_group, g.role)), None)
    if found is None:
        known = ", ".join(each.functional_group for each in grants) or "none"
        raise ConfigError(
            f"access.yaml knows no role {functional_group!r}",
            where="--to-role",
            remedy=f"It knows: {known}.",
        )
    return found


def _role(roster: Roster, grant: Grant) -> Role:
    try:
        return roster.reader.role(grant.role)
    except NotFound:
        raise ConfigError(
            f"there is no role {grant.role!r} in this account",
            where="access.yaml",
            remedy="Deploy the identity stack, or mend the name in access.yaml.",
        ) from None


def _take_off(roster: Roster, member: Member, step: Did) -> Did:
    try:
        match step.what:
            case "detach":
                roster.actuator.detach_user_policy(member.name, step.subject)
            case "delete inline policy":
                roster.actuator.delete_user_policy(member.name, step.subject)
            case _:
                roster.actuator.remove_from_group(member.name, step.subject)
    except NotFound:
        detail = "it was not there any more"
        return replace(step, outcome=OutcomeKind.ALREADY_DONE, detail=detail)
    except AwsFailure as failure:
        detail = f"{failure.call}: {failure.what}"
        return replace(step, outcome=OutcomeKind.FAILED, detail=detail)
    return replace(step, outcome=OutcomeKind.DONE)
