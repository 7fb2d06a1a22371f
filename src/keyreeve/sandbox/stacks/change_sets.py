"""CloudFormation's calls on change sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from keyreeve.sandbox.stacks import parameters, telling
from keyreeve.sandbox.stacks.changes import NO_CHANGES, Forecast, forecast
from keyreeve.sandbox.stacks.desk import Desk, page, random_id
from keyreeve.sandbox.stacks.kind import Props
from keyreeve.sandbox.stacks.kinds import kind_of
from keyreeve.sandbox.stacks.refusals import Refused
from keyreeve.sandbox.stacks.stack import ChangeSet, Stack, Wanted

REVIEWED: Final = "REVIEW_IN_PROGRESS"


def _create(desk: Desk) -> Mapping[str, Any]:
    """AWS: UPDATE unless the call says otherwise."""
    name = desk.text("ChangeSetName")
    kind = desk.text("ChangeSetType") or "UPDATE"
    stack = _stack_for(desk, kind, name)
    if stack is not None and name in stack.change_sets:
        raise Refused(f"ChangeSet {name} already exists", "AlreadyExistsException")
    known = stack if stack is not None and stack.template is not None else None
    wanted = desk.wanted(known)
    wanted.imports = _imports(desk, wanted, kind)
    stack = stack or desk.new_stack(desk.text("StackName"), REVIEWED)
    foreseen = forecast(stack, wanted, desk.caller, desk.exports)
    _judge_import(kind, foreseen, wanted)
    change_set = _change_set(desk, name, kind, wanted, foreseen)
    stack.change_sets[name] = change_set
    return {"Id": change_set.id, "StackId": stack.id}


def _stack_for(desk: Desk, kind: str, name: str) -> Stack | None:
    named = desk.text("StackName")
    stack = desk.find(named)
    if kind == "CREATE" and stack is not None and stack.status != REVIEWED:
        raise Refused(
            f"Stack [{named}] already exists and cannot be created again with the changeSet "
            f"[{name}]."
        )
    if kind == "UPDATE" and (stack is None or stack.template is None):
        raise Refused(f"Stack [{named}] does not exist")
    if stack is not None and (stack.busy or stack.status in ("ROLLBACK_COMPLETE", "DELETE_FAILED")):
        raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    return stack


def _imports(desk: Desk, wanted: Wanted, kind: str) -> dict[str, Props]:
    rows = desk.rows("ResourcesToImport")
    if bool(rows) != (kind == "IMPORT"):
        raise Refused(
            "ResourcesToImport belong to a change set of the type IMPORT, and to no other."
        )
    for row in rows:
        body = wanted.template.resources.get(row["LogicalResourceId"])
        if body is None or body["Type"] != row["ResourceType"]:
            raise Refused(f"Resource {row['LogicalResourceId']} is not in the template")
        if "DeletionPolicy" not in body:
            raise Refused(
                "Resources to import must have DeletionPolicy attribute specified in the template: "
                f"[{row['LogicalResourceId']}]"
            )
        if not kind_of(row["ResourceType"]).identifier:
            raise Refused(f"ResourceTypes [{row['ResourceType']}] are not supported for Import")
    return {row["LogicalResourceId"]: dict(row["ResourceIdentifier"]) for row in rows}


def _judge_import(kind: str, foreseen: Forecast, wanted: Wanted) -> None:
    """AWS: nothing else may change with an import."""
    if kind != "IMPORT":
        return
    others = [
        row["ResourceChange"]["LogicalResourceId"]
        for row in foreseen.changes
        if row["ResourceChange"]["Action"] != "Import"
    ]
    if others:
        raise Refused(
            "As part of the import operation, you cannot modify or add resources "
            f"[{', '.join(others)}]"
        )
    if len(foreseen.changes) != len(wanted.imports):
        raise Refused("A resource to import is already in the stack.")


def _change_set(desk: Desk, name: str, kind: str, wanted: Wanted, foreseen: Forecast) -> ChangeSet:
    caller = desk.caller
    place = f"arn:{caller.partition}:cloudformation:{caller.region}:{caller.account}"
    return ChangeSet(
        id=f"{place}:changeSet/{name}/{random_id()}",
        name=name,
        kind=kind,
        wanted=wanted,
        changes=foreseen.changes,
        status="FAILED" if foreseen.empty else "CREATE_COMPLETE",
        reason=NO_CHANGES if foreseen.empty else "",
        execution="UNAVAILABLE" if foreseen.empty else "AVAILABLE",
        description=desk.text("Description"),
        created=desk.now,
    )


def named(desk: Desk) -> tuple[Stack, ChangeSet]:
    """The change set that the call names, by name or ARN. Refused if there is none."""
    wanted = desk.text("ChangeSetName")
    stacks = [desk.stack()] if desk.text("StackName") else desk.stacks
    for stack in stacks:
        for change_set in stack.change_sets.values():
            if wanted in (change_set.id, change_set.name):
                return stack, change_set
    raise Refused(f"ChangeSet [{wanted}] does not exist", "ChangeSetNotFound")


def _describe(desk: Desk) -> Mapping[str, Any]:
    stack, change_set = named(desk)
    rows = telling.change_rows(change_set.changes, values=desk.flag("IncludePropertyValues"))
    shown, more = page(rows, desk.text("NextToken"))
    wanted = change_set.wanted
    return {
        **telling.change_set_row(stack, change_set),
        "Parameters": parameters.told(wanted.template, wanted.parameters),
        "Capabilities": list(wanted.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        "Changes": shown,
        **more,
    }


def _list(desk: Desk) -> Mapping[str, Any]:
    stack = desk.stack()
    rows = [telling.change_set_row(stack, it) for it in stack.change_sets.values()]
    shown, more = page(rows, desk.text("NextToken"))
    return {"Summaries": shown, **more}


def _execute(desk: Desk) -> Mapping[str, Any]:
    """AWS: the stack's change sets go with it; those of before no longer fit."""
    stack, change_set = named(desk)
    if change_set.execution != "AVAILABLE":
        raise Refused(
            f"ChangeSet [{change_set.id}] cannot be executed in its current status of "
            f"[{change_set.status}]",
            "InvalidChangeSetStatus",
        )
    if stack.busy:
        raise Refused(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
    stack.change_sets.clear()
    wanted = change_set.wanted
    if desk.flag("DisableRollback"):
        wanted.on_failure = "DO_NOTHING"
    wanted.forget_new = desk.flag("RetainExceptOnCreate")
    stack.capabilities = wanted.capabilities
    desk.begin(stack, wanted, change_set.kind)
    return {}


def _delete(desk: Desk) -> Mapping[str, Any]:
    """What is not there is deleted already."""
    try:
        stack, change_set = named(desk)
    except Refused as refused:
        if refused.code == "ChangeSetNotFound":
            return {}
        raise
    del stack.change_sets[change_set.name]
    return {}


CALLS: Final[Mapping[str, Callable[[Desk], Mapping[str, Any]]]] = {
    "CreateChangeSet": _create,
    "DescribeChangeSet": _describe,
    "ListChangeSets": _list,
    "ExecuteChangeSet": _execute,
    "DeleteChangeSet": _delete,
}
