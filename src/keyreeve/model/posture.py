"""What is not in order in an account beyond the ladder: reported, never escalated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from keyreeve.model.control import Severity
from keyreeve.model.identifiers import AccountId, PostureId
from keyreeve.model.snapshot import CollectionGap

CONTROL_STEP: Final = "control "
"""Begins the step of a gap that a control itself tells of."""


class ResourceType(StrEnum):
    """What a finding is about, in Security Hub's words."""

    ACCOUNT = "AwsAccount"
    USER = "AwsIamUser"
    ACCESS_KEY = "AwsIamAccessKey"
    GROUP = "AwsIamGroup"
    ROLE = "AwsIamRole"
    POLICY = "AwsIamPolicy"
    CERTIFICATE = "AwsIamServerCertificate"
    OTHER = "Other"
    """Whatever else an analyzer names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureCard:
    """What people are told about one control of posture; never escalated."""

    id: PostureId
    title: str
    severity: Severity
    why: str
    """One sentence for whoever looks after the account: what is asked for."""
    risk: str
    """What may happen if it stays."""
    remediation: tuple[str, ...]
    """Steps, without placeholders: the finding names the resource."""
    sources: tuple[str, ...]
    """Requirement ids such as `S2.29`; public pages as `https://…`."""
    escalated: Literal[False] = False
    """Beside `ControlCard.escalated`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostureFinding:
    """One control not met by one resource of the account."""

    control: PostureId
    account_id: AccountId
    resource_type: ResourceType
    resource_id: str
    """The resource's ARN where AWS gives it one, else a name that lasts."""
    resource_name: str
    """For people."""
    severity: Severity
    observed: int | bool | str
    threshold: int | bool | str
    detail: str
    """One sentence for people."""
    since: datetime | None = None
    region: str | None = None
    """None: the account as a whole."""

    @property
    def fingerprint(self) -> str:
        """Identity across days: control, account, region, resource."""
        return f"{self.control}/{self.account_id}/{self.region or '-'}/{self.resource_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """Every posture control applied to what was read."""

    judged: tuple[PostureId, ...] = ()
    """Controls whose facts were read; those of a gap are missing here, never compliant."""
    findings: tuple[PostureFinding, ...] = ()
    gaps: tuple[CollectionGap, ...] = ()

    @property
    def all_read(self) -> bool:
        """Whether AWS answered every call; a gap of a control itself (`control …`) is none of them.

        An account without an analyzer of unused access has such a gap, and nothing failed.
        """
        return not any(map(is_failure, self.gaps))


def is_failure(gap: CollectionGap) -> bool:
    """Whether something should have been read and was not.

    A gap of a control about the account as a whole is none: there is no analyzer, and nothing
    failed. One about a user is: that user was not judged.
    """
    return gap.user_name is not None or not gap.step.startswith(CONTROL_STEP)
