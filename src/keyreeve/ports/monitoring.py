"""What the proof that monitoring works needs: facts of every link, and a user to try them with."""

from __future__ import annotations

from typing import Final, Protocol

from keyreeve.model.identifiers import UserName
from keyreeve.model.monitoring import (
    AlarmHistoryItem,
    Key,
    MetricAlarm,
    MetricFilter,
    Topic,
    Trail,
)

PROBE_PATH: Final = "/keyreeve/verify/"
"""Of the throw-away users, and of their devices: nothing else lies there."""


class MonitoringReader(Protocol):
    """Reads one account and region. Paginates to the end or raises."""

    def trails(self) -> tuple[Trail, ...]:
        """DescribeTrails, shadow trails too; GetTrailStatus and GetEventSelectors of each."""

    def filters(self) -> tuple[MetricFilter, ...]:
        """DescribeMetricFilters of every log group."""

    def alarms(self) -> tuple[MetricAlarm, ...]:
        """DescribeAlarms; no composite ones."""

    def topic(self, arn: str) -> Topic:
        """GetTopicAttributes, ListSubscriptionsByTopic, GetSubscriptionAttributes. NotFound."""

    def key(self, key_id: str) -> Key:
        """DescribeKey and GetKeyPolicy, by id, ARN or alias. NotFound."""

    def history(self, alarm: str) -> tuple[AlarmHistoryItem, ...]:
        """DescribeAlarmHistory, in no order that is promised."""


class ProbeUsers(Protocol):
    """Throw-away users below PROBE_PATH; each call is tried exactly once."""

    def leftovers(self) -> tuple[UserName, ...]:
        """Users that an earlier attempt left behind, or devices of such users."""

    def create(self, user: UserName) -> None:
        """CreateUser, without any right."""

    def make_and_delete_access_key(self, user: UserName) -> None:
        """CreateAccessKey, DeleteAccessKey; the secret goes nowhere."""

    def put_and_delete_policy(self, user: UserName) -> None:
        """PutUserPolicy with one that denies everything, DeleteUserPolicy."""

    def make_and_delete_mfa_device(self, user: UserName) -> None:
        """CreateVirtualMFADevice, DeleteVirtualMFADevice; it is never enabled."""

    def remove(self, user: UserName) -> None:
        """The user with all that hangs on it; no error if it is gone.

        Rejected for a user of another path: nothing was changed then.
        """
