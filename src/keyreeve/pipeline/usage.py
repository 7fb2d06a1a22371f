"""How the keys that are being replaced are used: read once a run, paced, capped, never decisive.

1. GetAccessKeyLastUsed for the old key and the new one of every case from day 7 on.
2. LookupEvents by AccessKeyId, once a day and key, old keys first, those due soonest first.

A failure is a gap of the run: it is named, and holds nobody's case.  In CloudTrail it ends the
questions of this run in its region, with GetAccessKeyLastUsed a few do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.cutover import CutOver, is_changing_over, replacement
from keyreeve.escalation.key_usage import ChangeOver, change_over, in_short
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import Case, FindingRecord, State
from keyreeve.model.errors import AwsFailure, NotFound, StorageUnreachable
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.notice import SummaryRow
from keyreeve.model.snapshot import AccountSnapshot, CollectionGap, User
from keyreeve.model.usage import KeyCalls, KeyUsage, UsageReading
from keyreeve.ports import AuditLog, Clock, Progress
from keyreeve.ports.usage import Call, CallPage, KeyUsageReader, UsageMemory

LOOK_BACK = timedelta(days=14)
"""How far back calls are asked for: before the delivery they tell where the old key lives."""
PACE = timedelta(milliseconds=500)
"""LookupEvents answers twice a second in an account and region (E6)."""
REQUESTS_A_RUN = 240
"""Two minutes at that pace."""
PAGES_A_KEY = 4
"""Of 50 calls each, over all regions."""
GROUPS_KEPT = 20
FAILURES = 3
"""Keys whose use cannot be read before no more are asked about."""
LAST_USED = "iam:GetAccessKeyLastUsed"
LOOKUP = "cloudtrail:LookupEvents"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTools:
    """Who tells, and what the last run was told."""

    reader: KeyUsageReader
    kept: UsageMemory


def read_usage(
    tools: UsageTools,
    clock: Clock,
    state: State,
    snapshot: AccountSnapshot,
    calendar: Calendar,
    now: datetime,
    progress: Progress,
) -> UsageReading:
    """What AWS tells of the keys on their last days. Never fails: what is unread is a remark."""
    old, new = _keys(state, snapshot, calendar, now)
    if not old:
        return UsageReading(at=now)
    progress.stage("Reading the use of keys", total=len(old) + len(new))
    asking = _Asking(tools.reader, clock, now, progress)
    used = asking.last_uses((*old, *new), _owners(state, snapshot))
    before, forgotten = _recalled(tools)
    today = calendar.today(now)
    for key in (*old, *new):
        if key in used:
            used[key] = _of_today(before, key, used[key], calendar, today) or asking.calls(
                used[key]
            )
    return UsageReading(at=now, keys=used, unread=(*forgotten, *asking.remarks()))


def recall_usage(tools: UsageTools | None) -> UsageReading | None:
    """The last run's reading; AWS is not asked. None where there is none."""
    return _recalled(tools)[0] if tools else None


def _recalled(tools: UsageTools) -> tuple[UsageReading | None, tuple[CollectionGap, ...]]:
    """It is worth no run: an older policy may not allow to read it."""
    try:
        return tools.kept.recall(), ()
    except StorageUnreachable as failure:
        return None, (_not_kept(failure),)


def _not_kept(failure: StorageUnreachable) -> CollectionGap:
    what = str(failure).partition("\n")[0]
    return CollectionGap(step="usage.json", reason=f"the use of keys is not kept: {what}")


def keep_usage(tools: UsageTools, reading: UsageReading) -> tuple[CollectionGap, ...]:
    """For `case show` and the forecast; a gap where it cannot be kept."""
    if not reading.keys and not reading.unread:
        before, unread = _recalled(tools)
        if not unread and (before is None or not before.keys):
            return ()  # there is nothing to forget
    else:
        unread = ()
    try:
        tools.kept.keep(reading)
    except StorageUnreachable as failure:
        return (_not_kept(failure),)
    return unread


