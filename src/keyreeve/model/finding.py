"""A control that is not met by one resource of one IAM user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyreeve.model.control import Severity
from keyreeve.model.identifiers import AccessKeyId, AccountId, ControlId, UserId, UserName
from keyreeve.model.snapshot import CollectionGap

PASSWORD = "password"  # noqa: S105 - a resource's name, no secret
MFA = "mfa"
USER = "user"
INLINE = "inline_policies"


class FindingStatus(StrEnum):
    """What the project has decided about a finding."""

    OPEN = "open"
    WAIVED = "waived"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One control not met. Its identity never holds the user's name or the report's slot."""

    control: ControlId
    account_id: AccountId
    user_id: UserId | None
    """None only offline."""
    user_name: UserName
    resource_id: str
    """The AccessKeyId; `password`, `mfa`, `user`, `inline_policies`; offline `access_key_1|2`."""
    severity: Severity
    observed: int | bool
    """Whole days, a boolean, or a count."""
    threshold: int | bool
    detail: str
    """One sentence for people."""
    since: datetime | None = None
    """When the flagged condition's clock began; the oldest opens first."""
    slot: int | None = None
    """The report's slot, for keys."""

    @property
    def key(self) -> tuple[ControlId, str]:
        """Identity of the finding within its user."""
        return (self.control, self.resource_id)

    @property
    def fingerprint(self) -> str:
        """Identity across days: control, account, unique id, resource."""
        return f"{self.control}/{self.account_id}/{self.user_id or '-'}/{self.resource_id}"

    @property
    def access_key_id(self) -> AccessKeyId | None:
        """The key that the finding names, if it names one."""
        return AccessKeyId(self.resource_id) if self.slot is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The outcome of applying every control to a snapshot."""

    findings: tuple[Finding, ...]
    gaps: tuple[CollectionGap, ...]
