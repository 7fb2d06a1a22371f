"""What must be found in such an account, said without a line of Keyreeve's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from benchmarks.account import Account, User

Row = tuple[str, str, str, int | bool]
"""Control, user, resource, observed."""

ROTATION = PASSWORD = INACTIVE = 75
STALE = 15


def answer(account: Account, *, ids: bool = True) -> frozenset[Row]:
    """All findings. Without `ids` a key is told by its slot, as who reads no ids must."""
    return frozenset(row for user in account.users for row in _of(user, account.now, ids=ids))


def users_with(account: Account, control: str) -> frozenset[str]:
    """Who has a finding of one control."""
    return frozenset(row[1] for row in answer(account) if row[0] == control)


def _of(user: User, now: datetime, *, ids: bool) -> Iterator[Row]:
    def days(since: datetime) -> int:
        return (now - since).days

    for slot, key in enumerate(user.keys, 1):
        name = key.id if ids else f"access_key_{slot}"
        if key.active and days(key.created) >= ROTATION:
            yield "access_key_rotation", user.name, name, days(key.created)
        idle = days(key.used or key.created)
        if slot == 2 and all(each.active for each in user.keys) and idle >= STALE:
            yield "access_key_stale", user.name, name, idle
    if user.changed:
        if days(user.changed) >= PASSWORD:
            yield "password_age", user.name, "password", days(user.changed)
        if not user.mfa:
            yield "console_mfa", user.name, "mfa", False
        idle = days(user.signed_in or max(user.created, user.changed))
        if idle >= INACTIVE:
            yield "user_inactive", user.name, "user", idle
    if user.inline:
        yield "inline_policies", user.name, "inline_policies", len(user.inline)
