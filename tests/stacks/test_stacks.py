from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from botocore.session import get_session
from cfnlint import ManualArgs, lint
from tests.stacks.sample import EMPTY, MEMBER, MODEL, SETTINGS, made, wanted
from tests.unit.governance.test_adoption import FULL, TRAIL

from keyreeve.codec.template import write
from keyreeve.governance.identity_stack import policy_names
from keyreeve.governance.stacks import without_work
from keyreeve.governance.templates import substituted
from keyreeve.model.access import QUARANTINE_GROUP
from keyreeve.model.baseline import Choice, RunFunction, StackName

LONGEST = 51_200
"""Bytes of a template in a request (CloudFormation quotas)."""
KEPT = {
    "AWS::IAM::Group",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
}
STACKS = made()
RUN = RunFunction(code_key="etv/functions/1.zip", architecture="x86_64", runtime="python3.14")
BARE = replace(SETTINGS, parameters={StackName.MEMBER_ROLE: MEMBER})
"""Without a package."""


def resources(stack, of=STACKS):
    return of[stack].template["Resources"]


def of_type(stack, kind, of=STACKS):
    return {n: r["Properties"] for n, r in resources(stack, of).items() if r["Type"] == kind}


@pytest.mark.parametrize("stack", StackName)
def test_cfn_lint_finds_nothing(stack):
    regions = ManualArgs(regions=[SETTINGS.region])
    assert lint(write(dict(STACKS[stack].template)), config=regions) == []


def test_reports_know_the_identity_stacks_own_policies_by_their_exact_names():
    found = of_type(StackName.IDENTITY, "AWS::IAM::ManagedPolicy").values()
    names = {each["ManagedPolicyName"]["Fn::Sub"].replace("${Project}", "etv") for each in found}
    assert names == policy_names(MODEL, "etv")


@pytest.mark.parametrize(
    ("duty", "said"), [("Développeur", "What Développeur may"), ("開発", "What the group Dev may")]
)
def test_a_role_is_described_in_letters_that_iam_takes(duty, said):
    grant = replace(MODEL.grants[0], functional_group=duty, group="Dev", role="DevRole")
    role = resources(StackName.IDENTITY, made(model=replace(MODEL, grants=(grant,))))
    text = role["RoleDevRole"]["Properties"]["Description"]
    assert text.startswith(said)
    iam = get_session().get_service_model("iam")
    shape = iam.operation_model("CreateRole").input_shape.members["Description"]
    assert re.fullmatch(shape.metadata["pattern"], text)


@pytest.mark.parametrize("stack", StackName)
def test_a_template_fits_into_its_request(stack):
    assert len(write(dict(STACKS[stack].template)).encode()) < LONGEST


@pytest.mark.parametrize("stack", StackName)
def test_logs_keys_buckets_and_groups_outlive_their_stack(stack):
    for name, resource in resources(stack).items():
        if resource["Type"] in KEPT:
            # After a first deployment that failed there is nothing worth keeping yet.
            assert resource["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate"), name
            assert resource["UpdateReplacePolicy"] == "Retain", name


@pytest.mark.parametrize("stack", StackName)
def test_every_skip_of_the_scanner_says_why(stack):
    for name, resource in resources(stack).items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            assert len(skip["comment"]) > 20, name


@pytest.mark.parametrize("stack", StackName)
def test_every_parameter_that_has_no_default_is_given(stack):
    blueprint = STACKS[stack]
    asked = blueprint.template["Parameters"]
    lacking = {n for n, p in asked.items() if "Default" not in p} - blueprint.parameters.keys()
    assert not lacking
    assert blueprint.parameters.keys() <= asked.keys()


def test_the_stacks_come_in_the_order_in_which_they_need_each_other():
    assert list(STACKS) == list(StackName)


# --- identity ---------------------------------------------------------------------------------


