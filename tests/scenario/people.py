"""Users of the scenarios: in good order, and with one trouble each.

Ages count back from a Monday.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from keyreeve.model.identifiers import AccessKeyId, AccountId, UserId, UserName
from keyreeve.model.snapshot import Absent, AccessKey, GrantedPolicies, User

ACCOUNT = AccountId("123456789012")
MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def person(name: str, *keys: AccessKey, start: datetime = MONDAY, **facts: Any) -> User:
    """A user in good order: no console, an address by tag; `facts` are fields of User."""
    usual: dict[str, Any] = {
        "name": UserName(name),
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "created_at": start - timedelta(days=500),
        "user_id": UserId("AIDA" + name.upper().replace(".", "").ljust(16, "0")[:16]),
        "tags": {"email": f"{name}@example.com"},
        "inline_policies": (),
        "password_enabled": False,
        "password_last_used": Absent.NEVER,
        "password_last_changed": Absent.NEVER,
        "mfa_active": False,
    }
    slots = tuple(
        replace(key, slot=slot, key_id=key.key_id or _key_id(name, slot))
        for slot, key in enumerate(keys, start=1)
    )
    return User(**(usual | facts), keys=slots)


def _key_id(name: str, slot: int) -> AccessKeyId:
    return AccessKeyId(f"AKIA{name.upper().replace('.', '')[:14].ljust(15, '0')}{slot}")


def key(
    age: int,
    used: int | None = 1,
    *,
    active: bool = True,
    start: datetime = MONDAY,
) -> AccessKey:
    """A key of so many days, used so many days ago (None: never)."""
    made = start - timedelta(days=age)
    return AccessKey(
        slot=1,
        active=active,
        last_rotated=made,
        last_used=Absent.NEVER if used is None else start - timedelta(days=used),
        created_at=made,
    )


def console(
    *, changed: int = 10, signed_in: int | None = 1, mfa: bool = True, start: datetime = MONDAY
) -> dict[str, Any]:
    """Facts of a console user; in good order by default."""
    return {
        "password_enabled": True,
        "password_last_changed": start - timedelta(days=changed),
        "password_last_used": (
            Absent.NEVER if signed_in is None else start - timedelta(days=signed_in)
        ),
        "mfa_active": mfa,
    }


# The people whom most scenarios are about, one for each control.


def aged(name: str = "aged.key", start: datetime = MONDAY) -> User:
    return person(name, key(100, start=start), start=start)


def spare(name: str = "stale.key", start: datetime = MONDAY) -> User:
    return person(name, key(20, start=start), key(40, 30, start=start), start=start)


def old_password(name: str = "old.password", start: datetime = MONDAY) -> User:
    return person(name, start=start, **console(changed=100, start=start))


def no_mfa(name: str = "no.mfa", start: datetime = MONDAY) -> User:
    return person(name, start=start, **console(mfa=False, start=start))


def quiet(name: str = "gone.quiet", *keys: AccessKey, start: datetime = MONDAY) -> User:
    return person(name, *keys, start=start, **console(signed_in=90, start=start))


def bystanders(count: int) -> list[User]:
    """Users in good order, who make the population."""
    return [person(f"fine{n:03d}", key(20)) for n in range(count)]


def administrator(name: str = "ada.admin", *keys: AccessKey, **facts: Any) -> User:
    granted = GrantedPolicies(managed=frozenset({ADMINISTRATOR}))
    return person(name, *keys, granted=granted, **(console() | facts))
