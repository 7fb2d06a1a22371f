"""What CloudTrail tells of the past week: sessions of administrators, changes of IAM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUse:
    """One session of a role, and what was done in it."""

    role: str
    by: str
    """Who assumed it: a user's name, else the caller's ARN."""
    at: datetime
    calls: int | None
    """Management events under the session's key; None: not counted."""
    more: bool = False
    """Whether there were more than were counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IamChange:
    """One call that changed IAM."""

    call: str
    """AWS's name: AttachUserPolicy …"""
    on: str
    """The user, group, role or policy that it names; empty: none."""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """Seven days in CloudTrail's event history."""

    sessions: tuple[RoleUse, ...] = ()
    changes: tuple[IamChange, ...] = ()
    truncated: bool = False
    """Whether there was more than was read."""
    unread: str = ""
    """Why nothing could be read."""
