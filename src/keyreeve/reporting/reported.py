"""Findings of both kinds, the ladder's and the posture's, in the one form that other tools take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Protocol

from keyreeve.model.case import State
from keyreeve.model.compliance import Citation, CitedBy
from keyreeve.model.control import Severity
from keyreeve.model.finding import Finding, FindingStatus
from keyreeve.model.identifiers import AccountId, UserId, UserName
from keyreeve.model.posture import PostureFinding, ResourceType
from keyreeve.model.snapshot import User


class Card(Protocol):
    """What is told about a control, whichever catalogue its card is from."""

    @property
    def title(self) -> str:
        """In a few words."""

    @property
    def why(self) -> str:
        """What is asked for."""

    @property
    def risk(self) -> str:
        """What may happen if it stays."""

    @property
    def remediation(self) -> tuple[str, ...]:
        """Steps; `{user}`, `{key}` and `{account}` are filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The IAM user whose credential a finding is about."""

    name: UserName
    user_id: UserId | None
    arn: str | None
    """None: the user was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One finding, whichever kind it is."""

    uid: str
    """The finding's fingerprint: the same on every day, and no other finding's."""
    control: str
    """The control's id, of whichever catalogue."""
    account_id: AccountId
    resource_type: ResourceType
    resource_id: str
    """An ARN where AWS gives one; a key as `AWS::IAM::AccessKey:AKIA…`."""
    resource_name: str
    severity: Severity
    detail: str
    status: FindingStatus = FindingStatus.OPEN
    observed: int | bool | str = ""
    threshold: int | bool | str = ""
    region: str | None = None
    """None: the account as a whole."""
    since: datetime | None = None
    """When the flagged condition's clock began."""
    first_seen: datetime | None = None
    """When Keyreeve first found it; None: today."""
    owner: Owner | None = None


def of_ladder(
    findings: Iterable[tuple[Finding, FindingStatus]],
    users: Iterable[User],
    state: State,
    partition: str = "aws",
) -> Iterator[Reported]:
    """Findings of `evaluate`, with the users' ARNs and the day on which each was first seen."""
    arns = {user.user_id or user.name: user.arn for user in users}
    for finding, status in findings:
        owner = Owner(
            name=finding.user_name,
            user_id=finding.user_id,
            arn=arns.get(finding.user_id or finding.user_name),
        )
        kind, resource = _resource(finding, owner, partition)
        yield Reported(
            uid=_uid(finding),
            control=finding.control.value,
            account_id=finding.account_id,
            resource_type=kind,
            resource_id=resource,
            resource_name=finding.access_key_id or finding.user_name,
            severity=finding.severity,
            detail=finding.detail,
            status=status,
            observed=finding.observed,
            threshold=finding.threshold,
            since=finding.since,
            first_seen=_first_seen(finding, state),
            owner=owner,
        )


def of_posture(findings: Iterable[PostureFinding]) -> Iterator[Reported]:
    """Findings about the account. Nobody waives them: the ladder's decisions are not theirs."""
    for finding in findings:
        yield Reported(
            uid=finding.fingerprint,
            control=finding.control.value,
            account_id=finding.account_id,
            resource_type=finding.resource_type,
            resource_id=finding.resource_id,
            resource_name=finding.resource_name,
            severity=finding.severity,
            detail=finding.detail,
            observed=finding.observed,
            threshold=finding.threshold,
            region=finding.region,
            since=finding.since,
        )


def steps_for(finding: Reported, remediation: Iterable[str]) -> tuple[str, ...]:
    """The card's steps with the names of this finding filled in."""
    names = {
        "user": finding.owner.name if finding.owner else finding.resource_name,
        "key": finding.resource_name,
        "account": finding.account_id,
    }
    return tuple(_filled(step, names) for step in remediation)


def published(citations: Iterable[Citation]) -> tuple[Citation, ...]:
    """What other tools are told: our own judgements stay where they are marked as such."""
    return tuple(each for each in citations if each.cited_by is CitedBy.PUBLISHED)


def _filled(step: str, names: Mapping[str, str]) -> str:
    """Not `format`: a step may quote JSON, whose braces are no fields."""
    for name, value in names.items():
        step = step.replace(f"{{{name}}}", value)
    return step


def _uid(finding: Finding) -> str:
    """The fingerprint; where the unique id is unknown, the name tells users apart."""
    if finding.user_id is not None:
        return finding.fingerprint
    return f"{finding.fingerprint}/{finding.user_name}"


def _resource(finding: Finding, owner: Owner, partition: str) -> tuple[ResourceType, str]:
    """As Security Hub names it: an access key has no ARN of its own."""
    if finding.access_key_id is not None:
        return ResourceType.ACCESS_KEY, f"AWS::IAM::AccessKey:{finding.access_key_id}"
    named = f"arn:{partition}:iam::{finding.account_id}:user/{owner.name}"
    return ResourceType.USER, owner.arn or named


def _first_seen(finding: Finding, state: State) -> datetime | None:
    case = state.users.get(finding.user_id) if finding.user_id else None
    record = case.findings.get(finding.key) if case else None
    return None if record is None else datetime.combine(record.first_seen_on, time(), UTC)
