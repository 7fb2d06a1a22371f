"""How stacks of the sandbox go, and what stays of them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conformance.stack_examples import (
    ACCOUNT,
    group,
    groups,
    queue,
    queues,
    refusal,
    stacks,
    topics,
)
from tests.sandbox_fixture import MONDAY, sandbox
from tests.sandbox_stacks import NAMED, Stacks, body, resources, until

from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox", "stacks"]


@pytest.mark.parametrize(
    ("policy", "rolled_back", "deleted"),
    [
        ("Delete", False, False),
        ("Retain", True, True),
        ("RetainExceptOnCreate", False, True),
    ],
)
def test_deletion_policies_say_what_stays(
    stacks: Stacks, policy: str, *, rolled_back: bool, deleted: bool
) -> None:
    kept = {**queue("kept"), "DeletionPolicy": policy}
    fails = {**group("f", Bogus=1), "DependsOn": "Kept"}
    stacks.create("s", resources(Kept=kept, Fails=fails))
    assert ("kept" in queues(stacks)) is rolled_back
    sqs = stacks.client("sqs")
    if rolled_back:
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="kept")["QueueUrl"])
    stacks.delete("s")
    stacks.create("s", resources(Kept=kept))
    stacks.delete("s")
    assert ("kept" in queues(stacks)) is deleted


def test_on_request_what_a_failed_call_made_goes_whatever_its_policy(stacks: Stacks) -> None:
    kept = {**queue("kept"), "DeletionPolicy": "Retain"}
    template = resources(Kept=kept, Fails={**group("f", Bogus=1), "DependsOn": "Kept"})
    stacks.create("s", template, RetainExceptOnCreate=True)
    assert queues(stacks) == set()
    stacks.delete("s")
    stacks.change_set("s", template, ChangeSetType="CREATE")
    stacks.api.execute_change_set(StackName="s", ChangeSetName="changes", RetainExceptOnCreate=True)
    assert stacks.rest("s")["StackStatus"] == "ROLLBACK_COMPLETE"
    assert queues(stacks) == set()


@pytest.mark.parametrize(
    "more",
    [
        {"RoleARN": f"arn:aws:iam::{ACCOUNT}:role/other"},
        {"StackPolicyBody": "{}"},
        {"NotificationARNs": [f"arn:aws:sns:us-east-1:{ACCOUNT}:t"]},
    ],
)
def test_what_is_not_done_here_is_refused_and_not_ignored(
    stacks: Stacks, more: dict[str, Any]
) -> None:
    why = refusal(lambda: stacks.create("s", resources(Q=queue("q")), **more))[1]
    assert why == f"The sandbox's CloudFormation does not know {next(iter(more))}"
    assert queues(stacks) == set()


def test_a_replaced_resource_stays_if_its_policy_says_so(stacks: Stacks) -> None:
    old = {**queue("old"), "UpdateReplacePolicy": "Retain"}
    stacks.create("s", resources(A=old))
    stacks.update("s", resources(A={**queue("new"), "UpdateReplacePolicy": "Retain"}))
    assert queues(stacks) == {"old", "new"}


def test_what_cannot_be_deleted_fails_the_deletion_and_can_be_left(stacks: Stacks) -> None:
    iam = stacks.client("iam")
    stacks.create("s", resources(G=group("g"), Q=queue("q")))
    iam.create_user(UserName="ann")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    id_ = stacks.describe("s")["StackId"]
    assert stacks.delete("s")["StackStatus"] == "DELETE_FAILED"
    assert "must remove users from group first" in stacks.reasons(id_)[0]
    assert stacks.delete("s", RetainResources=["G"])["StackStatus"] == "DELETE_COMPLETE"
    assert (groups(stacks), queues(stacks)) == ({"g"}, set())


def test_what_somebody_has_deleted_already_does_not_stop_the_deletion(stacks: Stacks) -> None:
    stacks.create("s", resources(G=group("g"), Q=queue("q")))
    stacks.client("iam").delete_group(GroupName="g")
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"
    assert queues(stacks) == set()


def test_a_deleted_stack_is_found_by_its_id_alone(stacks: Stacks) -> None:
    stacks.create("s", resources(Q=queue("q")))
    id_ = stacks.delete("s")["StackId"]
    assert refusal(lambda: stacks.describe("s")) == (
        "ValidationError",
        "Stack with id s does not exist",
    )
    assert stacks.status(id_) == "DELETE_COMPLETE"
    stacks.api.delete_stack(StackName="s")


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    stacks.create("s", resources(Q=queue("q")), EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in refusal(lambda: stacks.delete("s"))[1]
    stacks.api.update_termination_protection(StackName="s", EnableTerminationProtection=False)
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"


def test_stacks_stand_in_the_region_and_the_account_of_who_called(
    stacks: Stacks, sandbox: Sandbox
) -> None:
    elsewhere = Stacks(sandbox, "ap-southeast-2")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "far-away"}}
    elsewhere.create("s", resources(Q=queue("q"), B=bucket))
    assert (queues(stacks), queues(elsewhere)) == (set(), {"q"})
    told = elsewhere.client("s3").get_bucket_location(Bucket="far-away")
    assert told["LocationConstraint"] == "ap-southeast-2"
    assert stacks.api.list_stacks()["StackSummaries"] == []


def test_many_stacks_are_made_at_once(stacks: Stacks) -> None:
    names = [f"s{number}" for number in range(6)]
    for name in names:
        template = resources(G=group(name), Q=queue(name))
        stacks.api.create_stack(StackName=name, **body(template), Capabilities=NAMED)
    assert {stacks.rest(name)["StackStatus"] for name in names} == {"CREATE_COMPLETE"}
    assert groups(stacks) == queues(stacks) == set(names)


def test_stacks_of_an_earlier_world_are_gone(stacks: Stacks, sandbox: Sandbox) -> None:
    stacks.create("s", resources(Q=queue("q")))
    sandbox.reset("empty", MONDAY)
    assert stacks.api.list_stacks()["StackSummaries"] == []
    stacks.create("s", resources(Q=queue("q")))
    assert refusal(lambda: stacks.create("s", resources(Q=queue("q"))))[0] == (
        "AlreadyExistsException"
    )


def test_what_a_reset_overtakes_leaves_nothing_in_the_new_world(
    stacks: Stacks, sandbox: Sandbox
) -> None:
    sandbox.plant_fault("CreateTopic", answer="hang", when="after")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "t"}, "DependsOn": "G"}
    last = {**queue("q"), "DependsOn": "T"}
    template = resources(G=group("g"), T=topic, Q=last)
    stacks.api.create_stack(StackName="s", **body(template), Capabilities=NAMED)
    until(lambda: [it["operation"] for it in sandbox.calls()], lambda it: "CreateTopic" in it)
    sandbox.reset("empty", MONDAY)
    stacks.create("s", resources(Other=queue("other")))
    assert (queues(stacks), topics(stacks), groups(stacks)) == ({"other"}, set(), set())
