"""What the tests of stacks share: small resources, and how an account looks beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.sandbox_fixture import MONDAY
from tests.sandbox_stacks import Stacks

from keyreeve.sandbox.process import Sandbox

ACCOUNT = "123456789012"


@pytest.fixture
def stacks(sandbox: Sandbox) -> Stacks:
    sandbox.reset("empty", MONDAY)
    return Stacks(sandbox)


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def group(name: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"GroupName": name} if name else {}
    return {"Type": "AWS::IAM::Group", "Properties": {**named, **more}}


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name, **more}}


def groups(stacks: Stacks) -> set[str]:
    return {it["GroupName"] for it in stacks.client("iam").list_groups()["Groups"]}


def queues(stacks: Stacks) -> set[str]:
    urls = stacks.client("sqs").list_queues().get("QueueUrls", ())
    return {url.rpartition("/")[2] for url in urls}


def topics(stacks: Stacks) -> set[str]:
    return {
        it["TopicArn"].rpartition(":")[2] for it in stacks.client("sns").list_topics()["Topics"]
    }


def parameters(**given: str) -> dict[str, Any]:
    rows = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    return {"Parameters": rows}
