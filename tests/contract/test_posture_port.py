"""PostureReader: facts read over HTTP are those that were made; a fake tells the same."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from tests.fakes.posture import FakePosture
from tests.sandbox_fixture import MONDAY, sandbox

from keyreeve.aws.posture_reader import PostureOfAccount
from keyreeve.aws.sessions import Sessions
from keyreeve.model.account_facts import (
    AccountFacts,
    Analyzer,
    AnalyzerKind,
    Holder,
    HolderKind,
    Identities,
    OtherCredential,
    RootFacts,
)
from keyreeve.model.errors import AccessDenied, Malformed
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.model.snapshot import Absent
from keyreeve.ports.posture import PostureReader
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

ACCOUNT = AccountId("123456789012")
IAM = f"arn:aws:iam::{ACCOUNT}"
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "sts:AssumeRole"}
    ],
}
AGO = MONDAY - timedelta(days=400)
DATA: dict[str, Any] = {
    "root": {"mfa": False, "key": True},
    "groups": [{"name": "Readers", "attached": ["AdministratorAccess"], "inline": {"r": READ}}],
    "users": [{"name": "ann", "created": "400d", "groups": ["Readers"], "tags": {"a": "b"}}],
    "policies": [{"name": "own", "document": READ}],
    "roles": [
        {"name": "used", "trust": TRUST, "created": "400d", "last_used": "400d"},
        {"name": "idle", "trust": TRUST, "created": "400d", "path": "/x/", "inline": {"r": READ}},
    ],
}


def client(at: Sandbox, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=at.url,
        region_name="us-east-1",
        aws_access_key_id=at.environment()["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=at.environment()["AWS_SECRET_ACCESS_KEY"],
    )


def holder(kind: HolderKind, name: str, path: str = "/", **fields: Any) -> Holder:
    arn = f"{IAM}:{kind}{path}{name}"
    return Holder(kind=kind, name=name, arn=arn, path=path, created_at=AGO, **fields)


@pytest.fixture(params=["aws", "fake"])
def made(
    request: pytest.FixtureRequest, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> tuple[PostureReader, AccountFacts]:
    """One account, and what is to be read of it."""
    sandbox.clear_faults()
    sandbox.reset(DATA, MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    facts = furnished(sandbox)
    if request.param == "fake":
        return FakePosture(facts), facts
    return PostureOfAccount(Sessions(rehearsal=True, region="us-east-1")), facts


def furnished(at: Sandbox) -> AccountFacts:
    iam = client(at, "iam")
    key = iam.upload_ssh_public_key(UserName="ann", SSHPublicKeyBody="ssh-rsa AAAA")
    git = iam.create_service_specific_credential(
        UserName="ann", ServiceName="codecommit.amazonaws.com"
    )["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
    iam.update_service_specific_credential(
        UserName="ann", ServiceSpecificCredentialId=git, Status="Inactive"
    )
    config = client(at, "config")
    role = f"{IAM}:role/used"
    config.put_configuration_recorder(ConfigurationRecorder={"name": "all", "roleARN": role})
    detector = client(at, "guardduty").create_detector(Enable=True)["DetectorId"]
    arn = client(at, "accessanalyzer").create_analyzer(analyzerName="x", type="ACCOUNT")["arn"]
    one = OtherCredential(
        user_name=UserName("ann"),
        id=key["SSHPublicKey"]["SSHPublicKeyId"],
        active=True,
        created_at=MONDAY,
        service="codecommit.amazonaws.com",
    )
    return AccountFacts(
        account_id=ACCOUNT,
        partition="aws",
        region="us-east-1",
        root=RootFacts(mfa=False, access_keys=True),
        certificates=(),
        ssh_keys=(one,),
        service_credentials=(replace(one, id=git, active=False),),
        trails=(),
        recorders={"all": False},
        detectors={detector: True},
        analyzers=(Analyzer(name="x", arn=arn, kind=AnalyzerKind.EXTERNAL, active=True),),
        analyzer_findings=(),
        identities=Identities(
            holders=(
                holder(HolderKind.USER, "ann", groups=("Readers",), tags={"a": "b"}),
                holder(
                    HolderKind.GROUP,
                    "Readers",
                    attached=("arn:aws:iam::aws:policy/AdministratorAccess",),
                    inline={"r": READ},
                ),
                holder(HolderKind.ROLE, "used", trust=TRUST, last_used=AGO),
                holder(
                    HolderKind.ROLE, "idle", "/x/", trust=TRUST, last_used=NEVER, inline={"r": READ}
                ),
            ),
            policies={f"{IAM}:policy/own": READ},
        ),
    )


NEVER = Absent.NEVER


def test_every_part_is_as_it_was_made(made):
    reader, facts = made
    assert reader.root() == facts.root
    assert reader.server_certificates() == facts.certificates
    assert reader.ssh_keys([UserName("ann"), UserName("nobody")]) == facts.ssh_keys
    assert reader.ssh_keys([]) == ()
    assert reader.service_credentials() == facts.service_credentials
    assert reader.trails() == facts.trails
    assert reader.recorders() == facts.recorders
    assert reader.detectors() == facts.detectors
    assert reader.analyzers() == facts.analyzers
    assert reader.analyzer_findings(facts.analyzers) == ()


def test_holders_have_what_hangs_on_them_and_policies_of_aws_are_there_if_somebody_holds_them(made):
    reader, facts = made
    found = reader.identities()
    seen = {each.name: each for each in found.holders if each.name != "keyreeve"}
    group = seen["Readers"].created_at  # groups are as old as the sandbox
    assert seen == {
        each.name: replace(each, created_at=group) if each.name == "Readers" else each
        for each in facts.identities.holders
    }
    assert found.policies.items() >= facts.identities.policies.items()


def test_a_policy_of_aws_that_somebody_holds_comes_with_its_document(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    sandbox.reset(DATA, MONDAY)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    found = PostureOfAccount(Sessions(rehearsal=True, region="us-east-1")).identities()
    document = found.policies["arn:aws:iam::aws:policy/AdministratorAccess"]
    assert document["Statement"][0]["Action"] == "*"


# --- what the emulator cannot show ----------------------------------------------------------------


@pytest.fixture
def scripted_reader(scripted) -> PostureOfAccount:
    return PostureOfAccount(Sessions(rehearsal=True, region="us-east-1"))


ANALYZER = Analyzer(name="u", arn="arn:u", kind=AnalyzerKind.UNUSED, active=True)


def finding(id_: str, **more: str) -> dict[str, str]:
    return {
        "id": id_,
        "findingType": "UnusedIAMRole",
        "resource": f"{IAM}:role/{id_}",
        "resourceType": "AWS::IAM::Role",
        "updatedAt": "2026-01-04T00:00:00Z",
        **more,
    }


def test_findings_are_read_to_the_last_page_and_only_active_ones_are_asked_for(
    scripted, scripted_reader
):
    first = json.dumps({"findings": [finding("a")], "nextToken": "2"})
    scripted.answer(first, json.dumps({"findings": [finding("b")]}))
    found = scripted_reader.analyzer_findings([ANALYZER])
    assert [(each.resource, each.kind, each.updated_at) for each in found] == [
        (f"{IAM}:role/{id_}", AnalyzerKind.UNUSED, datetime(2026, 1, 4, tzinfo=UTC))
        for id_ in ("a", "b")
    ]
    assert [json.loads(body)["filter"] for body in scripted.asked] == [
        {"status": {"eq": ["ACTIVE"]}}
    ] * 2


def test_a_page_that_comes_back_for_ever_is_malformed(scripted, scripted_reader):
    scripted.answer(json.dumps({"findings": [], "nextToken": "2"}))
    with pytest.raises(Malformed):
        scripted_reader.analyzer_findings([ANALYZER])


def test_a_summary_without_its_counts_is_malformed_not_compliant(scripted, scripted_reader):
    scripted.answer(
        "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap/>"
        "</GetAccountSummaryResult></GetAccountSummaryResponse>"
    )
    with pytest.raises(Malformed):
        scripted_reader.root()


def test_who_may_not_look_is_told_so(scripted, scripted_reader):
    scripted.answer(
        (403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
    )
    with pytest.raises(AccessDenied, match="AccessDenied"):
        scripted_reader.ssh_keys([UserName("ann")])
