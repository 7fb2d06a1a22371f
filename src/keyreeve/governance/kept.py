"""Logs that an earlier stack has left behind are used again, not made twice; pure.

A destroyed stack keeps its log groups and buckets.  Their names are taken, and a stack that makes
them again would fail: so they are left out of the template, and whatever refers to them is told
their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from keyreeve.governance.templates import Json

_NAMED: Final = {"AWS::Logs::LogGroup": "LogGroupName", "AWS::S3::Bucket": "BucketName"}
_ARN: Final = {
    "AWS::Logs::LogGroup": (
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:%s:*"
    ),
    "AWS::S3::Bucket": "arn:${AWS::Partition}:s3:::%s",
}


def without_kept(
    template: Json, facts: Mapping[str, str], there: frozenset[str]
) -> tuple[Json, tuple[str, ...]]:
    """The template without what is there, and the names of that.

    `facts`: `Project`, `AWS::AccountId`, as the names of the template use them.
    """
    kept = {
        logical: (resource["Type"], name)
        for logical, resource in template["Resources"].items()
        if (name := _name(resource, facts)) in there
    }
    if not kept:
        return template, ()
    gone = {*kept, *_policies_of(template, kept)}
    made = {
        logical: _told(_freed(resource, gone), kept)
        for logical, resource in template["Resources"].items()
        if logical not in gone
    }
    outputs = _told(template.get("Outputs", {}), kept)
    names = tuple(sorted(name for _, name in kept.values()))
    return {**template, "Resources": made, "Outputs": outputs}, names


def _name(resource: Mapping[str, Any], facts: Mapping[str, str]) -> str:
    """What it is called; empty for what has no name of its own."""
    named = _NAMED.get(resource["Type"])
    said = resource.get("Properties", {}).get(named, "") if named else ""
    text = said.get("Fn::Sub", "") if isinstance(said, Mapping) else said
    return re.sub(r"\$\{([^}]+)\}", lambda found: facts.get(found[1], found[0]), str(text))


def _policies_of(template: Json, kept: Mapping[str, tuple[str, str]]) -> set[str]:
    """Policies of buckets that were kept: they were kept with them."""
    return {
        logical
        for logical, resource in template["Resources"].items()
        if resource["Type"] == "AWS::S3::BucketPolicy"
        and resource["Properties"]["Bucket"].get("Ref") in kept
    }


def _freed(resource: Json, gone: set[str]) -> Json:
    """Without the order of what is there already."""
    if "DependsOn" not in resource:
        return resource
    left = [each for each in resource["DependsOn"] if each not in gone]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return {**rest, "DependsOn": left} if left else rest


def _told(value: Any, kept: Mapping[str, tuple[str, str]]) -> Any:
    """References as names and ARNs."""
    if isinstance(value, Mapping):
        if value.get("Ref") in kept:
            return kept[value["Ref"]][1]
        attribute = value.get("Fn::GetAtt")
        if isinstance(attribute, list) and attribute[0] in kept:
            kind, name = kept[attribute[0]]
            return {"Fn::Sub": _ARN[kind] % name}
        if isinstance(value.get("Fn::Sub"), str):
            return {"Fn::Sub": _in_text(value["Fn::Sub"], kept)}
        return {key: _told(each, kept) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_told(each, kept) for each in value]
    return value


def _in_text(text: str, kept: Mapping[str, tuple[str, str]]) -> str:
    for logical, (kind, name) in kept.items():
        text = text.replace(f"${{{logical}.Arn}}", _ARN[kind] % name)
        text = text.replace(f"${{{logical}}}", name)
    return text
