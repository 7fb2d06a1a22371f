"""Where a case, and an account, stands as a whole: what its findings amount to together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from keyreeve.escalation.outlook import FindingKey, Outlook
from keyreeve.model.case import FindingRecord, Population, Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import Decision

NINETY = 90
"""Days: the limit of most frameworks, shown with everything that is held."""
_ORDER = tuple(Stage)


def strongest(decisions: Iterable[Decision]) -> NoticeReason | None:
    """The first of the reasons in the order in which people should hear them."""
    order = (
        NoticeReason.ACT_DONE,
        NoticeReason.COUNTDOWN,
        NoticeReason.STAGE_DUE,
        NoticeReason.OVERDUE_WEEKLY,
        NoticeReason.ENFORCEMENT_MOVED,
        NoticeReason.FIRST_NOTICE,
        NoticeReason.NEW_FINDING_IN_CASE,
    )
    due = {decision.notice_due for decision in decisions}
    return next((reason for reason in order if reason in due), None)


def told_today(
    decisions: Mapping[FindingKey, Decision], *, opens: bool
) -> dict[FindingKey, Decision]:
    """The findings that today's notice may speak of.

    A refused run opens nothing (gate 5): a finding without a day 0 is neither a reason for a notice
    nor listed in one, for telling it would start its clock.
    """
    return {key: d for key, d in decisions.items() if opens or d.stage is not Stage.PENDING}


def headline(decisions: Iterable[Decision]) -> Stage:
    """The most advanced stage; a pending finding is told as a notification."""
    stages = [d.stage if d.stage is not Stage.PENDING else Stage.NOTIFICATION for d in decisions]
    return max(stages, key=_ORDER.index)


def population_of(outlook: Outlook, before: Population | None) -> Population:
    """Who exists and who is flagged today, for tomorrow's comparison.

    Users who could not be read count as they did before: a gap is no news.
    """
    flagged = {
        user_id
        for user_id, findings in outlook.findings.items()
        if any(finding.control.value != "inline_policies" for finding in findings.values())
    }
    in_scope = {
        user_id
        for user_id, user in outlook.users.items()
        if outlook.policy.exclusion_for(user) is None
    }
    unread = before.flagged & outlook.gaps if before else frozenset()
    return Population(
        users=frozenset(outlook.users), flagged=frozenset(flagged & in_scope) | unread
    )


def days_to_90(record: FindingRecord, now: datetime) -> int | None:
    """Days until the credential is 90 days old; negative when past."""
    if record.since is None:
        return None
    return NINETY - (now - record.since) // timedelta(days=1)
