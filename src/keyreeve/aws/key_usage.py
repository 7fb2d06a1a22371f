"""`ports.usage.KeyUsageReader` over GetAccessKeyLastUsed and CloudTrail's LookupEvents.

Whoever holds a key chooses the userAgent of its calls, and these words reach mails to people: so
nothing is quoted.  Of an agent only names of programs with their versions pass, of a source only
an address or a service of AWS's: no sentence, no link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from keyreeve.aws.event_lookup import Event, EventLookup
from keyreeve.aws.failures import calling
from keyreeve.model.snapshot import Absent
from keyreeve.ports.usage import Call, CallPage, LastUse

if TYPE_CHECKING:
    from datetime import datetime

    from keyreeve.aws.sessions import Sessions
    from keyreeve.model.identifiers import AccessKeyId

UNNAMED: Final = "a program that tells no name"
ELSEWHERE: Final = "an unknown address"
_PRODUCTS: Final = 3
_LONGEST: Final = 60
_PRODUCT: Final = re.compile(
    r"(?<![^\s\[(])([A-Za-z][A-Za-z0-9_-]{1,29}/\d{1,9}(?:\.\d{1,9}){0,3})"
)
"""`aws-cli/2.15.30`: RFC 9110's product with a version of numbers, so that it is no host."""
_MANNERS: Final = frozenset({"md", "ua", "os", "lang", "exec-env", "cfg"})
"""What the SDKs tell of themselves besides their name."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,29}")
_SERVICE: Final = re.compile(r"[a-z0-9-]{1,30}\.amazonaws\.com")
"""One label: `a-bucket.s3.amazonaws.com` is anybody's page."""
_EVENT: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_READ: Final = 400
"""Characters of a userAgent that are looked at."""


class AwsKeyUsage:
    """CloudTrail is asked in `sessions`' own region and in that of IAM's events (E4)."""

    def __init__(self, sessions: Sessions, at: Callable[[str], Sessions], *regions: str) -> None:
        self._iam = sessions.client("iam")
        self._at = at
        self._regions = tuple(dict.fromkeys(regions))
        self._lookups: dict[str, EventLookup] = {}

    def regions(self) -> tuple[str, ...]:
        """Each once, the region of the clients first."""
        return self._regions

    @calling("iam:GetAccessKeyLastUsed")
    def last_use(self, key: AccessKeyId) -> LastUse:
        """NEVER where AWS gives no date; an answer without that part is garbled."""
        told = self._iam.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
        return LastUse(
            at=told.get("LastUsedDate") or Absent.NEVER,
            service=_told(told.get("ServiceName")),
            region=_told(told.get("Region")),
        )

    def calls(self, key: AccessKeyId, region: str, since: datetime) -> Iterator[CallPage]:
        """The newest first. A client is made for a region when it is first asked."""
        lookup = self._lookups.get(region)
        if lookup is None:
            lookup = self._lookups[region] = EventLookup(self._at(region))
        for page in lookup.pages("AccessKeyId", key, since=since):
            yield CallPage(calls=tuple(map(_call, page.events)), more=page.more)


def _told(text: str | None) -> str | None:
    """AWS says `N/A` where it does not know."""
    return text if text and _NAME.fullmatch(text) else None


def _call(event: Event) -> Call:
    record = event.record
    service = str(record.get("eventSource", ""))
    name = event.name if _EVENT.fullmatch(event.name) else "?"
    return Call(
        event=f"{service}:{name}" if _SERVICE.fullmatch(service) else name,
        source=source_of(record.get("sourceIPAddress")),
        agent=agent_of(record.get("userAgent")),
        at=event.at,
    )


def source_of(told: Any) -> str:
    """An address in its usual form, or the name of a service of AWS's."""
    text = str(told or "")
    if _SERVICE.fullmatch(text) or text == "AWS Internal":
        return text
    try:
        # A zone (`fe80::1%…`) is free text.
        return str(ip_address(text)) if "%" not in text else ELSEWHERE
    except ValueError:
        return ELSEWHERE


def agent_of(told: Any) -> str:
    """Up to three names of programs with their versions; UNNAMED where there are none."""
    text = str(told or "")[:_READ].strip("[]")
    if _SERVICE.fullmatch(text) or _NAME.fullmatch(text):
        return text
    found = [it for it in _PRODUCT.findall(text) if it.partition("/")[0] not in _MANNERS]
    said = " ".join(dict.fromkeys(found[:_PRODUCTS]))
    return said[:_LONGEST] if said else UNNAMED
