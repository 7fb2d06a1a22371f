"""The resource types that a stack can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from keyreeve.sandbox.stacks.kind import Kind
from keyreeve.sandbox.stacks.kinds import (
    alarms,
    analyzers,
    configuration,
    custom,
    detectors,
    functions,
    identities,
    keys,
    logs,
    machines,
    messages,
    policies,
    queues,
    rules,
    schedules,
    storage,
    trails,
)

KINDS: Final[Mapping[str, Kind]] = {
    kind.type: kind
    for module in (
        alarms,
        analyzers,
        configuration,
        custom,
        detectors,
        functions,
        identities,
        keys,
        logs,
        machines,
        messages,
        policies,
        queues,
        rules,
        schedules,
        storage,
        trails,
    )
    for kind in module.KINDS
}


def kind_of(type_: str) -> Kind:
    """The kind of a type that the template's reading has let through."""
    return custom.CUSTOM if type_.startswith("Custom::") else KINDS[type_]