def note_usage(outlook: Outlook, state: State, audit: AuditLog, stamp: datetime) -> None:
    """Why a countdown is not sent, for the audit log."""
    for case, record, seen in _changing(outlook, state):
        if seen.verdict is CutOver.SEEN and seen.old is not None and seen.new is not None:
            audit.append(
                "cut_over.seen",
                stamp,
                {
                    "user_id": case.user_id,
                    "user_name": case.user_name,
                    "control": record.control.value,
                    "resource_id": record.resource_id,
                    "new_key": seen.new_key,
                    "old_last_used": _text(seen.old),
                    "new_last_used": _text(seen.new),
                },
            )


def change_over_rows(outlook: Outlook, state: State) -> tuple[SummaryRow, ...]:
    """The summary's lines, the earliest E first."""
    rows = [
        SummaryRow(
            user_name=case.user_name,
            what=f"{record.resource_id} → {seen.new_key}" if seen.new_key else record.resource_id,
            on=record.enforcement_on,
            reason=in_short(seen),
        )
        for case, record, seen in _changing(outlook, state)
    ]
    return tuple(sorted(rows, key=lambda row: (row.on or date.max, row.user_name)))


# --- whose keys -----------------------------------------------------------------------------------


def _changing(outlook: Outlook, state: State) -> Iterator[tuple[Case, FindingRecord, ChangeOver]]:
    for case in state.users.values():
        today = outlook.today(case)
        for record in case.findings.values():
            seen = change_over(
                case, record, outlook.usage, outlook.policy, today, record.enforcement_on
            )
            if seen is not None and case.user_id in outlook.users:
                yield case, record, seen


def _text(usage: KeyUsage) -> str:
    used = usage.last_used
    return used.isoformat() if isinstance(used, datetime) else used.value


def _keys(
    state: State, snapshot: AccountSnapshot, calendar: Calendar, now: datetime
) -> tuple[list[AccessKeyId], list[AccessKeyId]]:
    """Old and new keys of the cases from day 7 on, those that are due soonest first."""
    policy = calendar.policy
    users = {
        user.user_id for user in snapshot.users if user.user_id and not policy.exclusion_for(user)
    }
    found = [
        (record.enforcement_on or date.max, case.user_name, record, replacement(case, record))
        for case in state.users.values()
        if case.user_id in users
        for record in case.findings.values()
        if is_changing_over(record, calendar.today(now, case.anchor), policy.days)
    ]
    found.sort(key=lambda it: (it[0], it[1], it[2].resource_id))
    old = [AccessKeyId(record.resource_id) for _, _, record, _ in found]
    return old, [it.new_key for *_, it in found if it is not None and it.new_key is not None]


def _owners(state: State, snapshot: AccountSnapshot) -> dict[AccessKeyId, User]:
    """Whom a key that cannot be read belongs to."""
    users = {user.user_id: user for user in snapshot.users}
    return {
        key: users[record.user_id] for key, record in state.keys.items() if record.user_id in users
    }


def _of_today(
    before: UsageReading | None, key: AccessKeyId, used: KeyUsage, calendar: Calendar, today: date
) -> KeyUsage | None:
    """With the calls that an earlier run of the same day was told; None: ask."""
    known = before.keys.get(key) if before else None
    if known is None or known.calls_until is None or calendar.today(known.calls_until) != today:
        return None
    return replace(
        used,
        calls=known.calls,
        calls_since=known.calls_since,
        calls_until=known.calls_until,
        complete=known.complete,
    )


