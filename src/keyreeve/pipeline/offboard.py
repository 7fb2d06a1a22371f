"""A leaver shut out, step by step, each recorded; and deleted, when that is asked for later.

Every step is looked up before it is planned, so asking again goes on with what is left.  A step
that fails does not keep the others from being done: shutting out halfway is better than not.
Deletion stops at the first failure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyreeve.codec.values import to_json
from keyreeve.governance.leaving import (
    DENY_POLICY,
    Leaver,
    LeaverAct,
    LeaverStep,
    mark,
    may_not_delete,
    plan_deletion,
    plan_offboarding,
    revocation,
)
from keyreeve.model.errors import AwsFailure, ConfigError, NotFound
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.people import Member
from keyreeve.model.plan import OutcomeKind
from keyreeve.pipeline.did import Did
from keyreeve.pipeline.roster import Registrar, Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Offboarding:
    """What was, or would be, done to a leaver."""

    leaver: Leaver
    steps: tuple[Did, ...]
    remarks: tuple[str, ...] = ()


def look(roster: Roster, name: str) -> Leaver:
    """What the user still has. ConfigError if nobody is called so, or nobody may touch the user."""
    member = roster.member(name)
    roster.not_untouchable(member)
    reader = roster.account.tools.reader
    standing = roster.reader.standing(member.name)
    return Leaver(
        member=member,
        keys=reader.access_keys(member.name),
        has_password=reader.has_login_profile(member.name),
        devices=roster.reader.mfa_devices(member.name),
        attached=tuple(standing.attached),
        inline=standing.inline,
    )


def offboard(
    roster: Roster, leaver: Leaver, now: datetime, by: str, *, execute: bool
) -> Offboarding:
    """Shut out. With `execute` the lock must be held. ConfigError for the last administrator."""
    acts = plan_offboarding(leaver, now)
    if acts:
        roster.not_last_administrator(leaver.member)
    remarks = _remarks(roster, leaver.member)
    if not execute:
        return Offboarding(leaver=leaver, steps=_rehearsed(acts), remarks=remarks)
    steps = _carry_out(roster, leaver, acts, now, by, "offboarding", go_on=True)
    return Offboarding(leaver=leaver, steps=steps, remarks=remarks)


def delete(
    roster: Roster, leaver: Leaver, now: datetime, by: str, wait: timedelta, *, execute: bool
) -> Offboarding:
    """Delete for good. ConfigError before the waiting time is over."""
    refused = may_not_delete(leaver, now, wait)
    if refused is not None:
        raise ConfigError(
            f"{leaver.member.name} is not deleted: {refused}",
            where="--delete",
            remedy=f"First `keyreeve user offboard {leaver.member.name} --execute`, then wait.",
        )
    leaver = replace(leaver, held=roster.reader.held(leaver.member.name))
    acts = plan_deletion(leaver)
    if not execute:
        return Offboarding(leaver=leaver, steps=_rehearsed(acts))
    steps = _carry_out(roster, leaver, acts, now, by, "deletion", go_on=False)
    return Offboarding(leaver=leaver, steps=steps)


def _rehearsed(acts: tuple[LeaverAct, ...]) -> tuple[Did, ...]:
    return tuple(
        Did(what=act.step.value, subject=act.subject, outcome=OutcomeKind.REHEARSED) for act in acts
    )


def _carry_out(
    roster: Roster,
    leaver: Leaver,
    acts: tuple[LeaverAct, ...],
    now: datetime,
    by: str,
    event: str,
    *,
    go_on: bool,
) -> tuple[Did, ...]:
    """Evidence first, then each act and what came of it."""
    steps: list[Did] = []
    with Registrar(roster.account, now, by) as registrar:
        registrar.note(f"{event}.begun", _evidence(leaver, acts))
        registrar.keep()
        for act in acts:
            roster.account.tools.lease.check()
            steps.append(_one(lambda act=act: _do(roster, leaver, act, now), act))  # type: ignore[misc]
            registrar.note(f"{event}.step", _row(leaver, steps[-1]))
            if steps[-1].outcome is OutcomeKind.FAILED and not go_on:
                break
        whole = not any(step.outcome is OutcomeKind.FAILED for step in steps)
        registrar.note(f"{event}.ended", {**_named(leaver), "complete": whole})
    return tuple(steps)


def _one(do: Callable[[], None], act: LeaverAct) -> Did:
    outcome, detail = OutcomeKind.DONE, ""
    try:
        do()
    except NotFound:
        outcome, detail = OutcomeKind.ALREADY_DONE, "it was not there any more"
    except AwsFailure as failure:
        outcome, detail = OutcomeKind.FAILED, f"{failure.call}: {failure.what}"
    return Did(what=act.step.value, subject=act.subject, outcome=outcome, detail=detail)


def _do(roster: Roster, leaver: Leaver, act: LeaverAct, now: datetime) -> None:
    """One call of IAM, tried once."""
    name, people = leaver.member.name, roster.actuator
    credentials = roster.account.tools.actuator
    match act.step:
        case LeaverStep.MARK:
            people.tag_user(name, mark(now))
        case LeaverStep.REVOKE:
            people.put_user_policy(name, DENY_POLICY, revocation(now))
        case LeaverStep.TAKE_PASSWORD:
            credentials.delete_login_profile(name)
        case LeaverStep.DEACTIVATE_KEY:
            credentials.set_access_key_active(name, AccessKeyId(act.subject), active=False)
        case LeaverStep.LEAVE_GROUP:
            people.remove_from_group(name, act.subject)
        case _:
            _delete_one(roster, leaver, act)


def _delete_one(roster: Roster, leaver: Leaver, act: LeaverAct) -> None:
    """What only a deletion does."""
    name, people, subject = leaver.member.name, roster.actuator, act.subject
    match act.step:
        case LeaverStep.DELETE_HELD if act.held is not None:
            people.delete_held(name, act.held)
        case LeaverStep.DEACTIVATE_DEVICE:
            people.deactivate_mfa_device(name, subject)
        case LeaverStep.DELETE_DEVICE:
            people.delete_virtual_mfa_device(subject)
        case LeaverStep.DELETE_KEY:
            roster.account.tools.actuator.delete_access_key(name, AccessKeyId(subject))
        case LeaverStep.DETACH_POLICY:
            people.detach_user_policy(name, subject)
        case LeaverStep.DELETE_POLICY:
            people.delete_user_policy(name, subject)
        case LeaverStep.DELETE_USER:
            people.delete_user(name)
        case _:
            raise AssertionError(act.step)


def _remarks(roster: Roster, member: Member) -> tuple[str, ...]:
    """What is not cut off at once, said plainly: a group or a tag may have led to the role."""
    tagged = roster.model.grant_for(member.tags.get(roster.model.tags.role))
    path = member.arn.partition(":user/")[2]
    return tuple(
        f"a session of {grant.role} that is under way carries the role's rights and ends by "
        f"itself, within {grant.max_session.total_seconds() / 3600:g} h; cut it off at the role "
        "if that is too long"
        for grant in roster.model.grants
        if grant == tagged or grant.group in member.groups or path in grant.trusted_users
    )


def _evidence(leaver: Leaver, acts: tuple[LeaverAct, ...]) -> dict[str, object]:
    """What the user had."""
    return {
        **_named(leaver),
        "tags": dict(leaver.member.tags),
        "groups": sorted(leaver.member.groups),
        "keys": [to_json(key) for key in leaver.keys],
        "login_profile": leaver.has_password,
        "mfa_devices": list(leaver.devices),
        "attached_policies": list(leaver.attached),
        "inline_policies": list(leaver.inline),
        "other_credentials": [f"{each.kind} {each.id}" for each in leaver.held],
        "steps": [f"{act.step} {act.subject}".strip() for act in acts],
    }


def _row(leaver: Leaver, step: Did) -> dict[str, object]:
    return {**_named(leaver), "did": to_json(step)}


def _named(leaver: Leaver) -> dict[str, object]:
    return {"user_id": leaver.member.user_id, "user_name": leaver.member.name}
