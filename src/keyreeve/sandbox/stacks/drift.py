"""Drift: the properties of the template against what the services tell.

AWS compares what the template names; what it leaves open may be anything.
"""

from __future__ import annotations

import json
from typing import Any

from keyreeve.sandbox.stacks.kind import Kind, Props, Site
from keyreeve.sandbox.stacks.kinds import kind_of
from keyreeve.sandbox.stacks.refusals import Failed
from keyreeve.sandbox.stacks.shaping import plain
from keyreeve.sandbox.stacks.stack import Resource


def drift_of(site: Site, resource: Resource) -> dict[str, Any]:
    """A row of DescribeStackResourceDrifts, without ids and times."""
    kind = kind_of(resource.type)
    if not any(facet.read for facet in kind.facets):
        return {"StackResourceDriftStatus": "NOT_CHECKED"}
    try:
        expected, actual = _compared(kind, site, resource)
    except Failed:
        return {"StackResourceDriftStatus": "DELETED", "PropertyDifferences": []}
    differences = [
        row
        for name in expected
        for row in _differences(f"/{name}", expected[name], actual.get(name))
    ]
    return {
        "ExpectedProperties": json.dumps(expected, sort_keys=True),
        "ActualProperties": json.dumps(actual, sort_keys=True, default=str),
        "PropertyDifferences": differences,
        "StackResourceDriftStatus": "MODIFIED" if differences else "IN_SYNC",
    }


def _compared(kind: Kind, site: Site, resource: Resource) -> tuple[Props, Props]:
    """What is expected, and what is there, of the properties that can be read."""
    there = kind.present is None or kind.present(site, resource.physical_id, resource.properties)
    if not there:
        raise Failed("It is gone.", "NotFound")
    expected: dict[str, Any] = {}
    actual: dict[str, Any] = {}
    for facet in kind.facets:
        if facet.read is None:
            continue
        named = [name for name in facet.properties if name in resource.properties]
        found = _read(facet.read(site, resource.physical_id, resource.properties)) if named else {}
        for name in named:
            expected[name] = plain(resource.properties[name])
            value = _like(expected[name], plain(found.get(name)))
            if value is not None:
                actual[name] = value
    return expected, actual


def _read(told: Props) -> Props:
    """Names as in templates: some services begin with a small letter."""
    return {**told, **{key[:1].upper() + key[1:]: value for key, value in told.items()}}


def _like(expected: Any, found: Any) -> Any:
    """What was found, spelt as expected, and without what the service added by itself."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lower = {str(key).lower(): value for key, value in found.items()}
        if set(expected) & {"Version", "Statement"}:
            return found
        told = {key: lower.get(key.lower()) for key in expected}
        return {
            key: _like(expected[key], value) for key, value in told.items() if value is not None
        }
    if isinstance(expected, list) and isinstance(found, list):
        pairs = list(zip(expected, found, strict=False))
        return [_like(*pair) for pair in pairs] + found[len(pairs) :]
    if expected == "true" and found == "ENABLED":
        return "true"
    return found


def _differences(path: str, expected: Any, actual: Any) -> list[dict[str, str]]:
    if expected == actual:
        return []
    if isinstance(expected, dict) and isinstance(actual, dict):
        names = sorted({*expected, *actual})
        return [
            row
            for name in names
            for row in _differences(f"{path}/{name}", expected.get(name), actual.get(name))
        ]
    kind = "ADD" if expected is None else "REMOVE" if actual is None else "NOT_EQUAL"
    return [
        {
            "PropertyPath": path,
            "ExpectedValue": _word(expected),
            "ActualValue": _word(actual),
            "DifferenceType": kind,
        }
    ]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
