"""A template's text, read and judged as AWS judges it before anything is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from keyreeve.sandbox.stacks.expressions import references
from keyreeve.sandbox.stacks.refusals import Refused

SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
    }
)
_OF_RESOURCE: Final = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
_POLICIES: Final = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
PSEUDO: Final = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The sections of a template."""

    text: str
    description: str
    parameters: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Mapping[str, Any]]


def read_template(text: str, known_types: frozenset[str]) -> Template:
    """The template. Refused in AWS's words if its form is wrong or a type is not known.

    `Custom::…` is always known.
    """
    document = _parse(text)
    unknown = sorted(set(document) - SECTIONS)
    if unknown:
        raise Refused(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = document.get("Resources")
    if not isinstance(resources, Mapping) or not resources:
        raise Refused("Template format error: At least one Resources member must be defined.")
    template = Template(
        text=text,
        description=str(document.get("Description", "")),
        parameters=document.get("Parameters") or {},
        rules=document.get("Rules") or {},
        mappings=document.get("Mappings") or {},
        conditions=document.get("Conditions") or {},
        resources=resources,
        outputs=document.get("Outputs") or {},
    )
    for logical, body in resources.items():
        _check_resource(template, logical, body)
    _check_types(resources, known_types)
    _check_references(template)
    return template


def types_of(template: Template) -> list[str]:
    """The resource types that occur."""
    return sorted({str(body["Type"]) for body in template.resources.values()})


def _parse(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        document = _parse_yaml(text)
    if not isinstance(document, Mapping):
        raise Refused("Template format error: unsupported structure.")
    return document


def _parse_yaml(text: str) -> Any:
    """YAML with the short forms; names that occur twice are an error."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import YAMLError

    class Constructor(SafeConstructor):
        """Of this reading alone: the short forms are added to the class."""

    Constructor.add_multi_constructor("!", _short_form)
    # A date stays the text that it is: AWSTemplateFormatVersion, Version of policies.
    Constructor.add_constructor(
        "tag:yaml.org,2002:timestamp", lambda it, node: it.construct_scalar(node)
    )
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = Constructor
    try:
        return reader.load(text)
    except YAMLError as error:
        raise Refused(f"Template format error: YAML not well-formed. {error}") from None


def _short_form(constructor: Any, suffix: str, node: Any) -> Any:
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, SequenceNode):
        value = constructor.construct_sequence(node, deep=True)
    elif isinstance(node, MappingNode):
        value = constructor.construct_mapping(node, deep=True)
    else:
        value = constructor.construct_scalar(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def _check_resource(template: Template, logical: str, body: Any) -> None:
    if not str(logical).isalnum():
        raise Refused(f"Template format error: Resource name {logical} is non alphanumeric.")
    if not isinstance(body, Mapping) or not isinstance(body.get("Type"), str):
        raise Refused(
            "Template format error: [/Resources/"
            f"{logical}] Every Resources object must contain a Type member."
        )
    unknown = sorted(set(body) - _OF_RESOURCE)
    if unknown:
        raise Refused(
            f"Invalid template resource property '{unknown[0]}' in the resource {logical}"
        )
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if body.get(policy, "Delete") not in _POLICIES:
            raise Refused(f"Template error: resource {logical} has no valid {policy}")
    condition = body.get("Condition")
    if condition is not None and condition not in template.conditions:
        raise Refused(
            f"Template format error: Unresolved condition {condition} in resource {logical}"
        )


def _check_types(resources: Mapping[str, Mapping[str, Any]], known: frozenset[str]) -> None:
    """AWS refuses unknown types at once; the sandbox also those that it cannot make."""
    types = {str(body["Type"]) for body in resources.values()}
    unknown = sorted(name for name in types - known if not name.startswith("Custom::"))
    if unknown:
        raise Refused(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")


def _check_references(template: Template) -> None:
    """Every name that is referred to must be there, whatever the conditions say."""
    known = set(template.parameters) | set(template.resources) | PSEUDO
    used: set[str] = set()
    for body in (*template.resources.values(), *template.outputs.values()):
        used |= set(references(body))
        wanted = body.get("DependsOn", [])
        used |= {wanted} if isinstance(wanted, str) else set(wanted)
    missing = sorted(used - known)
    if missing:
        raise Refused(
            "Template format error: Unresolved resource dependencies "
            f"[{', '.join(missing)}] in the Resources block of the template"
        )
