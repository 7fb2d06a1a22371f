"""Logs, CloudWatch, CloudTrail, EventBridge, Config and GuardDuty tell the sandbox's time.

AWS: log events, metrics and alarms are of the time of the call. moto takes wall time, and refuses
log events of another; here they take the settable clock, which alarms are evaluated by.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime

from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def apply(world: World) -> None:
    """Let these services of moto ask our clock."""

    def seconds(at: datetime | None = None) -> float:
        return ((at.replace(tzinfo=UTC) if at else world.clock.now()) - _EPOCH).total_seconds()

    for name in ("moto.logs.models", "moto.cloudwatch.models", "moto.cloudtrail.models"):
        replace(importlib.import_module(name), utcnow=world.naive_now)
    replace(importlib.import_module("moto.events.models"), unix_time=seconds)
