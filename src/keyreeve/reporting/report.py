"""The report on one account: what a person looks at, a program reads, an auditor keeps.

    facts ──▶ cases ──▶ users, keys ──▶ controls ──▶ frameworks
                    └─▶ figures          past ──▶ days, evidence

Pure: everything was read and judged before; nothing here asks anybody or decides anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyreeve.model.case import Stage
from keyreeve.model.decisions import Extension, Hold, Pause
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import AccountId
from keyreeve.model.plan import Refusal
from keyreeve.model.posture import Posture, is_failure
from keyreeve.model.snapshot import CollectionGap
from keyreeve.reporting.report_cases import case_lines
from keyreeve.reporting.report_controls import control_lines, framework_lines, waiver_lines
from keyreeve.reporting.report_facts import ReportFacts
from keyreeve.reporting.report_lines import (
    CaseLine,
    ControlLine,
    DayLine,
    Evidence,
    Figures,
    FrameworkLine,
    KeyLine,
    UnreachableLine,
    UserLine,
    WaiverLine,
)
from keyreeve.reporting.report_past import day_lines, evidence
from keyreeve.reporting.report_users import key_lines, user_lines
from keyreeve.reporting.summary import owner_unreachable

SCHEMA = "keyreeve.report/1"
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLine:
    """How many cases stand at a stage."""

    stage: Stage
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """One account of one project at one instant. Holds no secret."""

    project: str
    account_id: AccountId
    timezone: str
    contact: str
    as_of: datetime
    on: date
    """The ladder's date."""
    framework: str | None
    """Set: only the controls that support it."""
    figures: Figures
    pause: Pause | None
    observing: bool
    """It waits for `keyreeve arm`."""
    refusal: Refusal | None
    """Today's run would refuse: the facts look wrong."""
    stages: tuple[StageLine, ...]
    controls: tuple[ControlLine, ...]
    days: tuple[DayLine, ...]
    cases: tuple[CaseLine, ...]
    users: tuple[UserLine, ...]
    keys: tuple[KeyLine, ...]
    unreachable: tuple[UnreachableLine, ...]
    waivers: tuple[WaiverLine, ...]
    holds: tuple[Hold, ...]
    extensions: tuple[Extension, ...]
    posture: Posture | None
    """None: the account itself was not looked at."""
    gaps: tuple[CollectionGap, ...]
    frameworks: tuple[FrameworkLine, ...]
    evidence: Evidence

    @property
    def all_read(self) -> bool:
        """Whether AWS answered every call; that an account has no analyzer is no failure."""
        return not any(map(is_failure, self.gaps))


def account_report(facts: ReportFacts) -> AccountReport:
    """Everything that is known, arranged for reading."""
    cases = case_lines(facts)
    users, keys = user_lines(facts, cases), key_lines(facts)
    controls, waivers = control_lines(facts), waiver_lines(facts)
    unreachable, posture = _unreachable(facts), _posture(facts)
    gaps = (*facts.plan.gaps, *(posture.gaps if posture else ()))
    return AccountReport(
        project=facts.letterhead.project_name,
        account_id=facts.letterhead.account_id,
        timezone=facts.letterhead.timezone,
        contact=facts.letterhead.contact,
        as_of=facts.as_of,
        on=facts.plan.on,
        framework=facts.framework,
        figures=_figures(users, keys, cases, waivers, unreachable, posture, gaps, facts.plan.on),
        pause=facts.people.pause,
        observing=facts.plan.observing,
        refusal=facts.plan.refusal,
        stages=_stages(cases),
        controls=controls,
        days=day_lines(facts),
        cases=cases,
        users=users,
        keys=keys,
        unreachable=unreachable,
        waivers=waivers,
        holds=tuple(hold for hold in facts.people.holds if hold.until > facts.plan.on),
        extensions=facts.people.extensions,
        posture=posture,
        gaps=gaps,
        frameworks=tuple(framework_lines(facts, controls)),
        evidence=evidence(facts),
    )


def _posture(facts: ReportFacts) -> Posture | None:
    """What is not in order in the account, as far as the report is about it."""
    if facts.posture is None:
        return None
    within = facts.within
    return Posture(
        judged=tuple(control for control in facts.posture.judged if control in within),
        findings=tuple(f for f in facts.posture.findings if f.control in within),
        gaps=facts.posture.gaps,
    )


def _stages(cases: Iterable[CaseLine]) -> tuple[StageLine, ...]:
    count = Counter(case.stage for case in cases if not case.closing)
    return tuple(StageLine(stage=stage, cases=count[stage]) for stage in Stage)


def _unreachable(facts: ReportFacts) -> tuple[UnreachableLine, ...]:
    """Whose notices reach nobody, once each, by name."""
    held = {h.user_id: h for h in facts.plan.held if owner_unreachable(h)}
    lines: list[UnreachableLine] = []
    for case in facts.state.users.values():
        if case.user_id not in held:
            continue
        bounced = case.bounced
        address, _ = facts.owners.get(case.user_id, (None, ""))
        lines.append(
            UnreachableLine(
                user_id=case.user_id,
                user_name=case.user_name,
                address=bounced.address if bounced else address,
                reason=held[case.user_id].reason,
                since=bounced.on if bounced else case.first_seen_on,
                again_on=bounced.again_on if bounced else None,
            )
        )
    return tuple(sorted(lines, key=lambda line: line.user_name))


def _figures(
    users: tuple[UserLine, ...],
    keys: tuple[KeyLine, ...],
    cases: tuple[CaseLine, ...],
    waivers: tuple[WaiverLine, ...],
    unreachable: tuple[UnreachableLine, ...],
    posture: Posture | None,
    gaps: tuple[CollectionGap, ...],
    today: date,
) -> Figures:
    status = Counter(finding.status for user in users for finding in user.findings)
    read = [user for user in users if user.excluded is None and not user.unread]
    flagged = [user for user in read if _is_flagged(user)]
    console = [user for user in users if user.console]
    ages = [key.age_days for key in keys if key.active and key.age_days is not None]
    due = [list(_days_to_come(case, today)) for case in cases]
    return Figures(
        users=len(users),
        in_order=len(read) - len(flagged),
        with_findings=len(flagged),
        excluded=sum(user.excluded is not None for user in users),
        unread=sum(bool(user.unread) and user.excluded is None for user in users),
        console=len(console),
        mfa=sum(bool(user.mfa) for user in console),
        active_keys=sum(key.active for key in keys),
        oldest_key_days=max(ages, default=None),
        open_findings=status[FindingStatus.OPEN],
        waived_findings=status[FindingStatus.WAIVED],
        cases=len(cases),
        not_begun=sum(case.opened_on is None for case in cases),
        due_today=sum(today in days for days in due),
        due_this_week=sum(any(day <= today + WEEK for day in days) for days in due),
        held=sum(bool(case.held) for case in cases),
        overdue=sum(case.stage is Stage.OVERDUE for case in cases),
        unreachable=len(unreachable),
        waivers=sum(w.revoked_at is None and w.days_left >= 0 for w in waivers),
        posture_findings=None if posture is None else len(posture.findings),
        gaps=len(gaps),
    )


def _is_flagged(user: UserLine) -> bool:
    return any(finding.status is FindingStatus.OPEN for finding in user.findings)


def _days_to_come(case: CaseLine, today: date) -> Iterator[date]:
    """Each E from today on that was told to the owner and is not done: of any of its findings.

    The case's own day may have passed: a finding that is overdue hides no other that is due.
    """
    for finding in case.findings:
        e = finding.enforcement_on
        if finding.opened_on is not None and finding.enforced_on is None and e and e >= today:
            yield e