# --- asking ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Asking:
    """One run's questions: their pace, their number, and what went wrong."""

    reader: KeyUsageReader
    clock: Clock
    now: datetime
    progress: Progress
    left: int = REQUESTS_A_RUN
    next_at: dict[str, datetime] = field(default_factory=dict)
    """Region → when CloudTrail may be asked again."""
    failed: dict[str, str] = field(default_factory=dict)
    """Region → what went wrong there."""
    unread: list[CollectionGap] = field(default_factory=list)
    not_asked: int = 0

    def last_uses(
        self, keys: Iterable[AccessKeyId], owners: Mapping[AccessKeyId, User]
    ) -> dict[AccessKeyId, KeyUsage]:
        """A key that is gone has nothing to tell; a few other failures end the questions."""
        found: dict[AccessKeyId, KeyUsage] = {}
        for key in keys:
            if len(self.unread) >= FAILURES:
                self.unread.append(_gap(LAST_USED, f"from {key} on no key was asked about"))
                break
            try:
                use = self.reader.last_use(key)
            except NotFound:
                continue
            except AwsFailure as failure:
                self.unread.append(_gap(failure.call, f"{key}: {failure.what}", owners.get(key)))
                continue
            found[key] = KeyUsage(
                key_id=key, last_used=use.at, service=use.service, region=use.region
            )
            self.progress.step()
        return found

    def calls(self, used: KeyUsage) -> KeyUsage:
        """With its calls of the last days, as far as CloudTrail tells."""
        since = self.now - LOOK_BACK
        if not isinstance(used.last_used, datetime) or used.last_used < since:
            return used  # there is nothing to find
        groups: dict[tuple[str, str, str, str], list[datetime]] = {}
        pages, asked, complete = PAGES_A_KEY, False, True
        for region in self.reader.regions():
            if region in self.failed:
                complete = False
                continue
            answers = self.reader.calls(used.key_id, region, since)
            more = True
            while more and pages and self.left:
                page = self._next(answers, region)
                if page is None:
                    break
                asked, more, pages = True, page.more, pages - 1
                _gather(groups, page.calls, region)
            complete = complete and not more
        if not asked:
            self.not_asked += not self.left
            return used
        return replace(
            used,
            calls=_grouped(groups),
            calls_since=since,
            calls_until=self.now,
            complete=complete and len(groups) <= GROUPS_KEPT,
        )

    def _next(self, answers: Iterator[CallPage], region: str) -> CallPage | None:
        """One page, at its pace; None where CloudTrail does not tell, and is asked no more."""
        if region in self.next_at:
            wait = self.next_at[region] - self.clock.now()
            self.clock.sleep(max(wait.total_seconds(), 0))
        self.left -= 1
        try:
            return next(answers, CallPage(calls=(), more=False))
        except AwsFailure as failure:
            self.failed[region] = failure.what
            return None
        finally:
            self.next_at[region] = self.clock.now() + PACE

    def remarks(self) -> tuple[CollectionGap, ...]:
        """What could not be read."""
        failed = [
            _gap(LOOKUP, f"the calls of keys in {region} could not be read: {why}")
            for region, why in self.failed.items()
        ]
        late = _gap(
            LOOKUP,
            f"the calls of {self.not_asked} keys were not asked for: CloudTrail is asked at most "
            f"{REQUESTS_A_RUN} times a run",
        )
        return (*self.unread, *failed, *((late,) if self.not_asked else ()))


def _gap(step: str, reason: str, owner: User | None = None) -> CollectionGap:
    return CollectionGap(
        step=step,
        reason=reason,
        user_name=owner.name if owner else None,
        user_id=owner.user_id if owner else None,
    )


def _gather(
    groups: dict[tuple[str, str, str, str], list[datetime]], calls: Iterable[Call], region: str
) -> None:
    for call in calls:
        groups.setdefault((call.event, call.source, call.agent, region), []).append(call.at)


def _grouped(groups: Mapping[tuple[str, str, str, str], list[datetime]]) -> tuple[KeyCalls, ...]:
    """Most calls first, then the latest."""
    found = [
        KeyCalls(
            event=event, source=source, agent=agent, region=region, count=len(at), last=max(at)
        )
        for (event, source, agent, region), at in groups.items()
    ]
    found.sort(key=lambda it: (-it.count, -it.last.timestamp(), it.event, it.source, it.agent))
    return tuple(found[:GROUPS_KEPT])
