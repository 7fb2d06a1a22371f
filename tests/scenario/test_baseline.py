"""The governance baseline over the command line: deployed, planned, changed, drifted, destroyed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from tests.scenario.governed import ACCESS, Governed
from tests.scenario.read_back import READ_BACK

from keyreeve.model.baseline import StackName
from keyreeve.sandbox.account import BUCKET
from keyreeve.sandbox.process import Sandbox

MEMBER = """\
    member-role:
      CentralRoleArn: arn:aws:iam::210987654321:role/keyreeve-etv-actor
      ExternalId: between-us-two
"""
PACKAGE = "{RunCodeKey: run.zip}"
MORE = f"  parameters:\n    automation: {PACKAGE}\n    mail-feedback: {PACKAGE}\n{MEMBER}"
BASE = "baseline:\n  access: access.yaml\n  alerts: [ops@example.com]\n"
ALL = [stack.value for stack in StackName if stack is not StackName.FLEET]
"""Of one account."""


@pytest.fixture
def account(sandbox: Sandbox, tmp_path: Any) -> Iterator[Governed]:
    with pytest.MonkeyPatch.context() as patch:
        governed = Governed(sandbox, tmp_path, patch)
        governed.begin()
        governed.settle(more=BASE + MORE)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("nothing.py", "")
        governed.client("s3").put_object(Bucket=BUCKET, Key="run.zip", Body=packed.getvalue())
        yield governed


def resources(account: Governed, stack: str) -> list[dict[str, Any]]:
    cloud = account.client("cloudformation")
    pages = cloud.get_paginator("list_stack_resources").paginate(StackName=f"keyreeve-etv-{stack}")
    return [row for page in pages for row in page["StackResourceSummaries"]]


def not_there(account: Governed, stacks: list[str]) -> list[str]:
    """Resources that their own service does not know."""
    missing = []
    for stack in stacks:
        for row in resources(account, stack):
            physical = row["PhysicalResourceId"]
            assert physical, row
            if not READ_BACK[row["ResourceType"]](account.client, physical):
                missing.append(f"{stack}: {row['LogicalResourceId']}")
    return missing


def changes(document: Any) -> dict[str, int]:
    return {row["stack"]: len(row["changes"]) for row in document["stacks"]}


def test_from_nothing_every_resource_is_there_and_a_second_deployment_changes_nothing(account):
    first = account.deploy()
    assert list(changes(first)) == ALL
    assert all(changes(first).values())
    assert not_there(account, ALL) == []
    assert set(changes(account.deploy()).values()) == {0}
    assert set(changes(account.json("baseline", "plan")).values()) == {0}
    status = account("--output", "json", "baseline", "status")
    assert [row["drifts"] for row in status.json["stacks"]] == [[]] * len(StackName)
    assert status.code == 0


def test_what_an_account_has_already_is_adopted_and_never_made_twice(account):
    iam, region = account.client("iam"), account.client
    for group in ("MFA-Setup", "Developers"):
        iam.create_group(GroupName=group)
    iam.create_user(UserName="old.hand")
    iam.add_user_to_group(GroupName="Developers", UserName="old.hand")
    iam.update_account_password_policy(MinimumPasswordLength=20)
    region("s3").create_bucket(Bucket="their-trail")
    region("logs").create_log_group(logGroupName="their-logs")
    region("cloudtrail").create_trail(
        Name="theirs",
        S3BucketName="their-trail",
        IsMultiRegionTrail=True,
        CloudWatchLogsLogGroupArn="arn:aws:logs:us-east-1:123456789012:log-group:their-logs:*",
        CloudWatchLogsRoleArn="arn:aws:iam::123456789012:role/their-delivery",
    )
    region("cloudtrail").start_logging(Name="theirs")
    detector = region("guardduty").create_detector(Enable=True)["DetectorId"]
    region("config").put_configuration_recorder(
        ConfigurationRecorder={
            "name": "default",
            "roleARN": "arn:aws:iam::123456789012:role/their-config",
            "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
        }
    )
    planned = account.json("baseline", "plan")
    found = {(row["kind"], row["name"]): row["choice"] for row in planned["found"]}
    assert found == {
        ("group", "MFA-Setup"): "adopt",
        ("group", "Developers"): "adopt",
        ("password-policy", "account"): "adopt",
        ("trail", "theirs"): "adopt",
        ("detector", detector): "adopt",
        ("recorder", "default"): "adopt",
    }
    assert set(planned["left_out"]) == {"audit-trail", "fleet"}
    stacks = [stack for stack in ALL if stack != "audit-trail"]
    deployed = account.deploy()
    assert list(changes(deployed)) == stacks
    assert not_there(account, stacks) == []
    assert region("guardduty").list_detectors()["DetectorIds"] == [detector]
    recorders = region("config").describe_configuration_recorders()["ConfigurationRecorders"]
    assert [row["name"] for row in recorders] == ["default"]
    assert [row["Name"] for row in region("cloudtrail").describe_trails()["trailList"]] == [
        "theirs"
    ]
    filters = region("logs").describe_metric_filters(logGroupName="their-logs")["metricFilters"]
    assert len(filters) == len(
        [r for r in resources(account, "monitoring") if r["ResourceType"].endswith("MetricFilter")]
    )
    assert account.groups("old.hand") == {"Developers"}
    attached = iam.list_attached_group_policies(GroupName="Developers")["AttachedPolicies"]
    assert "keyreeve-etv-deny-without-mfa" in {row["PolicyName"] for row in attached}
    policy = iam.get_account_password_policy()["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 20
    assert policy["PasswordReusePrevention"] == 24
    assert set(changes(account.deploy()).values()) == {0}


def test_a_group_can_be_imported_and_is_the_stacks_from_then_on(account):
    account.client("iam").create_group(GroupName="Developers")
    account.settle(more=BASE + "  existing: {group/Developers: import}\n")
    made = account.deploy("identity")["stacks"][0]["changes"]
    assert {"GroupDevelopers"} == {it["logical_id"] for it in made if it["action"] == "Import"}
    owned = {row["PhysicalResourceId"] for row in resources(account, "identity")}
    assert "Developers" in owned
    assert changes(account.deploy("identity")) == {"identity": 0}


def test_a_role_can_be_imported_and_stays_whenever_its_stack_goes(account):
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="AuditorRole", AssumeRolePolicyDocument=document)
    account.settle(more=BASE + "  existing: {role/AuditorRole: import}\n")
    made = account.deploy("identity")["stacks"][0]["changes"]
    assert {"RoleAuditorRole"} == {it["logical_id"] for it in made if it["action"] == "Import"}
    attached = iam.list_attached_role_policies(RoleName="AuditorRole")["AttachedPolicies"]
    assert "keyreeve-etv-deny-role-tag" in {row["PolicyName"] for row in attached}
    # AWS changes nothing of what it imports: what differs is drift, and is named as such.
    [status] = account("--output", "json", "baseline", "status", "identity").json["stacks"]
    assert [drift["logical_id"] for drift in status["drifts"]] == ["RoleAuditorRole"]
    assert changes(account.json("baseline", "plan", "identity")) == {"identity": 0}
    assert changes(account.deploy("identity")) == {"identity": 0}
    destroyed = account("baseline", "destroy", "identity", "--execute")
    assert destroyed.code == 0, destroyed.err
    assert "AuditorRole" in {row["RoleName"] for row in iam.list_roles()["Roles"]}


def test_a_changed_threshold_shows_in_the_plan_and_is_applied(account):
    account.deploy("audit-trail", "monitoring")
    alarm = "{unauthorized-api-calls: {threshold: 7, reason: noise of a scanner}}"
    account.settle(more=f"{BASE}  alarms: {alarm}\n")
    [planned] = account.json("baseline", "plan", "monitoring")["stacks"]
    assert [(it["action"], it["details"]) for it in planned["changes"]] == [
        ("Modify", ["Threshold"])
    ]
    cloudwatch = account.client("cloudwatch")
    name = "keyreeve-etv-unauthorized-api-calls"

    def threshold() -> float:
        [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return found["Threshold"]

    assert threshold() == 1
    account.deploy("monitoring")
    assert threshold() == 7


def test_the_alarms_that_were_deployed_reach_who_has_confirmed_and_nobody_before(account):
    account.deploy("audit-trail", "monitoring")
    before = account("--output", "json", "baseline", "verify")
    assert before.code == 1
    assert {chain["broken"] for chain in before.json["alarms"]} == {"subscription"}
    account.sandbox.confirm("ops@example.com")
    assert account("baseline", "verify").code == 0
    tried = account("--output", "json", "baseline", "verify", "--live", "--execute")
    assert tried.code == 0, tried.err
    told = {alert["subject"] for alert in account.sandbox.alerts()}
    assert any("access-key-lifecycle" in subject for subject in told)
    left = account.client("iam").list_users(PathPrefix="/keyreeve/verify/")["Users"]
    assert left == []


def test_a_rehearsed_deployment_and_a_plan_leave_the_account_as_it_was(account):
    for command in (("deploy",), ("plan",), ("status",), ("destroy", "identity"), ("render",)):
        before = account.sandbox.canonical_state()
        assert account("baseline", *command).code == 0
        assert account.sandbox.canonical_state() == before
        assert account.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_rehearsed_deployment_sends_nothing_that_changes(account):
    account.deploy("identity")
    since = account.sandbox.calls()[-1]["number"]
    said = account("baseline", "deploy")
    assert "Rehearsed only" in said.out
    names = {row["operation"] for row in account.sandbox.calls(since)}
    assert not [name for name in names if not name.startswith(("Get", "List", "Describe"))]


def test_what_was_changed_behind_the_stacks_back_is_named(account):
    account.deploy("identity")
    account.client("iam").update_role(RoleName="DeveloperRole", MaxSessionDuration=43200)
    status = account("--output", "json", "baseline", "status", "identity")
    assert status.code == 1
    [drift] = status.json["stacks"][0]["drifts"]
    assert drift["logical_id"] == "RoleDeveloperRole"
    assert any("43200" in difference for difference in drift["differences"])
    # And nobody is led to believe that deploying again would set it right.
    assert account("baseline", "deploy", "identity", "--execute").code == 0
    assert account("baseline", "status", "identity").out.endswith(
        "Set it back by hand: a deployment changes only what the templates change.\n"
    )


def test_a_policy_that_was_taken_off_its_group_is_named(account):
    account.deploy("identity")
    strict = "arn:aws:iam::123456789012:policy/keyreeve-etv-deny-without-mfa"
    account.client("iam").detach_group_policy(GroupName="Developers", PolicyArn=strict)
    status = account("--output", "json", "baseline", "status", "identity")
    assert status.code == 1
    [drift] = status.json["stacks"][0]["drifts"]
    assert drift["logical_id"] == "PolicyDenyWithoutMfa"
    assert any("Groups" in difference for difference in drift["differences"])


def test_a_stack_that_fails_is_rolled_back_and_says_why(account):
    (account.folder / "access.yaml").write_text(
        "roles:\n  Developer: {group: Developers, role: DeveloperRole,\n"
        "    policies: [arn:aws:iam::123456789012:policy/missing]}\n"
    )
    failed = account("baseline", "deploy", "identity", "--execute")
    assert failed.code == 1
    assert "RoleDeveloperRole" in failed.err
    assert "missing" in failed.err
    assert "Traceback" not in failed.err
    # The empty stack that is left keeps nobody from asking what would be done.
    planned = account.json("baseline", "plan", "identity", "detection")
    assert {it["action"] for row in planned["stacks"] for it in row["changes"]} == {"Add"}
    (account.folder / "access.yaml").write_text(
        "roles:\n  Developer: {group: Developers, role: DeveloperRole,\n"
        "    policies: [arn:aws:iam::aws:policy/SecurityAudit]}\n"
    )
    account.deploy("identity")
    assert not_there(account, ["identity"]) == []


def test_an_earlier_roll_back_is_no_failure_of_a_deployment_that_has_nothing_to_change(account):
    account.deploy("audit-trail", "monitoring")
    alarm = "{root-use: {threshold: 5, reason: planned work}}"
    account.settle(more=f"{BASE}  alarms: {alarm}\n")
    account.sandbox.plant_fault("PutMetricAlarm", code="LimitExceeded", status=400)
    failed = account("baseline", "deploy", "monitoring", "--execute")
    assert failed.code == 1
    assert "RootUseAlarm" in failed.err
    account.sandbox.clear_faults()
    account.settle(more=BASE)
    again = account.deploy("monitoring", "onboarding")
    assert changes(again)["monitoring"] == 0
    assert [row["status"] for row in again["stacks"]] == [
        "UPDATE_ROLLBACK_COMPLETE",
        "CREATE_COMPLETE",
    ]


def test_a_rehearsed_destruction_is_one_document_for_programs(account):
    account.deploy("identity")
    said = account("--output", "json", "baseline", "destroy", "identity", "detection")
    assert said.code == 0
    assert said.json["destroyed"] == []
    assert said.json["rehearsed"] == [
        {"stack": "identity", "status": "CREATE_COMPLETE"},
        {"stack": "detection", "status": None},
    ]


def test_destroying_keeps_logs_state_keys_and_who_is_in_a_group(account):
    account.client("iam").create_user(UserName="member")
    account.deploy()
    account.client("iam").add_user_to_group(UserName="member", GroupName="Developers")
    kept = ("AWS::IAM::Group", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::S3::Bucket")
    before = [
        (row["ResourceType"], row["PhysicalResourceId"])
        for stack in ALL
        for row in resources(account, stack)
        if row["ResourceType"] in kept
    ]
    answer = account("--output", "json", "baseline", "destroy", *ALL, "--execute")
    assert answer.code == 0, answer.err
    assert [row["stack"] for row in answer.json["destroyed"]] == ALL[::-1]
    assert account.client("cloudformation").describe_stacks()["Stacks"] == []
    assert len(before) > 12
    assert [row for row in before if not READ_BACK[row[0]](account.client, row[1])] == []
    assert account.groups("member") == {"Developers"}
    policy = account.client("iam").get_account_password_policy()["PasswordPolicy"]
    assert policy["MinimumPasswordLength"] == 14
    assert account.client("cloudtrail").describe_trails()["trailList"] == []
    # And they are used again: names that are taken make no second deployment fail.
    again = account.deploy()
    reused = {name for row in again["stacks"] for name in row["reused"]}
    assert reused == {name for kind, name in before if kind in kept[2:]}
    assert not_there(account, ALL) == []


@pytest.mark.parametrize("group", ["Quarantine", "MFA-Setup"])
def test_identities_are_not_destroyed_while_their_policy_is_all_that_holds_somebody(account, group):
    iam = account.client("iam")
    iam.create_user(UserName="member")
    account.deploy("identity")
    assert account("baseline", "destroy", "identity").code == 0
    iam.add_user_to_group(UserName="member", GroupName=group)
    for more in ((), ("--execute",)):
        said = account("baseline", "destroy", "detection", "identity", *more)
        assert said.code == 2
        assert f"in the group {group}: member." in said.err
    (stack,) = account.client("cloudformation").describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert account("baseline", "destroy", "audit-trail").code == 0
    assert account("baseline", "destroy", "identity", "--let-go", "--execute").code == 0
    assert account.client("cloudformation").describe_stacks()["Stacks"] == []
    assert account.groups("member") == {group}


def test_nobody_waits_in_an_onboarding_group_that_access_yaml_names_no_more(account):
    iam = account.client("iam")
    iam.create_user(UserName="newcomer")
    account.deploy("identity")
    iam.add_user_to_group(UserName="newcomer", GroupName="MFA-Setup")
    (account.folder / "access.yaml").write_text(f"onboarding_group: Newcomers\n{ACCESS}")
    for more in ((), ("--execute",)):
        said = account("baseline", "deploy", "identity", *more)
        assert said.code == 2
        assert "in the group MFA-Setup: newcomer. access.yaml names it no more" in said.err
    # What counts is what is deployed, not what access.yaml says since.
    assert account("baseline", "destroy", "identity", "--execute").code == 2
    attached = iam.list_attached_group_policies(GroupName="MFA-Setup")["AttachedPolicies"]
    assert "keyreeve-etv-onboarding" in {row["PolicyName"] for row in attached}
    let_go = account("baseline", "deploy", "identity", "--let-go", "--execute")
    assert let_go.code == 0, let_go.err
    attached = iam.list_attached_group_policies(GroupName="Newcomers")["AttachedPolicies"]
    assert "keyreeve-etv-onboarding" in {row["PolicyName"] for row in attached}
    assert account.groups("newcomer") == {"MFA-Setup"}


def test_which_stacks_to_destroy_must_be_said(account):
    said = account("baseline", "destroy", "--execute")
    assert said.code == 2
    assert "which stacks?" in said.err


@pytest.mark.parametrize("missing", ["access", "bucket"])
def test_what_the_baseline_needs_is_said_before_anything_is_sent(account, missing):
    if missing == "access":
        account.settle()
    else:
        account.settle(storage="{directory: ./state}", more=BASE)
    said = account("baseline", "plan")
    assert said.code == 2
    assert {"access": "baseline.access", "bucket": "storage.bucket"}[missing] in said.err
