"""What kind of credential is handed over."""

from __future__ import annotations

from enum import StrEnum


class CredentialKind(StrEnum):
    """What the private mail hands over."""

    ACCESS_KEY = "access_key"
    PASSWORD = "password"  # noqa: S105
