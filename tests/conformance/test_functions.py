"""Lambda functions really run in the sandbox: their zip, their role, their time."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

CODE = """
import json, os, time
import boto3

started = time.time()


def handle(event, context):
    print(json.dumps({"asked": event["do"]}))
    if event["do"] == "fail":
        raise ValueError("as asked")
    if event["do"] == "sleep":
        time.sleep(60)
    if event["do"] == "create":
        boto3.client("iam").create_user(UserName=event["user"])
    who = boto3.client("sts").get_caller_identity()["Arn"]
    return {"who": who, "pid": os.getpid(), "started": started, "colour": os.environ["COLOUR"],
            "name": context.function_name, "folder": os.environ["LAMBDA_TASK_ROOT"]}
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return out.getvalue()


def function(sandbox: Sandbox, code: str = CODE, seconds: int = 20, **options: Any) -> Any:
    iam = aws(sandbox.url, "iam")
    role = iam.create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    client = aws(sandbox.url, "lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=role,
        Handler="index.handle",
        Code={"ZipFile": zipped(index=code)},
        Timeout=seconds,
        Environment={"Variables": {"COLOUR": "blue"}},
        **options,
    )
    return client


def invoke(client: Any, kind: str = "RequestResponse", **event: Any) -> tuple[Any, str | None]:
    told = client.invoke(FunctionName="f", InvocationType=kind, Payload=json.dumps(event))
    content = told["Payload"].read()
    return (json.loads(content) if content else None), told.get("FunctionError")


def ended(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def small(sandbox: Sandbox) -> None:
    sandbox.reset("small", MONDAY)


def test_a_zip_runs_as_its_role_with_its_environment_and_stays_warm(sandbox: Sandbox) -> None:
    client = function(sandbox)
    first, failed = invoke(client, do="create", user="made.by.f")
    again, _ = invoke(client, do="tell")
    assert failed is None
    assert first["who"] == f"arn:aws:sts::{HOME_ACCOUNT}:assumed-role/f/f"
    assert (first["colour"], first["name"]) == ("blue", "f")
    assert "made.by.f" in sandbox.account()["users"]
    assert again["pid"] == first["pid"]


def test_a_function_that_raises_says_so_as_aws_does(sandbox: Sandbox) -> None:
    told, failed = invoke(function(sandbox), do="fail")
    assert failed == "Unhandled"
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "as asked")


def test_a_function_that_cannot_be_imported_says_why(sandbox: Sandbox) -> None:
    told, failed = invoke(function(sandbox, "import nothing_of_that_name"), do="tell")
    assert failed == "Unhandled"
    assert told["errorType"] == "Runtime.ImportModuleError"


@pytest.mark.parametrize("module", ["pydantic", "keyreeve", "moto"])
def test_a_function_has_the_sdk_and_nothing_else_of_this_installation(
    sandbox: Sandbox, module: str
) -> None:
    told, _ = invoke(function(sandbox, f"import {module}\n{CODE}"), do="tell")
    assert told["errorType"] == "Runtime.ImportModuleError"
    assert module in told["errorMessage"]


def test_rights_of_a_managed_policy_are_rights_of_the_role(sandbox: Sandbox) -> None:
    client, iam = function(sandbox), aws(sandbox.url, "iam")
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = iam.create_policy(PolicyName="writes", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="f", PolicyArn=made)
    invoke(client, do="tell")
    groups = aws(sandbox.url, "logs").describe_log_groups()["logGroups"]
    assert [row["logGroupName"] for row in groups] == ["/aws/lambda/f"]


def test_a_function_is_ended_at_its_timeout_and_starts_anew(sandbox: Sandbox) -> None:
    client = function(sandbox, seconds=3)
    told, failed = invoke(client, do="sleep")
    assert (failed, told["errorMessage"]) == ("Unhandled", "Task timed out after 3.00 seconds")
    assert invoke(client, do="tell")[1] is None


def test_others_are_served_while_a_function_runs(sandbox: Sandbox) -> None:
    client = function(sandbox, seconds=2)
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(invoke, client, do="sleep")
        answered = 0
        while not sleeping.done():
            aws(sandbox.url, "iam").list_groups()
            answered += 1
        assert sleeping.result()[1] == "Unhandled"
    assert answered > 5


def test_an_event_is_taken_at_once_and_done_when_the_sandbox_has_settled(sandbox: Sandbox) -> None:
    invoke(function(sandbox), "Event", do="create", user="later")
    sandbox.settle()
    assert "later" in sandbox.account()["users"]


def test_new_code_runs_in_a_new_process(sandbox: Sandbox) -> None:
    client = function(sandbox)
    first, _ = invoke(client, do="tell")
    client.update_function_code(FunctionName="f", ZipFile=zipped(index=CODE + "\n"))
    second, _ = invoke(client, do="tell")
    assert first["pid"] != second["pid"]


def test_a_function_starts_anew_before_its_session_is_over(sandbox: Sandbox) -> None:
    client = function(sandbox)
    first, _ = invoke(client, do="tell")
    sandbox.set_clock(MONDAY + timedelta(minutes=49))
    second, _ = invoke(client, do="tell")
    sandbox.set_clock(MONDAY + timedelta(minutes=50))
    third, _ = invoke(client, do="tell")
    assert first["pid"] == second["pid"] != third["pid"]
    assert ended(first["pid"])


def test_a_reset_ends_the_functions_and_takes_their_folders_away(sandbox: Sandbox) -> None:
    told, _ = invoke(function(sandbox), do="tell")
    sandbox.reset("small", MONDAY)
    assert ended(told["pid"])
    assert not Path(told["folder"]).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_function_outlives_the_sandbox(number: int) -> None:
    with Sandbox(account="small", at=MONDAY) as own:
        told, _ = invoke(function(own), do="tell")
        os.kill(own.pid, number)
    assert ended(told["pid"])
    assert not Path(told["folder"]).exists()
