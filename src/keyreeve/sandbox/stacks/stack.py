"""Stacks, their resources, events and change sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keyreeve.sandbox.stacks.template import Template

Props = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Resource:
    """A resource of a stack."""

    logical_id: str
    type: str
    physical_id: str = ""
    properties: Props = field(default_factory=dict)
    """Resolved, as they were last made true."""
    attributes: Props = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str = ""
    body: Props = field(default_factory=dict)
    """As the template has it."""
    updated: datetime
    drift: str = "NOT_CHECKED"
    checked: datetime | None = None

    @property
    def deletion_policy(self) -> str:
        """What happens to it when it leaves the stack."""
        return str(self.body.get("DeletionPolicy", "Delete"))

    @property
    def replacement_policy(self) -> str:
        """What happens to it when another takes its place."""
        return str(self.body.get("UpdateReplacePolicy", "Delete"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of DescribeStackEvents."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What a call asks a stack to become."""

    template: Template
    parameters: dict[str, str]
    tags: dict[str, str]
    capabilities: tuple[str, ...] = ()
    imports: Mapping[str, Props] = field(default_factory=dict)
    """Logical id → identifier of the resource to be taken in."""
    on_failure: str = "ROLLBACK"
    """Or DO_NOTHING, DELETE."""
    forget_new: bool = False
    """RetainExceptOnCreate of the call: what it made goes in a rollback, whatever its policy."""


@dataclass(slots=True, kw_only=True)
class ChangeSet:
    """A change that somebody may look at before it is made."""

    id: str
    name: str
    kind: str
    """CREATE, UPDATE or IMPORT."""
    wanted: Wanted
    changes: list[dict[str, Any]]
    status: str
    reason: str
    execution: str
    description: str
    created: datetime


@dataclass(slots=True, kw_only=True)
class Detection:
    """One look for drift."""

    id: str
    at: datetime
    status: str = "DETECTION_IN_PROGRESS"
    reason: str = ""
    drift: str = "NOT_CHECKED"
    drifted: int = 0


@dataclass(slots=True, kw_only=True)
class Stack:
    """A stack; deleted ones are kept, and found by their id alone."""

    id: str
    name: str
    status: str
    created: datetime
    reason: str = ""
    updated: datetime | None = None
    deleted: datetime | None = None
    protected: bool = False
    template: Template | None = None
    """None as long as there is only a change set."""
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    resources: dict[str, Resource] = field(default_factory=dict)
    """In the order in which they were made."""
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    drift: str = "NOT_CHECKED"
    drift_checked: datetime | None = None
    drifts: list[dict[str, Any]] = field(default_factory=list)
    detections: dict[str, Detection] = field(default_factory=dict)

    @property
    def there(self) -> bool:
        """Whether it is found by its name."""
        return self.status != "DELETE_COMPLETE"

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def exports(self) -> dict[str, str]:
        """Name → value of what other stacks may import."""
        return {it["ExportName"]: it["OutputValue"] for it in self.outputs if "ExportName" in it}
