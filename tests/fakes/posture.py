"""Posture's facts in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from keyreeve.model.account_facts import (
    AccountFacts,
    Analyzer,
    AnalyzerFinding,
    Identities,
    OtherCredential,
    RootFacts,
    ServerCertificate,
    TrailFacts,
)
from keyreeve.model.errors import AccessDenied
from keyreeve.model.identifiers import UserName

T = TypeVar("T")


class FakePosture:
    """ports.posture.PostureReader of given facts; a part that is None may not be read."""

    def __init__(self, facts: AccountFacts) -> None:
        self.facts = facts
        self.asked_for: tuple[UserName, ...] = ()

    def root(self) -> RootFacts:
        return _given(self.facts.root, "iam:GetAccountSummary")

    def identities(self) -> Identities:
        return _given(self.facts.identities, "iam:GetAccountAuthorizationDetails")

    def server_certificates(self) -> tuple[ServerCertificate, ...]:
        return _given(self.facts.certificates, "iam:ListServerCertificates")

    def ssh_keys(self, users: Iterable[UserName]) -> tuple[OtherCredential, ...]:
        self.asked_for = tuple(users)
        keys = _given(self.facts.ssh_keys, "iam:ListSSHPublicKeys")
        return tuple(key for key in keys if key.user_name in self.asked_for)

    def service_credentials(self) -> tuple[OtherCredential, ...]:
        return _given(self.facts.service_credentials, "iam:ListServiceSpecificCredentials")

    def trails(self) -> tuple[TrailFacts, ...]:
        return _given(self.facts.trails, "cloudtrail:DescribeTrails")

    def recorders(self) -> Mapping[str, bool]:
        return _given(self.facts.recorders, "config:DescribeConfigurationRecorderStatus")

    def detectors(self) -> Mapping[str, bool]:
        return _given(self.facts.detectors, "guardduty:ListDetectors")

    def analyzers(self) -> tuple[Analyzer, ...]:
        return _given(self.facts.analyzers, "accessanalyzer:ListAnalyzers")

    def analyzer_findings(self, analyzers: Iterable[Analyzer]) -> tuple[AnalyzerFinding, ...]:
        kinds = {each.kind for each in analyzers}
        found = _given(self.facts.analyzer_findings, "accessanalyzer:ListFindingsV2")
        return tuple(each for each in found if each.kind in kinds)


def _given(part: T | None, call: str) -> T:
    if part is None:
        raise AccessDenied("not for you", call=call, code="AccessDenied")
    return part
