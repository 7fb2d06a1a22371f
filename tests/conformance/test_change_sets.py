"""Change sets of the sandbox: what would change, and imports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conformance.stack_examples import (
    ACCOUNT,
    group,
    groups,
    parameters,
    queue,
    queues,
    refusal,
    stacks,
    topics,
)
from tests.sandbox_fixture import sandbox
from tests.sandbox_stacks import Stacks, resources

__all__ = ["sandbox", "stacks"]


def changes(told: dict[str, Any]) -> dict[str, Any]:
    return {
        row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in told["Changes"]
    }


def test_a_change_set_makes_a_new_stack_only_when_it_is_executed(stacks: Stacks) -> None:
    told = stacks.change_set("s", resources(G=group("g")), ChangeSetType="CREATE")
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert [it["Action"] for it in changes(told).values()] == ["Add"]
    assert stacks.status("s") == "REVIEW_IN_PROGRESS"
    assert groups(stacks) == set()
    assert stacks.execute("s")["StackStatus"] == "CREATE_COMPLETE"
    assert groups(stacks) == {"g"}


def test_a_stack_that_was_only_reviewed_can_be_deleted(stacks: Stacks) -> None:
    stacks.change_set("s", resources(G=group("g")), ChangeSetType="CREATE")
    assert stacks.delete("s")["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_tells_what_would_change_and_why(stacks: Stacks) -> None:
    before = {
        "Parameters": {"Seconds": {"Type": "Number", "Default": 30}},
        **resources(
            Same=queue("same"),
            Tuned=queue("tuned", VisibilityTimeout={"Ref": "Seconds"}),
            Moved=queue("moved"),
            Policy={
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {"Queues": [{"Ref": "Moved"}], "PolicyDocument": {"Statement": []}},
            },
            Gone=group("gone"),
            Kept={**group("kept"), "DeletionPolicy": "Retain"},
        ),
    }
    stacks.create("s", before)
    after = json.loads(json.dumps(before))
    del after["Resources"]["Gone"], after["Resources"]["Kept"]
    after["Resources"]["Moved"]["Properties"]["QueueName"] = "elsewhere"
    after["Resources"]["New"] = group("new")
    told = changes(stacks.change_set("s", after, **parameters(Seconds="60")))
    shown = {
        logical: (it["Action"], it.get("Replacement"), it.get("PolicyAction"))
        for logical, it in told.items()
    }
    assert shown == {
        "Tuned": ("Modify", "False", None),
        "Moved": ("Modify", "True", None),
        "Policy": ("Modify", "False", None),
        "New": ("Add", None, None),
        "Gone": ("Remove", None, "Delete"),
        "Kept": ("Remove", None, "Retain"),
    }
    (tuned,) = told["Tuned"]["Details"]
    assert tuned["Target"] == {
        "Attribute": "Properties",
        "Name": "VisibilityTimeout",
        "Path": "/Properties/VisibilityTimeout",
        "RequiresRecreation": "Never",
        "AttributeChangeType": "Modify",
        "BeforeValue": "30",
        "AfterValue": "60",
    }
    assert (tuned["ChangeSource"], tuned["CausingEntity"]) == ("ParameterReference", "Seconds")
    (moved,) = told["Moved"]["Details"]
    assert moved["Target"]["RequiresRecreation"] == "Always"
    assert moved["ChangeSource"] == "DirectModification"
    (policy,) = told["Policy"]["Details"]
    assert (policy["Evaluation"], policy["ChangeSource"]) == ("Dynamic", "ResourceReference")
    assert policy["CausingEntity"] == "Moved"
    assert queues(stacks) == {"same", "tuned", "moved"}
    assert stacks.execute("s")["StackStatus"] == "UPDATE_COMPLETE"
    assert queues(stacks) == {"same", "tuned", "elsewhere"}
    assert groups(stacks) == {"new", "kept"}


def test_a_change_set_hides_secrets_and_values_that_nobody_asked_for(stacks: Stacks) -> None:
    template = {
        "Parameters": {"Secret": {"Type": "String", "NoEcho": True}},
        **resources(A=queue("q", KmsMasterKeyId={"Ref": "Secret"})),
    }
    stacks.create("s", template, **parameters(Secret="first-secret"))
    told = stacks.change_set("s", template, **parameters(Secret="second-secret"))
    assert "secret" not in json.dumps(told["Changes"], default=str)
    asked = stacks.api.describe_change_set(StackName="s", ChangeSetName="changes")
    assert "AfterValue" not in json.dumps(asked["Changes"], default=str)


def test_a_change_set_without_changes_fails_and_cannot_be_executed(stacks: Stacks) -> None:
    template = resources(G=group("g"))
    stacks.create("s", template)
    told = stacks.change_set("s", template)
    assert (told["Status"], told["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in told["StatusReason"]
    assert refusal(lambda: stacks.execute("s"))[0] == "InvalidChangeSetStatus"
    stacks.api.delete_change_set(StackName="s", ChangeSetName="changes")
    assert stacks.api.list_change_sets(StackName="s")["Summaries"] == []


def test_only_outputs_that_change_are_a_change_too(stacks: Stacks) -> None:
    template = resources(G=group("g"))
    stacks.create("s", template)
    told = stacks.change_set("s", {**template, "Outputs": {"A": {"Value": "x"}}})
    assert (told["Status"], told["Changes"]) == ("CREATE_COMPLETE", [])
    assert stacks.execute("s")["Outputs"] == [{"OutputKey": "A", "OutputValue": "x"}]


@pytest.mark.parametrize(
    ("kind", "there", "why"),
    [
        ("UPDATE", False, "Stack [s] does not exist"),
        ("CREATE", True, "Stack [s] already exists and cannot be created again"),
    ],
)
def test_the_type_of_a_change_set_must_fit_the_stack(
    stacks: Stacks, kind: str, *, there: bool, why: str
) -> None:
    if there:
        stacks.create("s", resources(G=group("g")))
    template = resources(G=group("g"), Q=queue("q"))
    call = lambda: stacks.change_set("s", template, ChangeSetType=kind)  # noqa: E731
    assert why in refusal(call)[1]


def imported(logical: str, type_: str, **identifier: str) -> dict[str, Any]:
    return {"ResourceType": type_, "LogicalResourceId": logical, "ResourceIdentifier": identifier}


def test_existing_resources_are_taken_in_and_nothing_else_changes(stacks: Stacks) -> None:
    stacks.client("iam").create_group(GroupName="there")
    stacks.client("sns").create_topic(Name="there")
    first = {**group("there"), "DeletionPolicy": "Retain"}
    told = stacks.change_set(
        "s",
        resources(G=first),
        ChangeSetType="IMPORT",
        ResourcesToImport=[imported("G", "AWS::IAM::Group", GroupName="there")],
    )
    assert [it["Action"] for it in changes(told).values()] == ["Import"]
    assert stacks.execute("s")["StackStatus"] == "IMPORT_COMPLETE"
    arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:there"
    topic = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"TopicName": "there"},
        "DeletionPolicy": "Retain",
    }
    stacks.change_set(
        "s",
        resources(G=first, T=topic),
        ChangeSetType="IMPORT",
        ResourcesToImport=[imported("T", "AWS::SNS::Topic", TopicArn=arn)],
    )
    assert stacks.execute("s")["StackStatus"] == "IMPORT_COMPLETE"
    assert stacks.physical("s", "T") == arn
    grown = resources(G={**first, "Properties": {"GroupName": "there", "Path": "/a/"}}, T=topic)
    assert stacks.update("s", grown)["StackStatus"] == "UPDATE_COMPLETE"
    told = stacks.client("iam").get_group(GroupName="there")["Group"]
    assert told["Path"] == "/a/"
    stacks.delete("s")
    assert (groups(stacks), topics(stacks)) == ({"there"}, {"there"})


def test_an_import_of_what_is_not_there_is_rolled_back(stacks: Stacks) -> None:
    stacks.create("s", resources(Q=queue("q")))
    template = resources(Q=queue("q"), G={**group("nowhere"), "DeletionPolicy": "Retain"})
    stacks.change_set(
        "s",
        template,
        ChangeSetType="IMPORT",
        ResourcesToImport=[imported("G", "AWS::IAM::Group", GroupName="nowhere")],
    )
    assert stacks.execute("s")["StackStatus"] == "IMPORT_ROLLBACK_COMPLETE"
    assert set(stacks.resources("s")) == {"Q"}


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (resources(G=group("there")), "must have DeletionPolicy attribute"),
        (
            resources(G={**group("there"), "DeletionPolicy": "Retain"}, Q=queue("more")),
            "you cannot modify or add resources [Q]",
        ),
    ],
)
def test_an_import_is_judged_before_it_begins(stacks: Stacks, template: Any, why: str) -> None:
    stacks.client("iam").create_group(GroupName="there")
    call = lambda: stacks.change_set(  # noqa: E731
        "s",
        template,
        ChangeSetType="IMPORT",
        ResourcesToImport=[imported("G", "AWS::IAM::Group", GroupName="there")],
    )
    assert why in refusal(call)[1]
