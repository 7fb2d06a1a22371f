"""CloudFormation's calls on stacks.

Source: AWS CloudFormation API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from keyreeve.sandbox.own_services import Action, Asked, serve
from keyreeve.sandbox.stacks import change_sets, drift_api, telling
from keyreeve.sandbox.stacks.changes import NOTHING_TO_UPDATE, forecast
from keyreeve.sandbox.stacks.desk import Desk, page, start
from keyreeve.sandbox.stacks.parameters import hidden
from keyreeve.sandbox.stacks.refusals import Refused, no_stack
from keyreeve.sandbox.stacks.stack import Stack
from keyreeve.sandbox.stacks.template import Template, types_of
from keyreeve.sandbox.world import World

_UPDATABLE: Final = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)


def apply(world: World) -> None:
    """Answer CloudFormation in moto's place."""
    serve("cloudformation", {name: _action(world, call) for name, call in _CALLS.items()})


def _action(world: World, call: Callable[[Desk], Mapping[str, Any]]) -> Action:
    def action(asked: Asked) -> Mapping[str, Any]:
        return call(Desk(world=world, asked=asked))

    return action


# --- making and changing ------------------------------------------------------------------------


def _create(desk: Desk) -> Mapping[str, Any]:
    name = desk.text("StackName")
    if desk.find(name) is not None:
        raise Refused(f"Stack [{name}] already exists", "AlreadyExistsException")
    wanted = desk.wanted(None)
    stack = desk.new_stack(name, "CREATE_IN_PROGRESS")
    stack.protected = desk.flag("EnableTerminationProtection")
    stack.capabilities = wanted.capabilities
    desk.begin(stack, wanted, "CREATE")
    return {"StackId": stack.id}


def _update(desk: Desk) -> Mapping[str, Any]:
    stack = updatable(desk)
    wanted = desk.wanted(stack)
    if forecast(stack, wanted, desk.caller, desk.exports).empty:
        raise Refused(NOTHING_TO_UPDATE)
    desk.begin(stack, wanted, "UPDATE")
    return {"StackId": stack.id}


