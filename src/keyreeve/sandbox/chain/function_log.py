"""What a function wrote to its output, in its log group; and its metrics.

AWS: the group is that of the function's logging configuration; the execution role must allow
logs:CreateLogStream and logs:PutLogEvents, and logs:CreateLogGroup where the group is not there;
else nothing is kept.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.chain import metrics
from keyreeve.sandbox.chain.permissions import role_may
from keyreeve.sandbox.running_function import Invocation
from keyreeve.sandbox.world import World

_SERVICE = "lambda.amazonaws.com"


def keep(world: World, function: Any, told: Invocation) -> None:
    """After an invocation."""
    metrics.put(
        world,
        function.account_id,
        function.region,
        "AWS/Lambda",
        {"Invocations": 1.0, "Errors": float(told.error is not None)},
        {"FunctionName": function.function_name},
    )
    lines = [line for line in told.log.splitlines() if line.strip()]
    group = function.logging_config.get("LogGroup") or f"/aws/lambda/{function.function_name}"
    if lines and _ready(function, group):
        stream = f"{world.clock.now():%Y/%m/%d}/[$LATEST]sandbox"
        put_lines(world, function.account_id, function.region, group, stream, lines)


def _ready(function: Any, group: str) -> bool:
    from moto.logs.models import logs_backends

    backend: Any = logs_backends[function.account_id][function.region]
    arn = f"arn:aws:logs:{function.region}:{function.account_id}:log-group:{group}"
    if group not in backend.groups:
        if not role_may(function.role, _SERVICE, "logs:CreateLogGroup", f"{arn}:*"):
            return False
        backend.create_log_group(group, {})
    needed = ("logs:CreateLogStream", "logs:PutLogEvents")
    stream = f"{arn}:log-stream:sandbox"
    return all(role_may(function.role, _SERVICE, action, stream) for action in needed)


def put_lines(
    world: World, account_id: str, region: str, group: str, stream: str, lines: list[str]
) -> None:
    """Log events of now; the stream is made if it is not there."""
    from moto.logs.models import logs_backends

    backend: Any = logs_backends[account_id][region]
    if stream not in backend.groups[group].streams:
        backend.create_log_stream(group, stream)
    at = int(world.clock.now().timestamp() * 1000)
    backend.put_log_events(group, stream, [{"timestamp": at, "message": line} for line in lines])
