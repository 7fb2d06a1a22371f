"""The daily run on AWS, lived through: zip made, stack deployed, function run, alarms heard.

The zip is run by AWS's own runtime client, in a folder that holds nothing else, as its own role,
whose policies are enforced.  One account for all: the stack is deployed once.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.installed_wheels import HERE, installed_wheels
from tests.scenario.cli_command import MONDAY
from tests.scenario.governed import BASELINE, Governed

from keyreeve.local.run_package import make
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox

NAME = "keyreeve-etv-run"
ENDED = '"daily_run.ended"'
PREFIX = "iam-compliance/etv/"
MORE = """\
  package: {package}
  parameters:
    mail-feedback: {{RunRuntime: python3.13}}
    automation: {{RunRuntime: python3.13}}
"""
"""The tests' own Python may be none of AWS's: the sandbox runs every function with it."""


class Function(Governed):
    """The account, and its function as the schedule starts it."""

    package: Path

    def prepare(self, folder: Path) -> None:
        """A package of what is installed here, named in the config."""
        wheels = folder / "wheels"
        wheels.mkdir()
        made = make(installed_wheels(wheels), HERE, source=wheels)
        (folder / "keyreeve-lambda.zip").write_bytes(made.content)
        self.begin("small")
        section = BASELINE.replace("{", "\n  ").replace("}", "").replace(", al", "\n  al")
        self.settle(more=section + MORE.format(package="keyreeve-lambda.zip"))

    def schedule(self) -> Any:
        return self.client("scheduler").get_schedule(Name=NAME)

    def invoke(self, **event: Any) -> tuple[Any, str | None]:
        """Waits for the answer, as a person does by hand."""
        told = self.client("lambda").invoke(FunctionName=NAME, Payload=json.dumps(event))
        return json.loads(told["Payload"].read()), told.get("FunctionError")

    def start(self, minute: int) -> None:
        """As EventBridge Scheduler starts it: nobody waits, nothing is tried again."""
        self.past(minute)
        event = {**json.loads(self.schedule()["Target"]["Input"]), "as_of": self.now.isoformat()}
        self.client("lambda").invoke(
            FunctionName=NAME, InvocationType="Event", Payload=json.dumps(event)
        )
        self.sandbox.settle()

    def past(self, minute: int) -> None:
        """The alarms are looked at, too."""
        self.now = MONDAY + timedelta(minutes=minute)
        self.sandbox.set_clock(self.now)

    def alarms(self) -> set[str]:
        """Those that are in alarm, without what all names begin with."""
        rows = self.client("cloudwatch").describe_alarms(AlarmNamePrefix=NAME)["MetricAlarms"]
        standing = {row["AlarmName"].removeprefix(f"{NAME}-"): row["StateValue"] for row in rows}
        assert set(standing) == {"dead-letters", "failed", "missing", "throttled"}
        return {name for name, state in standing.items() if state == "ALARM"}

    def log(self) -> str:
        logs, group = self.client("logs"), f"/aws/lambda/{NAME}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        return "\n".join(
            event["message"]
            for stream in streams
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        )

    def keys(self, below: str) -> list[str]:
        told = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + below)
        return [row["Key"].removeprefix(PREFIX) for row in told.get("Contents", ())]


@pytest.fixture(scope="module")
def function(sandbox: Sandbox, tmp_path_factory: Any) -> Iterator[Function]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("function")
        account = Function(sandbox, folder, patch)
        account.prepare(folder)
        account.deploy("automation")
        sandbox.enforce()
        yield account
        sandbox.enforce(on=False)


def test_what_is_deployed_is_the_package_with_its_config_and_is_found_by_its_digest(function):
    told = function.client("lambda").get_function(FunctionName=NAME)["Configuration"]
    assert told["Handler"] == "keyreeve.handlers.daily_run.handle"
    assert told["Architectures"] == [HERE.architecture]
    assert told["Environment"]["Variables"] == {"KEYREEVE_CONFIG": "config/config.yaml"}
    [uploaded] = [key for key in function.keys("functions/") if size(function, key) > 10**7]
    content = function.stored(uploaded)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("config/config.yaml") == function.config.read_bytes()
        assert "config/access.yaml" in archive.namelist()
    again = function.json("baseline", "deploy", "automation")["stacks"]
    assert [row["changes"] for row in again] == [[]]


def test_another_zip_in_its_place_is_replaced_before_anything_is_deployed(function):
    [key] = [key for key in function.keys("functions/") if size(function, key) > 10**7]
    package = function.stored(key)
    function.store(key, b"somebody else's")
    function.deploy("automation")
    assert function.stored(key) == package


def size(function: Function, key: str) -> int:
    return function.client("s3").head_object(Bucket=BUCKET, Key=PREFIX + key)["ContentLength"]


def test_it_is_started_once_a_day_in_the_projects_zone_and_never_tried_again(function):
    schedule = function.schedule()
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    target = schedule["Target"]
    assert json.loads(target["Input"]) == {}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    assert target["DeadLetterConfig"]["Arn"].endswith(f":{NAME}-dead")
    client = function.client("lambda")
    once = client.get_function_event_invoke_config(FunctionName=NAME)
    assert (once["MaximumRetryAttempts"], once["MaximumEventAgeInSeconds"]) == (0, 3600)
    assert client.get_function_concurrency(FunctionName=NAME)["ReservedConcurrentExecutions"] == 1


def test_a_day_rehearsed_then_lived_then_failed_then_missed(function):
    # Nothing has run yet: that is told from the first hour.
    function.past(0)
    assert function.alarms() == {"missing"}

    told, failed = function.invoke(execute=False, as_of=MONDAY.isoformat())
    assert (failed, told["executed"], told["record"]) == (None, False, None)
    assert told["outcomes"]["rehearsed"] > 0
    assert function.sandbox.mails() == []
    assert function.keys("state.json") == []
    function.past(1)
    assert function.alarms() == {"missing"}  # a rehearsal is no run

    function.start(2)
    mails = function.sandbox.mails()
    assert "aged.key@example.com" in {mail.destinations[0] for mail in mails}
    state = json.loads(function.stored("state.json"))
    assert state["last_run"]["exit_code"] == 0
    [ended] = [json.loads(line) for line in function.log().splitlines() if ENDED in line]
    assert ended["exit_code"] == 0
    assert ended["project"] == "etv"
    assert ended["record"] == f"s3://{BUCKET}/{PREFIX}runs/{ended['run_id']}/run.json"
    assert function.stored(f"runs/{ended['run_id']}/run.json")
    function.past(3)
    assert function.alarms() == set()

    # The same day once more: nobody is told twice.
    _, failed = function.invoke(as_of=function.now.isoformat())
    assert failed is None
    assert len(function.sandbox.mails()) == len(mails)

    # A run that cannot read the account fails once, and is kept for whoever looks.
    function.sandbox.plant_fault("GetCredentialReport", code="ServiceFailure", status=400, count=99)
    function.start(10)
    function.sandbox.clear_faults()
    function.past(11)
    assert function.alarms() == {"failed", "dead-letters"}
    assert function.log().count("DailyRunFailed: exit code 6: ") == 1
    assert len(function.sandbox.mails()) == len(mails)
    queues = function.client("sqs")
    url = queues.get_queue_url(QueueName=f"{NAME}-dead")["QueueUrl"]
    [dead] = queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    said = dead["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert said.startswith("exit code 6: ")
    assert "GetCredentialReport" in said
    queues.delete_message(QueueUrl=url, ReceiptHandle=dead["ReceiptHandle"])

    function.past(25 * 60)
    assert function.alarms() == set()
    function.past(27 * 60)
    assert function.alarms() == {"missing"}
    function.past(12)


def test_its_role_may_do_what_the_shipped_policy_says_and_its_own_log_and_queue(function):
    iam, role = function.client("iam"), "keyreeve-etv-actor"
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    assert inline == ["run-works"]
    told = function.json("policy", "print", "--role", "actor")["documents"]
    assert actions(attached(iam, role)) == actions(told)


def attached(iam: Any, role: str) -> list[Any]:
    """The managed policies of a role that a stack has just made."""
    rows = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    versions = (iam.get_policy_version(PolicyArn=row["PolicyArn"], VersionId="v1") for row in rows)
    return [version["PolicyVersion"]["Document"] for version in versions]


def actions(documents: list[Any]) -> list[str]:
    return sorted(
        json.dumps(statement.get("Action") or statement.get("NotAction"))
        for document in documents
        for statement in document["Statement"]
    )


def test_what_is_misspelt_or_not_known_is_refused_and_nothing_is_done(function):
    before = function.sandbox.fingerprint()
    told, failed = function.invoke(exeute=False)
    assert failed == "Unhandled"
    assert told["errorType"] == "DailyRunFailed"
    assert told["errorMessage"].startswith("exit code 2: event: 'exeute' is not known")
    assert function.sandbox.fingerprint() == before
