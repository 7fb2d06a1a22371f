"""Custom resources: a real function, run by the sandbox, answers CloudFormation over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.sandbox_fixture import MONDAY, sandbox
from tests.sandbox_stacks import Stacks, package, resources

from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]


FUNCTION = """
import json, os, urllib.request
import boto3

def handler(event, context):
    asked = event["ResourceProperties"]
    boto3.client("iam").create_user(UserName=f"{event['RequestType']}-{asked['Word']}")
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer["Status"] = "FAILED" if asked["Word"] == "refused" else "SUCCESS"
    answer["Reason"] = "the function says no"
    answer["PhysicalResourceId"] = asked.get("Id", "one")
    before = event.get("OldResourceProperties", {}).get("Word", "")
    answer["Data"] = {"Word": asked["Word"], "Before": before, "Number": asked["Number"]}
    if asked["Word"] == "broken":
        raise ValueError("broken")
    if asked["Word"] == "silent":
        return
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(request, timeout=10).close()
"""


@pytest.fixture
def stacks(sandbox: Sandbox) -> Stacks:
    sandbox.reset("empty", MONDAY)
    stacks = Stacks(sandbox)
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="f.zip", Body=package(FUNCTION))
    return stacks


def template(word: str, **more: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    return {
        **resources(
            Role={"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}},
            Function={
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"S3Bucket": "code", "S3Key": "f.zip"},
                    "Timeout": 30,
                },
            },
            It={
                "Type": "Custom::Thing",
                "Properties": {"ServiceToken": token, "Word": word, "Number": 14, **more},
            },
        ),
        "Outputs": {
            "Word": {"Value": {"Fn::GetAtt": ["It", "Word"]}},
            "Before": {"Value": {"Fn::GetAtt": "It.Before"}},
            "Number": {"Value": {"Fn::GetAtt": "It.Number"}},
        },
    }


def asked(stacks: Stacks) -> list[str]:
    """What the function was asked for, as it wrote it down by calling back."""
    return sorted(
        it["UserName"] for it in stacks.client("iam").list_users()["Users"] if "-" in it["UserName"]
    )


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]}


def test_a_function_makes_changes_and_removes_a_resource(stacks: Stacks) -> None:
    made = stacks.create("s", template("first"))
    assert made["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    assert outputs(made) == {"Word": "first", "Before": "", "Number": "14"}
    assert stacks.physical("s") == "one"
    changed = stacks.update("s", template("second"))
    assert outputs(changed) == {"Word": "second", "Before": "first", "Number": "14"}
    stacks.delete("s")
    assert asked(stacks) == ["Create-first", "Delete-second", "Update-second"]


def test_another_physical_id_means_that_the_old_resource_is_deleted(stacks: Stacks) -> None:
    stacks.create("s", template("first"))
    stacks.update("s", template("second", Id="two"))
    assert stacks.physical("s") == "two"
    assert asked(stacks) == ["Create-first", "Delete-first", "Update-second"]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("refused", "the function says no"),
        ("broken", "ValueError"),
        ("silent", "sent none"),
    ],
)
def test_a_function_that_fails_fails_the_stack(stacks: Stacks, word: str, why: str) -> None:
    assert stacks.create("s", template(word))["StackStatus"] != "CREATE_COMPLETE"
    assert why in json.dumps(stacks.reasons("s"))
