"""Functions that nobody waits for.

AWS: "Invoking a Lambda function asynchronously": a function that fails is tried twice more, or as
often as its event invoke config says; then the event goes to the destination on failure and to the
dead-letter queue, which the function's role must be allowed to use.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.sandbox import lambda_runtime
from keyreeve.sandbox.chain import queues
from keyreeve.sandbox.chain.permissions import Facts, role_may, service_may
from keyreeve.sandbox.lambda_runtime import Invocation
from keyreeve.sandbox.world import World

_RETRIES = 2
_LAMBDA = "lambda.amazonaws.com"


def hand_over(
    world: World, function_arn: str, payload: str, service: str, facts: Facts
) -> str | None:
    """Let a service of AWS invoke the function later; why it may not."""
    try:
        function = lambda_runtime.find(function_arn)
    except LookupError as error:
        return str(error)
    policy = {"Version": "2012-10-17", "Statement": function.policy.statements}
    if not service_may(policy, service, "lambda:InvokeFunction", function_arn, facts):
        return (
            f"{service} is not authorized to perform: lambda:InvokeFunction "
            f"on resource: {function_arn}"
        )
    later(world, function_arn, payload.encode())
    return None


def later(world: World, function_arn: str, payload: bytes) -> None:
    """Invoke it on the worker, as often as it takes."""
    world.afterwork.submit(lambda: _invoke(world, function_arn, payload))


def _invoke(world: World, function_arn: str, payload: bytes) -> None:
    config = _event_invoke_config(lambda_runtime.find(function_arn))
    told = None
    for _ in range(1 + int(config.get("MaximumRetryAttempts", _RETRIES))):
        told = lambda_runtime.invoke(world, function_arn, payload)
        if told.error is None:
            return
    if told is not None:
        _bury(lambda_runtime.find(function_arn), config, payload, told)


def _event_invoke_config(function: Any) -> dict[str, Any]:
    found = [it.config for it in function.event_invoke_config]
    return dict(found[-1]) if found else {}


def _bury(function: Any, config: dict[str, Any], payload: bytes, told: Invocation) -> None:
    dead = (getattr(function, "dead_letter_config", None) or {}).get("TargetArn")
    if dead:
        error = json.loads(told.payload or b"{}")
        attributes = {
            "RequestID": "sandbox",
            "ErrorCode": "200",
            "ErrorMessage": str(error.get("errorMessage", ""))[:1024],
        }
        _send(function, dead, payload.decode(), attributes)
    on_failure = (config.get("DestinationConfig") or {}).get("OnFailure") or {}
    if on_failure.get("Destination"):
        record = {
            "version": "1.0",
            "requestContext": {
                "functionArn": f"{function.function_arn}:$LATEST",
                "condition": "RetriesExhausted",
            },
            "requestPayload": json.loads(payload),
            "responseContext": {"statusCode": 200, "functionError": told.error},
            "responsePayload": json.loads(told.payload or b"null"),
        }
        _send(function, on_failure["Destination"], json.dumps(record), {})


def _send(function: Any, arn: str, text: str, attributes: dict[str, str]) -> None:
    from keyreeve.sandbox.chain import topics

    kind = arn.split(":")[2]
    action = "sqs:SendMessage" if kind == "sqs" else "sns:Publish"
    if not role_may(function.role, _LAMBDA, action, arn):
        return
    if kind == "sqs" and queues.find_queue(arn) is not None:
        queues.send(arn, text, attributes)
    elif kind == "sns" and (topic := topics.find_topic(arn)) is not None:
        topic.publish(text)
