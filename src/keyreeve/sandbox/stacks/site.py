"""Where a resource of a stack stands: the services, called as whoever called CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from keyreeve.sandbox.stacks.kind import Props
from keyreeve.sandbox.stacks.refusals import Failed, Gone
from keyreeve.sandbox.stacks.shaping import shaped
from keyreeve.sandbox.stacks.stack import Stack

_SUFFIX: Final = 12
_PATIENCE: Final = 930
"""Seconds: a function may run for 15 minutes."""
_MAKING: Final = Lock()
"""A session makes one client at a time; stacks have threads of their own."""
_RESPONSES: Final = "/_sandbox/cfn-response?token="


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who called CloudFormation, and where."""

    access_key: str
    token: str | None
    account: str
    region: str
    partition: str
    endpoint: str
    """The sandbox's own URL."""


@dataclass(slots=True, kw_only=True)
class LiveSite:
    """`kind.Site` for one step of a running operation."""

    caller: Caller
    stack: Stack
    logical_id: str
    type: str
    alive: Callable[[], bool]
    answers: dict[str, Props]
    """Token → what functions have put at their ResponseURL."""
    data: Props = field(default_factory=dict)

    @property
    def account(self) -> str:
        """The account's id."""
        return self.caller.account

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.caller.region

    @property
    def partition(self) -> str:
        """The region's partition."""
        return self.caller.partition

    def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """One call over HTTP. Failed with AWS's words; Gone when the world was reset."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError

        if not self.alive():
            raise Gone
        caller = self.caller
        client = _client(caller.endpoint, service, caller.region, caller.access_key, caller.token)
        shape = client.meta.service_model.operation_model(operation).input_shape
        given = shaped(params, shape) if shape is not None else {}
        try:
            told = getattr(client, xform_name(operation))(**given)
        except ClientError as error:
            raise _failed(service, error) from None
        except BotoCoreError as error:
            raise Failed(str(error)) from None
        return {key: value for key, value in told.items() if key != "ResponseMetadata"}

    def name(self, longest: int = 255, *, lower: bool = False) -> str:
        """Stack, logical id and random characters, as CloudFormation names things."""
        ending = f"-{self.logical_id}-{_random(_SUFFIX)}"
        named = self.stack.name[: longest - len(ending)] + ending
        named = named[-longest:]
        return named.lower() if lower else named

    def invoke(self, function_arn: str, event: Props) -> str:
        """Ask a custom resource's function, which answers at a URL of the sandbox."""
        token = _random(32)
        request = {
            "ResponseURL": self.caller.endpoint + _RESPONSES + token,
            "StackId": self.stack.id,
            "RequestId": _random(32),
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.type,
            **event,
        }
        told = self.call("lambda", "Invoke", FunctionName=function_arn, Payload=json.dumps(request))
        said = told["Payload"].read().decode("utf-8", "replace")
        if "FunctionError" in told:
            raise Failed(f"The function of the custom resource failed: {said}")
        answer = self.answers.pop(token, None)
        if answer is None:
            raise Failed("CustomResource attempted no response: the function sent none.")
        if answer.get("Status") != "SUCCESS":
            why = answer.get("Reason") or "the function told no reason"
            raise Failed(f"Received response status [FAILED] from custom resource. {why}")
        self.data = dict(answer.get("Data") or {})
        return str(answer["PhysicalResourceId"])


def _failed(service: str, error: Any) -> Failed:
    """As CloudFormation passes a service's refusal on."""
    code = error.response["Error"].get("Code", "Unknown")
    said = error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    message = f"{said} (Service: {service}, Status Code: {status}, Error Code: {code})"
    return Failed(f'Resource handler returned message: "{message}"', code)


def _random(length: int) -> str:
    """Repeatable: moto's source of randomness, which a reset seeds."""
    from moto.moto_api._internal import mock_random

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return "".join(mock_random.choice(letters) for _ in range(length))


@cache
def _session() -> Any:
    import boto3

    return boto3.session.Session("AKIA0", "none", region_name="us-east-1")


@cache
def _client(url: str, service: str, region: str, key: str, token: str | None) -> Any:
    """A client with the caller's key; the emulator looks at no signature."""
    from botocore.config import Config

    config = Config(
        read_timeout=_PATIENCE,
        retries={"total_max_attempts": 1},
        proxies={},
        s3={"addressing_style": "path"},
    )
    with _MAKING:
        return _session().client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=key,
            aws_secret_access_key="not-known",  # noqa: S106 - nobody checks signatures here
            aws_session_token=token,
            config=config,
        )
