"""What a row of conformance is, and what its probes share.

A row is one probe with what stock moto answers, what the sandbox answers, and what AWS answers
where that is another.  Each module of rows groups them:

DIFFERENCES       stock moto is unlike AWS, and the sandbox is as AWS
AS_AWS            stock moto is as AWS already: what the house relies on
LEFT_UNLIKE_AWS   no test on the sandbox can prove it
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

PASSWORD = "Long-Enough-Password-1!"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
UNIMPLEMENTED = ("NotImplementedError", "ResponseParserError")
Clients = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    probe: Callable[[Clients], Any]
    stock: Any
    ours: Any
    aws: Any = None
    """What AWS answers, where the sandbox does not; a `Skip` where a live account cannot tell."""

    @property
    def real(self) -> Any:
        return self.ours if self.aws is None else self.aws


@dataclass(frozen=True)
class Skip:
    why: str


COSTS = Skip("what it makes is not taken away by the live account's cleaning")


def outcome(call: Callable[[], Any], found: Callable[[Any], Any] = lambda _: "accepted") -> Any:
    """What the call answers, or the name of its error."""
    try:
        return found(call())
    except ClientError as error:
        return error.response["Error"]["Code"]
    except (BotoCoreError, ResponseParserError, NotImplementedError) as error:
        return type(error).__name__


def user(clients: Clients, name: str = "someone") -> Any:
    iam = clients("iam")
    iam.create_user(UserName=name)
    return iam
