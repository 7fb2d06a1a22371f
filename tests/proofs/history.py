"""What happened, as an outsider could write it down: AWS calls, mails, secrets at rest.

The checker reads this and nothing of the engine.  Any harness that can fill it in can be checked:
the account made of memory, the emulator over HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AWS call that reached AWS, in the order of arrival."""

    at: datetime
    """The account's clock."""
    operation: str
    """`iam:CreateAccessKey` …, as AWS names it."""
    user: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    """`AccessKeyId`, `Status`, `Key` (of an S3 object) … as AWS names them; no secret."""
    effect: bool = True
    """Whether it took effect (a refused or never-arrived call did not)."""
    answered: bool = True
    """Whether its caller got the answer."""
    made: str | None = None
    """CreateAccessKey: the id of the new key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail that the mail system accepted."""

    at: datetime
    to: tuple[str, ...]
    """The envelope."""
    raw: bytes
    """As it goes over the wire."""
    bounced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An access key at the end."""

    key_id: str
    user: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One account from the first run to the last."""

    calls: tuple[Call | Mail, ...]
    """In order; mails stand where they were accepted."""
    keys: tuple[Key, ...]
    """All access keys of the account at the end."""
    escrow: Mapping[str, bytes]
    """Object key → content, of everything below `credentials/` at the end."""
    team: frozenset[str] = frozenset()
    """Addresses of the MSP team."""
