"""Codes of virtual MFA devices (RFC 6238, with AWS's choice: SHA-1, 30 seconds, six digits).

AWS takes a code once; here it may be shown again, since the clock may stand still.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import datetime, timedelta
from typing import Final

STEP: Final = timedelta(seconds=30)
_DIGITS: Final = 6
_DRIFT: Final = (0, -1, 1)
"""Steps by which the clock of a device may differ."""
_SEARCHED: Final = range(-10, 10)
"""Steps in which an enrolment looks for its two codes."""


def code(seed: str, at: datetime) -> str:
    """What a device with this seed (base32) shows at the instant."""
    key = base64.b32decode(seed + "=" * (-len(seed) % 8), casefold=True)
    counter = struct.pack(">Q", int(at.timestamp() // STEP.total_seconds()))
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def is_shown(seed: str, given: str, at: datetime) -> bool:
    """Whether the device shows this code now, or a step ago, or a step ahead."""
    return any(hmac.compare_digest(code(seed, at + n * STEP), given) for n in _DRIFT)


def are_consecutive(seed: str, first: str, second: str, at: datetime) -> bool:
    """Whether the device showed these two, one right after the other, around the instant."""
    return any(
        code(seed, at + n * STEP) == first and code(seed, at + (n + 1) * STEP) == second
        for n in _SEARCHED
    )
