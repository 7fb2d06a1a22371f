"""How much may happen on one day: the blast radius, facts that look wrong, mailbox room."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from keyreeve.model.case import DayLedger, Population
from keyreeve.model.identifiers import UserId
from keyreeve.model.plan import Refusal
from keyreeve.model.policy import BlastLimits
from keyreeve.model.snapshot import CollectionGap


def share_of(population: int, limits: BlastLimits) -> Fraction:
    """The share, exactly as written: 0.07 of 100 is 7, which floats make a little more."""
    return Fraction(str(limits.disruptive_share)) * population


def most(population: int, limits: BlastLimits) -> Fraction:
    """How many users may plausibly change from one run to the next."""
    return max(Fraction(limits.disruptive_floor), share_of(population, limits))


def allowed_users(population: int, limits: BlastLimits) -> int:
    """max(1, ⌈share · P⌉, min(floor, ⌈P/2⌉)), in users per account and day (gate 5)."""
    return max(
        1,
        ceil(share_of(population, limits)),
        min(limits.disruptive_floor, ceil(population / 2)),
    )


def vanished(
    before: Population | None, users: AbstractSet[UserId], limits: BlastLimits
) -> Refusal | None:
    """More users are missing than could plausibly have been deleted since the last run."""
    if before is None:
        return None
    missing = len(before.users - users)
    if missing <= most(len(before.users), limits):
        return None
    return Refusal(
        reason=(
            f"{missing} of {len(before.users)} users have vanished since the last run; "
            "an incomplete user list would look just like this"
        ),
        number=missing,
    )


def refusal(
    before: Population | None, now: Population, population: int, limits: BlastLimits
) -> Refusal | None:
    """Why the facts look wrong, compared with the last run that was not refused; None if fine.

    The first run of a project has nothing to compare with.
    """
    if before is None:
        return None
    gone = vanished(before, now.users, limits)
    if gone is not None:
        return gone
    flagged = len(now.flagged - before.flagged)
    if flagged <= most(population, limits):
        return None
    return Refusal(
        reason=(
            f"{flagged} users became flagged since the last run, of {population} with "
            "credentials; a wrong report or a changed threshold would look just like this"
        ),
        number=flagged,
    )


@dataclass(slots=True)
class Budget:
    """What may still happen today. Users are counted once each, today's earlier runs included.

    Three sets, each up to `allowed`: a day that gives keys to one week's users and ends the keys of
    the week before touches up to twice as many (docs/decisions/0023).
    """

    allowed: int
    opened: set[UserId]
    disrupted: set[UserId]
    created: set[UserId]
    closed: frozenset[UserId]
    """Who had a closing mail today: a new case waits for tomorrow."""
    mailbox: int | None
    """Recipients still allowed by the mail system; None: no limit, or not known."""
    no_credentials: str | None
    """Why no credential is made today although there may be room: the quota was not read."""

    @classmethod
    def of(cls, allowed: int, today: DayLedger, mailbox: int | CollectionGap | None) -> Budget:
        """The budget that today's earlier runs have left."""
        return cls(
            allowed=allowed,
            opened=set(today.opened),
            disrupted=set(today.disrupted),
            created=set(today.created),
            closed=today.closed,
            mailbox=None if isinstance(mailbox, CollectionGap) else mailbox,
            no_credentials=mailbox.reason if isinstance(mailbox, CollectionGap) else None,
        )

    def take(self, users: set[UserId], user: UserId) -> bool:
        """Count the user in one of the sets; False if the number is spent."""
        if user not in users and len(users) >= self.allowed:
            return False
        users.add(user)
        return True

    def has_room(self, recipients: int) -> bool:
        """Whether one more mail would fit (gate 6)."""
        return self.mailbox is None or self.mailbox >= recipients

    def take_mail(self, recipients: int) -> bool:
        """Reserve room for one mail; False if it would not fit."""
        if not self.has_room(recipients):
            return False
        if self.mailbox is not None:
            self.mailbox -= recipients
        return True
