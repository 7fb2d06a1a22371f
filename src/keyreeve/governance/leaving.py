"""A leaver, step by step: shut out, taken out of every group, marked; deleted only later.

    revoke     an inline policy that denies everything, sessions that are under way included
    password   the login profile goes
    keys       every access key becomes Inactive, never deleted (S1.15)
    groups     every group but Quarantine
    mark       the tag that keeps the mover away, and tells since when

Deletion is asked for by its own flag, once the mark is old enough.  Sessions of roles that the
user had assumed before carry the role's rights, not the user's: they end by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from keyreeve.language.policy_document import Effect, Listed, MalformedPolicy, parse_document
from keyreeve.model.access import OFFBOARDED_TAG, QUARANTINE_GROUP
from keyreeve.model.people import Held, Member
from keyreeve.model.snapshot import LiveKey

DENY_POLICY: Final = "KeyreeveOffboarded"
"""Name of the inline policy that shuts a leaver out."""


class LeaverStep(StrEnum):
    """What is done to a leaver."""

    MARK = "mark"
    REVOKE = "revoke sessions"
    TAKE_PASSWORD = "take the console password away"  # noqa: S105 - words
    DEACTIVATE_KEY = "make Inactive"
    LEAVE_GROUP = "leave"
    DEACTIVATE_DEVICE = "take off"
    DELETE_DEVICE = "delete device"
    DELETE_KEY = "delete key"
    DELETE_HELD = "delete credential"
    DETACH_POLICY = "detach"
    DELETE_POLICY = "delete inline policy"
    DELETE_USER = "delete the user"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaverAct:
    """One step and what it is about."""

    step: LeaverStep
    subject: str = ""
    held: Held | None = None
    """What DELETE_HELD is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """What a leaver still has."""

    member: Member
    keys: tuple[LiveKey, ...] = ()
    has_password: bool = False
    devices: tuple[str, ...] = ()
    """Serial numbers of active MFA devices."""
    held: tuple[Held, ...] = ()
    """Asked for before a deletion only."""
    attached: tuple[str, ...] = ()
    """ARNs of the user's own managed policies."""
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Name → document of the user's own inline policies."""

    @property
    def shut_out(self) -> bool:
        """Whether our policy is there and says what it should: its name alone denies nothing."""
        return _denies_everything(self.inline.get(DENY_POLICY, {}))


def plan_offboarding(leaver: Leaver, now: datetime | None = None) -> tuple[LeaverAct, ...]:
    """What is left to do; empty for a user who is offboarded already.

    Whoever was given something back is marked anew: a deletion waits from the last time on. So is
    who bears a mark of a day that has not come; `now` None: marks are believed.
    """
    acts = tuple(_taking_away(leaver))
    since = offboarded_at(leaver.member.tags)
    marked = since is not None and (now is None or since <= now)
    return acts if marked and not acts else (*acts, LeaverAct(step=LeaverStep.MARK))


def _taking_away(leaver: Leaver) -> Iterator[LeaverAct]:
    if not leaver.shut_out:
        yield LeaverAct(step=LeaverStep.REVOKE)
    if leaver.has_password:
        yield LeaverAct(step=LeaverStep.TAKE_PASSWORD)
    for key in leaver.keys:
        if key.active:
            yield LeaverAct(step=LeaverStep.DEACTIVATE_KEY, subject=key.key_id)
    for group in sorted(leaver.member.groups - {QUARANTINE_GROUP}):
        yield LeaverAct(step=LeaverStep.LEAVE_GROUP, subject=group)


def may_not_delete(leaver: Leaver, now: datetime, wait: timedelta) -> str | None:
    """Why the user may not be deleted yet; None: it may."""
    since = offboarded_at(leaver.member.tags)
    if since is None:
        return "the user is not offboarded"
    if since > now:
        return f"the tag {OFFBOARDED_TAG} names {since:%Y-%m-%d}, a day that has not come yet"
    if plan_offboarding(leaver):
        return "something was given back to the user since it was offboarded"
    if now - since < wait:
        return (
            f"offboarded on {since:%Y-%m-%d}: {wait.days} days are over on {since + wait:%Y-%m-%d}"
        )
    return None


def plan_deletion(leaver: Leaver) -> tuple[LeaverAct, ...]:
    """Everything that AWS wants gone before DeleteUser, then that."""
    acts = [(LeaverStep.DEACTIVATE_DEVICE, serial) for serial in leaver.devices]
    acts += [(LeaverStep.DELETE_DEVICE, s) for s in leaver.devices if _is_virtual(s)]
    acts += [(LeaverStep.DELETE_KEY, key.key_id) for key in leaver.keys]
    acts += [(LeaverStep.LEAVE_GROUP, group) for group in sorted(leaver.member.groups)]
    acts += [(LeaverStep.DETACH_POLICY, arn) for arn in leaver.attached]
    # The policy that denies goes last: up to then it holds.
    inline = sorted(leaver.inline, key=lambda name: name == DENY_POLICY)
    acts += [(LeaverStep.DELETE_POLICY, name) for name in inline]
    acts.append((LeaverStep.DELETE_USER, leaver.member.name))
    held = (
        LeaverAct(step=LeaverStep.DELETE_HELD, subject=f"{each.kind} {each.id}", held=each)
        for each in leaver.held
    )
    return (*held, *(LeaverAct(step=step, subject=subject) for step, subject in acts))


def offboarded_at(tags: Mapping[str, str]) -> datetime | None:
    """When the user was marked; None: it was not, or nobody can read the mark."""
    try:
        at = datetime.fromisoformat(tags[OFFBOARDED_TAG])
    except (KeyError, ValueError):
        return None
    return at if at.utcoffset() is not None else None


def mark(now: datetime) -> dict[str, str]:
    """The tag, in characters that AWS allows in one."""
    return {OFFBOARDED_TAG: f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S+00:00}"}


def revocation(now: datetime) -> dict[str, Any]:
    """Denies everything; the first statement is AWS's own way to revoke sessions.

    Source: IAM User Guide, "Revoking IAM role temporary security credentials"
    (AWSRevokeOlderSessions).  Alone it would not touch SSH keys and service credentials, which
    bear no aws:TokenIssueTime: so the second denies whatever comes.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AWSRevokeOlderSessions",
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {
                    "DateLessThan": {
                        "aws:TokenIssueTime": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
                    }
                },
            },
            {"Sid": "KeyreeveOffboarded", "Effect": "Deny", "Action": "*", "Resource": "*"},
        ],
    }


def _denies_everything(document: Mapping[str, Any]) -> bool:
    try:
        statements = parse_document(document).statements
    except MalformedPolicy:
        return False
    everything = Listed(values=("*",))
    return any(
        statement.effect is Effect.DENY
        and (statement.actions, statement.resources) == (everything, everything)
        and not statement.conditions
        for statement in statements
    )


def _is_virtual(serial: str) -> bool:
    """AWS: a virtual device's serial number is its ARN, `…:mfa/name`."""
    return ":mfa/" in serial
