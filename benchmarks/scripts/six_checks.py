"""The six checks over a credential report and the names of inline policies.

Shared by the lean script and the floor.  They print what they found as rows of control, user,
resource, observed; keys are told by their slots, for no ids were read.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

NOW = datetime.fromisoformat(os.environ["BENCH_NOW"]).timestamp()
_COLUMNS = ("user", "user_creation_time", "password_enabled", "password_last_used")
_COLUMNS += ("password_last_changed", "mfa_active")
_KEY = ("active", "last_rotated", "last_used_date")


def days(text: str) -> int | None:
    """Whole days since; None for N/A, no_information, not_supported."""
    if text[:1] not in "12":
        return None
    return int((NOW - datetime.fromisoformat(text).timestamp()) // 86400)


def tell(report: str, inline: Mapping[str, int]) -> None:
    """Judge and print."""
    print(json.dumps({"users": len(inline), "findings": list(rows(report, inline))}))


def rows(report: str, inline: Mapping[str, int]) -> Iterator[tuple[str, str, str, int | bool]]:
    """All findings."""
    lines = csv.reader(report.splitlines())
    place = {name: at for at, name in enumerate(next(lines))}
    own = [place[name] for name in _COLUMNS]
    keys = [[place[f"access_key_{n}_{name}"] for name in _KEY] for n in (1, 2)]
    for line in lines:
        if line[0] != "<root_account>":
            of = [[line[at] for at in key] for key in keys]
            yield from _user(*(line[at] for at in own), of, inline.get(line[0], 0))


def _user(
    user: str,
    created: str,
    enabled: str,
    signed_in: str,
    changed: str,
    mfa: str,
    keys: Sequence[Sequence[str]],
    inline: int,
) -> Iterator[tuple[str, str, str, int | bool]]:
    for slot, (active, rotated, _) in enumerate(keys, 1):
        age = days(rotated)
        if active == "true" and age is not None and age >= 75:
            yield "access_key_rotation", user, f"access_key_{slot}", age
    if keys[0][0] == keys[1][0] == "true":
        idle = days(keys[1][2])
        idle = days(keys[1][1]) if idle is None else idle
        if idle is not None and idle >= 15:
            yield "access_key_stale", user, "access_key_2", idle
    if enabled == "true":
        age = days(changed)
        if age is not None and age >= 75:
            yield "password_age", user, "password", age
        if mfa != "true":
            yield "console_mfa", user, "mfa", False
        since = days(signed_in)
        since = min(days(created) or 0, age or 0) if since is None else since
        if since >= 75:
            yield "user_inactive", user, "user", since
    if inline:
        yield "inline_policies", user, "inline_policies", inline
