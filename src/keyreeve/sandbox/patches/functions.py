"""Lambda's Invoke runs the function.

AWS: RequestResponse answers what the function returned, or its error with X-Amz-Function-Error;
Event answers 202 at once, and a function that fails is tried twice more, then handed to its
dead-letter queue.  moto needs Docker for that, or echoes the payload.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox import lambda_runtime
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Let moto's backend without Docker run functions for real."""
    from moto.awslambda_simple.models import LambdaSimpleBackend
    from moto.core.config import default_user_config

    default_user_config["lambda"] = {"use_docker": False}

    def invoke(
        self: Any,
        function_name: str,
        qualifier: str | None,
        body: Any,
        headers: Any,
        response_headers: dict[str, str],
    ) -> bytes:
        arn = self.get_function(function_name, qualifier).function_arn
        payload = body.encode() if isinstance(body, str) else body or b"{}"
        kind = headers.get("X-Amz-Invocation-Type")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            world.afterwork.submit(lambda: _later(world, arn, payload))
            return b""
        told = lambda_runtime.invoke(world, arn, payload)
        if told.error is not None:
            response_headers["x-amz-function-error"] = told.error
        return told.payload

    replace(LambdaSimpleBackend, invoke=invoke)


def _later(world: World, arn: str, payload: bytes) -> None:
    lambda_runtime.invoke(world, arn, payload)
