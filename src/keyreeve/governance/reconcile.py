"""The sweep that finds what events missed (S2.8–S2.10): the whole account against the model.

Delivery of events is best effort (E4), so nothing relies on them alone.  Users are judged in the
order of their names, each as if the moves before were done: two administrators without MFA do not
both leave.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil

from keyreeve.governance.onboarding import Facts, governed, model_groups, plan_move
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import (
    DoubleMembership,
    Everybody,
    Member,
    Move,
    Outcome,
    Sweep,
    TagGap,
)
from keyreeve.model.policy import BlastLimits

_ALONE = (Outcome.EXCLUDED, Outcome.QUARANTINED, Outcome.OFFBOARDED, Outcome.OWN_IDENTITY)


def reconcile(
    model: AccessModel, everybody: Everybody, *, own: frozenset[UserName] = frozenset()
) -> Sweep:
    """What should be moved, what is held and why, whose tags lack what."""
    moves = _judged(model, everybody, own)
    alone = {move.user_name for move in moves if move.outcome in _ALONE}
    looked_at = [m for m in everybody.members if m.name not in alone]
    under = [member for member in looked_at if governed(model, member)]
    gaps = tuple(_gaps(model, under))
    doubles = tuple(_doubles(model, under))
    wrong = {gap.user_name for gap in gaps} | {double.user_name for double in doubles}
    in_place = {move.user_name for move in moves if move.outcome is Outcome.IN_PLACE}
    return Sweep(
        users=len(everybody.members),
        governed=len(under),
        moves=tuple(move for move in moves if move.outcome.moves),
        held=tuple(move for move in moves if move.outcome.needs_person),
        left_alone=tuple(move for move in moves if move.outcome in _ALONE),
        tag_gaps=gaps,
        doubles=doubles,
        missing_groups=tuple(sorted(model_groups(model) - everybody.groups)),
        compliant=len(in_place - wrong),
    )


def too_many(sweep: Sweep, limits: BlastLimits) -> str | None:
    """Why the sweep may not send users back to onboarding by itself; None: it may.

    A first sweep over an account whose groups were there before the model, or one that reads MFA
    wrongly, would shut out everybody at once.
    """
    going = sum(move.outcome is Outcome.TO_ONBOARDING for move in sweep.moves)
    share = ceil(Fraction(str(limits.disruptive_share)) * sweep.governed)
    most = max(limits.disruptive_floor, share)
    if going <= most:
        return None
    return (
        f"{going} users of {sweep.governed} would go back to onboarding at once, "
        f"and the limit is {most}"
    )


def administrators(model: AccessModel, everybody: Everybody) -> frozenset[UserName]:
    """Who is in an administrators' group of the model, and not in Quarantine as well."""
    groups = {grant.group for grant in model.grants if grant.administrator}
    return frozenset(
        member.name
        for member in everybody.members
        if groups & member.groups and QUARANTINE_GROUP not in member.groups
    )


def _judged(model: AccessModel, everybody: Everybody, own: frozenset[UserName]) -> list[Move]:
    admins = administrators(model, everybody)
    groups = {grant.group for grant in model.grants if grant.administrator}
    moves = []
    for member in sorted(everybody.members, key=lambda each: each.name):
        facts = Facts(
            user_name=member.name,
            member=member,
            groups=everybody.groups & model_groups(model),
            administrators=admins,
        )
        move = plan_move(model, facts, own=own)
        if groups & set(move.leave):
            admins -= {member.name}
        moves.append(move)
    return moves


def _gaps(model: AccessModel, members: Iterable[Member]) -> Iterable[TagGap]:
    for member in sorted(members, key=lambda each: each.name):
        missing = model.missing_tags(member.tags)
        value = member.tags.get(model.tags.role, "")
        unknown = value if value.strip() and model.grant_for(value) is None else None
        if missing or unknown is not None:
            yield TagGap(user_name=member.name, missing=missing, unknown_role=unknown)


def _doubles(model: AccessModel, members: Iterable[Member]) -> Iterable[DoubleMembership]:
    known = model_groups(model)
    for member in sorted(members, key=lambda each: each.name):
        both = tuple(sorted(member.groups & known))
        if len(both) > 1:
            yield DoubleMembership(user_name=member.name, groups=both)
