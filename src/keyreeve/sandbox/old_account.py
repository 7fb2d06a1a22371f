"""A long-neglected account of any size, as data."""

from __future__ import annotations

from typing import Any

from keyreeve.sandbox.account import Document

_FIRST = ("ada", "bram", "chidi", "dana", "elena", "farid", "goran", "hiro", "ines", "jonas")
_LAST = ("adler", "baker", "costa", "diaz", "evans", "fofana", "gupta", "hansen", "ito", "jansen")

_AGED = 76
"""Days; over every default threshold."""


def old_account(users: int, flagged: int) -> Document:
    """So many users, of whom the first so many break a rule each; nobody is inactive.

    They have in turn an aged key, an old password, no MFA; of aged ones the oldest come first.
    """
    return {"users": [_user(number, flagged=number < flagged) for number in range(users)]}


def _user(number: int, *, flagged: bool) -> dict[str, Any]:
    tens = number // len(_FIRST)
    name = f"{_FIRST[number % len(_FIRST)]}.{_LAST[tens % len(_LAST)]}"
    name += str(number) if tens >= len(_LAST) else ""
    oldest = max(_AGED, 2400 - number) if flagged else 30
    return {
        "name": name,
        "created": "2500d",
        "tags": {"email": f"{name}@example.com"},
        **_credential(number % 3 if flagged else 0, oldest),
    }


def _credential(kind: int, days: int) -> dict[str, Any]:
    match kind:
        case 0:
            return {"keys": [{"created": f"{days}d", "last_used": "1d"}]}
        case 1:
            return {"password": {"changed": f"{days}d", "last_sign_in": "1d"}, "mfa": "20d"}
        case _:
            return {"password": {"changed": "30d", "last_sign_in": "1d"}}
