"""Step Functions: what stock moto makes of a distributed map, and what the sandbox does.

Stock moto tolerates every failed child, its ResultWriter writes a manifest of no files, and
CloudWatch hears of no execution.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conformance.stack_surroundings import policy, trust
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.sandbox_stacks import package, until

from keyreeve.sandbox.account import HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

ROLE = f"arn:aws:iam::{HOME_ACCOUNT}:role/machine"
FUNCTION = f"arn:aws:lambda:us-east-1:{HOME_ACCOUNT}:function:picky"
PICKY = """
class Unwanted(Exception):
    pass


def handler(event, context):
    if event["item"] % 2:
        raise Unwanted("odd")
    return {"half": event["item"] // 2, "for": event["who"]}
"""
BUCKET = "machines"
ITEMS = list(range(8))
PATIENCE = 300.0


def definition(percentage: float = 0) -> dict[str, Any]:
    """Half of the items fail."""
    return {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "MaxConcurrency": 2,
                "ToleratedFailurePercentage": percentage,
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket": BUCKET, "Key": "items.json"},
                },
                "ItemSelector": {"item.$": "$$.Map.Item.Value", "who.$": "$.who"},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "One",
                    "States": {
                        "One": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::lambda:invoke",
                            "Parameters": {"FunctionName": FUNCTION, "Payload.$": "$"},
                            "OutputPath": "$.Payload",
                            "End": True,
                        }
                    },
                },
                "ResultWriter": {
                    "Resource": "arn:aws:states:::s3:putObject",
                    "Parameters": {"Bucket": BUCKET, "Prefix": "results/"},
                },
                "ResultPath": "$.results",
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.why", "Next": "End"}],
                "Next": "End",
            },
            "End": {"Type": "Pass", "End": True},
        },
    }


@pytest.fixture(scope="module")
def machines(sandbox: Sandbox) -> Sandbox:
    """A bucket with items, a function that is picky, a role that may use both."""
    sandbox.reset("empty", MONDAY)
    iam, s3 = aws(sandbox.url, "iam"), aws(sandbox.url, "s3")
    for name, service in (("machine", "states"), ("function", "lambda")):
        document = json.dumps(trust(f"{service}.amazonaws.com"))
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    allowed = policy("lambda:InvokeFunction", "s3:GetObject", "s3:PutObject")
    iam.put_role_policy(RoleName="machine", PolicyName="p", PolicyDocument=json.dumps(allowed))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="items.json", Body=json.dumps(ITEMS).encode())
    aws(sandbox.url, "lambda").create_function(
        FunctionName="picky",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{HOME_ACCOUNT}:role/function",
        Code={"ZipFile": package(PICKY)},
    )
    sandbox.enforce()
    return sandbox


def execute(sandbox: Sandbox, name: str, told: dict[str, Any]) -> dict[str, Any]:
    api = aws(sandbox.url, "stepfunctions")
    arn = api.create_state_machine(name=name, definition=json.dumps(told), roleArn=ROLE)
    begun = api.start_execution(
        stateMachineArn=arn["stateMachineArn"], input=json.dumps({"who": "ann"})
    )
    ended = until(
        lambda: api.describe_execution(executionArn=begun["executionArn"]),
        lambda it: it["status"] != "RUNNING",
        PATIENCE,
    )
    assert ended["status"] == "SUCCEEDED", ended
    return dict(json.loads(ended["output"]))


def exported(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    """Of the last map run."""
    s3 = aws(sandbox.url, "s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="results/")["Contents"]
    manifests = [row for row in listed if row["Key"].endswith("manifest.json")]
    last = max(manifests, key=lambda row: row["LastModified"])["Key"]
    files = json.loads(s3.get_object(Bucket=BUCKET, Key=last)["Body"].read())["ResultFiles"]
    return {
        status: [
            child
            for row in rows
            for child in json.loads(s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read())
        ]
        for status, rows in files.items()
    }


def test_results_and_failures_of_a_distributed_map_are_exported_by_status(machines: Sandbox):
    told = execute(machines, "tolerant", definition(percentage=50))
    assert told["results"]["ResultWriterDetails"]["Bucket"] == BUCKET
    assert "why" not in told
    found = exported(machines)
    outputs = [json.loads(child["Output"]) for child in found["SUCCEEDED"]]
    assert sorted(each["half"] for each in outputs) == [0, 1, 2, 3]
    assert {each["for"] for each in outputs} == {"ann"}
    inputs = sorted(json.loads(child["Input"])["item"] for child in found["FAILED"])
    assert inputs == [1, 3, 5, 7]
    assert {child["Error"] for child in found["FAILED"]} == {"Unwanted"}
    assert json.loads(found["FAILED"][0]["Cause"])["errorMessage"] == "odd"


def test_a_map_that_has_more_failures_than_it_tolerates_fails_and_takes_up_no_more(
    machines: Sandbox,
):
    told = execute(machines, "strict", definition(percentage=20))
    assert told["why"]["Error"] == "States.ExceedToleratedFailureThreshold"
    assert "results" not in told


def test_its_calls_are_made_as_its_role(machines: Sandbox):
    machines.forget_calls()
    execute(machines, "signed", definition(percentage=50))
    invokes = [row for row in machines.calls() if row["operation"] == "Invoke"]
    assert len(invokes) == len(ITEMS)
    assert not any(row["access_key"].startswith("AKIA") for row in invokes)


# --- ends that are counted ----------------------------------------------------------------------

COUNTED = ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
WAIT = {"Type": "Wait", "Seconds": 600, "End": True}


@pytest.mark.parametrize(
    ("state", "more", "status", "counted"),
    [
        ({"Type": "Pass", "End": True}, {}, "SUCCEEDED", "Succeeded"),
        ({"Type": "Fail", "Error": "E"}, {}, "FAILED", "Failed"),
        (WAIT, {}, "ABORTED", "Aborted"),
        (WAIT, {"TimeoutSeconds": 1}, "TIMED_OUT", "TimedOut"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_execution_is_counted_when_it_begins_and_by_its_end(
    machines: Sandbox, state: dict[str, Any], more: dict[str, Any], status: str, counted: str
):
    api = aws(machines.url, "stepfunctions")
    told = {"StartAt": "One", "States": {"One": state}, **more}
    arn = api.create_state_machine(name=counted, definition=json.dumps(told), roleArn=ROLE)
    arn = arn["stateMachineArn"]
    begun = api.start_execution(stateMachineArn=arn)["executionArn"]
    if status == "ABORTED":
        until(lambda: heard(machines, begun), lambda it: "WaitStateEntered" in it, PATIENCE)
        api.stop_execution(executionArn=begun)
    ended = until(
        lambda: api.describe_execution(executionArn=begun)["status"],
        lambda it: it != "RUNNING",
        PATIENCE,
    )
    assert ended == status
    assert {name for name in COUNTED if metric(machines, arn, name)} == {"Started", counted}


def heard(sandbox: Sandbox, execution: str) -> set[str]:
    """Kinds of events of its history."""
    api = aws(sandbox.url, "stepfunctions")
    events = api.get_execution_history(executionArn=execution)["events"]
    return {event["type"] for event in events}


def metric(sandbox: Sandbox, machine: str, name: str) -> float:
    """Its sum over the last hour."""
    told = aws(sandbox.url, "cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName=f"Executions{name}",
        Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
        StartTime=MONDAY - timedelta(hours=1),
        EndTime=MONDAY + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in told["Datapoints"]))


def test_a_role_that_does_not_trust_step_functions_makes_no_machine(machines: Sandbox):
    api = aws(machines.url, "stepfunctions")
    with pytest.raises(ClientError, match="authorized to assume"):
        api.create_state_machine(
            name="untrusted",
            definition=json.dumps(definition()),
            roleArn=ROLE.replace("machine", "function"),
        )
