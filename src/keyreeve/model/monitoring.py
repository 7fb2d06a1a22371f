"""What stands between an event in the account and the mail that tells of it, as AWS has it now.

trail → log group → metric filter → metric → alarm → topic (its policy, its key) → subscription
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Which management events a trail takes down (GetEventSelectors)."""

    writes: bool = True
    reads: bool = True
    excluded: frozenset[str] = frozenset()
    """Event sources that are left out, such as `kms.amazonaws.com`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """DescribeTrails, GetTrailStatus and GetEventSelectors of one trail."""

    name: str
    arn: str
    multi_region: bool
    global_events: bool
    """IncludeGlobalServiceEvents: those of IAM, STS and sign-in."""
    logging: bool
    log_group: str | None
    """Name of the log group that it delivers to."""
    delivery_error: str = ""
    """LatestCloudWatchLogsDeliveryError."""
    recorded: Recorded = Recorded()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMetric:
    """What a metric filter writes for each event that it counts."""

    namespace: str
    name: str
    value: str
    """A number, or a selector such as `$.latency`."""
    dimensions: frozenset[str] = frozenset()
    unit: str = ""
    """Empty or `None`: without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    """A row of DescribeMetricFilters."""

    name: str
    log_group: str
    pattern: str
    metrics: tuple[WrittenMetric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAlarm:
    """A row of DescribeAlarms; metric fields are empty for metric maths."""

    name: str
    arn: str
    namespace: str = ""
    metric: str = ""
    dimensions: frozenset[str] = frozenset()
    unit: str = ""
    """Empty: it takes every unit."""
    statistic: str = ""
    period_seconds: int = 0
    evaluation_periods: int = 1
    datapoints_to_alarm: int | None = None
    threshold: float = 0
    comparison: str = ""
    missing_data: str = "missing"
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()
    """AlarmActions."""
    state: str = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A row of ListSubscriptionsByTopic, and its filter policy (GetSubscriptionAttributes)."""

    protocol: str
    endpoint: str
    confirmed: bool
    deaf: bool = False
    """Its filter policy asks for message attributes; alarms bear none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """GetTopicAttributes and the subscriptions."""

    arn: str
    policy: str
    """JSON."""
    key_id: str | None = None
    """KmsMasterKeyId as it was given: id, ARN or alias."""
    subscriptions: tuple[Subscription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """DescribeKey and GetKeyPolicy."""

    arn: str
    state: str
    """`Enabled`, or why it cannot be used."""
    aws_managed: bool = False
    policy: str = ""
    """JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Everything at one time, of one account and region."""

    account_id: str
    trails: tuple[Trail, ...] = ()
    filters: tuple[MetricFilter, ...] = ()
    alarms: tuple[MetricAlarm, ...] = ()
    topics: Mapping[str, Topic] = field(default_factory=dict)
    """By ARN; a topic of an alarm that is not here does not exist."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    """By the id that a topic names; a key that is not here does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmHistoryItem:
    """A row of DescribeAlarmHistory."""

    at: datetime
    kind: str
    """HistoryItemType: `StateUpdate`, `Action`, `ConfigurationUpdate`."""
    summary: str
    """`Alarm updated from OK to ALARM`, `Successfully executed action arn:…`."""
