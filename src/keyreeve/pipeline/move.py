"""One user moved between groups: facts read anew, add, confirm, only then remove (S2.T4).

read ─▶ plan ─▶ AddUserToGroup ─▶ confirmed by reading ─▶ RemoveUserFromGroup ─▶ confirmed

Whatever fails leaves the user with at least the groups that it had.  Doing it again is safe: every
move begins with reading, so a second event, or one after a stop, goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from keyreeve.codec.values import Json, to_json
from keyreeve.governance.onboarding import Facts, author_of, plan_move
from keyreeve.model.access import QUARANTINE_GROUP, AccessModel
from keyreeve.model.errors import AwsFailure, Doubtful, Malformed, NotFound
from keyreeve.model.identifiers import UserName
from keyreeve.model.people import Member, Move, Outcome, TagAuthor
from keyreeve.ports import Clock, Lease
from keyreeve.ports.people import PeopleActuator, PeopleReader, TagHistory

_WAITS: Final = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the reads that look for a change: IAM is eventually consistent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was done about one user."""

    move: Move
    steps: tuple[str, ...] = ()
    """One sentence each, in order."""
    failure: AwsFailure | None = None
    """Set: the move is not complete, and what was done is in the steps."""

    @property
    def needs_person(self) -> bool:
        """Whether somebody must be told."""
        return self.move.outcome.needs_person or self.failure is not None


class NotConfirmed(AwsFailure):
    """IAM took a change, and reading does not show it."""

    retryable = True


