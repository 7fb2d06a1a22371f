"""What every verb of `user` opens first: who we are, the account, its people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from keyreeve.cli import opening

if TYPE_CHECKING:
    from keyreeve.pipeline.roster import Roster
    from keyreeve.wiring import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An open door and the people behind it."""

    door: Door
    roster: Roster

    @property
    def now(self) -> datetime:
        """When it is asked."""
        return self.door.now

    @property
    def by(self) -> str:
        """Who asks: the STS caller, as the audit log keeps it."""
        return self.door.caller.arn


def look(as_of: datetime | None = None) -> Office:
    """For reading and rehearsing: nothing can be changed."""
    return _at_the_time(opening.door(execute=False, as_of=as_of), as_of)


@contextmanager
def at_work(as_of: datetime | None = None, *, execute: bool) -> Iterator[Office]:
    """With `execute` the account's lock is held. LockHeld if a run has it."""
    from keyreeve import wiring

    if not execute:
        yield look(as_of)
        return
    office = _at_the_time(opening.door(execute=True, as_of=as_of), as_of)
    with wiring.account_for_writing(office.door) as account:
        yield Office(door=office.door, roster=wiring.roster(office.door, account))


def _at_the_time(opened: Door, as_of: datetime | None) -> Office:
    from keyreeve import wiring

    account = opening.wired(opened)
    opened = opening.now_of(opened, account.tools.states.load(), as_of)
    return Office(door=opened, roster=wiring.roster(opened, account))
