"""`ports.posture.PostureReader` over IAM, CloudTrail, Config, GuardDuty and Access Analyzer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from keyreeve.aws.failures import calling
from keyreeve.aws.iam_holders import PARTS, identities
from keyreeve.aws.iam_reader import all_pages
from keyreeve.aws.pages import by_token
from keyreeve.aws.sessions import Sessions
from keyreeve.model.account_facts import (
    Analyzer,
    AnalyzerFinding,
    AnalyzerKind,
    Identities,
    OtherCredential,
    RootFacts,
    ServerCertificate,
    TrailFacts,
)
from keyreeve.model.errors import NotFound
from keyreeve.model.identifiers import UserName

_SIDE_BY_SIDE: Final = 8
"""Calls at a time, where users are asked for one by one."""
_GIT: Final = "codecommit.amazonaws.com"
"""The only service that takes SSH keys of IAM users."""
_ACTIVE: Final = {"Active": True, "Inactive": False, "Expired": False}
_KINDS: Final = {
    "ACCOUNT": AnalyzerKind.EXTERNAL,
    "ORGANIZATION": AnalyzerKind.EXTERNAL,
    "ACCOUNT_UNUSED_ACCESS": AnalyzerKind.UNUSED,
    "ORGANIZATION_UNUSED_ACCESS": AnalyzerKind.UNUSED,
}


class PostureOfAccount:
    """One account; the sessions' region for what is regional."""

    def __init__(self, sessions: Sessions) -> None:
        self._iam = sessions.client("iam")
        self._trails = sessions.client("cloudtrail")
        self._config = sessions.client("config")
        self._guardduty = sessions.client("guardduty")
        self._analyzers = sessions.client("accessanalyzer")

    @calling("iam:GetAccountSummary")
    def root(self) -> RootFacts:
        """Counts of 0 and 1."""
        summary = self._iam.get_account_summary()["SummaryMap"]
        return RootFacts(
            mfa=bool(summary["AccountMFAEnabled"]),
            access_keys=bool(summary["AccountAccessKeysPresent"]),
        )

    @calling("iam:GetAccountAuthorizationDetails")
    def identities(self) -> Identities:
        """All pages."""
        parts: Any = list(PARTS)
        ask = self._iam.get_account_authorization_details
        return identities(list(all_pages(ask, Filter=parts, MaxItems=1000)))

    @calling("iam:ListServerCertificates")
    def server_certificates(self) -> tuple[ServerCertificate, ...]:
        """All pages."""
        return tuple(
            ServerCertificate(
                name=row["ServerCertificateName"], arn=row["Arn"], expires_at=row["Expiration"]
            )
            for page in all_pages(self._iam.list_server_certificates)
            for row in page["ServerCertificateMetadataList"]
        )

    def ssh_keys(self, users: Iterable[UserName]) -> tuple[OtherCredential, ...]:
        """A call a user, some side by side."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return tuple(key for keys in pool.map(self._keys_if_there, users) for key in keys)

    def _keys_if_there(self, user: UserName) -> tuple[OtherCredential, ...]:
        try:
            return self._ssh_keys(user)
        except NotFound:
            return ()

    @calling("iam:ListSSHPublicKeys")
    def _ssh_keys(self, user: UserName) -> tuple[OtherCredential, ...]:
        return tuple(
            OtherCredential(
                user_name=user,
                id=row["SSHPublicKeyId"],
                active=_ACTIVE[row["Status"]],
                created_at=row["UploadDate"],
                service=_GIT,
            )
            for page in all_pages(self._iam.list_ssh_public_keys, UserName=user)
            for row in page["SSHPublicKeys"]
        )

    @calling("iam:ListServiceSpecificCredentials")
    def service_credentials(self) -> tuple[OtherCredential, ...]:
        """Of all users at once."""
        return tuple(
            OtherCredential(
                user_name=UserName(row["UserName"]),
                id=row["ServiceSpecificCredentialId"],
                active=_ACTIVE[row["Status"]],
                created_at=row["CreateDate"],
                service=row["ServiceName"],
            )
            for page in all_pages(self._iam.list_service_specific_credentials, AllUsers=True)
            for row in page["ServiceSpecificCredentials"]
        )

    def trails(self) -> tuple[TrailFacts, ...]:
        """Shadows of trails at home in other regions included."""
        return tuple(self._trail(row) for row in self._described())

    @calling("cloudtrail:DescribeTrails")
    def _described(self) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = self._trails.describe_trails(includeShadowTrails=True)[
            "trailList"
        ]
        return rows

    @calling("cloudtrail:GetTrailStatus")
    def _trail(self, row: Mapping[str, Any]) -> TrailFacts:
        return TrailFacts(
            name=row["Name"],
            arn=row["TrailARN"],
            multi_region=row.get("IsMultiRegionTrail", False),
            logging=self._trails.get_trail_status(Name=row["TrailARN"])["IsLogging"],
            validated=row.get("LogFileValidationEnabled", False),
        )

    @calling("config:DescribeConfigurationRecorderStatus")
    def recorders(self) -> Mapping[str, bool]:
        """At most one a region is the account's own."""
        answer = self._config.describe_configuration_recorder_status()
        return {row["name"]: row["recording"] for row in answer["ConfigurationRecordersStatus"]}

    def detectors(self) -> Mapping[str, bool]:
        """At most one a region."""
        return {id_: self._enabled(id_) for id_ in self._detector_ids()}

    @calling("guardduty:ListDetectors")
    def _detector_ids(self) -> tuple[str, ...]:
        pages = by_token(self._guardduty.list_detectors, "NextToken")
        return tuple(id_ for page in pages for id_ in page["DetectorIds"])

    @calling("guardduty:GetDetector")
    def _enabled(self, id_: str) -> bool:
        return bool(self._guardduty.get_detector(DetectorId=id_)["Status"] == "ENABLED")

    @calling("accessanalyzer:ListAnalyzers")
    def analyzers(self) -> tuple[Analyzer, ...]:
        """Of all types."""
        return tuple(
            Analyzer(
                name=row["name"],
                arn=row["arn"],
                kind=_KINDS.get(row["type"], AnalyzerKind.OTHER),
                active=row["status"] == "ACTIVE",
            )
            for page in by_token(self._analyzers.list_analyzers, "nextToken")
            for row in page["analyzers"]
        )

    def analyzer_findings(self, analyzers: Iterable[Analyzer]) -> tuple[AnalyzerFinding, ...]:
        """One analyzer after the other."""
        return tuple(each for analyzer in analyzers for each in self._findings(analyzer))

    @calling("accessanalyzer:ListFindingsV2")
    def _findings(self, analyzer: Analyzer) -> list[AnalyzerFinding]:
        pages = by_token(
            self._analyzers.list_findings_v2,
            "nextToken",
            analyzerArn=analyzer.arn,
            filter={"status": {"eq": ["ACTIVE"]}},
        )
        return [
            AnalyzerFinding(
                id=row["id"],
                kind=analyzer.kind,
                type=row["findingType"],
                resource=row.get("resource") or row["id"],
                resource_type=row["resourceType"],
                updated_at=row["updatedAt"],
            )
            for page in pages
            for row in page["findings"]
        ]
