"""How several projects stand, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from keyreeve.model.case import Stage
from keyreeve.model.identifiers import AccountId, ControlId, UserName


class Alarm(StrEnum):
    """Why a person must look at a project, the most pressing first."""

    NOT_READ = "not read"
    """Nothing is known: neither good nor bad."""
    NOT_RUN = "not run"
    """The last run that its state knows of is older than a day, or there was none."""
    REFUSED = "refused"
    """Today's facts look wrong: a run would do nothing."""
    PARTLY_READ = "partly read"
    FAILED = "failed"
    """The last run ended with another exit code than 0, or an act or mail of it failed."""
    PAUSED = "paused"
    OBSERVING = "observing"
    """It waits for `keyreeve arm`: no owner is told."""
    OVERDUE = "overdue"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAct:
    """The next date on which something is done, unless a gate holds it."""

    on: date
    user_name: UserName
    control: ControlId
    more: int = 0
    """Findings besides, on the same day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStanding:
    """What could be read of one project."""

    account_id: AccountId
    last_run_at: datetime | None
    """None: it never ran."""
    exit_code: int | None
    acts_due: int
    """Acts that a run would do now."""
    mails_due: int
    """Mails that a run would send now; the weekly summary is one."""
    held: int
    """Findings and users that a gate holds."""
    failed: int | None
    """Acts and mails of the last run that failed; None: it left no record."""
    overdue: int
    """Findings past their date."""
    cases_by_stage: tuple[tuple[Stage, int], ...]
    """Open cases, each at the most advanced stage of its findings."""
    gaps: tuple[str, ...] = ()
    """What could not be read today."""
    refusal: str = ""
    pause: str = ""
    observing: bool = False
    next_act: NextAct | None = None

    @property
    def open_cases(self) -> int:
        """Users with an open case."""
        return sum(count for _, count in self.cases_by_stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLine:
    """One config.yaml of the overview."""

    config: str
    """The file, as it was found."""
    project: str
    """Its project_name; the file's own name where it cannot be read."""
    standing: ProjectStanding | None = None
    """None: it could not be read."""
    alarms: tuple[Alarm, ...] = ()
    """The most pressing first; empty: nothing to look at."""
    problem: str = ""
    """Why it could not be read."""
    remedy: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything of it was read."""
        return self.standing is not None and not self.standing.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Several projects, those to look at first."""

    as_of: datetime
    folder: str
    lines: tuple[ProjectLine, ...]

    @property
    def complete(self) -> bool:
        """Whether every project was read, and all of it."""
        return all(line.complete for line in self.lines)

    def count(self, alarm: Alarm) -> int:
        """Projects with this alarm."""
        return sum(alarm in line.alarms for line in self.lines)
