"""What `assume` needs: who asks, their MFA device, and a session of the role."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from keyreeve.model.snapshot import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    """A session's credentials. `repr` shows neither secret nor token."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime
    arn: str
    """`arn:aws:sts::…:assumed-role/ROLE/SESSION`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """An MFA device and the code that it shows now."""

    serial: str
    code: str = field(repr=False)


class RoleSessions(Protocol):
    """STS, as a person uses it."""

    def caller(self) -> Caller:
        """Who asks."""

    def mfa_devices(self) -> tuple[str, ...]:
        """Serial numbers of the caller's own MFA devices; AccessDenied if IAM does not tell."""

    def assume(
        self, role_arn: str, session_name: str, duration: timedelta, proof: Proof | None
    ) -> RoleSession:
        """sts:AssumeRole, one attempt."""
