"""The onboarding function over HTTP: an event in, groups changed, one line per outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import MONDAY, aws
from tests.unit.governance.people import MODEL, TAGS

from keyreeve.aws.iam_actuator import IamPeopleActuator
from keyreeve.aws.iam_people import IamPeopleReader
from keyreeve.codec.access import encode
from keyreeve.config import parse
from keyreeve.governance.own_policies import in_documents
from keyreeve.governance.people_policies import PeopleRole, people_statements
from keyreeve.handlers.onboarding import handle
from keyreeve.model.errors import AwsFailure, ConfigError, Throttled
from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox
from keyreeve.wiring.installation import installation_of

CONFIG = """\
project_name: ETV
storage: {bucket: keyreeve-sandbox}
mail: {sender: "IAM <iam@example.com>", cc: [msp@example.com]}
"""
GROUPS = ("MFA-Setup", "Administrator", "Developers", "Auditor")


class World:
    """Users and groups of the sandbox, and what the function said."""

    def __init__(self, sandbox: Sandbox, capsys: Any) -> None:
        self.iam = aws(sandbox.url, "iam")
        self._capsys = capsys
        there = {group["GroupName"] for group in self.iam.list_groups()["Groups"]}
        for group in set(GROUPS) - there:
            self.iam.create_group(GroupName=group)

    def user(self, name: str, *groups: str, **tags: str) -> None:
        rows = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.iam.create_user(UserName=name, Tags=rows)
        for group in groups:
            self.iam.add_user_to_group(UserName=name, GroupName=group)

    def enrol(self, name: str) -> str:
        device = self.iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
        serial = device["VirtualMFADevice"]["SerialNumber"]
        self.iam.enable_mfa_device(
            UserName=name,
            SerialNumber=serial,
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )
        return serial

    def groups(self, name: str) -> set[str]:
        found = self.iam.list_groups_for_user(UserName=name)["Groups"]
        return {group["GroupName"] for group in found}

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path, monkeypatch: Any, capsys: Any) -> World:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "access.json").write_bytes(encode(MODEL))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.delenv("KEYREEVE_ACCESS", raising=False)
    monkeypatch.delenv("KEYREEVE_ALERTS", raising=False)
    return World(sandbox, capsys)


def enrolled(user: str, name: str = "EnableMFADevice", **more: Any) -> dict[str, Any]:
    return {
        "source": "aws.iam",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {
            "eventSource": "iam.amazonaws.com",
            "eventName": name,
            "eventID": "e-1",
            "userIdentity": {"type": "IAMUser", "userName": "admin"},
            "requestParameters": {"userName": user} if user else {"serialNumber": "s"},
            **more,
        },
    }


def test_enrolling_moves_the_enrolled_user_and_taking_off_moves_it_back(world: World):
    world.user("bob", "MFA-Setup", **TAGS)
    serial = world.enrol("bob")
    (outcome,) = handle(enrolled("bob"))["outcomes"]
    assert outcome["outcome"] == "to_role_group"
    assert world.groups("bob") == {"Developers"}
    (line,) = world.said()
    assert (line["keyreeve"], line["event_id"], line["user_name"]) == (
        "onboarding.outcome",
        "e-1",
        "bob",
    )
    assert len(line["steps"]) == 2
    assert handle(enrolled("bob"))["outcomes"][0]["outcome"] == "in_place"
    world.iam.deactivate_mfa_device(UserName="bob", SerialNumber=serial)
    handle(enrolled("bob", "DeactivateMFADevice"))
    assert world.groups("bob") == {"MFA-Setup"}


def test_a_failed_call_and_a_foreign_event_do_nothing(world: World):
    world.user("bob", "MFA-Setup", **TAGS)
    world.enrol("bob")
    assert "AccessDenied" in handle(enrolled("bob", errorCode="AccessDenied"))["ignored"]
    assert "ignored" in handle({})
    assert world.groups("bob") == {"MFA-Setup"}
    assert {line["keyreeve"] for line in world.said()} == {"onboarding.ignored"}


def test_an_event_that_names_nobody_sweeps_the_account(world: World):
    world.user("bob", "Developers", **TAGS)
    world.user("eve", "MFA-Setup", **TAGS)
    world.enrol("eve")
    answer = handle(enrolled("", "DeleteVirtualMFADevice"))
    assert {row["user_name"]: row["outcome"] for row in answer["outcomes"]} == {
        "aged.key": "to_onboarding",
        "bob": "to_onboarding",
        "eve": "to_role_group",
    }
    assert (world.groups("bob"), world.groups("eve")) == ({"MFA-Setup"}, {"Developers"})
    assert world.said()[0]["moves"] == 3


def test_a_sweep_does_not_shut_out_many_at_once(world: World, sandbox: Sandbox, monkeypatch: Any):
    for number in range(6):
        world.user(f"dev.{number}", "Developers", **TAGS)
    world.user("eve", "MFA-Setup", **TAGS)
    world.enrol("eve")
    seen = _subscribed(sandbox, monkeypatch)
    (only,) = handle(enrolled("", "DeleteVirtualMFADevice"))["outcomes"]
    assert (only["user_name"], world.groups("dev.1")) == ("eve", {"Developers"})
    assert "7 users of 9 would go back to onboarding" in seen()["Message"]


def test_whom_a_sweep_cannot_read_stops_nobody_else_and_brings_the_event_again(
    world: World, monkeypatch: Any
):
    for name in ("ann", "bob", "eve"):
        world.user(name, "MFA-Setup", **TAGS)
        world.enrol(name)
    real = IamPeopleReader.member
    monkeypatch.setattr(
        IamPeopleReader,
        "member",
        lambda self, user: (_throttled if user == "bob" else real)(self, user),
    )
    with pytest.raises(Throttled):
        handle(enrolled("", "DeleteVirtualMFADevice"))
    assert [world.groups(name) for name in ("ann", "bob", "eve")] == [
        {"Developers"},
        {"MFA-Setup"},
        {"Developers"},
    ]
    outcomes = [line for line in world.said() if line["keyreeve"] == "onboarding.outcome"]
    assert [line["user_name"] for line in outcomes if line["failure"]] == ["bob"]


@pytest.mark.parametrize(
    ("tags", "outcome"),
    [
        ({}, "tags_missing"),
        ({**TAGS, "FunctionalGroup": "Root"}, "role_unknown"),
        ({**TAGS, "FunctionalGroup": "Auditor"}, "group_missing"),
    ],
)
def test_where_a_person_is_needed_the_topic_is_told(
    world: World, sandbox: Sandbox, monkeypatch: Any, tags: dict[str, str], outcome: str
):
    world.iam.delete_group(GroupName="Auditor")
    world.user("bob", "MFA-Setup", **tags)
    world.enrol("bob")
    seen = _subscribed(sandbox, monkeypatch)
    assert handle(enrolled("bob"))["outcomes"][0]["outcome"] == outcome
    assert world.groups("bob") == {"MFA-Setup"}
    told = seen()
    assert told["Subject"] == "Keyreeve onboarding: bob needs a person"
    assert outcome in told["Message"]


def test_a_move_that_failed_halfway_is_an_error_so_that_the_event_comes_again(
    world: World, sandbox: Sandbox, monkeypatch: Any
):
    world.user("bob", "MFA-Setup", **TAGS)
    world.enrol("bob")
    real = IamPeopleActuator.remove_from_group
    monkeypatch.setattr(IamPeopleActuator, "remove_from_group", _throttled)
    with pytest.raises(AwsFailure):
        handle(enrolled("bob"))
    (line,) = world.said()
    assert "slow down" in line["failure"]
    assert world.groups("bob") == {"MFA-Setup", "Developers"}
    monkeypatch.setattr(IamPeopleActuator, "remove_from_group", real)
    handle(enrolled("bob"))
    assert world.groups("bob") == {"Developers"}


def test_the_onboarding_role_is_enough_and_opens_no_other_group(world: World, sandbox: Sandbox):
    world.user("bob", "MFA-Setup", **TAGS)
    world.user("eve", "Developers", **TAGS)
    world.enrol("bob")
    here = installation_of(
        parse(CONFIG, path=Path("config.yaml")), account_id=HOME_ACCOUNT, region=REGION
    )
    sandbox.authorise(in_documents(people_statements(here, MODEL, PeopleRole.ONBOARDING)))
    try:
        handle(enrolled("bob"))
        handle(enrolled("", "DeleteVirtualMFADevice"))
        for group in ("Quarantine", "Elsewhere"):
            with pytest.raises(world.iam.exceptions.ClientError, match="AccessDenied"):
                world.iam.add_user_to_group(UserName="bob", GroupName=group)
        with pytest.raises(world.iam.exceptions.ClientError, match="AccessDenied"):
            world.iam.tag_user(UserName="bob", Tags=[{"Key": "FunctionalGroup", "Value": "x"}])
    finally:
        sandbox.authorise(None)
    assert (world.groups("bob"), world.groups("eve")) == ({"Developers"}, {"MFA-Setup"})


def test_without_a_readable_model_nothing_is_guessed(world: World, monkeypatch: Any):
    monkeypatch.setenv("KEYREEVE_ACCESS", "/nowhere/access.json")
    with pytest.raises(ConfigError, match="access model cannot be read"):
        handle(enrolled("bob"))


def _throttled(*_: object) -> str:
    raise Throttled("slow down", call="iam:RemoveUserFromGroup")


def _subscribed(sandbox: Sandbox, monkeypatch: Any) -> Callable[[], Any]:
    """A queue that hears what the topic is told; the function that reads its one message."""
    sns, sqs = aws(sandbox.url, "sns"), aws(sandbox.url, "sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="seen")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    lets_in = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn["QueueArn"],
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(lets_in)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    monkeypatch.setenv("KEYREEVE_ALERTS", topic)

    def seen() -> Any:
        sandbox.settle()
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        return json.loads(message["Body"])

    return seen
