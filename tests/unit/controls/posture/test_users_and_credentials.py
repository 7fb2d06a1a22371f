from __future__ import annotations

import pytest
from tests.unit.controls.posture.accounts import (
    NEVER,
    ago,
    allow,
    document,
    findings,
    found,
    group,
    iam,
    identities,
    posture,
    role,
    user,
)

from keyreeve.controls.posture.credentials import users_of_git
from keyreeve.controls.posture.library import Library
from keyreeve.model.access import OFFBOARDED_TAG, AccessModel, Grant
from keyreeve.model.account_facts import (
    Analyzer,
    AnalyzerFinding,
    AnalyzerKind,
    OtherCredential,
    ServerCertificate,
)
from keyreeve.model.identifiers import PostureId, UserName
from keyreeve.model.policy import Exclusion, Match
from keyreeve.model.posture import ResourceType
from keyreeve.model.snapshot import Absent

MODEL = AccessModel(
    grants=(
        Grant(functional_group="Developer", group="Developers", role="Dev", policies=()),
        Grant(functional_group="Auditor", group="Auditors", role="Audit", policies=()),
    ),
    exclusions=(Exclusion(match=Match(user="robot-*"), reason="r"),),
)
TAGS = {"FunctionalGroup": "Developer", "Department": "Eng", "email": "a@example.com"}


@pytest.mark.parametrize(
    ("holder", "flagged"),
    [
        (user("a", groups=("Developers",), tags=TAGS), set()),
        (user("a", groups=("MFA-Setup",), tags=TAGS), set()),
        (user("a", groups=("Quarantine",), tags=TAGS), set()),
        (user("a", tags=TAGS), {PostureId.OUTSIDE_ROLE_GROUPS}),
        (user("a", groups=("Others",), tags=TAGS), {PostureId.OUTSIDE_ROLE_GROUPS}),
        (user("a", groups=("Developers", "MFA-Setup"), tags=TAGS), {PostureId.DOUBLE_MEMBERSHIP}),
        (user("a", groups=("Developers", "Auditors"), tags=TAGS), {PostureId.DOUBLE_MEMBERSHIP}),
        (user("a", groups=("Developers", "Others"), tags=TAGS), set()),
        (user("a", groups=("Developers",), tags={**TAGS, "email": " "}), {PostureId.MISSING_TAGS}),
        (
            user("a", groups=("Developers",), tags={**TAGS, "FunctionalGroup": "developer"}),
            {PostureId.MISSING_TAGS},
        ),
        (user("a"), {PostureId.OUTSIDE_ROLE_GROUPS, PostureId.MISSING_TAGS}),
        (user("robot-1"), set()),
        (user("a", tags={OFFBOARDED_TAG: "2026-01-01T00:00:00Z"}), set()),
    ],
)
def test_users_are_where_the_access_model_says(holder, flagged):
    told = posture(MODEL, identities=identities(holder))
    assert {each.control for each in told.findings} == flagged


def test_without_an_access_model_nobody_is_outside_it():
    told = posture(identities=identities(user("a")))
    assert PostureId.OUTSIDE_ROLE_GROUPS not in told.judged
    assert told.findings == ()


@pytest.mark.parametrize(
    ("used", "created", "flagged"),
    [
        (ago(89), ago(400), False),
        (ago(90), ago(400), True),
        (NEVER, ago(89), False),
        (NEVER, ago(90), True),
    ],
)
def test_a_role_is_unused_after_ninety_days(used, created, flagged):
    account = identities(role("r", last_used=used, created_at=created))
    assert found(PostureId.UNUSED_ROLES, identities=account) == ["r"] * flagged


def test_a_role_whose_use_is_unknown_is_a_gap():
    told = posture(identities=identities(role("r", last_used=Absent.UNKNOWN)))
    assert PostureId.UNUSED_ROLES not in told.judged


