"""What people are told about the use of the old key and the new one: mails, `case show`, summary.

CloudTrail's words come in cleaned (aws/key_usage.py); dates are the project's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from keyreeve.escalation import words
from keyreeve.escalation.cutover import CutOver, cut_over_of, is_changing_over, replacement
from keyreeve.model.case import Case, FindingRecord
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.policy import EscalationPolicy
from keyreeve.model.snapshot import Absent
from keyreeve.model.usage import KeyCalls, KeyUsage, UsageReading

SHOWN = 3
"""Groups of calls that a mail names."""
_AWS = ".amazonaws.com"

_VERDICTS = {
    CutOver.UNREAD: "How the keys are used could not be read.",
    CutOver.NEW_UNUSED: "The new key has not been used yet.",
    CutOver.OLD_IN_USE: "Not everything has changed over: the old key was used after the new one.",
    CutOver.SETTLING: (
        "The new key is in use. The old one was used too short a time ago to tell whether "
        "everything has changed over."
    ),
}
_IN_SHORT = {
    CutOver.UNREAD: "not known how the keys are used",
    CutOver.NEW_UNUSED: "the new key is not used yet",
    CutOver.OLD_IN_USE: "the old key is still in use",
    CutOver.SETTLING: "the new key is in use, the old one was until a short time ago",
    CutOver.SEEN: "cut-over seen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOver:
    """One old key on its last days, and what is known of its use and of its replacement's."""

    verdict: CutOver
    old: KeyUsage | None
    new_key: AccessKeyId | None
    """None: nothing was delivered."""
    new: KeyUsage | None
    delivered_at: datetime | None
    enforcement_on: date | None
    zone: ZoneInfo


def change_over(
    case: Case,
    record: FindingRecord,
    reading: UsageReading | None,
    policy: EscalationPolicy,
    today: date,
    enforcement_on: date | None,
) -> ChangeOver | None:
    """None where nothing changes over, or where nobody asked how the keys are used."""
    if reading is None or not is_changing_over(record, today, policy.days):
        return None
    made = replacement(case, record)
    # What is delivered in this very run was not there when the keys were read.
    if made is not None and made.delivered_at is not None and made.delivered_at >= reading.at:
        made = None
    new_key = made.new_key if made else None
    return ChangeOver(
        verdict=cut_over_of(case, record, reading, policy),
        old=reading.keys.get(AccessKeyId(record.resource_id)),
        new_key=new_key,
        new=reading.keys.get(new_key) if new_key else None,
        delivered_at=made.delivered_at if made else None,
        enforcement_on=enforcement_on,
        zone=policy.timezone,
    )


def sentences(seen: ChangeOver) -> tuple[str, ...]:
    """The verdict first, then both keys, then who calls with the old one."""
    return tuple(_said(seen))


def in_short(seen: ChangeOver) -> str:
    """One line for the summary: the verdict, and the last use of the old key."""
    said = _IN_SHORT[seen.verdict] if seen.new_key else "no new key was delivered"
    if seen.old is None:
        return said
    rest = f"old key {_last_use(seen.old, seen.zone)}"
    latest = max(_telling(seen), key=lambda calls: calls.last, default=None)
    from_where = f", from {latest.source} ({latest.agent})" if latest else ""
    return f"{said}; {rest}{from_where}"


def _said(seen: ChangeOver) -> Iterator[str]:
    if seen.new_key is not None:
        yield _cut_over_seen(seen) if seen.verdict is CutOver.SEEN else _VERDICTS[seen.verdict]
    if seen.old is not None:
        which = "Old key" if seen.new_key else "Key"
        yield f"{which} {seen.old.key_id}: {_last_use(seen.old, seen.zone)}."
    if seen.new is not None and seen.verdict is not CutOver.NEW_UNUSED:
        yield f"New key {seen.new.key_id}: {_last_use(seen.new, seen.zone)}."
    if seen.old is not None and seen.verdict is not CutOver.SEEN:
        yield from _calls(seen, seen.old)


def _cut_over_seen(seen: ChangeOver) -> str:
    on = seen.enforcement_on
    then = f"it becomes inactive on {words.day(on)}" if on else "it becomes inactive"
    last = seen.old.last_used if seen.old else Absent.NEVER
    used = (
        f"the old key was last used on {_when(last, seen.zone)}"
        if isinstance(last, datetime)
        else "the old key was never used"
    )
    return (
        f"Cut-over seen: {used}, and the new one is in use. You need do no more: {then}, "
        "if you have not made it so before."
    )


def _last_use(usage: KeyUsage, zone: ZoneInfo) -> str:
    """`last used on Wed 14 Jan 2026, 09:12, for s3 in eu-central-1`."""
    if not isinstance(usage.last_used, datetime):
        return "never used" if usage.last_used is Absent.NEVER else "last use not known"
    service = f", for {usage.service}" if usage.service else ""
    region = f" in {usage.region}" if usage.region else ""
    return f"last used on {_when(usage.last_used, zone)}{service}{region}"


def _when(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{words.day(local.date())}, {local:%H:%M}"


def _telling(seen: ChangeOver) -> list[KeyCalls]:
    """The old key's calls since the delivery; where there are none, those before it."""
    calls = list(seen.old.calls) if seen.old else []
    since = seen.delivered_at
    later = [group for group in calls if since is not None and group.last > since]
    return later or calls


def _calls(seen: ChangeOver, old: KeyUsage) -> Iterator[str]:
    if old.calls_since is None:
        return
    since = words.day(old.calls_since.astimezone(seen.zone).date())
    shown = _telling(seen)
    for group in shown[:SHOWN]:
        count = "1 call" if group.count == 1 else f"{group.count} calls"
        yield (
            f"{count} of `{group.event.replace(_AWS, '')}` from `{group.source}` with "
            f"{group.agent}, in {group.region}: the last on {_when(group.last, seen.zone)}."
        )
    more = "" if old.complete and len(shown) <= SHOWN else " There are more than are shown here."
    what = "the calls above" if shown else "no call with this key"
    yield (
        f"CloudTrail's event history has {what} since {since}; it holds management events only, "
        f"so no reading or writing of objects.{more}"
    )
