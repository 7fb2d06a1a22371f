"""Temporary credentials as values, and what is told of an attempt to sign in.

AWS: a session token proves nothing about the caller's MFA later on: what was shown when the session
began is kept with it. Expiry is by the sandbox's clock; STS tells the SDK the wall's time, which it
compares with its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from keyreeve.language.policy_document import PolicyDocument


class SessionKind(StrEnum):
    """Where the credentials come from."""

    TOKEN = "GetSessionToken"  # noqa: S105 - the operation's name
    ROLE = "AssumeRole"
    CONSOLE = "console"
    ROOT = "root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One set of temporary credentials."""

    kind: SessionKind
    account_id: str
    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    issued: datetime
    expires: datetime
    """By the sandbox's clock."""
    user_id: str = ""
    """Unique id of the user; empty for a role's or root's."""
    role_id: str = ""
    name: str = ""
    """RoleSessionName."""
    mfa_at: datetime | None = None
    """When a code was shown; None: without."""
    policy: PolicyDocument | None = field(default=None, repr=False)
    """Session policies, as one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    must_change_password: bool = False
    """The console lets in no further until the password is changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """An attempt to sign in to the console: what CloudTrail's ConsoleLogin is made of."""

    account_id: str
    user: str
    """As given; `<root_account>` for the root user."""
    arn: str
    """Empty where nobody has that name."""
    at: datetime
    mfa: bool
    failure: str = ""
    """Empty for a success; else such as `Failed authentication`."""
