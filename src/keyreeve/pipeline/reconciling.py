"""The sweep over the account, and users moved by hand: reconciled, released from Quarantine."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyreeve.governance.reconcile import reconcile, too_many
from keyreeve.model.access import QUARANTINE_GROUP
from keyreeve.model.errors import AwsFailure, ConfigError, UnsafePlan
from keyreeve.model.people import Move, Outcome, Sweep
from keyreeve.pipeline.move import Moved, Mover, row
from keyreeve.pipeline.roster import Registrar, Roster


def sweep(roster: Roster) -> Sweep:
    """What the account looks like now, live."""
    return reconcile(roster.model, roster.reader.everybody(), own=roster.own)


def rehearse(roster: Roster, found: Sweep) -> Sweep:
    """What `carry_out` would find: before rights are given, CloudTrail says who set the tag."""
    mover = roster.mover()
    moves = tuple(_planned(mover, move) for move in found.moves)
    return replace(
        found,
        moves=tuple(move for move in moves if move.outcome.moves),
        held=(*found.held, *(move for move in moves if move.outcome.needs_person)),
    )


def _planned(mover: Mover, move: Move) -> Move:
    if move.outcome is not Outcome.TO_ROLE_GROUP:
        return move
    try:
        return mover.plan(move.user_name)
    except AwsFailure:  # told when it is to be done
        return move


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
    done: list[Moved] = []
    with Registrar(roster.account, now, by) as registrar:
        for moved in roster.mover().sweep(found.moves):
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
