"""What is remembered about an access key, beyond any case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keyreeve.model.identifiers import AccessKeyId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is known about an access key beyond any case."""

    key_id: AccessKeyId
    user_id: UserId
    created_at: datetime
    slot: int | None = None
    active: bool | None = None
    """As last seen in the report."""
    last_rotated: datetime | None = None
    """As last seen in the report, to notice a change."""
    made_by_us: bool = False
    replaces: AccessKeyId | None = None
    replaced_by: AccessKeyId | None = None
    rotation_ended_at: datetime | None = None
    """For a key made by us: when the key that it replaces was made Inactive or vanished."""
    inactivated_at: datetime | None = None
    """When Keyreeve made it Inactive; a report made before then still calls it Active."""
    acted_at: datetime | None = None
    """The instant of the newest act of ours: folding it again changes nothing."""
    reactivated_at: datetime | None = None
    """Somebody else made it Active again, and the team was not told yet."""
    reinstated_until: datetime | None = None
    reinstate_reason: str | None = None
    orphan: bool = False
    """Its secret was lost; nobody holds it."""
