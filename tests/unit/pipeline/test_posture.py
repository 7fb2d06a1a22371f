from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.posture import FakePosture
from tests.unit.controls.posture.accounts import (
    ACCOUNT,
    NOW,
    ago,
    allow,
    document,
    facts,
    identities,
    user,
)

from keyreeve.model.account_facts import (
    AccountFacts,
    Analyzer,
    AnalyzerKind,
    OtherCredential,
    RootFacts,
)
from keyreeve.model.errors import AccessDenied
from keyreeve.model.identifiers import PostureId, UserName
from keyreeve.model.snapshot import Absent, PasswordPolicy
from keyreeve.pipeline.posture import Survey, read_posture, survey
from keyreeve.ports import CredentialReport

HEAD = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,"
    "access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,"
    "access_key_2_last_used_service\n"
)
ROOT = (
    "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,"
    "no_information,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A\n"
)
KEY = OtherCredential(
    user_name=UserName("coder"),
    id="APKA1",
    active=True,
    created_at=ago(400),
    service="codecommit.amazonaws.com",
)
WHOLE = facts(
    root=RootFacts(mfa=True, access_keys=False),
    root_last_used=Absent.NEVER,
    password_policy=PasswordPolicy(minimum_length=14, reuse_prevention=24),
    identities=identities(
        user("coder", inline={"git": document(allow("codecommit:GitPush", on="arn:aws:x"))}),
        user("pusher", inline={"git": document(allow("codecommit:GitPush"))}),
    ),
    certificates=(),
    ssh_keys=(KEY, replace(KEY, user_name=UserName("pusher"), id="APKA2")),
    service_credentials=(),
    trails=(),
    recorders={},
    detectors={},
    analyzers=(
        Analyzer(name="x", arn="x", kind=AnalyzerKind.EXTERNAL, active=True),
        Analyzer(name="u", arn="u", kind=AnalyzerKind.UNUSED, active=False),
    ),
    analyzer_findings=(),
)


class _Account:
    """The two reads of AccountReader that posture needs."""

    def __init__(self, report: str = HEAD + ROOT, *, policy: bool = True) -> None:
        self._report, self._policy = report, policy

    def credential_report(self) -> CredentialReport:
        return CredentialReport(content=self._report.encode(), generated_at=NOW)

    def password_policy(self) -> PasswordPolicy:
        if not self._policy:
            raise AccessDenied("no", call="iam:GetAccountPasswordPolicy", code="AccessDenied")
        return WHOLE.password_policy or PasswordPolicy()


def of(known: AccountFacts, account: Any = None) -> Survey:
    return Survey(
        account_id=ACCOUNT,
        partition="aws",
        region="eu-west-1",
        account=account or _Account(),
        reader=FakePosture(known),
    )


def test_what_can_be_read_is_read_and_git_keys_of_their_users_only():
    found, gaps = read_posture(of(WHOLE))
    assert gaps == ()
    assert [key.id for key in found.ssh_keys or ()] == ["APKA2"]
    assert replace(found, ssh_keys=WHOLE.ssh_keys) == WHOLE


@pytest.mark.parametrize(
    ("part", "call", "unjudged"),
    [
        ("root", "iam:GetAccountSummary", {PostureId.ROOT_MFA, PostureId.ROOT_ACCESS_KEY}),
        ("certificates", "iam:ListServerCertificates", {PostureId.SERVER_CERTIFICATES}),
        ("ssh_keys", "iam:ListSSHPublicKeys", {PostureId.SSH_KEYS}),
        (
            "service_credentials",
            "iam:ListServiceSpecificCredentials",
            {PostureId.SERVICE_CREDENTIALS},
        ),
        ("trails", "cloudtrail:DescribeTrails", {PostureId.CLOUDTRAIL_ON}),
        ("recorders", "config:DescribeConfigurationRecorderStatus", {PostureId.CONFIG_ON}),
        ("detectors", "guardduty:ListDetectors", {PostureId.GUARDDUTY_ON}),
        (
            "analyzers",
            "accessanalyzer:ListAnalyzers",
            {PostureId.ACCESS_ANALYZER_ON, PostureId.EXTERNAL_ACCESS},
        ),
        ("analyzer_findings", "accessanalyzer:ListFindingsV2", {PostureId.EXTERNAL_ACCESS}),
        (
            "identities",
            "iam:GetAccountAuthorizationDetails",
            {
                PostureId.ADMINISTRATOR_ACCESS,
                PostureId.WILDCARD_POLICIES,
                PostureId.PRIVILEGE_ESCALATION,
                PostureId.TRUST_WITHOUT_MFA,
                PostureId.TRUST_WITHOUT_EXTERNAL_ID,
                PostureId.TRUST_TOO_WIDE,
                PostureId.UNUSED_ROLES,
                PostureId.SSH_KEYS,
            },
        ),
    ],
)
def test_a_part_that_cannot_be_read_leaves_its_controls_unjudged_and_stops_nothing(
    part, call, unjudged
):
    whole = survey(of(WHOLE), NOW)
    partly = survey(of(replace(WHOLE, **{part: None})), NOW)
    assert set(whole.judged) - set(partly.judged) == unjudged
    assert call in [gap.step for gap in partly.gaps]
    assert whole.all_read
    assert not partly.all_read


@pytest.mark.parametrize(
    ("account", "step", "unjudged"),
    [
        (_Account(policy=False), "iam:GetAccountPasswordPolicy", PostureId.PASSWORD_POLICY),
        (_Account(report=HEAD), "GetCredentialReport", PostureId.ROOT_USE),
        (_Account(report="rubbish"), "GetCredentialReport", PostureId.ROOT_USE),
    ],
)
def test_what_the_account_reader_cannot_tell_is_a_gap_too(account, step, unjudged):
    told = survey(of(WHOLE, account), NOW)
    assert unjudged not in told.judged
    assert [gap.step for gap in told.gaps if not gap.step.startswith("control ")] == [step]
