"""One project of the overview: read as a rehearsal reads, judged as a run judges."""

from __future__ import annotations

from datetime import datetime

from keyreeve.escalation.outlook import FindingKey
from keyreeve.model.identifiers import UserId
from keyreeve.model.projects import ProjectStanding
from keyreeve.pipeline.daily import Account, Judgement
from keyreeve.pipeline.people import standing
from keyreeve.ports import Progress
from keyreeve.ports.runs import RunRecords
from keyreeve.reporting.projects import project_standing


def read_project(
    account: Account, runs: RunRecords, now: datetime, progress: Progress
) -> ProjectStanding:
    """How the project stands; nothing anywhere is changed. Raises what stops the reading."""
    facts = standing(account, now, progress)
    run = facts.state.last_run
    return project_standing(
        facts.judged.plan,
        facts.judged.planned.state,
        facts.state,
        facts.judged.people,
        runs.failures(run.run_id) if run else None,
        _mails_only(facts.judged),
    )


def _mails_only(judged: Judgement) -> frozenset[tuple[UserId, FindingKey]]:
    """Findings whose policy asks for no act; of whom could not be read nothing is said."""
    outlook = judged.outlook
    return frozenset(
        (user_id, record.key)
        for user_id, case in judged.planned.state.users.items()
        if user_id in outlook.users
        for record in case.findings.values()
        if not outlook.situation(case, record).acts
    )
