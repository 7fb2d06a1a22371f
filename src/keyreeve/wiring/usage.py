"""How the use of keys is read: GetAccessKeyLastUsed, CloudTrail in two regions, usage.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyreeve.pipeline.usage import UsageTools
from keyreeve.wiring import events_region

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.wiring import Door


def usage_tools(door: Door) -> UsageTools:
    """Clients that only read, whatever the run does; those of CloudTrail are made when asked."""
    from keyreeve.aws.key_usage import AwsKeyUsage
    from keyreeve.aws.sessions import Sessions
    from keyreeve.storage.usage import StoredUsage

    def at(region: str) -> Sessions:
        return Sessions(rehearsal=True, profile=door.sessions.profile, region=region)

    own = door.sessions.region
    regions = [region for region in (own, events_region(own)) if region]
    reader = AwsKeyUsage(door.sessions, at, *regions)
    return UsageTools(reader=reader, kept=StoredUsage(door.store))
