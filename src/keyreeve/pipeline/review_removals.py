"""What reviews have decided, carried out: `user offboard` for each, at its day, and only if asked.

The last administrator, excluded users and Keyreeve itself are refused here as there; a refusal is
told and the removal stays due.  Asking again goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keyreeve.governance.reviewing import too_many
from keyreeve.model.errors import AwsFailure, ConfigError, UnsafePlan
from keyreeve.model.identifiers import UserId
from keyreeve.model.people import Member
from keyreeve.model.review import Decided, Removal, Removed
from keyreeve.pipeline.did import failed
from keyreeve.pipeline.offboard import Offboarding, look, offboard
from keyreeve.pipeline.review import Reviewing
from keyreeve.pipeline.roster import Registrar

GONE = "the user is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One removal, and what came of it."""

    removal: Removal
    done: Offboarding | None = None
    refused: str | None = None
    """Why nothing was done; None with no `done`: the user is gone."""

    @property
    def left(self) -> bool:
        """Whether something is left for a person."""
        return self.refused is not None or (self.done is not None and failed(self.done.steps))


def carry_out(
    reviewing: Reviewing,
    removals: Iterable[Removal],
    now: datetime,
    by: str,
    accepted: int | None,
) -> tuple[Carried, ...]:
    """Offboard them, one by one; the lock must be held.

    UnsafePlan if they are more than the limits allow at once, unless `accepted` says the number.
    """
    wanted = tuple(removals)
    if not wanted:
        return ()
    members = {each.user_id: each for each in reviewing.roster.reader.everybody().members}
    limits = reviewing.roster.account.policy.limits
    refused = too_many(len(wanted), len(members), limits)
    if refused is not None and accepted != len(wanted):
        raise UnsafePlan(
            refused,
            where="review",
            remedy=f"If that is right: keyreeve review due --execute --accept {len(wanted)}",
        )
    return tuple(_one(reviewing, removal, members, now, by) for removal in wanted)


def _one(
    reviewing: Reviewing,
    removal: Removal,
    members: dict[UserId, Member],
    now: datetime,
    by: str,
) -> Carried:
    """By unique id: a user of the same name who came later is somebody else."""
    member = members.get(removal.user_id)
    if member is None:
        _record(reviewing, removal, (GONE,), now, by, complete=True)
        return Carried(removal=removal)
    try:
        leaver = look(reviewing.roster, member.name)
        if leaver.member.user_id != removal.user_id:  # since everybody was read
            why = f"another user is called {member.name} since a moment ago"
            return _refused(reviewing, removal, why, now, by)
        done = offboard(reviewing.roster, leaver, now, by, execute=True)
    except ConfigError as refused:
        return _refused(reviewing, removal, refused.what, now, by)
    except AwsFailure as failure:
        return _refused(reviewing, removal, f"{failure.call}: {failure.what}", now, by)
    steps = tuple(f"{s.what} {s.subject}: {s.outcome}".replace(" :", ":") for s in done.steps)
    _record(reviewing, removal, steps, now, by, complete=not failed(done.steps))
    return Carried(removal=removal, done=done)


def _refused(reviewing: Reviewing, removal: Removal, why: str, now: datetime, by: str) -> Carried:
    with Registrar(reviewing.roster.account, now, by, about="review") as registrar:
        registrar.note("removal_refused", {**_named(removal), "reason": why})
    return Carried(removal=removal, refused=why)


def _record(
    reviewing: Reviewing,
    removal: Removal,
    steps: tuple[str, ...],
    now: datetime,
    by: str,
    *,
    complete: bool,
) -> None:
    account = reviewing.roster.account
    account.tools.lease.check()
    made = Removed(
        campaign_id=removal.campaign_id,
        user_id=removal.user_id,
        user_name=removal.user_name,
        at=now,
        by=by,
        complete=complete,
        steps=steps,
    )
    reviewing.records.removed(made)
    with Registrar(account, now, by, about="review") as registrar:
        registrar.note("removed", removed_record(removal, made))


def removed_record(removal: Removal | Decided, made: Removed) -> dict[str, object]:
    """What the audit log says of it."""
    return {
        "campaign_id": made.campaign_id,
        "user_id": made.user_id,
        "user_name": made.user_name,
        "decision": removal.decision.value if removal.decision else None,
        "reviewer": removal.reviewer,
        "complete": made.complete,
        "steps": list(made.steps),
    }


def _named(removal: Removal) -> dict[str, object]:
    return {
        "campaign_id": removal.campaign_id,
        "user_id": removal.user_id,
        "user_name": removal.user_name,
        "decision": removal.decision.value,
        "reviewer": removal.reviewer,
    }
