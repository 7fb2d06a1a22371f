"""What is remembered about access keys, brought up to date with a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from keyreeve.model.identifiers import AccessKeyId, UserId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.snapshot import AccessKey, AccountSnapshot, User

CACHED = timedelta(hours=4)
"""AWS serves one report for four hours: within them it may be older than an act (aws-facts E1)."""


def observe(
    keys: Mapping[AccessKeyId, KeyRecord],
    snapshot: AccountSnapshot,
    now: datetime,
    unreadable: frozenset[UserId],
    lag: timedelta = CACHED,
) -> tuple[dict[AccessKeyId, KeyRecord], tuple[KeyRecord, ...]]:
    """The key records after the snapshot, and those that somebody else made Active again.

    A record ends when its key, or its user, is gone.  Unreadable users keep what they have.
    `lag` is how far the facts may lie behind an act of ours.
    """
    out: dict[AccessKeyId, KeyRecord] = {}
    reactivated: list[KeyRecord] = []
    users = {user.user_id: user for user in snapshot.users if user.user_id is not None}
    for key_id, record in keys.items():
        user = users.get(record.user_id)
        kept = user is not None and not _gone(record, user)
        if kept or record.user_id in unreadable:
            out[key_id] = record
    for user in users.values():
        for key in user.keys:
            if key.key_id is None or user.user_id is None:
                continue
            record = _seen(out.get(key.key_id), key, user.user_id)
            if record.inactivated_at and key.active and _newer(user, record.inactivated_at + lag):
                ours = record.reinstated_until is not None  # a stop has cut off our own act
                if not ours:
                    reactivated.append(record)
                record = replace(record, inactivated_at=None, reactivated_at=None if ours else now)
            out[key.key_id] = record
    return _ended(out, now), tuple(reactivated)


def _gone(record: KeyRecord, user: User) -> bool:
    """Whether the key no longer exists: every occupied slot is known to hold another one."""
    if any(key.key_id == record.key_id for key in user.keys):
        return False
    if not all(key.key_id is not None for key in user.keys):
        return False
    # A report made before the key was created cannot speak about it.
    return _newer(user, record.created_at)


def _newer(user: User, moment: datetime) -> bool:
    return user.observed_at is not None and user.observed_at > moment


def _seen(record: KeyRecord | None, key: AccessKey, user_id: UserId) -> KeyRecord:
    rotated = key.last_rotated if isinstance(key.last_rotated, datetime) else None
    created = key.created_at or rotated
    if record is None:
        if key.key_id is None or created is None:
            msg = "a key is recorded only with its id and its age"
            raise ValueError(msg)
        record = KeyRecord(key_id=key.key_id, user_id=user_id, created_at=created)
    return replace(record, slot=key.slot, active=key.active, last_rotated=rotated)


def _ended(keys: dict[AccessKeyId, KeyRecord], now: datetime) -> dict[AccessKeyId, KeyRecord]:
    """A rotation has ended once the replaced key is Inactive or gone, whoever did it."""
    for key_id, record in keys.items():
        if record.replaces is None or record.rotation_ended_at is not None:
            continue
        old = keys.get(record.replaces)
        if old is None or old.active is False:
            keys[key_id] = replace(record, rotation_ended_at=now)
    return keys
