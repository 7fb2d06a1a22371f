"""CloudFormation of the sandbox: operations on whole stacks, as AWS's documentation has them."""

from __future__ import annotations

import json
from collections.abc import Callable
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
from tests.sandbox_stacks import NAMED, Stacks, body, one, resources

from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox", "stacks"]


# --- nothing is complete that was not made ------------------------------------------------------


@pytest.mark.parametrize("type_", ["AWS::Bogus::Thing", "AWS::EC2::Instance"])
def test_a_type_that_cannot_be_made_is_refused_before_anything_is_made(
    stacks: Stacks, type_: str
) -> None:
    template = resources(A=group("made"), B={"Type": type_})
    told = refusal(lambda: stacks.create("s", template))
    assert told == (
        "ValidationError",
        f"Template format error: Unrecognized resource types: [{type_}]",
    )
    assert groups(stacks) == set()
    assert stacks.api.list_stacks()["StackSummaries"] == []


@pytest.mark.parametrize(
    ("type_", "properties", "why"),
    [
        ("AWS::IAM::Group", {"Bogus": 1}, "extraneous key [Bogus]"),
        ("AWS::SQS::Queue", {"Bogus": 1}, "extraneous key [Bogus]"),
        ("AWS::IAM::Role", {}, "required key [AssumeRolePolicyDocument] not found"),
        (
            "AWS::Events::Rule",
            {"EventPattern": {}, "Targets": [{"Id": "a", "Arn": "b", "Bogus": 1}]},
            "#/Targets/0: extraneous key [Bogus]",
        ),
        ("AWS::SQS::Queue", {"QueueName": "not a name!"}, "Error Code: InvalidParameterValue"),
        ("AWS::IAM::Group", {"GroupName": "there"}, "already exists"),
    ],
)
def test_a_resource_that_is_not_made_fails_the_stack_and_what_was_made_is_taken_back(
    stacks: Stacks, type_: str, properties: dict[str, Any], why: str
) -> None:
    stacks.client("iam").create_group(GroupName="there")
    failing = {"Type": type_, "Properties": properties, "DependsOn": "First"}
    assert (
        stacks.create("s", resources(First=group("first"), Second=failing))["StackStatus"]
        == "ROLLBACK_COMPLETE"
    )
    assert why in stacks.reasons("s")[0]
    assert groups(stacks) == {"there"}


def test_another_channel_fails_and_the_recorder_of_before_goes_on(stacks: Stacks) -> None:
    stacks.client("s3").create_bucket(Bucket="before")
    role = f"arn:aws:iam::{ACCOUNT}:role/before"
    config = stacks.client("config")
    config.put_configuration_recorder(ConfigurationRecorder={"name": "old", "roleARN": role})
    config.put_delivery_channel(DeliveryChannel={"name": "old", "s3BucketName": "before"})
    config.start_configuration_recorder(ConfigurationRecorderName="old")
    for type_, properties in (
        ("AWS::Config::DeliveryChannel", {"S3BucketName": "before"}),
        ("AWS::Config::ConfigurationRecorder", {"RoleARN": role}),
    ):
        assert stacks.create("s", one(type_, properties))["StackStatus"] == "ROLLBACK_COMPLETE"
        assert "MaxNumberOf" in stacks.reasons("s")[0]
        stacks.delete("s")
    (told,) = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    assert (told["name"], told["recording"]) == ("old", True)


def test_a_fault_of_a_service_fails_the_stack(stacks: Stacks, sandbox: Sandbox) -> None:
    sandbox.plant_fault("CreateGroup", code="ServiceFailure", status=500, count=1)
    assert stacks.create("s", resources(A=group("a")))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "ServiceFailure" in stacks.reasons("s")[0]


def test_a_stack_acts_with_the_key_of_who_called(stacks: Stacks, sandbox: Sandbox) -> None:
    sandbox.forget_calls()
    stacks.create("s", resources(A=group("a")))
    keys = {it["access_key"] for it in sandbox.calls() if it["operation"] == "CreateGroup"}
    assert keys == {sandbox.environment()["AWS_ACCESS_KEY_ID"]}


