"""Users and their keys, as the report shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from keyreeve.model.finding import Finding, FindingStatus
from keyreeve.model.identifiers import AnyControlId, UserId
from keyreeve.model.snapshot import AccessKey, Moment, User
from keyreeve.reporting.report_facts import ReportFacts
from keyreeve.reporting.report_lines import CaseLine, KeyLine, UserFinding, UserLine

_DAY = timedelta(days=1)


def user_lines(facts: ReportFacts, cases: Iterable[CaseLine]) -> tuple[UserLine, ...]:
    """Every IAM user of the account, by name."""
    found = _by_user(facts.findings)
    unread: defaultdict[str, list[str]] = defaultdict(list)
    for gap in facts.evaluation.gaps:
        if gap.user_name is not None:
            unread[gap.user_name].append(f"{gap.step}: {gap.reason}")
    if not facts.snapshot.account_readable:
        for user in facts.snapshot.users:
            unread[user.name].append("the account as a whole could not be judged")
    by_user = {case.user_id: case for case in cases}
    users = sorted(facts.snapshot.users, key=lambda user: user.name)
    return tuple(
        _user(facts, user, found.get(user.name, ()), unread[user.name], by_user) for user in users
    )


def key_lines(facts: ReportFacts) -> tuple[KeyLine, ...]:
    """Every access key, Inactive ones included, by user and slot."""
    found = _by_user(facts.findings)
    return tuple(
        _key(facts, user, key, found.get(user.name, ()))
        for user in sorted(facts.snapshot.users, key=lambda user: user.name)
        for key in user.keys
    )


def days_since(moment: Moment | None, now: datetime) -> int | None:
    """Whole days; None: never, or not known."""
    return (now - moment) // _DAY if isinstance(moment, datetime) else None


def _by_user(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    out: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        out[finding.user_name].append(finding)
    return dict(out)


def _user(
    facts: ReportFacts,
    user: User,
    findings: Iterable[Finding],
    unread: list[str],
    cases: dict[UserId, CaseLine],
) -> UserLine:
    now = facts.as_of
    known = user.user_id or UserId("")
    owner, reason = facts.owners.get(known, (None, "not looked up"))
    case = cases.get(known)
    active = [key for key in user.keys if key.active]
    ages = [days for key in active if (days := days_since(key.since, now)) is not None]
    seen = [user.password_last_used, *(key.last_used for key in user.keys)]
    last = [days for at in seen if (days := days_since(at, now)) is not None]
    return UserLine(
        user_id=user.user_id,
        user_name=user.name,
        arn=user.arn,
        created_at=user.created_at,
        owner=owner,
        owner_reason=reason,
        groups=tuple(sorted(user.groups)),
        console=user.password_enabled,
        mfa=user.mfa_active,
        password_days=days_since(user.password_last_changed, now),
        signed_in=user.password_last_used,
        active_keys=len(active),
        oldest_key_days=max(ages, default=None),
        last_seen_days=min(last, default=None),
        excluded=facts.excluded.get(known),
        unread=tuple(unread),
        findings=tuple(_finding(facts, finding) for finding in findings),
        case_id=case.case_id if case else None,
        stage=case.stage if case and not case.closing else None,
        enforcement_on=case.enforcement_on if case else None,
    )


def _finding(facts: ReportFacts, finding: Finding) -> UserFinding:
    return UserFinding(
        control=finding.control,
        resource_id=finding.resource_id,
        severity=finding.severity,
        status=facts.status(finding),
        observed=finding.observed,
        threshold=finding.threshold,
        detail=finding.detail,
        since=finding.since,
        waived_until=facts.waived_until.get(finding.fingerprint),
    )


def _key(facts: ReportFacts, user: User, key: AccessKey, findings: Iterable[Finding]) -> KeyLine:
    known = facts.state.keys.get(key.key_id) if key.key_id else None
    return KeyLine(
        key_id=key.key_id,
        slot=key.slot,
        user_id=user.user_id,
        user_name=user.name,
        active=key.active,
        since=key.since,
        age_days=days_since(key.since, facts.as_of),
        last_used=key.last_used,
        unused_days=days_since(key.last_used, facts.as_of),
        service=key.last_used_service,
        region=key.last_used_region,
        flagged=_flagged(facts, key, findings),
        made_by_us=known is not None and known.made_by_us,
        replaces=known.replaces if known else None,
        replaced_by=known.replaced_by if known else None,
        inactivated_at=known.inactivated_at if known else None,
        reinstated_until=known.reinstated_until if known else None,
        orphan=known is not None and known.orphan,
        usage=facts.usage.get(key.key_id) if key.key_id else None,
    )


def _flagged(
    facts: ReportFacts, key: AccessKey, findings: Iterable[Finding]
) -> tuple[AnyControlId, ...]:
    return tuple(
        finding.control
        for finding in findings
        if finding.slot == key.slot and facts.status(finding) is FindingStatus.OPEN
    )