def test_each_duty_has_a_group_and_a_role_and_the_door_between_them():
    groups = {g["GroupName"] for g in of_type(StackName.IDENTITY, "AWS::IAM::Group").values()}
    assert groups == {"MFA-Setup", QUARANTINE_GROUP, "Administrator", "Developers", "Auditor"}
    roles = of_type(StackName.IDENTITY, "AWS::IAM::Role")
    assert roles["RoleDeveloperRole"]["MaxSessionDuration"] == 8 * 3600
    policies = of_type(StackName.IDENTITY, "AWS::IAM::ManagedPolicy")
    door = policies["PolicyAssumeDeveloperRole"]
    assert door["Groups"] == [{"Ref": "GroupDevelopers"}]
    [statement] = door["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["sts:AssumeRole"]
    assert statement["Resource"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/DeveloperRole"}
    ]


def test_no_duty_is_without_the_deny_and_onboarding_has_its_own():
    policies = of_type(StackName.IDENTITY, "AWS::IAM::ManagedPolicy")
    duties = [{"Ref": f"Group{name}"} for name in ("Administrator", "Developers", "Auditor")]
    assert policies["PolicyDenyWithoutMfa"]["Groups"] == duties
    assert policies["PolicyOnboarding"]["Groups"] == [{"Ref": "GroupMFASetup"}]
    assert policies["PolicyQuarantine"]["Groups"] == [{"Ref": "GroupQuarantine"}]
    assert policies["PolicyDenyRoleTag"]["Groups"] == [{"Ref": "GroupMFASetup"}, *duties]
    for role in of_type(StackName.IDENTITY, "AWS::IAM::Role").values():
        if "Version" in role["AssumeRolePolicyDocument"] and "MaxSessionDuration" in role:
            assert {"Ref": "PolicyDenyRoleTag"} in role["ManagedPolicyArns"]


def test_groups_that_are_there_are_adopted_and_get_the_policies():
    stacks = made(replace(EMPTY, groups=frozenset({"Developers"})))
    groups = of_type(StackName.IDENTITY, "AWS::IAM::Group", stacks)
    assert "GroupDevelopers" not in groups
    policies = of_type(StackName.IDENTITY, "AWS::IAM::ManagedPolicy", stacks)
    assert policies["PolicyAssumeDeveloperRole"]["Groups"] == ["Developers"]


def test_a_group_that_is_skipped_gets_nothing():
    settings = replace(SETTINGS, existing={"group/Developers": Choice.SKIP})
    stacks = made(replace(EMPTY, groups=frozenset({"Developers"})), settings=settings)
    assert "Developers" not in json.dumps(
        [
            p["Groups"]
            for p in of_type(StackName.IDENTITY, "AWS::IAM::ManagedPolicy", stacks).values()
        ]
    )


def test_a_group_that_is_imported_is_named_by_its_logical_id():
    settings = replace(SETTINGS, existing={"group/Developers": Choice.IMPORT})
    stacks = made(replace(EMPTY, groups=frozenset({"Developers"})), settings=settings)
    assert stacks[StackName.IDENTITY].imports == {"GroupDevelopers": {"GroupName": "Developers"}}
    assert "GroupDevelopers" in of_type(StackName.IDENTITY, "AWS::IAM::Group", stacks)


def test_a_role_that_is_there_is_left_alone():
    stacks = made(replace(EMPTY, roles=frozenset({"DeveloperRole"})))
    assert "RoleDeveloperRole" not in of_type(StackName.IDENTITY, "AWS::IAM::Role", stacks)
    assert "DeveloperRole" not in str(stacks[StackName.IDENTITY].imports)


def test_the_password_policy_is_left_alone_where_access_yaml_has_none():
    stacks = made(model=replace(MODEL, password_policy=None))
    assert stacks[StackName.IDENTITY].parameters["SetPasswordPolicy"] == "false"


# --- the others -------------------------------------------------------------------------------


def test_the_mover_may_touch_the_groups_of_access_yaml_and_no_others():
    *_, policy = of_type(StackName.ONBOARDING, "AWS::IAM::Role")["FunctionRole"]["Policies"]
    [moves] = [s for s in policy["PolicyDocument"]["Statement"] if s["Sid"] == "MoveMembers"]
    names = {arn["Fn::Sub"].rpartition("/")[2] for arn in moves["Resource"]}
    assert names == {"Administrator", "Auditor", "Developers", "MFA-Setup"}


def test_an_alarm_that_is_switched_off_is_not_made():
    _, *others = wanted().alarms
    stacks = made(alarms=(*others,))
    assert len(of_type(StackName.MONITORING, "AWS::CloudWatch::Alarm", stacks)) == len(others)
    assert len(of_type(StackName.MONITORING, "AWS::Logs::MetricFilter", stacks)) == len(others)


def test_a_threshold_reaches_its_alarm():
    first, *others = wanted().alarms
    stacks = made(alarms=(replace(first, threshold=7), *others))
    alarms = of_type(StackName.MONITORING, "AWS::CloudWatch::Alarm", stacks).values()
    thresholds = {alarm["AlarmName"]["Fn::Sub"]: alarm["Threshold"] for alarm in alarms}
    assert thresholds[f"keyreeve-${{Project}}-{first.card.id}"] == 7


def test_every_address_is_subscribed():
    endpoints = [
        s["Endpoint"] for s in of_type(StackName.MONITORING, "AWS::SNS::Subscription").values()
    ]
    assert endpoints == list(SETTINGS.alerts)


def test_a_trail_that_alarms_can_hear_makes_ours_needless():
    stacks = made(replace(EMPTY, trails=(TRAIL,)))
    assert StackName.AUDIT_TRAIL not in stacks
    assert stacks[StackName.MONITORING].parameters["LogGroupName"] == "trail-logs"


def test_a_deaf_trail_stays_and_ours_is_made_beside_it_and_its_price_is_named():
    stacks = made(replace(EMPTY, trails=(replace(TRAIL, log_group=None),)))
    assert stacks[StackName.MONITORING].parameters["LogGroupName"] == "/keyreeve/etv/trail"
    assert "second trail" in {cost.what for cost in stacks[StackName.AUDIT_TRAIL].costs}
    assert "second trail" not in {cost.what for cost in STACKS[StackName.AUDIT_TRAIL].costs}


def test_what_a_region_has_one_of_is_not_made_twice():
    stacks = made(FULL)
    detection, configuration = stacks[StackName.DETECTION], stacks[StackName.CONFIGURATION]
    assert detection.parameters["CreateDetector"] == "false"
    assert detection.parameters["CreateExternalAnalyzer"] == "false"
    assert detection.parameters["CreateUnusedAnalyzer"] == "false"
    assert configuration.parameters["CreateRecorder"] == "false"


def test_a_recorder_that_is_skipped_takes_its_rules_with_it():
    settings = replace(SETTINGS, existing={"recorder/default": Choice.SKIP})
    assert StackName.CONFIGURATION not in made(FULL, settings=settings)


def test_the_member_role_is_made_only_where_its_center_is_named():
    assert StackName.MEMBER_ROLE not in made(settings=replace(SETTINGS, parameters={}))


def test_the_fleet_is_made_only_where_there_are_several_accounts_and_a_package():
    assert StackName.FLEET not in made(fleet=())
    given = {k: v for k, v in SETTINGS.parameters.items() if k is not StackName.FLEET}
    assert StackName.FLEET not in made(settings=replace(SETTINGS, parameters=given))


def test_mail_feedback_is_made_only_where_ses_sends_and_there_is_a_package():
    assert StackName.MAIL_FEEDBACK not in made(feedback=())
    assert StackName.MAIL_FEEDBACK not in made(settings=BARE)
    given = made(settings=BARE, run=RUN)[StackName.MAIL_FEEDBACK].parameters
    assert given["RunCodeKey"] == RUN.code_key
    assert (given["RunArchitecture"], given["RunRuntime"]) == ("x86_64", "python3.14")


@pytest.mark.parametrize(
    ("stack", "changes", "reason"),
    [
        (StackName.MAIL_FEEDBACK, {"feedback": ()}, "its mails are not sent by SES"),
        (StackName.MAIL_FEEDBACK, {"settings": BARE}, "it asks for baseline.package"),
        (StackName.FLEET, {"fleet": ()}, "the project is one account"),
        (StackName.FLEET, {"settings": BARE}, "it asks for baseline.package"),
        (StackName.AUTOMATION, {"settings": BARE}, ""),
    ],
)
def test_why_a_stack_of_functions_is_left_out_is_said(stack, changes, reason):
    assert without_work(wanted(**changes), stack).startswith(reason)
    assert bool(reason) == (stack not in made(**changes))


# --- mails that come back ---------------------------------------------------------------------


def test_nobody_but_ses_may_publish_mails_that_came_back_and_only_of_this_account():
    [policy] = of_type(StackName.MAIL_FEEDBACK, "AWS::SNS::TopicPolicy").values()
    told, tls = policy["PolicyDocument"]["Statement"]
    assert (told["Effect"], told["Principal"]) == ("Allow", {"Service": "ses.amazonaws.com"})
    assert told["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert tls["Effect"] == "Deny"


def test_nothing_but_the_topic_may_invoke_the_function_of_mails_that_came_back():
    [invokes] = of_type(StackName.MAIL_FEEDBACK, "AWS::Lambda::Permission").values()
    assert (invokes["Principal"], invokes["SourceArn"]) == ("sns.amazonaws.com", {"Ref": "Topic"})


def test_what_the_function_does_not_take_and_what_never_reached_it_is_kept_and_alarmed():
    dead = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    [function] = of_type(StackName.MAIL_FEEDBACK, "AWS::Lambda::Function").values()
    assert function["DeadLetterConfig"] == {"TargetArn": dead}
    [subscription] = of_type(StackName.MAIL_FEEDBACK, "AWS::SNS::Subscription").values()
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": dead}
    alarms = of_type(StackName.MAIL_FEEDBACK, "AWS::CloudWatch::Alarm").values()
    heard = {f"{it['Namespace']} {it['MetricName']}" for it in alarms}
    assert heard == {"AWS/Lambda Errors", "AWS/SQS ApproximateNumberOfMessagesVisible"}
    assert all(alarm["AlarmActions"] == [{"Ref": "AlertTopicArn"}] for alarm in alarms)


def test_a_member_lets_in_its_center_by_external_id_and_named_source_only():
    [statement] = of_type(StackName.MEMBER_ROLE, "AWS::IAM::Role")["MemberRole"][
        "AssumeRolePolicyDocument"
    ]["Statement"]
    assert statement["Action"] == ["sts:AssumeRole", "sts:SetSourceIdentity"]
    assert statement["Condition"] == {
        "StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}},
        "StringLike": {"sts:SourceIdentity": "keyreeve-*"},
    }


def test_the_function_of_the_daily_run_is_declared_as_its_package_says():
    given = made(settings=BARE, run=RUN)[StackName.AUTOMATION].parameters
    assert given["RunCodeKey"] == RUN.code_key
    assert (given["RunArchitecture"], given["RunRuntime"]) == ("x86_64", "python3.14")
    [function] = of_type(StackName.AUTOMATION, "AWS::Lambda::Function").values()
    assert function["Architectures"] == [{"Ref": "RunArchitecture"}]
    assert function["Runtime"] == {"Ref": "RunRuntime"}


def test_what_the_config_says_of_the_run_wins_over_the_package():
    own = {"RunRuntime": "python3.12", "RunMemory": "512"}
    settings = replace(BARE, parameters={**BARE.parameters, StackName.AUTOMATION: own})
    given = made(settings=settings, run=RUN)[StackName.AUTOMATION].parameters
    assert (given["RunRuntime"], given["RunMemory"]) == ("python3.12", "512")


def test_without_a_package_nothing_of_the_run_is_made_and_nothing_of_it_costs():
    stack = made(settings=BARE)[StackName.AUTOMATION]
    assert "RunCodeKey" not in stack.parameters
    assert stack.template["Parameters"]["RunCodeKey"]["Default"] == ""
    for name, resource in stack.template["Resources"].items():
        own = resource["Type"] == "AWS::IAM::ManagedPolicy" or name in OWN_ROLES
        assert own or resource["Condition"] in ("WithRun", "ConfigInBucket", "WithSecrets"), name
    assert stack.costs == ()


OWN_ROLES = {"ReaderRole", "ActorRole", "PeopleRole"}


def test_every_end_of_a_run_but_a_good_one_is_alarmed():
    alarms = of_type(StackName.AUTOMATION, "AWS::CloudWatch::Alarm")
    heard = {f"{it['Namespace']} {it['MetricName']}" for it in alarms.values()}
    assert heard == {
        "AWS/Lambda Errors",
        "AWS/Lambda Throttles",
        "AWS/SQS ApproximateNumberOfMessagesVisible",
        "Keyreeve DailyRunEnded",
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopicArn"}]
    counted(StackName.AUTOMATION, alarms["RunMissing"], hours=26)


def counted(stack, missing, *, hours):
    """That nothing has ended for so long is told, and what ends is counted from the log."""
    # AWS: the whole window may not be longer than a week, with periods of an hour.
    assert missing["EvaluationPeriods"] * missing["Period"] / 3600 == hours
    assert missing["TreatMissingData"] == "breaching"
    assert missing["DatapointsToAlarm"] == missing["EvaluationPeriods"]
    [metric] = of_type(stack, "AWS::Logs::MetricFilter").values()
    [made_of] = metric["MetricTransformations"]
    assert (made_of["MetricNamespace"], made_of["MetricName"]) == (
        missing["Namespace"],
        missing["MetricName"],
    )
    assert [it["Key"] for it in made_of["Dimensions"]] == [
        it["Name"] for it in missing["Dimensions"]
    ]


# --- the fleet's day --------------------------------------------------------------------------


def machine():
    """The definition, with numbers in the place of what CloudFormation puts there."""
    [made_of] = of_type(StackName.FLEET, "AWS::StepFunctions::StateMachine").values()
    return json.loads(re.sub(r"\$\{\w+(\.\w+)?}", "1", made_of["DefinitionString"]["Fn::Sub"]))


def fleet_functions():
    return of_type(StackName.FLEET, "AWS::Lambda::Function")


def tasks(states):
    """Every state that calls a function, those of the map's items included."""
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        yield from tasks(state.get("ItemProcessor", {}).get("States", {}))


def test_every_end_of_a_fleets_day_but_a_good_one_is_alarmed():
    alarms = of_type(StackName.FLEET, "AWS::CloudWatch::Alarm")
    heard = {f"{it['Namespace']} {it['MetricName']}" for it in alarms.values()}
    assert heard == {
        "AWS/States ExecutionsFailed",
        "AWS/States ExecutionsAborted",
        "AWS/States ExecutionsTimedOut",
        "Keyreeve FleetDayEnded",
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertTopicArn"}]
        if alarm["Namespace"] == "AWS/States":
            assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": "Machine"}}]
            told = (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"])
            assert told == ("Sum", "GreaterThanOrEqualToThreshold", 1)
            # AWS publishes nothing for what did not happen.
            assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == ("notBreaching", 1)
    counted(StackName.FLEET, alarms["DayMissing"], hours=30)
    [metric] = of_type(StackName.FLEET, "AWS::Logs::MetricFilter").values()
    groups = {it["LoggingConfig"]["LogGroup"]["Ref"] for it in fleet_functions().values()}
    assert groups == {metric["LogGroupName"]["Ref"]}


def test_a_fleet_that_only_rehearses_misses_no_day():
    template = STACKS[StackName.FLEET].template
    assert template["Resources"]["DayMissing"]["Condition"] == "Acts"
    assert template["Conditions"]["Acts"] == {"Fn::Equals": [{"Ref": "Execute"}, "true"]}
    others = {n for n, it in template["Resources"].items() if "Condition" in it}
    assert others == {"DayMissing"}


def test_a_fleets_day_is_over_before_the_next_begins():
    hours = machine()["TimeoutSeconds"] / 3600
    [longest] = {it["Timeout"] / 3600 for it in fleet_functions().values() if it["Timeout"] > 300}
    assert longest < hours < 23  # hours of the day on which clocks go forward


def test_every_call_of_a_function_is_tried_again_where_lambda_itself_fails():
    found = dict(tasks(machine()["States"]))
    assert set(found) == {"Whom", "OneAccount", "Gather", "GatherWhatThereIs"}
    for name, state in found.items():
        again = state["Retry"][0]
        assert set(again["ErrorEquals"]) == {
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        }, name
        assert (again["MaxAttempts"], again["BackoffRate"]) == (6, 2), name


def test_every_parameter_of_the_run_says_what_it_is_for():
    told = STACKS[StackName.AUTOMATION].template["Parameters"]
    assert [name for name, it in told.items() if len(it.get("Description", "")) < 20] == []


def test_cost_drivers_are_named():
    named = {stack: {cost.what for cost in made.costs} for stack, made in STACKS.items()}
    assert named[StackName.AUDIT_TRAIL] == {"KMS key", "log group", "Insights", "data events"}
    assert named[StackName.MONITORING] == {"KMS key", "alarms"}
    assert named[StackName.DETECTION] == {"GuardDuty", "unused-access analysis"}
    assert named[StackName.MAIL_FEEDBACK] == {"alarms"}
    assert named[StackName.AUTOMATION] == {"alarms", "function"}
    assert named[StackName.FLEET] == {"alarms", "functions"}
    assert named[StackName.CONFIGURATION] == {"Config items", "Config rules"}
    [unused] = [c for c in STACKS[StackName.DETECTION].costs if "unused" in c.what]
    assert "40 users and roles" in unused.driver


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain ${aws:username}", "plain ${aws:username}"),
        (
            ["arn:${AWS::Partition}:iam::1:user/${aws:username}"],
            [{"Fn::Sub": "arn:${AWS::Partition}:iam::1:user/${!aws:username}"}],
        ),
        ({"a": ("${AWS::Region}", 1)}, {"a": [{"Fn::Sub": "${AWS::Region}"}, 1]}),
    ],
)
def test_policy_variables_stay_variables_of_the_policy(value, expected):
    assert substituted(value) == expected


def test_logs_that_an_earlier_stack_left_are_used_again_and_not_made():
    kept = frozenset({"/keyreeve/etv/trail", f"keyreeve-etv-trail-{EMPTY.account_id}"})
    stacks = made(replace(EMPTY, kept=kept))
    trail = stacks[StackName.AUDIT_TRAIL]
    assert set(trail.reused) == kept
    left = {resource["Type"] for resource in trail.template["Resources"].values()}
    assert left == {
        *("AWS::CloudTrail::Trail", "AWS::IAM::Role", "AWS::KMS::Key", "AWS::KMS::Alias"),
    }
    properties = of_type(StackName.AUDIT_TRAIL, "AWS::CloudTrail::Trail", stacks)["Trail"]
    assert properties["S3BucketName"] == f"keyreeve-etv-trail-{EMPTY.account_id}"
    assert properties["CloudWatchLogsLogGroupArn"]["Fn::Sub"].endswith(":/keyreeve/etv/trail:*")
    # Parameters and conditions of what is left out are idle now, which is no error.
    found = lint(write(dict(trail.template)), config=ManualArgs(regions=[SETTINGS.region]))
    assert [match for match in found if match.rule.id.startswith("E")] == []