def test_on_request_a_failed_stack_is_left_as_it_is_or_deleted(stacks: Stacks) -> None:
    template = resources(First=group("first"), Second={**group("b", Bogus=1), "DependsOn": "First"})
    assert stacks.create("kept", template, OnFailure="DO_NOTHING")["StackStatus"] == "CREATE_FAILED"
    assert groups(stacks) == {"first"}
    stacks.delete("kept")
    id_ = stacks.api.create_stack(
        StackName="gone", **body(template), Capabilities=NAMED, OnFailure="DELETE"
    )["StackId"]
    assert stacks.rest(id_)["StackStatus"] == "DELETE_COMPLETE"
    assert groups(stacks) == set()


def test_capabilities_must_be_acknowledged(stacks: Stacks) -> None:
    def create(template: Any, *capabilities: str) -> Callable[[], Any]:
        return lambda: stacks.api.create_stack(
            StackName="s", **body(template), Capabilities=list(capabilities)
        )

    named, nameless = resources(A=group("a")), resources(A=group())
    needed = "InsufficientCapabilitiesException"
    assert refusal(create(named))[0] == needed
    assert refusal(create(named, "CAPABILITY_IAM")) == (
        needed,
        "Requires capabilities : [CAPABILITY_NAMED_IAM]",
    )
    assert refusal(create(nameless)) == (needed, "Requires capabilities : [CAPABILITY_IAM]")
    create(nameless, "CAPABILITY_IAM")()
    assert stacks.rest("s")["StackStatus"] == "CREATE_COMPLETE"
    assert stacks.physical("s", "A").startswith("s-A-")


# --- parameters, functions, order ---------------------------------------------------------------

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Project: {Type: String, AllowedPattern: "[a-z]+"}
  Days: {Type: Number, Default: 30, AllowedValues: [30, 60]}
  Secret: {Type: String, NoEcho: true, Default: hidden}
  Names: {Type: CommaDelimitedList, Default: "a, b"}
Mappings: {Sizes: {small: {seconds: 45}}}
Conditions:
  Long: !Equals [!Ref Days, 60]
  Short: !Not [!Condition Long]
Rules:
  Place:
    Assertions: [{Assert: !Contains [[us-east-1], !Ref AWS::Region], AssertDescription: here}]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Late
    Properties:
      QueueName: !Join ["-", [!Ref Project, !Select [1, !Ref Names], !GetAtt Topic.TopicName]]
      VisibilityTimeout: !FindInMap [Sizes, small, seconds]
      MessageRetentionPeriod: !If [Long, 86400, !Ref AWS::NoValue]
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "${Project}-${AWS::AccountId}"}
  Late:
    Type: AWS::SNS::Topic
    Condition: Short
    Properties:
      TopicName: !Sub ["${Project}-${word}", {word: !Select [1, !Split ["/", "a/late"]]}]
Outputs:
  Url: {Value: !Ref Queue, Export: {Name: !Sub "${AWS::StackName}-url"}}
  Arn: {Value: !GetAtt Queue.Arn}
  Literal: {Value: !Sub "${!literal}-${Project}"}
  Never: {Condition: Long, Value: x}
