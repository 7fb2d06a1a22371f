"""What `check` judges, live or offline, and its document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from keyreeve.codec.values import to_json
from keyreeve.controls.evaluation import evaluate
from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.spared import status_of
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.finding import Finding, FindingStatus
from keyreeve.model.identifiers import AccessKeyId, AccountId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap
from keyreeve.pipeline.collect import Each, collect, in_turn
from keyreeve.pipeline.collect import offline as read_report

if TYPE_CHECKING:
    from keyreeve.model.posture import Posture, PostureFinding
    from keyreeve.pipeline.posture import Survey
    from keyreeve.ports import Progress
    from keyreeve.wiring import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Findings with what people have decided about them, and what could not be read."""

    account_id: AccountId
    as_of: datetime
    users: int
    findings: tuple[tuple[Finding, FindingStatus], ...]
    gaps: tuple[CollectionGap, ...]
    posture: Posture | None = None
    """None: nobody asked."""

    @property
    def open(self) -> int:
        """Findings neither waived nor excluded; those of posture are all open."""
        posture = len(self.posture.findings) if self.posture else 0
        return self.by_status.get(FindingStatus.OPEN.value, 0) + posture

    @property
    def partly(self) -> bool:
        """Whether something could not be read."""
        return bool(self.gaps) or (self.posture is not None and not self.posture.all_read)

    @property
    def by_status(self) -> dict[str, int]:
        """Findings by status; open first."""
        found = Counter(status for _, status in self.findings)
        return {status.value: found[status] for status in FindingStatus if found[status]}

    def document(self) -> dict[str, object]:
        """The JSON of `check`."""
        return {
            "schema": "keyreeve.check/1",
            "account_id": self.account_id,
            "as_of": to_json(self.as_of),
            "findings": [_row(finding, status) for finding, status in self.findings],
            "gaps": [to_json(gap) for gap in self.gaps],
            **_posture_rows(self.posture),
        }


def live(
    door: Door, progress: Progress, survey: Survey | None = None, *, each: Each = in_turn
) -> Judged:
    """Read the account, judge it, and look up what people have decided; posture if asked for."""
    from keyreeve.wiring.remembered import keys_and_decisions

    now, policy = door.now, door.policy
    keys, people = keys_and_decisions(door, policy.days)
    snapshot, _ = collect(door.reader, policy, keys, now, progress, each=each, resetting=False)
    judged = _judged(snapshot, policy, now, people, keys)
    if survey is None:
        return judged
    from keyreeve.pipeline.posture import survey as surveyed

    return replace(judged, posture=surveyed(survey, now))


def offline(content: bytes, policy: EscalationPolicy, now: datetime) -> Judged:
    """Judge a credential report alone."""
    return _judged(read_report(content, now), policy, now, HumanDecisions(), {})


def _judged(
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    now: datetime,
    people: HumanDecisions,
    keys: Mapping[AccessKeyId, KeyRecord],
) -> Judged:
    evaluation = evaluate(snapshot, policy, now, keys)
    users = {user.user_id or user.name: user for user in snapshot.users}
    today = Calendar(policy).today(now)
    return Judged(
        account_id=snapshot.account_id,
        as_of=now,
        users=len(snapshot.users),
        findings=tuple(
            (f, status_of(f, users.get(f.user_id or f.user_name), people, policy, today))
            for f in evaluation.findings
        ),
        gaps=evaluation.gaps,
    )


def _row(finding: Finding, status: FindingStatus) -> dict[str, object]:
    return {
        "control": finding.control.value,
        "severity": finding.severity.value,
        "user_name": finding.user_name,
        "user_id": finding.user_id,
        "resource_id": finding.resource_id,
        "observed": finding.observed,
        "threshold": finding.threshold,
        "status": status.value,
        "detail": finding.detail,
    }


def _posture_rows(posture: Posture | None) -> dict[str, object]:
    """Three members more, where posture was asked for."""
    if posture is None:
        return {}
    return {
        "posture": [_posture_row(finding) for finding in posture.findings],
        "posture_judged": [control.value for control in posture.judged],
        "posture_gaps": [to_json(gap) for gap in posture.gaps],
    }


def _posture_row(finding: PostureFinding) -> dict[str, object]:
    return {
        "control": finding.control.value,
        "severity": finding.severity.value,
        "resource_type": finding.resource_type.value,
        "resource_id": finding.resource_id,
        "resource_name": finding.resource_name,
        "region": finding.region,
        "observed": finding.observed,
        "threshold": finding.threshold,
        "detail": finding.detail,
        "since": to_json(finding.since),
    }
