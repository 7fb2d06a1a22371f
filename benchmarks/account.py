"""An IAM account as plain data: drawn by a seed, dated back from one instant.

Users are governed or neglected.  Of a governed one nothing is over a threshold of Keyreeve's; a
neglected one is drawn from everything that a grown account holds, the days right at a threshold
included.  Every age is whole days and less than half a day, so answers hold for twelve hours.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

FIRST_ACCOUNT = 123456789012
FEW = 0.01
"""Share of neglected users in an account that is looked after."""
TEAMS = (
    *("platform", "payments", "data", "search", "mobile", "identity", "risk", "web", "sre", "ml"),
    *("billing", "growth", "support", "network", "security", "legal", "hr", "finance", "ops"),
    "research",
)
_FIRST = "ada alan grace linus ken dennis barbara donald edsger john margaret radia tim vint"
_LAST = "lovelace turing hopper torvalds thompson ritchie liskov knuth dijkstra backus perlman cerf"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HALF_A_DAY = 43_200
_OLD = timedelta(days=76)
"""A key that is found by its age, whoever counts the hours."""
DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": ["arn:aws:s3:::team-bucket", "arn:aws:s3:::team-bucket/*"],
            },
            {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "*"},
        ],
    }
)
"""Every policy of the account says this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One access key."""

    id: str
    active: bool
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user; `changed` and what follows only with a password."""

    name: str
    id: str
    path: str
    created: datetime
    groups: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    keys: tuple[Key, ...] = ()
    changed: datetime | None = None
    signed_in: datetime | None = None
    mfa: bool = False
    inline: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account at one instant."""

    id: str
    now: datetime
    users: tuple[User, ...]
    groups: tuple[str, ...] = field(default=tuple(f"grp-{team}" for team in TEAMS))
    policies: tuple[str, ...] = tuple(f"team-policy-{n}" for n in range(5))
    roles: tuple[str, ...] = tuple(f"role-{n}" for n in range(10))

    def arn(self, what: str) -> str:
        """`user/ada` …"""
        return f"arn:aws:iam::{self.id}:{what}"


def account(
    users: int, now: datetime, *, neglected: float = 1.0, number: int = FIRST_ACCOUNT
) -> Account:
    """So many users, of whom about this share is neglected."""
    drawn = _Draw(random.Random(f"{number}/{users}/{neglected}"), now)
    people = tuple(drawn.user(n, neglected) for n in range(users))
    return Account(id=f"{number:012}", now=now, users=people)


def renewed(account: Account, number: int) -> Account:
    """The same account after `number` users, the first with an old key, have got that key anew.

    The new one has another id and, being an hour older, the same age in days: what must be found
    stays, and so do the slots.  An account with fewer such users: all of them.
    """
    old = [user.name for user in account.users if _has_an_old_key(user, account.now)]
    chosen = frozenset(old[:number])
    users = (_renewed(user) if user.name in chosen else user for user in account.users)
    return replace(account, users=tuple(users))


def _has_an_old_key(user: User, now: datetime) -> bool:
    return any(key.active and now - key.created > _OLD for key in user.keys[:1])


def _renewed(user: User) -> User:
    first = user.keys[0]
    key_id = f"{first.id[:4]}{first.id[:3:-1]}"
    new = replace(first, id=key_id, created=first.created - timedelta(hours=1))
    return replace(user, keys=(new, *user.keys[1:]))


class _Draw:
    """What chance gives."""

    def __init__(self, chance: random.Random, now: datetime) -> None:
        self._chance = chance
        self._now = now

    def user(self, number: int, neglected: float) -> User:
        """One user; the number makes the name unique."""
        chance = self._chance
        wild = chance.random() < neglected
        name = f"{chance.choice(_FIRST.split())}.{chance.choice(_LAST.split())}.{number:05}"
        team = chance.choice(TEAMS)
        teams = {team, *chance.sample(TEAMS, chance.randrange(3))}
        tags = [("email", f"{name}@example.com"), ("FunctionalGroup", team)]
        tags += [("CostCenter", str(chance.randrange(1000, 9999)))] * (chance.random() < 0.5)
        tags += [("Owner", f"{chance.choice(_FIRST.split())}@example.com")] * (
            chance.random() < 0.3
        )
        return User(
            name=name,
            id=self._id("AIDA", 17),
            path="/" if chance.random() < 0.9 else "/eng/",
            created=self._ago(chance.randrange(301, 1500)),
            groups=tuple(sorted(f"grp-{each}" for each in teams)),
            tags=tuple(tags),
            keys=self._keys(wild=wild),
            inline=(*["inline-0"], *["inline-1"] * (chance.random() < 0.3))
            if wild and chance.random() < 0.1
            else (),
            attached=(f"team-policy-{chance.randrange(5)}",) if chance.random() < 0.2 else (),
            **self._password(wild=wild),
        )

    def _keys(self, *, wild: bool) -> tuple[Key, ...]:
        chance = self._chance
        found = []
        for _ in range(chance.choices([0, 1, 2], [15, 60, 25])[0]):
            # Every tenth age is one that a threshold looks at.
            age = chance.randrange(1, 300 if wild else 70)
            age = chance.choice((74, 75, 90, 91)) if wild and chance.random() < 0.1 else age
            idle = chance.randrange(min(age, 300 if wild else 14))
            never = wild and chance.random() < 0.2
            found.append(
                Key(
                    id=self._id("AKIA", 16),
                    active=chance.random() < 0.85,
                    created=self._ago(age),
                    used=None if never else self._ago(idle),
                )
            )
        return tuple(sorted(found, key=lambda key: key.created))

    def _password(self, *, wild: bool) -> dict[str, object]:
        chance = self._chance
        if chance.random() >= 0.6:
            return {}
        changed = chance.randrange(1, 100 if wild else 75)
        signed_in = chance.randrange(150 if wild else 75)
        return {
            "changed": self._ago(changed),
            "signed_in": None if wild and chance.random() < 0.1 else self._ago(signed_in),
            "mfa": not wild or chance.random() < 0.75,
        }

    def _ago(self, days: int) -> datetime:
        return self._now - timedelta(days=days, seconds=self._chance.randrange(_HALF_A_DAY))

    def _id(self, prefix: str, length: int) -> str:
        return prefix + "".join(self._chance.choices(_BASE32, k=length))
