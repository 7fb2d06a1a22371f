"""What the doctor of access.yaml needs: names of the account, beside what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Document = Mapping[str, Any]
"""A policy document, decoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRole:
    """One role as it stands in the account."""

    name: str
    arn: str
    trust: Document
    attached: frozenset[str]
    """ARNs of its managed policies."""
    inline: tuple[str, ...] = ()
    """Names of its inline policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessFacts:
    """What the account holds of the kinds that access.yaml names."""

    groups: frozenset[str]
    roles: Mapping[str, LiveRole]
    """By name."""
    policies: Mapping[str, Document]
    """The account's own managed policies: ARN → default version."""


class AccessReader(Protocol):
    """Reads all of it or raises; never answers with a part."""

    def facts(self) -> AccessFacts:
        """GetAccountAuthorizationDetails: groups, roles, customer managed policies."""

    def has_policy(self, arn: str) -> bool:
        """GetPolicy, for AWS's own policies: the account's are all in `facts`."""
