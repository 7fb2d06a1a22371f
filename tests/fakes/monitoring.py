"""Monitoring and throw-away users in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from keyreeve.model.errors import NotFound, Rejected
from keyreeve.model.identifiers import UserName
from keyreeve.model.monitoring import (
    AlarmHistoryItem,
    Key,
    MetricAlarm,
    MetricFilter,
    Monitoring,
    Topic,
    Trail,
)
from keyreeve.ports.monitoring import PROBE_PATH


class FakeMonitoring:
    """ports.monitoring.MonitoringReader of given facts."""

    def __init__(self, facts: Monitoring) -> None:
        self.facts = facts
        self.asked: list[str] = []
        self.happened: dict[str, list[AlarmHistoryItem]] = {}

    def trails(self) -> tuple[Trail, ...]:
        return self.facts.trails

    def filters(self) -> tuple[MetricFilter, ...]:
        return self.facts.filters

    def alarms(self) -> tuple[MetricAlarm, ...]:
        return self.facts.alarms

    def topic(self, arn: str) -> Topic:
        self.asked.append(arn)
        if arn not in self.facts.topics:
            raise NotFound("no such topic", call="sns:GetTopicAttributes")
        return self.facts.topics[arn]

    def key(self, key_id: str) -> Key:
        self.asked.append(key_id)
        if key_id not in self.facts.keys:
            raise NotFound("no such key", call="kms:DescribeKey")
        return self.facts.keys[key_id]

    def history(self, alarm: str) -> tuple[AlarmHistoryItem, ...]:
        return tuple(self.happened.get(alarm, ()))


@dataclass
class FakeProbes:
    """ports.monitoring.ProbeUsers that remembers what was done."""

    users: dict[str, str] = field(default_factory=dict)
    """Name → path."""
    devices: set[str] = field(default_factory=set)
    """Names of those below the path."""
    keys: dict[str, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    fail: dict[str, BaseException] = field(default_factory=dict)
    """Method → what it raises once its effect has happened."""

    def leftovers(self) -> tuple[UserName, ...]:
        ours = {name for name, path in self.users.items() if path == PROBE_PATH}
        return tuple(UserName(name) for name in sorted(ours | self.devices))

    def create(self, user: UserName) -> None:
        self.users[user] = PROBE_PATH
        self._did("create", user)

    def make_and_delete_access_key(self, user: UserName) -> None:
        self._needs(user)
        self._did("make_and_delete_access_key", user)

    def put_and_delete_policy(self, user: UserName) -> None:
        self._needs(user)
        self._did("put_and_delete_policy", user)

    def make_and_delete_mfa_device(self, user: UserName) -> None:
        self._did("make_and_delete_mfa_device", user)

    def remove(self, user: UserName) -> None:
        if self.users.get(user, PROBE_PATH) != PROBE_PATH:
            raise Rejected("not ours", call="iam:DeleteUser")
        self.users.pop(user, None)
        self.devices.discard(user)
        self._did("remove", user)

    def _needs(self, user: UserName) -> None:
        if user not in self.users:
            raise NotFound("no such user", call="iam:GetUser")

    def _did(self, what: str, user: UserName) -> None:
        self.done.append(f"{what} {user}")
        if what in self.fail:
            raise self.fail[what]


class HastyClock:
    """Waits without waiting; each wait may make something happen."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 6, tzinfo=UTC)
        self.slept: list[float] = []
        self.meanwhile: Callable[[int], None] = lambda _: None
        """Called with the number of the wait, from 1."""

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        self.meanwhile(len(self.slept))