@pytest.mark.parametrize(
    ("days", "says"),
    [(-1, "Expired on 2026-01-04, 1 day ago."), (0, "in 0 days"), (29, "in 29 days"), (30, None)],
)
def test_a_certificate_is_reported_thirty_days_before_its_end(days, says):
    one = ServerCertificate(name="www", arn=iam("server-certificate/www"), expires_at=ago(-days))
    told = findings(PostureId.SERVER_CERTIFICATES, certificates=(one,))
    assert len(told) == (says is not None)
    assert all(says in each.detail for each in told)


@pytest.mark.parametrize(
    ("control", "part"),
    [
        (PostureId.SSH_KEYS, "ssh_keys"),
        (PostureId.SERVICE_CREDENTIALS, "service_credentials"),
    ],
)
@pytest.mark.parametrize(
    ("days", "active", "flagged"), [(89, True, False), (90, True, True), (400, False, False)]
)
def test_other_credentials_grow_old_at_ninety_days(control, part, days, active, flagged):
    one = OtherCredential(
        user_name=UserName("ann"),
        id="APKA1",
        active=active,
        created_at=ago(days),
        service="codecommit.amazonaws.com",
    )
    told = findings(control, **{part: (one,)})
    assert [each.resource_id for each in told] == [f"{iam('user/ann')}#APKA1"] * flagged


def test_only_who_may_use_git_is_asked_for_ssh_keys():
    git = document(allow("codecommit:*"))
    account = identities(
        group("Coders", inline={"git": git}),
        user("by-group", groups=("Coders",)),
        user("by-itself", inline={"git": git}),
        user("pull", inline={"git": document(allow("codecommit:GitPull"))}),
        user("other", inline={"s3": document(allow("s3:*"))}),
        user("nothing"),
    )
    repository = "arn:aws:codecommit:eu-west-1:123456789012:keyreeve-probe"
    asked = users_of_git(Library(account), repository)
    assert [each.name for each in asked] == ["by-group", "by-itself", "pull"]


def analyzer(kind: AnalyzerKind, *, active: bool = True) -> Analyzer:
    return Analyzer(name=kind, arn=f"arn:analyzer/{kind}", kind=kind, active=active)


BUCKET = AnalyzerFinding(
    id="f-1",
    kind=AnalyzerKind.EXTERNAL,
    type="ExternalAccess",
    resource="arn:aws:s3:::open",
    resource_type="AWS::S3::Bucket",
    updated_at=ago(3),
)
IDLE = AnalyzerFinding(
    id="f-2",
    kind=AnalyzerKind.UNUSED,
    type="UnusedIAMRole",
    resource=iam("role/idle"),
    resource_type="AWS::IAM::Role",
    updated_at=ago(3),
)
BOTH = (analyzer(AnalyzerKind.EXTERNAL), analyzer(AnalyzerKind.UNUSED))


def test_findings_of_analyzers_are_taken_over():
    told = posture(analyzers=BOTH, analyzer_findings=(BUCKET, IDLE))
    assert [(each.control, each.resource_type, each.resource_name) for each in told.findings] == [
        (PostureId.UNUSED_ACCESS, ResourceType.ROLE, "role/idle"),
        (PostureId.EXTERNAL_ACCESS, ResourceType.OTHER, "open"),
    ]
    assert told.gaps == ()


@pytest.mark.parametrize(
    ("analyzers", "on", "gaps"),
    [
        ((), False, 2),
        ((analyzer(AnalyzerKind.EXTERNAL, active=False),), False, 2),
        ((analyzer(AnalyzerKind.EXTERNAL),), True, 1),
        ((analyzer(AnalyzerKind.UNUSED),), False, 1),
        (BOTH, True, 0),
    ],
)
def test_without_an_analyzer_there_is_a_gap_instead_of_nothing_found(analyzers, on, gaps):
    told = posture(analyzers=analyzers, analyzer_findings=())
    assert (PostureId.ACCESS_ANALYZER_ON in {f.control for f in told.findings}) is not on
    assert len(told.gaps) == gaps
    assert PostureId.ACCESS_ANALYZER_ON in told.judged
