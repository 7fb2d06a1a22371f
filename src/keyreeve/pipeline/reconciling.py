"""The sweep over the account, and users moved by hand: reconciled, released from Quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keyreeve.governance.reconcile import reconcile, too_many
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.errors import AwsFailure, ConfigError, UnsafePlan
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Everybody, Member, Outcome, Sweep
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.pipeline.move import Moved, row
from keyreeve.pipeline.roster import Registrar, Roster


def sweep(roster: Roster) -> Sweep:
    """What the account looks like now, live."""
    return reconcile(roster.model, roster.reader.everybody(), own=roster.own)


def sweep_of(
    model: AccessModel, snapshot: AccountSnapshot, own: frozenset[UserName]
) -> Sweep | None:
    """The same from the facts of a daily run, MFA as the credential report has it.

    Users whose MFA is not known are left out: they are among the run's gaps. None: the account
    could not be read.
    """
    if not snapshot.account_readable:
        return None
    members = tuple(
        Member(
            name=user.name,
            user_id=user.user_id,
            arn=user.arn,
            tags=user.tags,
            groups=frozenset(user.groups),
            has_mfa=user.mfa_active,
        )
        for user in snapshot.users
        if user.user_id is not None and user.mfa_active is not None
    )
    return reconcile(model, Everybody(members=members, groups=snapshot.groups), own=own)


def carry_out(
    roster: Roster, found: Sweep, now: datetime, by: str, accepted: int | None
) -> tuple[Moved, ...]:
    """Move them, each from facts read anew; the lock must be held.

    UnsafePlan if more users would go back to onboarding than limits allow, unless `accepted`.
    """
    going = sum(move.outcome is Outcome.TO_ONBOARDING for move in found.moves)
    refused = too_many(found, roster.account.policy.limits)
    if refused is not None and accepted != going:
        raise UnsafePlan(
            refused,
            where="user reconcile",
            remedy=f"If that is right: keyreeve user reconcile --execute --accept {going}",
        )
    return _moved(roster, (move.user_name for move in found.moves), now, by)


def _moved(roster: Roster, users: Iterable[UserName], now: datetime, by: str) -> tuple[Moved, ...]:
    mover = roster.mover()
    done: list[Moved] = []
    with Registrar(roster.account, now, by) as registrar:
        for user in users:
            try:
                moved = mover.move(user)
            except AwsFailure as failure:
                registrar.note("unread", {"user_name": user, "reason": str(failure)})
                raise
            registrar.note("moved", row(moved))
            done.append(moved)
    return tuple(done)


def plan_release(roster: Roster, name: str) -> Moved:
    """Out of Quarantine, to where the user belongs. ConfigError if the user is not in it."""
    member = roster.member(name)
    roster.not_untouchable(member)
    if QUARANTINE_GROUP not in member.groups:
        raise ConfigError(
            f"{member.name} is not in {QUARANTINE_GROUP}", where="NAME", remedy="Nothing to do."
        )
    return Moved(move=roster.mover().plan_release(member.name))


def release(roster: Roster, name: str, now: datetime, by: str) -> Moved:
    """The same, done; the lock must be held."""
    planned = plan_release(roster, name)
    with Registrar(roster.account, now, by) as registrar:
        registrar.note("release.begun", row(planned))
        registrar.keep()
        moved = roster.mover().carry_out(planned.move)
        registrar.note("released", row(moved))
    return moved
