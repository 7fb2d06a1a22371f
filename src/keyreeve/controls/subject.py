"""What a check is given: one user, and what it is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keyreeve.model.control import ControlCard
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import AccessKeyId, AccountId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import StaleScope, Thresholds
from keyreeve.model.snapshot import AccessKey, CollectionGap, User

Verdicts = Iterator[Finding | CollectionGap]
"""A check yields findings, and a gap wherever a fact that it needs is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One user with the thresholds that hold for it, at one instant."""

    account_id: AccountId
    user: User
    now: datetime
    thresholds: Thresholds
    stale_scope: StaleScope = StaleScope.SECOND_SLOT
    known_keys: Mapping[AccessKeyId, KeyRecord] = field(default_factory=dict)
    """What Keyreeve remembers about keys: its own replacements get a grace (S1.T4)."""

    def gap(self, card: ControlCard, reason: str, *, slot: int | None = None) -> CollectionGap:
        """A fact this control needs is unknown for this user; `slot` if only a key id is."""
        return CollectionGap(
            step=f"control {card.id}",
            reason=reason,
            user_name=self.user.name,
            user_id=self.user.user_id,
            slot=slot,
        )

    def finding(
        self,
        card: ControlCard,
        resource_id: str,
        *,
        observed: int | bool,
        threshold: int | bool,
        detail: str,
        since: datetime | None,
        slot: int | None = None,
    ) -> Finding:
        """A finding of this control on one of the user's resources."""
        return Finding(
            control=card.id,
            account_id=self.account_id,
            user_id=self.user.user_id,
            user_name=self.user.name,
            resource_id=resource_id,
            severity=card.severity,
            observed=observed,
            threshold=threshold,
            detail=detail,
            since=since,
            slot=slot,
        )

    def name_of(self, key: AccessKey) -> str | None:
        """The key's id; offline its slot; None when the account has an id that nobody read."""
        if key.key_id is not None:
            return key.key_id
        return f"access_key_{key.slot}" if self.user.user_id is None else None


def days(span: timedelta) -> int:
    """Whole days, rounded down."""
    return span // timedelta(days=1)


def in_days(count: int) -> str:
    """`1 day`, `75 days`."""
    return f"{count} day" if count == 1 else f"{count} days"
