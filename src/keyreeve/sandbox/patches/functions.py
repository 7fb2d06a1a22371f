"""Lambda's Invoke runs the function.

AWS: RequestResponse answers what the function returned, or its error with X-Amz-Function-Error;
Event answers 202 at once, and a function that fails is tried twice more, then its event goes to its
dead-letter queue.  moto needs Docker for that, or echoes the payload, and drops DeadLetterConfig.
"""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox import lambda_runtime
from keyreeve.sandbox.chain import functions
from keyreeve.sandbox.patches.replacing import replace
from keyreeve.sandbox.world import World


def apply(world: World) -> None:
    """Let moto's backend without Docker run functions for real."""
    from moto.awslambda.exceptions import LambdaClientError
    from moto.awslambda.models import LambdaFunction
    from moto.awslambda_simple.models import LambdaSimpleBackend
    from moto.core.config import default_user_config

    class AccessDenied(LambdaClientError):
        def __init__(self, message: str) -> None:
            super().__init__("AccessDeniedException", message)

    default_user_config["lambda"] = {"use_docker": False}
    stock_init, stock_configuration = LambdaFunction.__init__, LambdaFunction.get_configuration
    stock_update = LambdaFunction.update_configuration

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
        if kind == "Event":
            functions.later(world, arn, payload)
        if kind in ("Event", "DryRun"):
            return b""
        try:
            told = lambda_runtime.invoke(world, arn, payload)
        except LookupError as error:
            raise AccessDenied(str(error)) from error
        if told.error is not None:
            response_headers["x-amz-function-error"] = told.error
        return told.payload

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        stock_init(self, account_id, spec, *args, **kwargs)
        self.dead_letter_config = spec.get("DeadLetterConfig")

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - moto's own
        told: dict[str, Any] = stock_configuration(self, on_create)
        return told | {"DeadLetterConfig": self.dead_letter_config or None}

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        self.dead_letter_config = config_updates.get("DeadLetterConfig", self.dead_letter_config)
        told: dict[str, Any] = stock_update(self, config_updates)
        return told

    replace(LambdaSimpleBackend, invoke=invoke)
    replace(
        LambdaFunction,
        __init__=init,
        get_configuration=get_configuration,
        update_configuration=update_configuration,
    )
