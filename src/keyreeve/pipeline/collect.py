"""Facts of one account in as few calls as they take, and what could not be read.

GenerateCredentialReport + GetCredentialReport + ⌈N/1000⌉ pages of GetAccountAuthorizationDetails,
a handful fixed, and one ListAccessKeys per user with a key finding whose slot the state does not
know.  Password age has no other source than the report (aws-facts E1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from typing import Any, Protocol, TypeVar

from keyreeve.codec.credential_report import ParsedReport, ReportRow, parse
from keyreeve.controls.evaluation import slots_in_question
from keyreeve.model.errors import (
    AccessDenied,
    AccountUnreadable,
    AwsFailure,
    NotCovered,
    NotFound,
)
from keyreeve.model.identifiers import AccessKeyId, AccountId, UserId, UserName
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import CompressedClock, EscalationPolicy, FinalAct
from keyreeve.model.snapshot import (
    Absent,
    AccessKey,
    AccountSnapshot,
    Caller,
    CollectionGap,
    LiveKey,
    PasswordPolicy,
    User,
)
from keyreeve.ports import AccountDetails, AccountReader, CredentialReport, Progress

X = TypeVar("X")
Y = TypeVar("Y")

FRESH = timedelta(hours=24)
"""A report whose GeneratedTime is further from `now`, in either direction, is a gap."""
ASKED_AFTER = 20
"""How many users whom the list lacks are looked for one by one."""


class Each(Protocol):
    """How questions are put that do not depend on each other; answers in the questions' order."""

    def __call__(self, ask: Callable[[X], Y], whom: Iterable[X], /) -> Iterable[Y]:
        """As `map`; what a question raises is raised where its answer is taken."""
        ...


def in_turn(ask: Callable[[X], Y], whom: Iterable[X], /) -> Iterable[Y]:
    """One after the other: what a run that may act does, so that its calls have one order."""
    return map(ask, whom)


def collect(
    reader: AccountReader,
    policy: EscalationPolicy,
    known: Mapping[AccessKeyId, KeyRecord],
    now: datetime,
    progress: Progress,
    *,
    each: Each = in_turn,
    resetting: bool = True,
) -> tuple[AccountSnapshot, CredentialReport]:
    """The snapshot to judge by, and the report as it came.

    `resetting`: whether passwords may be set by it, so that the account's policy for them is asked
    for; no control needs it.

    AccountUnreadable if the account gives nothing to judge by; whatever else could not be read
    is a gap in the snapshot.
    """
    progress.stage("Reading the account")
    gaps: list[CollectionGap] = []
    caller: Caller
    report: CredentialReport
    details: AccountDetails
    password_policy: PasswordPolicy | None
    reads: tuple[Callable[[], object], ...] = (
        reader.caller,
        reader.credential_report,
        reader.details,
        partial(_password_policy, reader, gaps) if resetting else _nothing,
    )
    try:
        caller, report, details, password_policy = each(_asked, reads)
    except AwsFailure as failure:
        kind = NotCovered if isinstance(failure, AccessDenied) else AccountUnreadable
        raise kind(failure.what, where=failure.where, remedy=failure.remedy) from None
    parsed = parse(report.content)
    _of_one_account(caller, details.users, parsed.rows)
    gaps.extend(_identified(parsed.gaps, details.users))
    unconfirmed = _unconfirmed(details.users, parsed)
    gaps.extend(_not_listed(reader, unconfirmed))
    stale = _freshness(report, now)
    if stale is not None:
        gaps.append(stale)
    snapshot = AccountSnapshot(
        account_id=caller.account_id,
        collected_at=now,
        report_generated_at=report.generated_at,
        users=tuple(_joined(details.users, parsed, report.generated_at, gaps)),
        password_policy=password_policy,
        groups=details.groups,
        unconfirmed=unconfirmed,
        caller=caller,
        account_readable=stale is None and parsed.complete,
    )
    if snapshot.account_readable:
        if policy.compressed is not None:
            live = (_live(user, reader, policy.compressed, now, gaps) for user in snapshot.users)
            snapshot = replace(snapshot, users=tuple(live))
        users = _with_key_ids(reader, snapshot, policy, known, now, gaps, progress, each)
        snapshot = replace(snapshot, users=tuple(users))
    return replace(snapshot, gaps=tuple(gaps)), report


