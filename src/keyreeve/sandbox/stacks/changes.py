"""What a template would change in a stack: for change sets, and for "nothing to do".

Source: CloudFormation API, "ResourceChange" and "ResourceChangeDetail".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from keyreeve.sandbox.stacks.expressions import KNOWN_AFTER, Scope, references
from keyreeve.sandbox.stacks.kind import Kind, Props
from keyreeve.sandbox.stacks.kinds import kind_of
from keyreeve.sandbox.stacks.parameters import MASK, hidden
from keyreeve.sandbox.stacks.refusals import Refused
from keyreeve.sandbox.stacks.scope import (
    Exports,
    StackScope,
    wanted_order,
    wanted_outputs,
    wanted_properties,
)
from keyreeve.sandbox.stacks.shaping import plain
from keyreeve.sandbox.stacks.site import Caller
from keyreeve.sandbox.stacks.stack import Resource, Stack, Wanted

NOTHING_TO_UPDATE: Final = "No updates are to be performed."
NO_CHANGES: Final = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)
_POLICIES: Final = ("DeletionPolicy", "UpdateReplacePolicy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What would happen."""

    changes: list[dict[str, Any]]
    """As DescribeChangeSet tells them, with values before and after."""
    outputs_differ: bool
    tags_differ: bool

    @property
    def empty(self) -> bool:
        """Whether nothing would happen."""
        return not (self.changes or self.outputs_differ or self.tags_differ)


def forecast(stack: Stack, wanted: Wanted, caller: Caller, exports: Exports) -> Forecast:
    """Compare; changes nothing. Refused where AWS refuses the update at once."""
    known = dict(stack.resources)
    scope = StackScope(
        caller=caller,
        stack=stack,
        template=wanted.template,
        parameters=wanted.parameters,
        exports=exports,
        resources=known,
        forecast=True,
    )
    order = wanted_order(wanted.template, scope)
    rows = []
    for logical in order:
        row = _row(stack, wanted, scope, known, logical)
        if row is not None:
            rows.append(row)
    rows += [_removal(it) for logical, it in stack.resources.items() if logical not in order]
    outputs = wanted_outputs(wanted.template, scope)
    return Forecast(
        changes=[{"Type": "Resource", "ResourceChange": row} for row in rows],
        outputs_differ=stack.template is not None and outputs != stack.outputs,
        tags_differ=stack.template is not None and wanted.tags != stack.tags,
    )


def properties_for(
    kind: Kind, body: Mapping[str, Any], scope: Scope, tags: Mapping[str, str]
) -> dict[str, Any]:
    """A resource's properties, with the stack's tags where its type has tags."""
    props = wanted_properties(body, scope)
    if tags and "Tags" in kind.properties:
        own = list(props.get("Tags", ()))
        named = {tag["Key"] for tag in own}
        props["Tags"] = own + [
            {"Key": key, "Value": value} for key, value in tags.items() if key not in named
        ]
    return props


def changed_names(new: Props, old: Props) -> list[str]:
    """Properties that differ."""
    names = sorted({*new, *old})
    return [name for name in names if plain(new.get(name)) != plain(old.get(name))]


def check_type(old: Resource, type_: str) -> None:
    """AWS: a logical id keeps its type."""
    if old.type != type_:
        raise Refused(
            "Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{old.logical_id}]"
        )


def _row(
    stack: Stack,
    wanted: Wanted,
    scope: StackScope,
    known: dict[str, Resource],
    logical: str,
) -> dict[str, Any] | None:
    body = wanted.template.resources[logical]
    type_ = str(body["Type"])
    old = stack.resources.get(logical)
    row = {"LogicalResourceId": logical, "ResourceType": type_}
    if old is None:
        action = "Import" if logical in wanted.imports else "Add"
        return {"Action": action, **row, "Scope": [], "Details": []}
    check_type(old, type_)
    kind = kind_of(type_)
    new = properties_for(kind, body, scope, wanted.tags)
    names = changed_names(new, old.properties)
    policies = [name for name in _POLICIES if body.get(name) != old.body.get(name)]
    if not names and not policies:
        return None
    details = [_detail(stack, wanted, kind, logical, name, new) for name in names]
    details += [
        {"Target": {"Attribute": name, "RequiresRecreation": "Never"}, "Evaluation": "Static"}
        for name in policies
    ]
    replacement = _replacement(details)
    if replacement == "True":
        del known[logical]
    elif kind.change is not None:
        known[logical] = replace(old, attributes={})
    return {
        "Action": "Modify",
        **row,
        "PhysicalResourceId": old.physical_id,
        "Replacement": replacement,
        "Scope": (["Properties"] if names else []) + policies,
        "Details": details,
    }


def _removal(old: Resource) -> dict[str, Any]:
    return {
        "Action": "Remove",
        "PolicyAction": "Retain" if old.deletion_policy.startswith("Retain") else "Delete",
        "LogicalResourceId": old.logical_id,
        "PhysicalResourceId": old.physical_id,
        "ResourceType": old.type,
        "Scope": [],
        "Details": [],
    }


def _replacement(details: list[dict[str, Any]]) -> str:
    """AWS: True, False, or Conditional where only the execution will tell."""
    recreating = [it for it in details if it["Target"]["RequiresRecreation"] != "Never"]
    if any(it["Evaluation"] == "Static" for it in recreating):
        return "True"
    return "Conditional" if recreating else "False"


def _detail(
    stack: Stack, wanted: Wanted, kind: Kind, logical: str, name: str, new: Props
) -> dict[str, Any]:
    body = wanted.template.resources[logical]
    old = stack.resources[logical]
    dynamic = KNOWN_AFTER in str(new.get(name))
    target: dict[str, Any] = {
        "Attribute": "Properties",
        "Name": name,
        "Path": f"/Properties/{name}",
        "RequiresRecreation": _recreation(kind, name, dynamic=dynamic),
        "AttributeChangeType": _change_type(name, new, old.properties),
    }
    written = (body.get("Properties") or {}).get(name)
    secret = _is_secret(wanted, written)
    for key, value in (("BeforeValue", old.properties.get(name)), ("AfterValue", new.get(name))):
        if value is not None:
            target[key] = MASK if secret else str(plain(value))
    return {
        "Target": target,
        "Evaluation": "Dynamic" if dynamic else "Static",
        **_cause(stack, wanted, old, name, written),
    }


def _recreation(kind: Kind, name: str, *, dynamic: bool) -> str:
    if name not in kind.fixed:
        return "Never"
    return "Conditionally" if dynamic else "Always"


def _change_type(name: str, new: Props, old: Props) -> str:
    if name not in old:
        return "Add"
    return "Modify" if name in new else "Remove"


def _is_secret(wanted: Wanted, written: Any) -> bool:
    cards = wanted.template.parameters
    return any(name in cards and hidden(cards[name]) for name in references(written))


def _cause(stack: Stack, wanted: Wanted, old: Resource, name: str, written: Any) -> dict[str, str]:
    """Why the property changes: its words, a parameter, or another resource."""
    before = (old.body.get("Properties") or {}).get(name)
    named = list(references(written))
    for parameter in named:
        changed = wanted.parameters.get(parameter) != stack.parameters.get(parameter)
        if written == before and parameter in wanted.parameters and changed:
            return {"ChangeSource": "ParameterReference", "CausingEntity": parameter}
    for resource in named:
        if written == before and resource in wanted.template.resources:
            return {"ChangeSource": "ResourceReference", "CausingEntity": resource}
    return {"ChangeSource": "DirectModification"}
