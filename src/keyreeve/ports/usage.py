"""How keys are used: what AWS tells of it, and what the last run was told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import Moment
from keyreeve.model.usage import UsageReading


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUse:
    """GetAccessKeyLastUsed's answer."""

    at: Moment
    """NEVER, or an instant that lags by minutes; never UNKNOWN."""
    service: str | None = None
    region: str | None = None
    """None: AWS says `N/A`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One management event of a key. Its words were harmless before they came here."""

    event: str
    """`s3.amazonaws.com:ListBuckets`."""
    source: str
    agent: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPage:
    """Up to fifty calls, the newest first."""

    calls: tuple[Call, ...]
    more: bool
    """There are older ones."""


class KeyUsageReader(Protocol):
    """Reads only. AwsFailure where AWS does not tell."""

    def regions(self) -> tuple[str, ...]:
        """Where CloudTrail is asked: the region of the clients, and that of IAM's events."""

    def last_use(self, key: AccessKeyId) -> LastUse:
        """GetAccessKeyLastUsed. NotFound if the key is gone."""

    def calls(self, key: AccessKeyId, region: str, since: datetime) -> Iterator[CallPage]:
        """LookupEvents by AccessKeyId; each page is asked for when it is wanted.

        AWS answers twice a second in an account and region (E6): whoever asks keeps the pace.
        """


class UsageMemory(Protocol):
    """What the last run that acted has read, for those who ask AWS nothing."""

    def recall(self) -> UsageReading | None:
        """None: nothing was read yet. StorageUnreachable where it does not tell, or not clearly."""

    def keep(self, reading: UsageReading) -> None:
        """Replace it: what is no longer asked about is forgotten."""
