"""What posture needs to know of an account, beside what `AccountReader` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from keyreeve.model.account_facts import (
    Analyzer,
    AnalyzerFinding,
    Identities,
    OtherCredential,
    RootFacts,
    ServerCertificate,
    TrailFacts,
)
from keyreeve.model.identifiers import UserName


class PostureReader(Protocol):
    """Each reads all of its part or raises AwsFailure; never answers with less."""

    def root(self) -> RootFacts:
        """GetAccountSummary."""

    def identities(self) -> Identities:
        """GetAccountAuthorizationDetails: users, groups, roles and every policy they may use."""

    def server_certificates(self) -> tuple[ServerCertificate, ...]:
        """ListServerCertificates."""

    def ssh_keys(self, users: Iterable[UserName]) -> tuple[OtherCredential, ...]:
        """ListSSHPublicKeys, a call a user; who is gone meanwhile has none."""

    def service_credentials(self) -> tuple[OtherCredential, ...]:
        """ListServiceSpecificCredentials of all users at once."""

    def trails(self) -> tuple[TrailFacts, ...]:
        """DescribeTrails with those of other regions, GetTrailStatus."""

    def recorders(self) -> Mapping[str, bool]:
        """DescribeConfigurationRecorderStatus: name → whether it records."""

    def detectors(self) -> Mapping[str, bool]:
        """ListDetectors, GetDetector: id → whether it is enabled."""

    def analyzers(self) -> tuple[Analyzer, ...]:
        """ListAnalyzers."""

    def analyzer_findings(self, analyzers: Iterable[Analyzer]) -> tuple[AnalyzerFinding, ...]:
        """ListFindingsV2: active findings of these analyzers."""
