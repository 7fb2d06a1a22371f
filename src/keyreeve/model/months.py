"""What came of findings, and the figures of a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.identifiers import ControlId


class Ending(StrEnum):
    """How a finding ended."""

    OWNER = "owner"
    """Mended, and not by Keyreeve."""
    NEW_PASSWORD = "new_password"  # noqa: S105 - a way to end, no secret
    """Keyreeve had set a new password, and handed it over."""
    ENFORCED = "enforced"
    """Keyreeve had done the act of stage 5."""
    SET_ASIDE = "set_aside"
    """People decided: waived, excluded, reinstated."""
    USER_GONE = "user_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One finding that ended. Day 0 tells it from its like before and after."""

    control: ControlId
    resource_id: str
    opened_on: date | None
    """Day 0; None: nobody was told of it."""
    how: Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A record of the audit log, as those read it who only count."""

    at: datetime
    run_id: str
    event: str
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinutesPer:
    """Minutes that a person would need for the same by hand: assumptions, not measured."""

    finding: float = 10
    """To find it in the account's lists, decide whom it concerns, and write it down."""
    mail: float = 5
    """To write and send one."""
    credential: float = 15
    """To make one, hand it over in private, and put the copy away."""
    enforcement: float = 10
    """To look again, make the key Inactive or take the password, and write it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Hours saved, and what they are made of: neither is shown without the other."""

    hours: float
    formula: str
    """Every factor with its name, and where the minutes come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """One month of one account, in the project's timezone."""

    first: date
    """The first day of the month."""
    run_days: int
    """Days on which a run began; 0: Keyreeve did not run."""
    opened: int
    """Findings whose day 0 lies in the month; one that came back counts again."""
    resolved_by_owner: int
    new_passwords: int
    """Findings that ended because Keyreeve had set a new password."""
    enforced: int
    """Findings whose act of stage 5 was done; counted on the day of the act, once."""
    set_aside: int
    users_gone: int
    """Findings that ended because their user no longer exists."""
    median_days: float | None
    """From day 0 to the end, of those resolved by owner, by a new password, or enforced."""
    credentials: int
    """Handed over: access keys and passwords."""
    mails: int
    held: int
    """Findings that a gate held on at least one day."""
    saved: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """Figures month by month, or why there are none."""

    figures: tuple[MonthFigures, ...] = ()
    """Oldest first; empty where Keyreeve did not run in the newest."""
    unread: str = ""
    """Why the audit log could not be read."""
