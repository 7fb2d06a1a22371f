"""Lambda `keyreeve.handlers.password_policy.handle`: the account password policy in a stack.

CloudFormation has no type for it, and asks this function. Create and Update write the policy,
stricter where access.yaml asks for it and nowhere weaker; Delete leaves it: an account without its
stacks is not to be an account with weak passwords. CloudFormation waits for an answer at
`ResponseURL`, whatever happens.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

from keyreeve.aws.iam_actuator import PasswordPolicyActuator
from keyreeve.aws.sessions import Sessions
from keyreeve.governance.password_policy import merged, wanted_of

PHYSICAL_ID = "account-password-policy"
"""An account has one: a change never makes CloudFormation delete it as an old one."""
_SECONDS = 10
_LOG = logging.getLogger("keyreeve.password_policy")


def handle(event: Mapping[str, Any], context: object = None) -> None:  # noqa: ARG001 - Lambda's signature
    """Do what is asked for, and tell CloudFormation."""
    try:
        data = _done(event)
        _answer(event, "SUCCESS", "", data)
    except Exception as error:  # noqa: BLE001 - without an answer CloudFormation waits an hour
        _LOG.exception("the password policy was not set")
        _answer(event, "FAILED", f"{type(error).__name__}: {error}", {})


def _done(event: Mapping[str, Any]) -> dict[str, Any]:
    if event["RequestType"] == "Delete":
        return {}
    policy = PasswordPolicyActuator(Sessions(rehearsal=False))
    settings = merged(policy.current(), wanted_of(event["ResourceProperties"]))
    policy.replace(settings)
    _LOG.info("password policy: %s", json.dumps(settings))
    return settings


def _answer(event: Mapping[str, Any], status: str, reason: str, data: Mapping[str, Any]) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": PHYSICAL_ID,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": dict(data),
    }
    # CloudFormation's own address, signed for this one answer.
    request = Request(  # noqa: S310
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    urlopen(request, timeout=_SECONDS).close()  # noqa: S310
