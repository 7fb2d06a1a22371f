"""Reads what the report needs, and judges it as a rehearsed run does; nothing is changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime

from keyreeve.controls.cards import ALL_CARDS
from keyreeve.escalation.extensions import given_in_case
from keyreeve.escalation.notices import compose
from keyreeve.escalation.spared import status_of, waiver_for
from keyreeve.model.errors import ConfigError
from keyreeve.model.finding import FindingStatus
from keyreeve.model.identifiers import UserId
from keyreeve.model.notice import Letterhead, Notice
from keyreeve.pipeline.daily import Account, Judgement, look
from keyreeve.pipeline.posture import Survey, survey
from keyreeve.ports import Progress
from keyreeve.ports.past import Past
from keyreeve.reporting.report import AccountReport, account_report
from keyreeve.reporting.report_controls import find_framework
from keyreeve.reporting.report_facts import Citations, ReportFacts
from keyreeve.reporting.report_past import first_day

REMEMBERED = 100
"""Days of the past that a report tells of: one record of a run, and the audit log, for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the report is made from besides today's look at the account."""

    past: Past
    citations: Citations
    survey: Survey | None = None
    """None: the account itself is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdicts:
    """What people and settings have decided about today's findings, by fingerprint."""

    statuses: dict[str, FindingStatus]
    waived_until: dict[str, date]
    covered: dict[str, int]


def read_report(
    account: Account,
    sources: Sources,
    now: datetime,
    progress: Progress,
    *,
    framework: str | None = None,
) -> AccountReport:
    """The report as of `now`. ConfigError for a framework that nobody knows; as `plan` otherwise.

    `framework` is a title such as `SOC 2`, or the beginning of one.
    """
    title = named_framework(framework, sources.citations) if framework is not None else None
    judged = look(account, now, progress).judged
    progress.stage("Reading the account itself, and the past")
    since = first_day(judged.plan.on, REMEMBERED)
    facts = facts_of(judged, account.post.letterhead, sources.citations, title)
    return account_report(
        replace(
            facts,
            runs=sources.past.runs(since),
            trail=sources.past.trail(since, judged.planned.state.audit_head),
            posture=survey(sources.survey, now) if sources.survey else None,
        )
    )


def facts_of(
    judged: Judgement, head: Letterhead, citations: Citations, framework: str | None = None
) -> ReportFacts:
    """What today's judgement tells the report: all of it but the past and posture."""
    verdicts, outlook = _verdicts(judged), judged.outlook
    return ReportFacts(
        letterhead=head,
        as_of=outlook.now,
        snapshot=judged.snapshot,
        evaluation=judged.evaluation,
        plan=judged.plan,
        state=judged.planned.state,
        people=judged.people,
        cards=ALL_CARDS,
        citations=citations,
        statuses=verdicts.statuses,
        waived_until=verdicts.waived_until,
        covered=verdicts.covered,
        notices=_notices(judged, head),
        owners={
            user_id: (owner.address, owner.reason)
            for user_id, user in outlook.users.items()
            for owner in (outlook.owner(user),)
        },
        excluded={
            user_id: found.reason
            for user_id, user in outlook.users.items()
            if (found := outlook.policy.exclusion_for(user)) is not None
        },
        extended={
            user_id: given_in_case(case, judged.people, outlook.policy.timezone)
            for user_id, case in judged.planned.state.users.items()
        },
        usage=outlook.usage.keys if outlook.usage else {},
        framework=framework,
    )


def named_framework(name: str, citations: Citations) -> str:
    """The framework's title. ConfigError, with all of them, if nobody knows it."""
    found, known = find_framework(name, citations)
    if found is None:
        raise ConfigError(
            f"no framework is called {name!r}",
            where="--framework",
            remedy="Known are: " + ", ".join(known) + ".",
        )
    return found


def _verdicts(judged: Judgement) -> _Verdicts:
    out = _Verdicts(statuses={}, waived_until={}, covered={})
    covered: Counter[str] = Counter()
    outlook, today = judged.outlook, judged.plan.on
    for finding in judged.evaluation.findings:
        user = outlook.users.get(finding.user_id) if finding.user_id else None
        status = status_of(finding, user, judged.people, outlook.policy, today)
        out.statuses[finding.fingerprint] = status
        waiver = waiver_for(finding, judged.people, today)
        if status is FindingStatus.WAIVED and waiver is not None:
            out.waived_until[finding.fingerprint] = waiver.expires_on
            covered[waiver.waiver_id] += 1
    out.covered.update(covered)
    return out


def _notices(judged: Judgement, head: Letterhead) -> dict[UserId, Notice]:
    """What a notice of each case would say today, where its user was read."""
    outlook = judged.outlook
    if not judged.snapshot.account_readable:
        return {}
    return {
        user_id: compose(case, outlook.decisions(case), outlook, head).notice
        for user_id, case in judged.planned.state.users.items()
        if case.findings and user_id in outlook.users and user_id not in outlook.gaps
    }
