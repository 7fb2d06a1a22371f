"""Config's compliance and GuardDuty's findings in the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conformance.alarm_chain import policy, service
from tests.sandbox_fixture import MONDAY, aws, sandbox

from keyreeve.sandbox.account import BUCKET, HOME_ACCOUNT
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]


@pytest.fixture(autouse=True)
def small(sandbox: Sandbox) -> None:
    sandbox.reset("small", MONDAY)


def config_rule(sandbox: Sandbox, source: str, **parameters: Any) -> str:
    config = aws(sandbox.url, "config")
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": "r", "roleARN": f"arn:aws:iam::{HOME_ACCOUNT}:role/r"}
    )
    config.put_delivery_channel(DeliveryChannel={"name": "r", "s3BucketName": BUCKET})
    config.start_configuration_recorder(ConfigurationRecorderName="r")
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": "rule",
            "Source": {"Owner": "AWS", "SourceIdentifier": source},
            "InputParameters": json.dumps(parameters),
        }
    )
    [row] = config.describe_compliance_by_config_rule(ConfigRuleNames=["rule"])[
        "ComplianceByConfigRules"
    ]
    return str(row["Compliance"]["ComplianceType"])


STRONG = {
    "MinimumPasswordLength": 14,
    "RequireSymbols": True,
    "RequireNumbers": True,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "MaxPasswordAge": 90,
    "PasswordReusePrevention": 24,
}


@pytest.mark.parametrize(
    ("source", "policy_of_account", "compliance"),
    [
        ("ROOT_ACCOUNT_MFA_ENABLED", None, "COMPLIANT"),
        ("IAM_PASSWORD_POLICY", STRONG, "COMPLIANT"),
        ("IAM_PASSWORD_POLICY", {**STRONG, "MinimumPasswordLength": 8}, "NON_COMPLIANT"),
        ("IAM_PASSWORD_POLICY", {**STRONG, "RequireSymbols": False}, "NON_COMPLIANT"),
        ("S3_BUCKET_VERSIONING_ENABLED", None, "INSUFFICIENT_DATA"),
    ],
)
def test_compliance_is_of_the_account_as_it_stands(
    sandbox: Sandbox, source: str, policy_of_account: dict[str, Any] | None, compliance: str
) -> None:
    if policy_of_account is not None:
        aws(sandbox.url, "iam").update_account_password_policy(**policy_of_account)
    assert config_rule(sandbox, source) == compliance


def test_a_sample_finding_is_told_and_matches_a_rule(sandbox: Sandbox) -> None:
    topic = aws(sandbox.url, "sns").create_topic(Name="findings")["TopicArn"]
    sns, events = aws(sandbox.url, "sns"), aws(sandbox.url, "events")
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=policy(service("events", "sns:Publish", resource=topic)),
    )
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    sandbox.confirm("a@example.com")
    pattern = {"source": ["aws.guardduty"], "detail": {"severity": [{"numeric": [">=", 4]}]}}
    events.put_rule(Name="findings", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="findings", Targets=[{"Id": "1", "Arn": topic}])
    guardduty = aws(sandbox.url, "guardduty")
    detector = guardduty.create_detector(Enable=True)["DetectorId"]
    kind = "Policy:IAMUser/RootCredentialUsage"
    guardduty.create_sample_findings(DetectorId=detector, FindingTypes=[kind])
    sandbox.settle()
    ids = guardduty.list_findings(DetectorId=detector)["FindingIds"]
    [finding] = guardduty.get_findings(DetectorId=detector, FindingIds=ids)["Findings"]
    assert finding["Type"] == kind
    [alert] = sandbox.alerts()
    assert json.loads(alert["message"])["detail"]["type"] == kind
