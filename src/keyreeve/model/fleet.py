"""Many accounts of one project: who belongs to it, and what became of each on one day.

Of an account nothing is kept but one small row, whose lists have an end: the memory that a fleet
needs is that of the accounts in work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.case import Stage
from keyreeve.model.identifiers import AccountId, ControlId, RunId
from keyreeve.model.projects import Alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One account of the fleet, and how it is reached."""

    account_id: AccountId
    name: str
    """For people; the id where nobody named it."""
    role_arn: str | None = None
    """The role to assume; None: the caller's own account."""
    external_id: str | None = field(default=None, repr=False)
    barred: str = ""
    """Why it cannot be looked at (suspended, no role named); empty: nothing is known against it."""


class Standing(StrEnum):
    """What became of one account, the most pressing first."""

    NOT_COVERED = "not covered"
    """Suspended, without a role, or access denied: nothing is known, neither good nor bad."""
    FAILED = "failed"
    """It could not start, or was broken off."""
    NOT_RUN = "not run"
    """Nothing was heard of it: its turn never came, or its process died."""
    REFUSED = "refused"
    """Its facts look wrong: a run does nothing."""
    LOCKED = "locked"
    """Another run holds its lock."""
    PARTLY = "partly"
    """Some parts failed or could not be read."""
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The first of a list, in words, and how many more there are."""

    names: tuple[str, ...] = ()
    """Each begins with the user's name."""
    more: int = 0

    @property
    def count(self) -> int:
        """All of them, those without a name here included."""
        return len(self.names) + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Matters:
    """What people must be told of an account by name (S1.7, S1.27)."""

    overdue: Named = Named()
    held: Named = Named()
    """Without those whose owner cannot be reached."""
    unreachable: Named = Named()
    """Users whose owner cannot be reached."""
    inline_policies: Named = Named()
    waivers: Named = Named()
    """About to expire, or expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """One account on one day: all that a fleet keeps of it."""

    account_id: AccountId
    name: str
    standing: Standing
    exit_code: int
    """As the run of this account alone would have ended."""
    run_id: RunId | None = None
    """None: there was no run."""
    as_of: datetime | None = None
    users: int = 0
    findings: int = 0
    """Open ones: neither waived nor excluded."""
    cases: int = 0
    acts: int = 0
    """Done; in a rehearsal those that would be."""
    mails: int = 0
    held: int = 0
    overdue: int = 0
    failed: int = 0
    """Acts and mails."""
    gaps: int = 0
    """What could not be read."""
    problem: str = ""
    """Why it is not done, in words; the first of several."""
    remedy: str = ""
    earlier: bool = False
    """Done by an earlier run of the same day: nothing was repeated."""
    flagged: int = 0
    """Users with findings."""
    by_control: Mapping[ControlId, int] = field(default_factory=dict)
    """Open findings; controls without any are left out."""
    cases_by_stage: Mapping[Stage, int] = field(default_factory=dict)
    """Open cases, each at the most advanced stage of its findings."""
    named: Matters = Matters()

    @property
    def clean(self) -> bool:
        """Whether nobody need look at it for how the run ended."""
        return self.standing is Standing.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSummary:
    """One summary over all accounts."""

    project: str
    on: date
    """The fleet's day, in the project's zone."""
    as_of: datetime
    executed: bool
    rows: tuple[FleetRow, ...]
    """Those to look at first."""
    unsent: str = ""
    """Why the team was not mailed, though it was the day for it."""

    def count(self, standing: Standing) -> int:
        """Accounts that stand so."""
        return sum(row.standing is standing for row in self.rows)

    def total(self, figure: str) -> int:
        """A figure of the rows, over all accounts."""
        return sum(getattr(row, figure) for row in self.rows)

    @property
    def exit_code(self) -> int:
        """0: every account is done. The accounts' own code where all agree, else 1: named parts."""
        return fleet_code(row.exit_code for row in self.rows) or int(bool(self.unsent))


def fleet_code(codes: Iterable[int]) -> int:
    """One account's failure is a part of the fleet's run; what befell every account is its own."""
    found = set(codes)
    if found <= {0}:
        return 0
    return found.pop() if len(found) == 1 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStanding:
    """What the storage alone knows of one account: nobody in it is asked."""

    account_id: AccountId
    name: str
    alarms: tuple[Alarm, ...]
    """The most pressing first; empty: nothing to look at."""
    last_run_at: datetime | None = None
    """None: it never ran."""
    exit_code: int | None = None
    due_today: int = 0
    """Findings whose day of enforcement is today, and not done."""
    held: int = 0
    """Findings that a gate held in the last run."""
    failed: int | None = None
    """Acts and mails of the last run that failed; None: it left no record."""
    overdue: int = 0
    cases: int = 0
    pause: str = ""
    problem: str = ""
    """Why it is not covered or could not be read."""
    remedy: str = ""
