"""Reads what posture is judged by, part by part: what cannot be read is a gap, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from keyreeve.codec.credential_report import parse
from keyreeve.controls.posture.credentials import users_of_git
from keyreeve.controls.posture.evaluation import evaluate_posture
from keyreeve.controls.posture.library import Library
from keyreeve.model.access import AccessModel
from keyreeve.model.account_facts import (
    AccountFacts,
    Analyzer,
    AnalyzerFinding,
    Identities,
    OtherCredential,
)
from keyreeve.model.errors import AccountUnreadable, AwsFailure
from keyreeve.model.identifiers import AccountId, UserName
from keyreeve.model.posture import Posture
from keyreeve.model.snapshot import CollectionGap, Moment
from keyreeve.ports import AccountReader
from keyreeve.ports.posture import PostureReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Where the facts come from, and whose account it is."""

    account_id: AccountId
    partition: str
    region: str
    """Of what is regional."""
    account: AccountReader
    reader: PostureReader
    model: AccessModel | None = None


def survey(of: Survey, now: datetime) -> Posture:
    """Read and judge. Gaps of the reading come first."""
    facts, gaps = read_posture(of)
    judged = evaluate_posture(facts, now, of.model)
    return replace(judged, gaps=(*gaps, *judged.gaps))


def read_posture(of: Survey) -> tuple[AccountFacts, tuple[CollectionGap, ...]]:
    """Every part that can be read; a gap for each that cannot."""
    asking = _Asking()
    identities = asking.for_("GetAccountAuthorizationDetails", of.reader.identities)
    analyzers = asking.for_("ListAnalyzers", of.reader.analyzers)
    facts = AccountFacts(
        account_id=of.account_id,
        partition=of.partition,
        region=of.region,
        root=asking.for_("GetAccountSummary", of.reader.root),
        root_last_used=asking.for_("GetCredentialReport", lambda: _root_last_used(of.account)),
        password_policy=asking.for_("GetAccountPasswordPolicy", of.account.password_policy),
        identities=identities,
        certificates=asking.for_("ListServerCertificates", of.reader.server_certificates),
        ssh_keys=_ssh_keys(of, asking, identities),
        service_credentials=asking.for_(
            "ListServiceSpecificCredentials", of.reader.service_credentials
        ),
        trails=asking.for_("DescribeTrails", of.reader.trails),
        recorders=asking.for_("DescribeConfigurationRecorderStatus", of.reader.recorders),
        detectors=asking.for_("ListDetectors", of.reader.detectors),
        analyzers=analyzers,
        analyzer_findings=_analyzer_findings(of, asking, analyzers),
    )
    return facts, tuple(asking.gaps)


class _Asking:
    """Asks for one part after the other, and keeps what failed."""

    def __init__(self) -> None:
        self.gaps: list[CollectionGap] = []

    def for_(self, step: str, ask: Callable[[], T]) -> T | None:
        """The part; None, and a gap, if it cannot be read."""
        try:
            return ask()
        except AwsFailure as failure:
            self.gaps.append(CollectionGap(step=failure.call or step, reason=failure.what))
        except AccountUnreadable as failure:
            self.gaps.append(CollectionGap(step=step, reason=failure.what))
        return None


def _root_last_used(account: AccountReader) -> Moment:
    """AccountUnreadable if the report has no row of root that can be understood."""
    parsed = parse(account.credential_report().content)
    if parsed.root_last_used is None:
        raise AccountUnreadable("the report has no row of the root user that can be read")
    return parsed.root_last_used


def _ssh_keys(
    of: Survey, asking: _Asking, identities: Identities | None
) -> tuple[OtherCredential, ...] | None:
    """Of who may use them; nobody knows who that is where identities were not read."""
    if identities is None:
        return None
    repository = f"arn:{of.partition}:codecommit:{of.region}:{of.account_id}:keyreeve-probe"
    users = [UserName(user.name) for user in users_of_git(Library(identities), repository)]
    return asking.for_("ListSSHPublicKeys", lambda: of.reader.ssh_keys(users))


def _analyzer_findings(
    of: Survey, asking: _Asking, analyzers: tuple[Analyzer, ...] | None
) -> tuple[AnalyzerFinding, ...] | None:
    if analyzers is None:
        return None
    active = [each for each in analyzers if each.active]
    return asking.for_("ListFindingsV2", lambda: of.reader.analyzer_findings(active))
