"""Stacks, resources, events and change sets as the API tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keyreeve.sandbox.stacks import parameters
from keyreeve.sandbox.stacks.stack import ChangeSet, Event, Resource, Stack


def stack_row(stack: Stack) -> dict[str, Any]:
    """A row of DescribeStacks."""
    row = {
        **_common(stack),
        "Capabilities": list(stack.capabilities),
        "DisableRollback": False,
        "EnableTerminationProtection": stack.protected,
        "NotificationARNs": [],
        "Outputs": stack.outputs,
        "Parameters": [],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
    }
    if stack.template is not None:
        row["Description"] = stack.template.description or None
        row["Parameters"] = parameters.told(stack.template, stack.parameters)
    return row


def summary_row(stack: Stack) -> dict[str, Any]:
    """A row of ListStacks."""
    row = _common(stack)
    if stack.template is not None:
        row["TemplateDescription"] = stack.template.description or None
    return row


def _common(stack: Stack) -> dict[str, Any]:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason or None,
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "DriftInformation": {
            "StackDriftStatus": stack.drift,
            **_given(LastCheckTimestamp=stack.drift_checked),
        },
    }


def resource_row(stack: Stack, resource: Resource) -> dict[str, Any]:
    """A row of DescribeStackResources; those of ListStackResources have no stack."""
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id or None,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "Timestamp": resource.updated,
        "LastUpdatedTimestamp": resource.updated,
        "DriftInformation": {
            "StackResourceDriftStatus": resource.drift,
            **_given(LastCheckTimestamp=resource.checked),
        },
    }


def event_row(stack: Stack, event: Event) -> dict[str, Any]:
    """A row of DescribeStackEvents."""
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "EventId": event.id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id or None,
        "ResourceType": event.type,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or None,
        "Timestamp": event.at,
    }


def change_set_row(stack: Stack, change_set: ChangeSet) -> dict[str, Any]:
    """A row of ListChangeSets; DescribeChangeSet tells more."""
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "ChangeSetType": change_set.kind,
        "CreationTime": change_set.created,
        "Description": change_set.description or None,
        "Status": change_set.status,
        "StatusReason": change_set.reason or None,
        "ExecutionStatus": change_set.execution,
    }


def change_rows(changes: list[dict[str, Any]], *, values: bool) -> list[dict[str, Any]]:
    """Changes, with the values before and after only if they are asked for."""
    if values:
        return changes
    return [row | {"ResourceChange": _without_values(row["ResourceChange"])} for row in changes]


def _without_values(change: Mapping[str, Any]) -> dict[str, Any]:
    details = [
        detail
        | {
            "Target": {
                key: value
                for key, value in detail["Target"].items()
                if key not in ("BeforeValue", "AfterValue")
            }
        }
        for detail in change["Details"]
    ]
    return {**change, "Details": details}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