"""


def test_functions_conditions_mappings_and_outputs_are_worked_out(stacks: Stacks) -> None:
    told = stacks.create("s", YAML, **parameters(Project="acme"))
    assert told["StackStatus"] == "CREATE_COMPLETE", stacks.reasons("s")
    assert topics(stacks) == {f"acme-{ACCOUNT}", "acme-late"}
    assert queues(stacks) == {f"acme-b-acme-{ACCOUNT}"}
    outputs = {it["OutputKey"]: it["OutputValue"] for it in told["Outputs"]}
    assert outputs == {
        "Url": stacks.physical("s", "Queue"),
        "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:acme-b-acme-{ACCOUNT}",
        "Literal": "${literal}-acme",
    }
    assert {it["ParameterKey"]: it["ParameterValue"] for it in told["Parameters"]} == {
        "Project": "acme",
        "Days": "30",
        "Secret": "****",
        "Names": "a, b",
    }
    events = stacks.api.describe_stack_events(StackName="s")["StackEvents"]
    made = [it["LogicalResourceId"] for it in events if it["ResourceStatus"] == "CREATE_COMPLETE"]
    assert made.index("Queue") < min(made.index("Late"), made.index("Topic"))  # newest first


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "Parameters: [Project] must have values"),
        ({"Project": "NOT"}, "Parameter 'Project' must match pattern [a-z]+"),
        ({"Project": "a", "Days": "31"}, "Parameter 'Days' must be one of AllowedValues"),
        ({"Project": "a", "Other": "1"}, "Parameters: [Other] do not exist in the template"),
    ],
)
def test_parameters_are_judged(stacks: Stacks, given: dict[str, str], why: str) -> None:
    assert refusal(lambda: stacks.create("s", YAML, **parameters(**given)))[1] == why


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("Resources: [", "YAML not well-formed"),
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Bogus": 1, **resources(A=group())}, "Invalid template property or properties [Bogus]"),
        (resources(A={**group(), "DependsOn": "B"}), "Unresolved resource dependencies [B]"),
        (resources(A=group(Path={"Ref": "Nobody"})), "Unresolved resource dependencies [Nobody]"),
        (resources(A=group(Path={"Fn::Bogus": 1})), "does not know the function Fn::Bogus"),
        (
            resources(A={**group(), "DependsOn": "B"}, B={**group(), "DependsOn": "A"}),
            "Circular dependency between resources: [A, B]",
        ),
    ],
)
def test_a_template_that_is_not_well_formed_is_refused(
    stacks: Stacks, template: Any, why: str
) -> None:
    assert why in refusal(lambda: stacks.create("s", template))[1]


def test_exports_are_imported_and_kept_while_they_are_in_use(stacks: Stacks) -> None:
    giver = {
        **resources(A=queue("given")),
        "Outputs": {"Name": {"Value": "shared", "Export": {"Name": "the-name"}}},
    }
    taker = resources(A=queue("q"), B=group({"Fn::ImportValue": "the-name"}))
    early = stacks.create("early", taker)
    assert early["StackStatus"] == "ROLLBACK_COMPLETE"
    assert queues(stacks) == set()
    stacks.delete("early")
    stacks.create("giver", giver)
    assert stacks.create("taker", taker)["StackStatus"] == "CREATE_COMPLETE"
    assert groups(stacks) == {"shared"}
    assert [it["Value"] for it in stacks.api.list_exports()["Exports"]] == ["shared"]
    assert stacks.api.list_imports(ExportName="the-name")["Imports"] == ["taker"]
    assert "in use by taker" in refusal(lambda: stacks.delete("giver"))[1]


def test_a_template_is_told_as_it_was_sent_and_can_lie_in_a_bucket(stacks: Stacks) -> None:
    s3 = stacks.client("s3")
    s3.create_bucket(Bucket="templates")
    text = json.dumps(resources(A=queue("q")))
    s3.put_object(Bucket="templates", Key="a/b.json", Body=text.encode())
    for number, url in enumerate(
        (
            "https://templates.s3.us-east-1.amazonaws.com/a/b.json",
            f"{stacks.url}/templates/a/b.json",
        )
    ):
        name = f"s{number}"
        stacks.api.create_stack(StackName=name, TemplateURL=url)
        assert stacks.rest(name)["StackStatus"] == "CREATE_COMPLETE"
        assert json.dumps(stacks.api.get_template(StackName=name)["TemplateBody"]) == text
        stacks.delete(name)


def test_a_template_can_be_looked_at_without_a_stack(stacks: Stacks) -> None:
    told = stacks.api.validate_template(TemplateBody=YAML)
    assert [it["ParameterKey"] for it in told["Parameters"]] == [
        "Project",
        "Days",
        "Secret",
        "Names",
    ]
    told = stacks.api.get_template_summary(TemplateBody=YAML)
    assert told["ResourceTypes"] == ["AWS::SNS::Topic", "AWS::SQS::Queue"]
    assert refusal(lambda: stacks.api.validate_template(TemplateBody="{}"))[0] == "ValidationError"


# --- updates ------------------------------------------------------------------------------------


def test_an_update_adds_changes_replaces_and_removes(stacks: Stacks) -> None:
    stacks.create("s", resources(Keep=queue("keep"), Change=queue("one"), Leave=group("leave")))
    template = resources(Keep=queue("keep"), Change=queue("two"), New=group("new"))
    assert stacks.update("s", template)["StackStatus"] == "UPDATE_COMPLETE"
    assert queues(stacks) == {"keep", "two"}
    assert groups(stacks) == {"new"}
    assert set(stacks.resources("s")) == {"Keep", "Change", "New"}


def test_an_update_that_changes_nothing_is_refused(stacks: Stacks) -> None:
    template = resources(A=queue("q", VisibilityTimeout="60"))
    stacks.create("s", template)
    same = resources(A=queue("q", VisibilityTimeout=60))
    for told in (None, template, same):
        why = refusal(lambda told=told: stacks.update("s", told))
        assert why == ("ValidationError", "No updates are to be performed.")


def test_a_named_resource_cannot_be_replaced(stacks: Stacks) -> None:
    role = {"Version": "2012-10-17", "Statement": []}
    given = {"RoleName": "r", "AssumeRolePolicyDocument": role}
    stacks.create("s", one("AWS::IAM::Role", given))
    told = stacks.update("s", one("AWS::IAM::Role", {**given, "Path": "/other/"}))
    assert told["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "custom-named resource requires replacing" in stacks.reasons("s")[0]


def test_a_failed_update_leaves_everything_as_it_was(stacks: Stacks) -> None:
    before = resources(Change=queue("c", VisibilityTimeout=30), Swap=queue("old"), Leave=group("l"))
    stacks.create("s", before)
    after = resources(
        Change=queue("c", VisibilityTimeout=60),
        Swap=queue("new"),
        New=group("n"),
        Fails={**group("f", Bogus=1), "DependsOn": ["Change", "Swap", "New"]},
    )
    assert stacks.update("s", after)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert queues(stacks) == {"c", "old"}
    assert groups(stacks) == {"l"}
    url = stacks.physical("s", "Change")
    told = stacks.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert told["Attributes"]["VisibilityTimeout"] == "30"
    assert set(stacks.resources("s")) == {"Change", "Swap", "Leave"}
    assert "No updates" in refusal(lambda: stacks.update("s", before))[1]


def test_a_type_cannot_change_below_a_logical_id(stacks: Stacks) -> None:
    stacks.create("s", resources(A=queue("q")))
    why = refusal(lambda: stacks.update("s", resources(A=group("g"))))[1]
    assert why.startswith("Update of resource type is not permitted")


def test_previous_values_and_tags_are_kept(stacks: Stacks) -> None:
    template = {
        "Parameters": {"Name": {"Type": "String"}, "Seconds": {"Type": "Number", "Default": 30}},
        **resources(A=queue({"Ref": "Name"}, VisibilityTimeout={"Ref": "Seconds"})),
    }
    tags = [{"Key": "team", "Value": "one"}]
    stacks.create("s", template, Tags=tags, **parameters(Name="q"))
    given = [
        {"ParameterKey": "Name", "UsePreviousValue": True},
        {"ParameterKey": "Seconds", "ParameterValue": "90"},
    ]
    assert stacks.update("s", None, Parameters=given)["StackStatus"] == "UPDATE_COMPLETE"
    assert queues(stacks) == {"q"}
    told = stacks.client("sqs").list_queue_tags(QueueUrl=stacks.physical("s", "A"))
    assert told["Tags"] == {"team": "one"}
    assert stacks.describe("s")["Tags"] == tags


# --- drift --------------------------------------------------------------------------------------


def test_drift_tells_what_somebody_changed_or_deleted(stacks: Stacks) -> None:
    statement = {"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    stacks.create(
        "s",
        resources(
            Same=queue("same"),
            Tuned=queue("tuned", VisibilityTimeout=60),
            Gone=group("gone"),
            Opened=group("g", Policies=[{"PolicyName": "a", "PolicyDocument": document}]),
        ),
    )
    assert set(stacks.drift("s").values()) == {"IN_SYNC"}
    stacks.client("sqs").set_queue_attributes(
        QueueUrl=stacks.physical("s", "Tuned"), Attributes={"VisibilityTimeout": "90"}
    )
    iam = stacks.client("iam")
    iam.delete_group(GroupName="gone")
    iam.put_group_policy(GroupName="g", PolicyName="b", PolicyDocument=json.dumps(document))
    assert stacks.drift("s") == {
        "Same": "IN_SYNC",
        "Tuned": "MODIFIED",
        "Gone": "DELETED",
        "Opened": "MODIFIED",
    }
    rows = {it["LogicalResourceId"]: it["PropertyDifferences"] for it in stacks.drifts("s")}
    assert rows["Tuned"] == [
        {
            "PropertyPath": "/VisibilityTimeout",
            "ExpectedValue": "60",
            "ActualValue": "90",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    assert rows["Opened"][0]["PropertyPath"] == "/Policies"
    assert stacks.describe("s")["DriftInformation"]["StackDriftStatus"] == "DRIFTED"
    told = stacks.api.describe_stack_resource_drifts(
        StackName="s", StackResourceDriftStatusFilters=["DELETED"]
    )
    assert [it["LogicalResourceId"] for it in told["StackResourceDrifts"]] == ["Gone"]
