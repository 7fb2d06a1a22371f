"""What the baseline needs of CloudFormation, and of the account that it is laid into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from keyreeve.model.baseline import Blueprint, Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A stack as CloudFormation has it."""

    name: str
    status: str
    """AWS's word: CREATE_COMPLETE …"""
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    why: str = ""
    """AWS's reason for the status, where it gives one."""

    @property
    def there(self) -> bool:
        """False: a change set waits for review, and nothing was ever made."""
        return self.status != "REVIEW_IN_PROGRESS"

    @property
    def at_rest(self) -> bool:
        """Whether it may be changed."""
        return self.status.endswith("_COMPLETE") and not self.broken

    @property
    def broken(self) -> bool:
        """Whether it must be mended or deleted before anything else."""
        return self.status in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE") or "FAILED" in self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a stack."""

    logical_id: str
    type: str
    physical_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What would become of one resource."""

    action: str
    """Add, Modify, Remove, Import."""
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    """True, False, Conditional; empty for what is added or removed."""
    details: tuple[str, ...] = ()
    """Properties that change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Changes that CloudFormation has worked out and not carried out."""

    id: str
    """Empty: there is nothing to change."""
    stack: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A resource that is not as its template says."""

    logical_id: str
    type: str
    status: str
    """MODIFIED, DELETED."""
    differences: tuple[str, ...] = field(default=())
    """`path: expected → actual`."""


class StackEngine(Protocol):
    """CloudFormation in one region of one account."""

    def find(self, name: str) -> Deployed | None:
        """The stack; None if there is none."""

    def template(self, name: str) -> Mapping[str, Any]:
        """The template that it was deployed with."""

    def resources(self, name: str) -> tuple[Resource, ...]:
        """All its resources."""

    def prepare(self, blueprint: Blueprint) -> ChangeSet:
        """A change set towards the blueprint, worked out by CloudFormation; nothing is changed.

        StackFailed if CloudFormation refuses the template.
        """

    def discard(self, changes: ChangeSet) -> None:
        """Remove a change set, and the empty stack that was made to hold it."""

    def carry_out(self, changes: ChangeSet) -> Deployed:
        """Execute, and wait until the stack rests. StackFailed with the first reason if it fails.

        CloudFormation rolls back by itself.
        """

    def delete(self, name: str) -> tuple[Resource, ...]:
        """Delete the stack, and wait. What was kept; StackFailed if something could not go."""

    def drift(self, name: str) -> tuple[Drift, ...]:
        """What differs from the template; waits for the detection."""


class AccountInventory(Protocol):
    """Reads what the account holds of what the stacks would make."""

    def read(self, ours: frozenset[str]) -> Inventory:
        """Without the resources of these physical ids."""
        ...

    def members(self, group: str) -> tuple[str, ...]:
        """Names of the users in the group; nobody where there is no such group."""
