"""What people have decided: objects of their own in the storage, re-read before each act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import EscalationPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Approved, reasoned, expiring acceptance of a finding."""

    waiver_id: str
    user: str
    """The unique id; a name where a person has written the file."""
    control: ControlId | None
    """None: every control."""
    resource_id: str | None
    """None: every resource."""
    reason: str
    requested_by: str
    approved_by: str
    """Another person than the requester."""
    expires_on: date
    added_at: datetime
    added_by: str
    """The STS caller."""
    revoked_at: datetime | None = None
    user_name: str = ""
    """As the user was called then, for people."""

    @property
    def named(self) -> str:
        """Whom people read that it is about."""
        return self.user_name or self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A case that a person has stopped until a date."""

    user: str
    until: date
    reason: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Days added to E by a person."""

    user: str
    days: int
    reason: str
    added_at: datetime
    added_by: str
    extension_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The whole project stands still: no act, no mail."""

    reason: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arming:
    """A project that began with `first_run: observe` acts from now on."""

    since: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanDecisions:
    """Waivers, holds, extensions, the pause and the arming, as last read."""

    waivers: tuple[Waiver, ...] = ()
    holds: tuple[Hold, ...] = ()
    extensions: tuple[Extension, ...] = ()
    pause: Pause | None = None
    armed: Arming | None = None
    """None: nobody has said `keyreeve arm`."""

    def observes(self, policy: EscalationPolicy) -> bool:
        """Whether the project only observes: `first_run: observe`, and nobody has armed it."""
        return policy.observe_only and self.armed is None