def offline(content: bytes, now: datetime) -> AccountSnapshot:
    """A snapshot from a credential report alone: no AWS access, no ids, no policies."""
    parsed = parse(content)
    return AccountSnapshot(
        account_id=_account_of(parsed.rows),
        collected_at=now,
        report_generated_at=None,
        users=tuple(_from_row(row) for row in parsed.rows),
        gaps=parsed.gaps,
        account_readable=parsed.complete,
    )


def _account_of(rows: Sequence[ReportRow]) -> AccountId:
    """The account id in the ARNs; zeros where there is no row to tell."""
    return AccountId((_account_in(rows[0].arn) if rows else "") or "000000000000")


def _account_in(arn: str) -> str:
    """The fifth part; empty where there is none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) > 4 else ""  # noqa: PLR2004


def _of_one_account(caller: Caller, users: Sequence[User], rows: Sequence[ReportRow]) -> None:
    """AccountUnreadable if an answer is about another account than the caller's.

    Accounts of a fleet share what costs much to make; none may ever answer for another.
    """
    arns = chain((user.arn for user in users), (row.arn for row in rows))
    named = {_account_in(arn) for arn in arns} - {caller.account_id, ""}
    if named:
        raise AccountUnreadable(
            f"answers are about account {min(named)}",
            where=f"account {caller.account_id}",
            remedy="Nothing was judged or changed. Check the endpoints and the roles.",
        )


def _asked(read: Callable[[], object]) -> Any:
    return read()


def _nothing() -> None:
    return None


def _password_policy(reader: AccountReader, gaps: list[CollectionGap]) -> PasswordPolicy | None:
    try:
        return reader.password_policy()
    except AwsFailure as failure:
        gaps.append(CollectionGap(step=failure.call, reason=failure.what))
        return None


def _freshness(report: CredentialReport, now: datetime) -> CollectionGap | None:
    distance = abs(now - report.generated_at)
    if distance <= FRESH:
        return None
    hours = distance // timedelta(hours=1)
    return CollectionGap(
        step="GetCredentialReport",
        reason=(
            f"the report was generated at {report.generated_at:%Y-%m-%dT%H:%M:%SZ}, {hours} hours "
            "from the time of this run; at most 24 are trusted"
        ),
    )


# --- the join -------------------------------------------------------------------------------------


def _joined(
    users: Iterable[User], parsed: ParsedReport, made: datetime, gaps: list[CollectionGap]
) -> Iterable[User]:
    """Users of the account with the facts of their row, by name *and* creation time."""
    rows = {(row.user, _second(row.created_at)): row for row in parsed.rows}
    unreadable = {gap.user_name for gap in parsed.gaps if gap.user_name}
    for user in users:
        row = rows.get((user.name, _second(user.created_at)))
        if row is not None:
            yield _with_row(user, row, made)
        elif user.name in unreadable:
            yield user
        elif user.created_at < made and parsed.complete:
            reason = "the user has no row in the credential report"
            gaps.append(_gap("GetCredentialReport", reason, user))
            yield user
        # A user created after the report was made has nothing that could be old yet.


def _unconfirmed(users: Iterable[User], parsed: ParsedReport) -> frozenset[UserName]:
    """Users who have a row and are not in the list: their cases wait for the next report."""
    listed = {user.name for user in users}
    return frozenset(row.user for row in parsed.rows if row.user not in listed)


def _not_listed(reader: AccountReader, unconfirmed: Iterable[UserName]) -> Iterable[CollectionGap]:
    """A gap for everybody whom the list lacks, unless he was deleted since the report was made.

    Only the first few are asked after one by one: a list cut short may lack thousands.
    """
    for number, name in enumerate(sorted(unconfirmed)):
        user_id = None
        if number < ASKED_AFTER:
            try:
                user_id = reader.user(name).user_id
            except NotFound:
                continue
            except AwsFailure:
                pass  # whether he is there stays unknown
        yield CollectionGap(
            step="GetAccountAuthorizationDetails",
            reason="the user has a row in the credential report and is missing from the list",
            user_name=name,
            user_id=user_id,
        )


def _second(moment: datetime) -> datetime:
    """The report carries no microseconds."""
    return moment.replace(microsecond=0) if moment.microsecond else moment


def _with_row(user: User, row: ReportRow, made: datetime) -> User:
    # Not `replace`, which costs twice as much and is done for everybody.
    return User(
        name=user.name,
        arn=user.arn,
        created_at=user.created_at,
        user_id=user.user_id,
        path=user.path,
        tags=user.tags,
        groups=user.groups,
        inline_policies=user.inline_policies,
        granted=user.granted,
        password_enabled=row.password_enabled,
        password_last_used=row.password_last_used,
        password_last_changed=row.password_last_changed,
        mfa_active=row.mfa_active,
        keys=row.keys,
        observed_at=made,
    )


def _from_row(row: ReportRow) -> User:
    return User(
        name=row.user,
        arn=row.arn,
        created_at=row.created_at,
        user_id=None,
        password_enabled=row.password_enabled,
        password_last_used=row.password_last_used,
        password_last_changed=row.password_last_changed,
        mfa_active=row.mfa_active,
        keys=row.keys,
    )


def _identified(gaps: Iterable[CollectionGap], users: Iterable[User]) -> Iterable[CollectionGap]:
    """Gaps of rows, with the unique id of the user they name."""
    ids = {user.name: user.user_id for user in users}
    for gap in gaps:
        yield replace(gap, user_id=ids.get(gap.user_name)) if gap.user_name else gap


def _gap(step: str, reason: str, user: User) -> CollectionGap:
    return CollectionGap(step=step, reason=reason, user_name=user.name, user_id=user.user_id)


# --- live facts under a compressed clock (S2.14) --------------------------------------------------


def _live(
    user: User,
    reader: AccountReader,
    compressed: CompressedClock,
    now: datetime,
    gaps: list[CollectionGap],
) -> User:
    """Listed users are read live, since the report is hours old and their days last minutes."""
    if not any(fnmatchcase(user.name, glob) for glob in compressed.users):
        return user
    try:
        live = reader.user(user.name)
        keys = tuple(
            AccessKey(
                slot=slot,
                active=key.active,
                last_rotated=key.created_at,
                last_used=reader.access_key_last_used(key.key_id) or Absent.NEVER,
                key_id=key.key_id,
                created_at=key.created_at,
            )
            for slot, key in enumerate(_oldest_first(reader.access_keys(user.name)), start=1)
        )
        return replace(
            user,
            tags=live.tags,
            password_enabled=reader.has_login_profile(user.name),
            password_last_used=live.password_last_used or Absent.NEVER,
            mfa_active=reader.has_mfa_device(user.name),
            keys=keys,
            observed_at=now,
        )
    except AwsFailure as failure:
        gaps.append(_gap(failure.call, failure.what, user))
        return user


def _oldest_first(keys: Iterable[LiveKey]) -> list[LiveKey]:
    return sorted(keys, key=lambda key: (key.created_at, key.key_id))


# --- key ids --------------------------------------------------------------------------------------


def _with_key_ids(
    reader: AccountReader,
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    known: Mapping[AccessKeyId, KeyRecord],
    now: datetime,
    gaps: list[CollectionGap],
    progress: Progress,
    each: Each,
) -> list[User]:
    """Every key that a control may name gets its id: from the state, else by one call a user."""
    by_user: dict[UserId, list[KeyRecord]] = {}
    for record in known.values():
        by_user.setdefault(record.user_id, []).append(record)
    users = [
        _remembered(user, by_user.get(user.user_id or UserId(""), [])) for user in snapshot.users
    ]
    asked = [
        index
        for index, user in enumerate(users)
        if _needs_ids(user, snapshot, policy, known, now, by_user)
    ]

    def listed(index: int) -> tuple[User, CollectionGap | None]:
        user = users[index]
        return _listed(user, by_user.get(user.user_id or UserId(""), ()), reader)

    progress.stage("Reading access keys", total=len(asked))
    for index, (user, gap) in zip(asked, each(listed, asked), strict=True):
        users[index] = user
        if gap is not None:
            gaps.append(gap)
        progress.step()
    return users


def _remembered(user: User, records: Sequence[KeyRecord]) -> User:
    """The slots whose key the state knows, matched by date and flag."""
    if not records or not user.keys or all(key.key_id for key in user.keys):
        return user
    keys = tuple(_recognised(key, records) for key in user.keys)
    return replace(user, keys=keys)


def _recognised(key: AccessKey, records: Sequence[KeyRecord]) -> AccessKey:
    for record in records:
        same_date = key.last_rotated in (_second(record.created_at), record.last_rotated)
        if same_date and record.active in (None, key.active):
            return replace(key, key_id=record.key_id, created_at=record.created_at)
    return key


def _needs_ids(
    user: User,
    snapshot: AccountSnapshot,
    policy: EscalationPolicy,
    known: Mapping[AccessKeyId, KeyRecord],
    now: datetime,
    by_user: Mapping[UserId, Sequence[KeyRecord]],
) -> bool:
    nameless = [key for key in user.keys if key.key_id is None]
    if not nameless or user.user_id is None:
        return False
    if user.user_id in by_user:
        return True  # a slot's flag or date differs from the state: one call
    if policy.compressed is not None and policy.exclusion_for(user) is not None:
        return False
    if policy.enforcement.user_inactive is FinalAct.DEACTIVATE_UNUSED_KEYS:
        return any(key.active for key in nameless)
    questioned = slots_in_question(user, snapshot, policy, now, known)
    return any(key.slot in questioned for key in nameless)


def _listed(
    user: User, records: Sequence[KeyRecord], reader: AccountReader
) -> tuple[User, CollectionGap | None]:
    try:
        live = reader.access_keys(user.name)
    except NotFound:
        return user, _gap("ListAccessKeys", "the user was deleted during the run", user)
    except AwsFailure as failure:
        return user, _gap(failure.call, failure.what, user)
    keys = _matched(user.keys, live, records)
    if keys is None and not any(key.active for key in user.keys):
        return user, None  # no control asks for the ids of Inactive keys
    if keys is None:
        reason = "the report's slots cannot be told apart: neither dates nor flags match the keys"
        return user, _gap("ListAccessKeys", reason, user)
    return replace(user, keys=keys), None


def _matched(
    slots: Sequence[AccessKey], live: Sequence[LiveKey], records: Sequence[KeyRecord]
) -> tuple[AccessKey, ...] | None:
    """Slots with their keys: by CreateDate, then by what is left; None if that is a guess.

    A slot without a key was deleted since the report was made; a key without a slot was created
    since.
    """
    found: dict[int, LiveKey] = {}
    left = list(live)
    for slot in slots:
        exact = [key for key in left if _second(key.created_at) == slot.last_rotated]
        if len(exact) == 1:
            found[slot.slot] = exact[0]
            left.remove(exact[0])
    for slot in slots:
        if slot.slot in found:
            continue
        candidates = _candidates(slot, left, records)
        if len(candidates) > 1:
            return None
        if candidates:
            found[slot.slot] = candidates[0]
            left.remove(candidates[0])
    return tuple(
        replace(slot, key_id=found[slot.slot].key_id, created_at=found[slot.slot].created_at)
        for slot in slots
        if slot.slot in found
    )


def _candidates(
    slot: AccessKey, left: Sequence[LiveKey], records: Sequence[KeyRecord]
) -> list[LiveKey]:
    """The keys that may sit in a slot whose date was moved: one, if anything tells them apart.

    A status toggle moves the report's date forward, never back; where the flags are equal too,
    the slot in which a key was last seen decides.
    """
    if not isinstance(slot.last_rotated, datetime):
        return []
    possible = [key for key in left if _second(key.created_at) <= slot.last_rotated]
    if len(possible) < 2:  # noqa: PLR2004 - nothing to tell apart
        return possible
    same_flag = [key for key in possible if key.active == slot.active]
    if len(same_flag) == 1:
        return same_flag
    seen_here = {record.key_id for record in records if record.slot == slot.slot}
    remembered = [key for key in possible if key.key_id in seen_here]
    return remembered if len(remembered) == 1 else possible
