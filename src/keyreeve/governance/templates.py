"""The words that generated parts of templates share; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def logical_id(name: str) -> str:
    """`cis-4-1` → `Cis41`: CloudFormation takes letters and digits only."""
    words = "".join(c if c.isalnum() and c.isascii() else " " for c in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def substituted(value: Any) -> Any:
    """Pseudo parameters in strings become `Fn::Sub`; policy variables stay what they are."""
    if isinstance(value, str) and "${AWS::" in value:
        kept = value.replace("${", "${!").replace("${!AWS::", "${AWS::")
        return {"Fn::Sub": kept}
    if isinstance(value, Mapping):
        return {key: substituted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [substituted(each) for each in value]
    return value
