"""Rows of what the baseline is made of: analyzers, detectors, findings, functions, stacks."""

from __future__ import annotations

import json
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.conformance.rows import COSTS, UNIMPLEMENTED, Clients, Row, outcome
from tests.conformance.storage_rows import new_bucket
from tests.sandbox_stacks import package

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION


def access_analyzer(clients: Clients) -> Any:
    told = outcome(clients("accessanalyzer").list_analyzers, lambda found: "told")
    return told if told == "told" else "unimplemented"


def metric_of_a_filter(clients: Clients) -> Any:
    """Whether TestMetricFilter, which evaluates a pattern, is there at all."""
    logs = clients("logs")
    ask = {"filterPattern": "{ $.a = 1 }", "logEventMessages": ['{"a": 1}']}
    told = outcome(lambda: logs.test_metric_filter(**ask), lambda found: len(found["matches"]))
    return told if told == 1 else "unimplemented"


def second_detector(clients: Clients) -> Any:
    guard = clients("guardduty")
    if not guard.list_detectors()["DetectorIds"]:
        guard.create_detector(Enable=True)
    return outcome(lambda: guard.create_detector(Enable=True))


def findings_while_security_hub_is_off(clients: Clients) -> Any:
    hub = clients("securityhub")
    return outcome(lambda: hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT)]))


def finding_of_another_account(clients: Clients) -> Any:
    """How many of two findings are taken, the second of an account that is not the caller's."""
    hub = clients("securityhub")
    hub.enable_security_hub()
    both = [finding_of(HOME_ACCOUNT), finding_of("999999999999")]
    return outcome(lambda: hub.batch_import_findings(Findings=both), lambda it: it["SuccessCount"])


def finding_that_is_not_newer(clients: Clients) -> Any:
    """The title after an update that bears an earlier instant."""
    hub = clients("securityhub")
    hub.enable_security_hub()
    hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT)])
    older = {"UpdatedAt": "2026-01-01T00:00:00.000Z", "Title": "older"}
    hub.batch_import_findings(Findings=[finding_of(HOME_ACCOUNT) | older])
    return hub.get_findings()["Findings"][0]["Title"]


def finding_of(account: str) -> dict[str, Any]:
    arn = f"arn:aws:securityhub:{REGION}:{account}:product/{account}/default"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"keyreeve/{account}",
        "ProductArn": arn,
        "GeneratorId": "keyreeve/conformance",
        "AwsAccountId": account,
        "CreatedAt": "2026-01-05T06:00:00.000Z",
        "UpdatedAt": "2026-01-05T06:00:00.000Z",
        "Title": "newer",
        "Description": "A probe",
        "Resources": [{"Type": "Other", "Id": "probe"}],
    }


def insights_put_twice(clients: Clients) -> Any:
    trails = trail(clients)
    for kind in ("ApiCallRateInsight", "ApiErrorRateInsight"):
        chosen = [{"InsightType": kind}]
        trails.put_insight_selectors(TrailName="keyreeve-conformance", InsightSelectors=chosen)
    told = trails.get_insight_selectors(TrailName="keyreeve-conformance")
    return len(told["InsightSelectors"])


def trail(clients: Clients) -> Any:
    _, bucket = new_bucket(clients)
    trails = clients("cloudtrail")
    trails.create_trail(Name="keyreeve-conformance", S3BucketName=bucket)
    return trails


def metric_filter_put_twice(clients: Clients) -> Any:
    logs, group = clients("logs"), f"keyreeve-conformance-{secrets.token_hex(4)}"
    logs.create_log_group(logGroupName=group)
    moves = [{"metricName": "m", "metricNamespace": "Keyreeve", "metricValue": "1"}]
    for pattern in ("a", "b"):
        logs.put_metric_filter(
            logGroupName=group, filterName="f", filterPattern=pattern, metricTransformations=moves
        )
    return len(logs.describe_metric_filters(logGroupName=group)["metricFilters"])


@contextmanager
def new_function(clients: Clients, **more: Any) -> Iterator[Any]:
    """The client of an account with one function, which is taken away again."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    iam, functions = clients("iam"), clients("lambda")
    role = iam.create_role(
        RoleName="keyreeve-conformance", AssumeRolePolicyDocument=json.dumps(document)
    )
    functions.create_function(
        FunctionName="keyreeve-conformance",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": package()},
        **more,
    )
    try:
        yield functions
    finally:
        functions.delete_function(FunctionName="keyreeve-conformance")
        iam.delete_role(RoleName="keyreeve-conformance")


def log_group_of_a_function(clients: Clients) -> Any:
    with new_function(clients, LoggingConfig={"LogGroup": "/keyreeve"}) as functions:
        told = functions.get_function_configuration(FunctionName="keyreeve-conformance")
        return told.get("LoggingConfig", {}).get("LogGroup")


def retries_put_twice(clients: Clients) -> Any:
    with new_function(clients) as functions:
        for retries in (0, 2):
            functions.put_function_event_invoke_config(
                FunctionName="keyreeve-conformance", MaximumRetryAttempts=retries
            )
        told = functions.get_function_event_invoke_config(FunctionName="keyreeve-conformance")
        return told["MaximumRetryAttempts"]


def stack_of_a_type_that_does_not_exist(clients: Clients) -> Any:
    template = json.dumps({"Resources": {"Thing": {"Type": "AWS::Bogus::Thing"}}})
    name = f"keyreeve-conformance-{secrets.token_hex(4)}"
    cloudformation = clients("cloudformation")
    with warnings.catch_warnings(action="ignore"):  # moto warns in its own log, not its caller
        return outcome(
            lambda: cloudformation.create_stack(StackName=name, TemplateBody=template),
            lambda _: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
        )


def stack_set(clients: Clients) -> Any:
    """Stacks in other accounts: ours has stacks of one account alone."""
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    cloudformation = clients("cloudformation")
    call = lambda: cloudformation.create_stack_set(StackSetName="s", TemplateBody=template)  # noqa: E731
    return "unimplemented" if outcome(call) in UNIMPLEMENTED else "works"


DIFFERENCES = (
    Row(access_analyzer, "unimplemented", "told"),
    Row(metric_of_a_filter, "unimplemented", 1),
    Row(stack_of_a_type_that_does_not_exist, "CREATE_COMPLETE", "ValidationError"),
    Row(second_detector, "accepted", "BadRequestException", COSTS),
    Row(findings_while_security_hub_is_off, "accepted", "InvalidAccessException", COSTS),
    Row(finding_of_another_account, 2, 1, COSTS),
    Row(finding_that_is_not_newer, "older", "newer", COSTS),
    Row(insights_put_twice, 2, 1, COSTS),
    Row(metric_filter_put_twice, 2, 1, COSTS),
    Row(log_group_of_a_function, None, "/keyreeve", COSTS),
    Row(retries_put_twice, 0, 2, COSTS),
)
AS_AWS = ()
LEFT_UNLIKE_AWS = (Row(stack_set, "works", "unimplemented", COSTS),)
