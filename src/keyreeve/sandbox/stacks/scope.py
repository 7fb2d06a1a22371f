"""What names mean in a stack's template: while it is carried out, and in a forecast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyreeve.sandbox.stacks.expressions import (
    KNOWN_AFTER,
    NO_VALUE,
    Scope,
    holds,
    references,
    resolve,
)
from keyreeve.sandbox.stacks.parameters import typed
from keyreeve.sandbox.stacks.refusals import Refused
from keyreeve.sandbox.stacks.site import Caller
from keyreeve.sandbox.stacks.stack import Resource, Stack
from keyreeve.sandbox.stacks.template import Template

Exports = Callable[[], Mapping[str, str]]


@dataclass(slots=True, kw_only=True)
class StackScope:
    """`expressions.Scope` over a template, its parameters and the resources so far."""

    caller: Caller
    stack: Stack
    template: Template
    parameters: Mapping[str, str]
    exports: Exports
    resources: Mapping[str, Resource]
    forecast: bool = False
    """What is not there yet is `KNOWN_AFTER`, not an error."""
    _held: dict[str, bool] = field(default_factory=dict)

    def ref(self, name: str) -> Any:
        """A parameter, a pseudo parameter, or the physical id of a resource."""
        if name in self.template.parameters:
            return typed(self.template.parameters[name], self.parameters[name])
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self.resources:
            return self.resources[name].physical_id
        return self._missing(name)

    def _pseudo(self, name: str) -> Any:
        known = {
            "AWS::AccountId": self.caller.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": self.caller.partition,
            "AWS::Region": self.caller.region,
            "AWS::StackId": self.stack.id,
            "AWS::StackName": self.stack.name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name not in known:
            raise Refused(f"Template format error: Unresolved resource dependencies [{name}]")
        return known[name]

    def attribute(self, resource: str, name: str) -> Any:
        """What GetAtt gives."""
        if resource not in self.resources:
            return self._missing(resource)
        attributes: Any = self.resources[resource].attributes
        for step in [name] if name in attributes else name.split("."):
            if not isinstance(attributes, Mapping) or step not in attributes:
                if self.forecast:
                    return KNOWN_AFTER
                raise Refused(
                    f"Template error: resource {resource} does not support attribute type "
                    f"{name} in Fn::GetAtt"
                )
            attributes = attributes[step]
        return attributes

    def _missing(self, name: str) -> str:
        if self.forecast and name in self.template.resources:
            return KNOWN_AFTER
        raise Refused(f"Template format error: Unresolved resource dependencies [{name}]")

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""
        if name not in self._held:
            if name not in self.template.conditions:
                raise Refused(f"Template error: unresolved condition {name}")
            self._held[name] = holds(self.template.conditions[name], self)
        return self._held[name]

    def mapping(self, name: str, first: str, second: str) -> Any:
        """An entry of the mappings."""
        try:
            return self.template.mappings[name][first][second]
        except KeyError:
            raise Refused(
                f"Template error: Unable to get mapping for {name}::{first}::{second}"
            ) from None

    def imported(self, name: str) -> str:
        """Another stack's export."""
        known = self.exports()
        if name not in known:
            raise Refused(f"No export named {name} found.")
        return known[name]


def wanted_order(template: Template, scope: Scope) -> list[str]:
    """Logical ids of the resources whose condition holds, each after what it refers to.

    Refused where references go in a circle.
    """
    chosen = [
        logical
        for logical, body in template.resources.items()
        if "Condition" not in body or scope.condition(str(body["Condition"]))
    ]
    needs = {logical: _needs(template, scope, logical) & set(chosen) for logical in chosen}
    order: list[str] = []
    while len(order) < len(chosen):
        free = [it for it in chosen if it not in order and needs[it] <= set(order)]
        if not free:
            circle = ", ".join(it for it in chosen if it not in order)
            raise Refused(f"Circular dependency between resources: [{circle}]")
        order.append(free[0])
    return order


def _needs(template: Template, scope: Scope, logical: str) -> set[str]:
    body = template.resources[logical]
    after = body.get("DependsOn", [])
    named = {after} if isinstance(after, str) else set(after)
    told = [body.get("Properties") or {}, body.get("Metadata") or {}]
    return (named | set(references(told, scope))) - {logical}


def wanted_properties(body: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """The properties of a resource, resolved."""
    resolved: dict[str, Any] = resolve(body.get("Properties") or {}, scope)
    return resolved


def wanted_outputs(template: Template, scope: Scope) -> list[dict[str, str]]:
    """As DescribeStacks tells them."""
    told = []
    for key, body in template.outputs.items():
        if "Condition" in body and not scope.condition(str(body["Condition"])):
            continue
        row = {"OutputKey": key, "OutputValue": str(resolve(body["Value"], scope))}
        if "Description" in body:
            row["Description"] = str(body["Description"])
        if "Export" in body:
            row["ExportName"] = str(resolve(body["Export"]["Name"], scope))
        told.append(row)
    return told
