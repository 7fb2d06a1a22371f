"""The card of an alarm: which events of CloudTrail it counts, and what to do when it fires."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

Event = Mapping[str, Any]
"""A record of CloudTrail, as the log group holds it: one JSON object a line."""

FIVE_MINUTES: Final = 300

CIS_VERSIONS: Final[Mapping[str, int]] = {"1.4": 4, "3.0": 4, "5.0": 4, "6.0": 5, "7.0": 5}
"""CIS AWS Foundations: version → the chapter on monitoring."""


class Placed(Protocol):
    """The account that the alarms are for; templates give CloudFormation's own words."""

    @property
    def partition(self) -> str:
        """`aws`, or `${AWS::Partition}`."""

    @property
    def account_id(self) -> str:
        """Twelve digits, or `${AWS::AccountId}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that is known."""

    partition: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCard:
    """One metric filter and its alarm: Sum of the metric ≥ threshold in one period."""

    id: str
    """As `baseline.alarms` of config.yaml names it."""
    title: str
    description: str
    """What has happened when it fires, for the alarm's own description."""
    pattern: str
    """The filter pattern, at most 1024 characters."""
    metric: str
    threshold: int = 1
    """Events within one period."""
    period_seconds: int = FIVE_MINUTES
    cis: Mapping[str, str] = field(default_factory=dict)
    """Version of CIS AWS Foundations → number of its recommendation."""
    security_hub: str | None = None
    """The control that passes on exactly this pattern."""
    source: str
    """Requirement ids and where the pattern comes from."""
    runbook: str
    """The first thing to do, one line."""
    matching: tuple[Event, ...]
    """Records that it must count."""
    passing: tuple[Event, ...]
    """Records that are near, and must not be counted."""


def cis(number: int) -> dict[str, str]:
    """The recommendation of this number within each version's chapter on monitoring."""
    return {version: f"{chapter}.{number}" for version, chapter in CIS_VERSIONS.items()}


def either(names: Iterable[str]) -> str:
    """Any of these calls, spelt as Security Hub prescribes it to the blank."""
    return " || ".join(f"($.eventName={name})" for name in names)


def call(
    name: str, source: str = "iam.amazonaws.com", *, reads: bool = False, **more: Any
) -> Event:
    """A record of a call by an IAM user; `more` replaces fields of the record."""
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDACKCEVSQ6C2EXAMPLE",
            "arn": "arn:aws:iam::123456789012:user/alex",
            "accountId": "123456789012",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "alex",
        },
        "eventTime": "2026-01-05T06:00:00Z",
        "eventSource": source,
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.30.0",
        "requestParameters": None,
        "responseElements": None,
        "readOnly": reads,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "123456789012",
        "eventCategory": "Management",
    } | more


def calls(names: Iterable[str], source: str = "iam.amazonaws.com") -> tuple[Event, ...]:
    """One record of each call."""
    return tuple(call(name, source) for name in names)