def updatable(desk: Desk) -> Stack:
    """The stack that is to change. Refused if it is in a state in which AWS changes none."""
    stack = desk.find(desk.text("StackName"))
    if stack is None or not stack.there:
        raise Refused(f"Stack [{desk.text('StackName')}] does not exist")
    if stack.status not in _UPDATABLE:
        raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def _delete(desk: Desk) -> Mapping[str, Any]:
    """AWS: a stack that is not there is deleted already."""
    stack = desk.find(desk.text("StackName"))
    if stack is None or not stack.there:
        return {}
    if stack.protected:
        raise Refused(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if stack.busy:
        raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be deleted.")
    for name in stack.exports:
        users = _importers(desk, name)
        if users:
            raise Refused(f"Export {name} cannot be deleted as it is in use by {users[0]}")
    operation = desk.operation(stack, "DELETE")
    stack.status = "DELETE_IN_PROGRESS"
    kept = frozenset(desk.rows("RetainResources"))
    start(lambda: operation.vanish(kept))
    return {}


def _protect(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    stack.protected = desk.flag("EnableTerminationProtection")
    return {"StackId": stack.id}


# --- telling ------------------------------------------------------------------------------------


def _describe(desk: Desk) -> Mapping[str, Any]:
    named = desk.text("StackName")
    if named:
        return {"Stacks": [telling.stack_row(desk.stack())]}
    rows = [telling.stack_row(it) for it in desk.stacks if it.there]
    shown, more = page(rows, desk.text("NextToken"))
    return {"Stacks": shown, **more}


def _list(desk: Desk) -> Mapping[str, Any]:
    wanted = desk.rows("StackStatusFilter")
    rows = [telling.summary_row(it) for it in desk.stacks if not wanted or it.status in wanted]
    shown, more = page(rows, desk.text("NextToken"))
    return {"StackSummaries": shown, **more}


def _events(desk: Desk) -> Mapping[str, Any]:
    """The newest first."""
    stack = desk.stack()
    rows = [telling.event_row(stack, it) for it in reversed(stack.events)]
    shown, more = page(rows, desk.text("NextToken"))
    return {"StackEvents": shown, **more}


def _resource(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    logical = desk.text("LogicalResourceId")
    if logical not in stack.resources:
        raise Refused(f"Resource {logical} does not exist for stack {stack.name}")
    return {"StackResourceDetail": telling.resource_row(stack, stack.resources[logical])}


def _resources(desk: Desk) -> Mapping[str, Any]:
    """By stack, or by the physical id of one of its resources."""
    physical = desk.text("PhysicalResourceId")
    stack = _stack_of(desk, physical) if physical else desk.stack()
    logical = desk.text("LogicalResourceId")
    rows = [it for it in list(stack.resources.values()) if logical in ("", it.logical_id)]
    return {"StackResources": [telling.resource_row(stack, it) for it in rows]}


def _stack_of(desk: Desk, physical: str) -> Stack:
    for stack in desk.stacks:
        owned = (it.physical_id for it in list(stack.resources.values()))
        if stack.there and physical in owned:
            return stack
    raise Refused(f"Stack for {physical} does not exist")


def _list_resources(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    rows = [telling.resource_row(stack, it) for it in list(stack.resources.values())]
    shown, more = page(rows, desk.text("NextToken"))
    return {"StackResourceSummaries": shown, **more}


def _template(desk: Desk) -> Mapping[str, Any]:
    change_set = desk.text("ChangeSetName")
    if change_set:
        text = change_sets.named(desk)[1].wanted.template.text
    else:
        stack = desk.stack()
        if stack.template is None:
            raise no_stack(stack.name)
        text = stack.template.text
    return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}


def _summary(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack() if desk.text("StackName") else None
    template = stack.template if stack and stack.template else desk.template(stack)
    return {**_validated(template), "ResourceTypes": types_of(template)}


def _validate(desk: Desk) -> Mapping[str, Any]:
    return _validated(desk.template(None))


def _validated(template: Template) -> dict[str, Any]:
    of_iam = [name for name in types_of(template) if name.startswith("AWS::IAM::")]
    told: dict[str, Any] = {
        "Description": template.description or None,
        "Parameters": [
            {
                "ParameterKey": name,
                "DefaultValue": str(card["Default"]) if "Default" in card else None,
                "Description": card.get("Description"),
                "NoEcho": hidden(card),
                "ParameterType": card.get("Type"),
            }
            for name, card in template.parameters.items()
        ],
    }
    if of_iam:
        told["Capabilities"] = ["CAPABILITY_NAMED_IAM"]
        told["CapabilitiesReason"] = (
            f"The following resource(s) require capabilities: [{', '.join(of_iam)}]"
        )
    return told


# --- exports ------------------------------------------------------------------------------------


def _exports(desk: Desk) -> Mapping[str, Any]:
    rows = [
        {"ExportingStackId": stack.id, "Name": name, "Value": value}
        for stack in desk.stacks
        for name, value in stack.exports.items()
    ]
    shown, more = page(rows, desk.text("NextToken"))
    return {"Exports": shown, **more}


def _importers(desk: Desk, name: str) -> list[str]:
    """Stacks whose template imports the name literally."""
    written = json.dumps({"Fn::ImportValue": name})
    return [
        stack.name
        for stack in desk.stacks
        if stack.there
        and stack.template is not None
        and written in json.dumps(dict(stack.template.resources), default=str)
    ]


def _imports(desk: Desk) -> Mapping[str, Any]:
    name = desk.text("ExportName")
    users = _importers(desk, name)
    if not users:
        raise Refused(f"Export '{name}' is not imported by any stack.")
    return {"Imports": users}


_CALLS: Final[Mapping[str, Callable[[Desk], Mapping[str, Any]]]] = {
    "CreateStack": _create,
    "UpdateStack": _update,
    "DeleteStack": _delete,
    "UpdateTerminationProtection": _protect,
    "DescribeStacks": _describe,
    "ListStacks": _list,
    "DescribeStackEvents": _events,
    "DescribeStackResource": _resource,
    "DescribeStackResources": _resources,
    "ListStackResources": _list_resources,
    "GetTemplate": _template,
    "GetTemplateSummary": _summary,
    "ValidateTemplate": _validate,
    "ListExports": _exports,
    "ListImports": _imports,
    **change_sets.CALLS,
    **drift_api.CALLS,
}
