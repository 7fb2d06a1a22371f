"""The alarms of a fleet's day, heard: stack deployed, machine run, by the sandbox's clock."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests import fleets
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.sandbox_stacks import until
from tests.scenario.fleet_story import (
    CONFIG,
    PATIENCE,
    World,
    begun,
    by_machine,
    deploy,
    until_ended,
    world,
)

from keyreeve.config import load
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

NAME = "keyreeve-etv-fleet"


@pytest.fixture
def clean(sandbox: Sandbox, tmp_path: Path) -> World:
    """One account, and none that lets nobody in: its day ends well."""
    made = world(sandbox, tmp_path, accounts=1, users=2)
    made.config.path.write_text(CONFIG + fleets.listed([*made.ids]), encoding="utf-8")
    return replace(made, config=load(made.config.path))


def past(at: World, minute: int) -> datetime:
    """The alarms are looked at, too."""
    now = MONDAY + timedelta(minutes=minute)
    at.sandbox.set_clock(now)
    return now


def alarms(at: World) -> set[str]:
    """Those that are in alarm, without what all names begin with."""
    told = aws(at.sandbox.url, "cloudwatch").describe_alarms(AlarmNamePrefix=NAME)
    standing = {
        row["AlarmName"].removeprefix(f"{NAME}-"): row["StateValue"] for row in told["MetricAlarms"]
    }
    assert set(standing) == {"aborted", "failed", "missing", "timed-out"}
    return {name for name, state in standing.items() if state == "ALARM"}


def logged(at: World) -> list[str]:
    """What each call of a function said of itself, in the order of the log group."""
    logs, group = aws(at.sandbox.url, "logs"), f"/aws/lambda/{NAME}"
    events = logs.filter_log_events(logGroupName=group)["events"]
    lines = [event["message"] for event in events if event["message"].startswith("{")]
    return [json.loads(line)["keyreeve"] for line in lines]


def test_a_day_rehearsed_then_lived_then_failed_then_stopped_then_missed(clean: World):
    machine = deploy(clean)
    # Nothing has run yet: that is told from the first hour.
    past(clean, 0)
    assert alarms(clean) == {"missing"}

    rehearsed = by_machine(clean, machine, past(clean, 1), execute=False)
    assert rehearsed["status"] == "SUCCEEDED"
    past(clean, 2)
    assert alarms(clean) == {"missing"}  # a rehearsal is no day
    assert logged(clean) == ["fleet.accounts", "fleet.account", "fleet.rehearsed"]

    assert by_machine(clean, machine, past(clean, 3))["status"] == "SUCCEEDED"
    past(clean, 4)
    assert alarms(clean) == set()
    assert logged(clean)[3:] == ["fleet.accounts", "fleet.account", "fleet.ended"]

    clean.sandbox.plant_fault("GetObject", code="AccessDenied", status=403, count=None)
    assert by_machine(clean, machine, past(clean, 10))["status"] == "FAILED"
    clean.sandbox.clear_faults()
    past(clean, 11)
    assert alarms(clean) == {"failed"}

    assert stopped(clean, machine, past(clean, 20)) == "ABORTED"
    past(clean, 21)
    assert alarms(clean) == {"aborted"}

    past(clean, 29 * 60)
    assert alarms(clean) == set()
    past(clean, 31 * 60)
    assert alarms(clean) == {"missing"}
    assert "fleet.ended" not in logged(clean)[6:]


def stopped(at: World, machine: str, now: datetime) -> str:
    """The status of an execution that somebody stops on its way."""
    api = aws(at.sandbox.url, "stepfunctions")
    execution = begun(at, machine, now)

    def kinds() -> set[Any]:
        events = api.get_execution_history(executionArn=execution)["events"]
        return {event["type"] for event in events}

    until(kinds, lambda found: "TaskStateEntered" in found, PATIENCE)
    api.stop_execution(executionArn=execution)
    return str(until_ended(at, execution)["status"])
