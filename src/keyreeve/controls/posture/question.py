"""What a check of posture is given: the account's facts, the instant, the access model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyreeve.controls.posture.library import Library
from keyreeve.model.access import AccessModel
from keyreeve.model.account_facts import AccountFacts, Holder, HolderKind
from keyreeve.model.posture import CONTROL_STEP, PostureCard, PostureFinding, ResourceType
from keyreeve.model.snapshot import CollectionGap

Verdicts = Iterator[PostureFinding | CollectionGap]
"""Findings, and a gap wherever a fact is not known: the control then counts as not judged."""

RESOURCES = {
    HolderKind.USER: ResourceType.USER,
    HolderKind.GROUP: ResourceType.GROUP,
    HolderKind.ROLE: ResourceType.ROLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a finding is about."""

    type: ResourceType
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One account at one instant."""

    facts: AccountFacts
    now: datetime
    model: AccessModel | None = None
    """None: no access.yaml."""
    library: Library | None = None
    """None: identities were not read."""

    @property
    def account(self) -> Resource:
        """The account as a whole."""
        id_ = self.facts.account_id
        return Resource(type=ResourceType.ACCOUNT, id=id_, name=f"account {id_}")

    def iam(self, resource: str) -> str:
        """An ARN of this account's IAM."""
        return f"arn:{self.facts.partition}:iam::{self.facts.account_id}:{resource}"

    def finding(
        self,
        card: PostureCard,
        resource: Resource,
        detail: str,
        *,
        observed: int | bool | str,
        threshold: int | bool | str,
        since: datetime | None = None,
        regional: bool = False,
    ) -> PostureFinding:
        """A finding of this control."""
        return PostureFinding(
            control=card.id,
            account_id=self.facts.account_id,
            resource_type=resource.type,
            resource_id=resource.id,
            resource_name=resource.name,
            severity=card.severity,
            observed=observed,
            threshold=threshold,
            detail=detail,
            since=since,
            region=self.facts.region if regional else None,
        )

    def gap(self, card: PostureCard, reason: str) -> CollectionGap:
        """A fact that this control needs is not known."""
        return CollectionGap(step=f"{CONTROL_STEP}{card.id}", reason=reason)


def resource_of(holder: Holder) -> Resource:
    """A user, a group or a role."""
    return Resource(type=RESOURCES[holder.kind], id=holder.arn, name=holder.name)


def whole_days(span: timedelta) -> int:
    """Rounded down."""
    return span // timedelta(days=1)


def in_days(count: int) -> str:
    """`1 day`, `90 days`."""
    return f"{count} day" if count == 1 else f"{count} days"
