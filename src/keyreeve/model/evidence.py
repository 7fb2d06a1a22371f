"""What an evidence pack is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from keyreeve.model.identifiers import AccountId

KEPT = "kept"
"""Of a record's data in the audit log: SHA-256 of what was kept, by its name in a pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days in UTC, both included: what the storage names its objects by."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether the day is one of the period's."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainPlace:
    """One record of the audit log, by number and digest."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPart:
    """The part of the audit log that a period covers, and its neighbours."""

    segments: Mapping[str, bytes] = field(default_factory=dict)
    """By key, as they lie in the storage: whole, and without a gap between first and last."""
    before: bytes | None = None
    """The line before the first of them; None: there is none, or it was purged."""
    after: bytes | None = None
    """The line behind the last of them; None: nothing was written since."""
    purged: ChainPlace | None = None
    """The newest record that was purged at the end of its retention."""
    files_purged_before: date | None = None
    """Files of earlier days may have been purged, as the log tells; None: no record tells of it.
    Looked up only where a file of the period is missing that the log tells of."""
    newest: ChainPlace | None = None
    """Where nothing stands after the period: the last record of all, as the storage remembers it
    beside the log; so a log that was cut off at its end does not look like a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the storage holds of a period. Never anything of the escrow."""

    files: Mapping[str, bytes]
    """By their names in the pack."""
    audit: AuditPart


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSubject:
    """Whose evidence it is, and of when."""

    project: str
    account_id: AccountId
    period: Period
    version: str
    """Of the Keyreeve that made the pack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An asymmetric key that signs, and its public half."""

    key_id: str
    """Its ARN."""
    algorithm: str
    """As KMS calls it: `RSASSA_PKCS1_V1_5_SHA_256`, `ECDSA_SHA_256` …"""
    hash_name: str
    """As openssl calls it: `sha256` …"""
    public_key: bytes
    """PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A finished pack. Its content is not shown."""

    content: bytes = field(repr=False)
    manifest_sha256: str
    files: int
    records: int
    problems: tuple[str, ...]
    """What the verifier found in it: what was altered in the storage shows here."""