class Mover:
    """Looks at users and moves them. Not for several threads."""

    def __init__(
        self,
        model: AccessModel,
        *,
        reader: PeopleReader,
        actuator: PeopleActuator,
        history: TagHistory,
        clock: Clock,
        lease: Lease,
        own: frozenset[UserName] = frozenset(),
    ) -> None:
        self._model = model
        self._reader = reader
        self._actuator = actuator
        self._history = history
        self._clock = clock
        self._lease = lease
        self._own = own

    def plan(self, user: UserName, tagged_by: TagAuthor | None = None) -> Move:
        """What would be done, from facts of now. AwsFailure if they cannot be read."""
        return self._planned(self._facts(user, tagged_by))

    def move(self, user: UserName, tagged_by: TagAuthor | None = None) -> Moved:
        """Plan and do. AwsFailure only if the facts cannot be read: nothing was done then."""
        move = self.plan(user, tagged_by)
        return self.carry_out(move) if move.outcome.moves else Moved(move=move)

    def sweep(self, moves: Iterable[Move]) -> Iterator[Moved]:
        """Each from facts read anew. Whose facts cannot be read is told, and stops nobody else."""
        for planned in moves:
            try:
                moved = self.move(planned.user_name)
            except AwsFailure as failure:
                moved = Moved(move=planned, failure=failure)
            yield moved

    def plan_release(self, user: UserName) -> Move:
        """Out of Quarantine, and to where the user belongs without it."""
        facts = self._facts(user, None)
        member = facts.member
        if member is not None:
            member = replace(member, groups=member.groups - {QUARANTINE_GROUP})
        move = self._planned(replace(facts, member=member))
        if move.outcome.moves:
            return replace(move, leave=(*move.leave, QUARANTINE_GROUP))
        return Move(
            user_name=user,
            outcome=Outcome.RELEASED,
            reason="released from Quarantine by a person",
            leave=(QUARANTINE_GROUP,),
            remarks=(move.reason,) if move.outcome.needs_person else (),
        )

    def carry_out(self, move: Move) -> Moved:
        """Do what was planned a moment ago. Failures are told in the answer."""
        steps: list[str] = []
        try:
            self._act(move, steps.append)
        except AwsFailure as failure:
            return Moved(move=move, steps=tuple(steps), failure=failure)
        return Moved(move=move, steps=tuple(steps))

    def _planned(self, facts: Facts) -> Move:
        told = facts.tagged_by
        value = self._role_tag(facts.member)
        facts = replace(facts, tagged_by=author_of([told], value))
        move = plan_move(self._model, facts, own=self._own)
        if move.outcome is not Outcome.TO_ROLE_GROUP:
            return move
        return plan_move(self._model, self._with_author(facts, told, value), own=self._own)

    def _role_tag(self, member: Member | None) -> str:
        return member.tags.get(self._model.tags.role, "") if member is not None else ""

    # --- facts ------------------------------------------------------------------------------------

    def _facts(self, user: UserName, tagged_by: TagAuthor | None) -> Facts:
        try:
            member = self._reader.member(user)
        except NotFound:
            return Facts(user_name=user, member=None, groups=frozenset())
        known: dict[str, frozenset[UserName]] = {}
        for group in self._worth_asking(member):
            try:
                known[group] = self._reader.group_members(group)
            except NotFound:
                continue
        return Facts(
            user_name=user,
            member=member,
            groups=frozenset(known),
            administrators=self._administrators(member, known),
            tagged_by=tagged_by,
        )

    def _worth_asking(self, member: Member) -> list[str]:
        """The groups that decide about this user: onboarding, its target, its own."""
        model = self._model
        grant = model.grant_for(member.tags.get(model.tags.role))
        groups = {model.onboarding_group} | ({grant.group} if grant else set())
        if any(grant.administrator and grant.group in member.groups for grant in model.grants):
            groups |= {grant.group for grant in model.grants if grant.administrator}
        return sorted(groups)

    def _administrators(
        self, member: Member, known: Mapping[str, frozenset[UserName]]
    ) -> frozenset[UserName]:
        """The first beside the user who is not in Quarantine; nobody: the user is the last."""
        groups = [grant.group for grant in self._model.grants if grant.administrator]
        others = {name for group in groups for name in known.get(group, ())} - {member.name}
        found = (name for name in sorted(others) if not self._quarantined(name))
        return frozenset(islice(found, 1))

    def _quarantined(self, name: UserName) -> bool:
        """Also who is gone since: either way nobody who administers."""
        try:
            return QUARANTINE_GROUP in self._reader.member(name).groups
        except NotFound:
            return True

    def _with_author(self, facts: Facts, told: TagAuthor | None, value: str) -> Facts:
        """CloudTrail is asked only where somebody is about to get rights by a tag.

        What the event itself told may be older than what is there now, and so may CloudTrail.
        """
        remembered, unknown = None, ""
        try:
            remembered = self._history.author(facts.user_name, self._model.tags.role)
            unknown = "CloudTrail names nobody within its 90 days"
        except AwsFailure as failure:
            unknown = f"{failure.call}: {failure.what}"
        others = [each.value for each in (remembered, told) if each is not None and each.value]
        return replace(
            facts,
            tagged_by=author_of([remembered, told], value),
            author_unknown=unknown,
            unaccounted=next(iter(others), ""),
        )

    # --- acts -------------------------------------------------------------------------------------

    def _act(self, move: Move, done: Callable[[str], None]) -> None:
        if move.add is not None:
            self._add(move.user_name, move.add)
            done(f"added to {move.add}, and confirmed by reading")
        for group in move.leave:
            done(self._leave(move.user_name, group))

    def _add(self, user: UserName, group: str) -> None:
        self._lease.check()
        with suppress(Doubtful, Malformed):  # reading tells whether it happened
            self._actuator.add_to_group(user, group)
        self._confirm(user, group, member=True)

    def _leave(self, user: UserName, group: str) -> str:
        self._lease.check()
        try:
            self._actuator.remove_from_group(user, group)
        except (Doubtful, Malformed):
            pass  # the same
        except NotFound:
            return self._why_not_found(user, group)
        self._confirm(user, group, member=False)
        return f"removed from {group}, and confirmed by reading"

    def _why_not_found(self, user: UserName, group: str) -> str:
        """One answer of AWS, three meanings (S2.T5)."""
        try:
            members = self._reader.group_members(group)
        except NotFound:
            return f"not removed from {group}: there is no such group any more"
        if user in members:
            self._confirm(user, group, member=False)
        return f"was not in {group} any more"

    def _confirm(self, user: UserName, group: str, *, member: bool) -> None:
        """NotConfirmed if reading does not show the change in time."""
        for wait in (*_WAITS, None):
            if (group in self._reader.member(user).groups) is member:
                return
            if wait is not None:
                self._clock.sleep(wait)
        call = "AddUserToGroup" if member else "RemoveUserFromGroup"
        shown = "does not show" if member else "still shows"
        raise NotConfirmed(
            f"reading {shown} {user} in {group}",
            call=f"iam:{call}",
            remedy="Run `keyreeve user reconcile` later: it goes on with what is left.",
        )


def row(moved: Moved) -> dict[str, Json]:
    """One outcome for the audit log and for programs."""
    move = to_json(moved.move)
    failure = str(moved.failure) if moved.failure is not None else None
    return {
        **(move if isinstance(move, dict) else {}),
        "steps": list(moved.steps),
        "failure": failure,
    }
