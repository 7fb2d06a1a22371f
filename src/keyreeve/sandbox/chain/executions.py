"""Metrics of state machines, which alarms look at.

AWS: Step Functions Developer Guide, "Monitoring Step Functions metrics": namespace AWS/States, one
count for each execution that is started, and one for how it ends, by StateMachineArn.
"""

from __future__ import annotations

from typing import Any, Final

from keyreeve.sandbox.chain import metrics
from keyreeve.sandbox.world import World

_ENDS: Final = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}


def begun(world: World, execution: Any) -> None:
    """One more was started."""
    _count(world, execution, "ExecutionsStarted")


def ended(world: World, execution: Any) -> None:
    """One has come to the status that it keeps."""
    _count(world, execution, _ENDS[execution.status])


def _count(world: World, execution: Any, metric: str) -> None:
    """One whose machine is gone, as after a reset of the world, counts no more."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    region = execution.region_name
    backend: Any = stepfunctions_parser_backends[execution.account_id][region]
    if not any(execution in machine.executions for machine in backend.state_machines):
        return
    metrics.put(
        world,
        execution.account_id,
        region,
        "AWS/States",
        {metric: 1.0},
        {"StateMachineArn": execution.state_machine_arn},
    )
