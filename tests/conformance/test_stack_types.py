"""Every type of the sandbox's CloudFormation: made, changed in place, taken away.

Each row is looked at through the service's own API, never through CloudFormation's answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.conformance.stack_rows import ROWS
from tests.conformance.stack_surroundings import GONE, Row
from tests.sandbox_fixture import MONDAY, sandbox
from tests.sandbox_stacks import Stacks, one

from keyreeve.sandbox.process import Sandbox
from keyreeve.sandbox.stacks.kinds import KINDS

__all__ = ["sandbox"]

CASES = [pytest.param(row, id=row.type.removeprefix("AWS::")) for row in ROWS]


@pytest.fixture
def stacks(sandbox: Sandbox) -> Stacks:
    sandbox.reset("empty", MONDAY)
    return Stacks(sandbox)


def named(stacks: Stacks, properties: Mapping[str, Any]) -> dict[str, Any]:
    """With the ids of what was there before in the place of its names."""
    given = dict(properties)
    if "TargetKeyId" in given:
        kms = stacks.client("kms")
        for row in kms.list_keys()["Keys"]:
            told = kms.describe_key(KeyId=row["KeyId"])["KeyMetadata"]
            if told["Description"] == given["TargetKeyId"]:
                given["TargetKeyId"] = row["KeyId"]
                break
    if "Queues" in given:
        given["Queues"] = [stacks.client("sqs").get_queue_url(QueueName="before")["QueueUrl"]]
    return given


def told(row: Row, stacks: Stacks, id_: str) -> Any:
    try:
        return row.read(stacks, id_)
    except (ClientError, IndexError, StopIteration):
        return GONE


@pytest.mark.parametrize("row", CASES)
def test_a_resource_is_made_changed_in_place_and_taken_away(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    made = named(stacks, row.made)
    assert stacks.create("rows", one(row.type, made))["StackStatus"] == "CREATE_COMPLETE", (
        stacks.reasons("rows")
    )
    id_ = stacks.physical("rows")
    assert told(row, stacks, id_) == row.first
    assert stacks.drift("rows").get("It") in ("IN_SYNC", None), stacks.drifts("rows")

    merged = {**row.made, **row.changed}
    changed = named(stacks, {key: it for key, it in merged.items() if it is not ...})
    assert stacks.update("rows", one(row.type, changed))["StackStatus"] == "UPDATE_COMPLETE", (
        stacks.reasons("rows")
    )
    assert told(row, stacks, stacks.physical("rows")) == row.then
    assert stacks.drift("rows").get("It") in ("IN_SYNC", None), stacks.drifts("rows")

    stack = stacks.describe("rows")["StackId"]
    assert stacks.delete("rows")["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(stack)
    assert told(row, stacks, id_) == row.left


@pytest.mark.parametrize("row", CASES)
def test_a_change_that_fails_later_is_taken_back(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    made = named(stacks, row.made)
    stacks.create("rows", one(row.type, made))
    merged = {**row.made, **row.changed}
    changed = named(stacks, {key: it for key, it in merged.items() if it is not ...})
    template = one(row.type, changed)
    template["Resources"]["Fails"] = {
        "Type": "AWS::IAM::UserToGroupAddition",
        "Properties": {"GroupName": "nowhere", "Users": ["nobody"]},
        "DependsOn": "It",
    }
    assert stacks.update("rows", template)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", (
        stacks.reasons("rows")
    )
    assert told(row, stacks, stacks.physical("rows")) == row.first


UNIQUE = {"AWS::GuardDuty::Detector", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy"}


@pytest.mark.parametrize(
    "row", [it for it in CASES if KINDS[it.values[0].type].name or it.values[0].type in UNIQUE]
)
def test_what_is_there_already_is_not_taken_over(row: Row, stacks: Stacks) -> None:
    row.before(stacks)
    given = named(stacks, row.made)
    if row.type.startswith("AWS::Config::Config") or "Channel" in row.type:
        given = {KINDS[row.type].name: "rows"} | given
    stacks.create("rows", one(row.type, given))
    assert stacks.create("more", one(row.type, given))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.resources("more")["It"].get("PhysicalResourceId") is None
    assert told(row, stacks, stacks.physical("rows")) == row.first


def test_there_is_a_row_for_every_type() -> None:
    elsewhere = {"AWS::CloudFormation::CustomResource"}  # test_stacks.py
    assert {row.type for row in ROWS} | elsewhere == set(KINDS)
