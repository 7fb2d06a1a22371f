"""When, where and by whom an access key is used: what a cut-over is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.snapshot import CollectionGap, Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCalls:
    """Calls of one key that look alike, as CloudTrail's event history tells."""

    event: str
    """`s3.amazonaws.com:ListBuckets`."""
    source: str
    """sourceIPAddress: an address, or an AWS service's name."""
    agent: str
    """userAgent, made harmless and short."""
    region: str
    count: int
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUsage:
    """One key. `calls` holds management events only: CloudTrail's history has no data events."""

    key_id: AccessKeyId
    last_used: Moment
    """GetAccessKeyLastUsed: NEVER, or an instant that lags by minutes."""
    service: str | None = None
    region: str | None = None
    calls: tuple[KeyCalls, ...] = ()
    """Most calls first."""
    calls_since: datetime | None = None
    """How far back CloudTrail was asked; None: it was not, or could not be."""
    calls_until: datetime | None = None
    """When CloudTrail was asked: once a day at most."""
    complete: bool = True
    """False: there are more events than were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReading:
    """What a run found out about the keys that are being replaced. Nothing is held by it."""

    at: datetime
    """The `now` of the run."""
    keys: Mapping[AccessKeyId, KeyUsage] = field(default_factory=dict)
    """Keys that could not be read are not there."""
    unread: tuple[CollectionGap, ...] = ()
    """What could not be read, and why."""
