"""Lambda functions really run: their zip, under AWS's own runtime client, with their role's rights.

AWS: a function's process sees the credentials of a session of its execution role, its environment,
a folder of its own; it stays warm between invocations.  moto runs containers, or echoes.
The functions call back over HTTP, so nobody holds the sandbox's turn while they run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from keyreeve.sandbox.afterwork import Abandoned
from keyreeve.sandbox.chain import function_log
from keyreeve.sandbox.chain.permissions import assumable, find_role
from keyreeve.sandbox.issuing import for_service
from keyreeve.sandbox.process import environment_for
from keyreeve.sandbox.running_function import FunctionData, Invocation, RunningFunction
from keyreeve.sandbox.sessions import Session
from keyreeve.sandbox.world import World

__all__ = ["Invocation", "find", "invoke"]

_USED = timedelta(minutes=50)
"""Of its session; then a function starts anew."""


def invoke(world: World, function_arn: str, payload: bytes) -> Invocation:
    """Run the function on this JSON; `error` tells that it failed.

    LookupError: there is no such function, or no role that Lambda can assume. May be called with or
    without the sandbox's turn; steps aside while the function runs. Abandoned: the world was reset
    meanwhile.
    """
    function = find(function_arn)
    key = (function.function_arn, f"{function.code_sha_256} {function.last_modified}")
    idle = world.functions.setdefault(key, [])
    running = _warm(world, idle) or RunningFunction(_data(world, function))
    epoch = world.afterwork.epoch
    world.busy_functions.append(running)
    try:
        with world.turn.aside():
            told = running.ask(payload)
    finally:
        if running in world.busy_functions:
            world.busy_functions.remove(running)
    if epoch != world.afterwork.epoch:
        running.stop()
        raise Abandoned
    if running.alive:
        idle.append(running)
    else:
        running.stop()
    function_log.keep(world, function, told)
    return told


def _warm(world: World, idle: list[RunningFunction]) -> RunningFunction | None:
    """One that waits and whose session lasts; the others are ended."""
    while idle:
        running = idle.pop()
        if running.alive and running.good_until > world.clock.now():
            return running
        running.stop()
    return None


def find(function_arn: str) -> Any:
    """Moto's function of this ARN, which may end in a version or an alias. LookupError."""
    from moto.awslambda.utils import get_backend
    from moto.core.exceptions import ServiceException

    parts = function_arn.split(":")
    if len(parts) < 7:  # noqa: PLR2004 - arn:aws:lambda:region:account:function:name
        raise LookupError(f"{function_arn} is no function's ARN")
    qualifier = parts[7] if len(parts) > 7 else None  # noqa: PLR2004
    try:
        return get_backend(parts[4], parts[3]).get_function(parts[6], qualifier)
    except ServiceException as error:
        raise LookupError(f"Function not found: {function_arn}") from error


def _data(world: World, function: Any) -> FunctionData:
    return FunctionData(
        arn=function.function_arn,
        handler=function.handler,
        code=function.code_bytes,
        environment=_environment(world, function),
        seconds=int(function.timeout),
        good_until=world.clock.now() + _USED,
    )


def _environment(world: World, function: Any) -> Mapping[str, str]:
    """AWS: "Using Lambda environment variables": the reserved ones cannot be overridden."""
    session = _session(world, function)
    name = function.function_name
    return {
        **{key: str(value) for key, value in (function.environment_vars or {}).items()},
        **environment_for(world.endpoint),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": session.access_key,
        "AWS_SECRET_ACCESS_KEY": session.secret,
        "AWS_SESSION_TOKEN": session.token,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "sandbox",
    }


def _session(world: World, function: Any) -> Session:
    """A session of the execution role, named after the function as Lambda does."""
    role = find_role(function.role)
    if role is None or not assumable(role, "lambda.amazonaws.com"):
        raise LookupError(f"The role defined for the function cannot be assumed: {function.role}")
    return for_service(world, function.role, function.function_name)
