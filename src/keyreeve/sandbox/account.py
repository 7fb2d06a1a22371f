"""Accounts as data: what `accounts/*.yaml` may say, and who Keyreeve is in there.

Ages are relative to the sandbox's clock: `created: 400d`, `last_used: 3h`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]
"""An account as plain data, as YAML or JSON holds it."""

HOME_ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "keyreeve-sandbox"
OWN_USER = "keyreeve"
OWN_KEY_ID = "AKIAKEYREEVESANDBOX0"
OWN_SECRET = "sandbox-secret-of-keyreeve-0123456789ABC"  # noqa: S105 - opens nothing but the sandbox


class Act(StrEnum):
    """What a user (or another administrator) does between two runs; see acts.py for details."""

    CREATE_KEY = "create_key"
    ROTATE_KEY = "rotate_key"
    USE_KEY = "use_key"
    DELETE_KEY = "delete_key"
    SET_KEY_STATUS = "set_key_status"
    SIGN_IN = "sign_in"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - an act's name
    DELETE_PASSWORD = "delete_password"  # noqa: S105 - an act's name
    ENROL_MFA = "enrol_mfa"
    REMOVE_MFA = "remove_mfa"
    TAG = "tag"
    UNTAG = "untag"
    RENAME = "rename"
    DELETE_USER = "delete_user"
    CREATE_USER = "create_user"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyData:
    """An access key."""

    created: timedelta
    last_used: timedelta | None = None
    active: bool = True
    id: str | None = None
    """None: made from user name and position."""
    secret: str | None = None
    service: str = "s3"
    region: str = "N/A"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordData:
    """A login profile."""

    changed: timedelta
    last_sign_in: timedelta | None = None
    reset_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UserData:
    """An IAM user."""

    name: str
    created: timedelta = timedelta(days=400)
    path: str = "/"
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    password: PasswordData | None = None
    keys: tuple[KeyData, ...] = ()
    mfa: timedelta | None = None
    """Since when the device is enrolled."""
    inline: Mapping[str, Document] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    """ARNs, or bare names of AWS managed policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupData:
    """A group and what it grants."""

    name: str
    attached: tuple[str, ...] = ()
    inline: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleData:
    """A role: whom it trusts, what it may do, when it was assumed last."""

    name: str
    trust: Document
    created: timedelta = timedelta(days=400)
    path: str = "/"
    attached: tuple[str, ...] = ()
    """ARNs, or bare names of AWS managed policies."""
    inline: Mapping[str, Document] = field(default_factory=dict)
    last_used: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyData:
    """A managed policy of the account's own; nobody needs to hold it."""

    name: str
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class RootData:
    """The root user, as far as the credential report tells of it."""

    created: timedelta = timedelta(days=2000)
    last_sign_in: timedelta | None = None
    mfa: bool = True
    key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailData:
    """The account's SES."""

    verified: tuple[str, ...] = ("example.com",)
    """Domains and addresses."""
    quota: int = 50_000
    rate: int = 14
    production: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """One step of a story: what somebody does between the run of `day` and the next."""

    day: int
    """0 is the day of the first run."""
    user: str
    act: Act
    hour: int = 10
    """Of that day, UTC."""
    details: Document = field(default_factory=dict)
    """As the act takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountData:
    """An AWS account as it stands when the story begins."""

    account_id: str = HOME_ACCOUNT
    alias: str | None = None
    root: RootData = field(default_factory=RootData)
    password_policy: Document | None = None
    """Parameters of UpdateAccountPasswordPolicy; None: the account has none of its own."""
    mail: MailData = field(default_factory=MailData)
    buckets: tuple[str, ...] = (BUCKET,)
    """Versioned, encrypted with AES256, without public access."""
    groups: tuple[GroupData, ...] = ()
    users: tuple[UserData, ...] = ()
    policies: tuple[PolicyData, ...] = ()
    roles: tuple[RoleData, ...] = ()
    events: tuple[EventData, ...] = ()
