"""Tags that a call brings along, in whichever way its protocol writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from keyreeve.language.policy_values import Context

_FLAT = re.compile(r"Tags\.(?:member|entry)\.(\d+)\.Key")
_FLAT_KEY = re.compile(r"TagKeys\.member\.\d+")


def given_tags(params: Mapping[str, Any]) -> Mapping[str, str]:
    """Key → value; empty where the call brings none."""
    tags = params.get("Tags", params.get("tags"))
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    if isinstance(tags, list):
        return {
            str(row.get("Key", row.get("key"))): str(row.get("Value", row.get("value", "")))
            for row in tags
        }
    return {
        str(key): str(params.get(name.removesuffix("Key") + "Value", ""))
        for name, key in params.items()
        if _FLAT.fullmatch(name)
    }


def tag_context(params: Mapping[str, Any]) -> Context:
    """`aws:RequestTag` and `aws:TagKeys`, for tagging and for untagging."""
    given = given_tags(params)
    keys = params.get("TagKeys", params.get("tagKeys", ()))
    removed = [key for name, key in params.items() if _FLAT_KEY.fullmatch(name)]
    named = (*given, *removed, *(keys if isinstance(keys, list) else ()))
    told: dict[str, tuple[str, ...]] = {
        f"aws:requesttag/{key.lower()}": (value,) for key, value in given.items()
    }
    if named:
        told["aws:tagkeys"] = tuple(map(str, named))
    return told


def resource_tags(tags: Mapping[str, str], *services: str) -> Context:
    """`aws:ResourceTag`, and the service's own name for it."""
    return {
        f"{service}:resourcetag/{key.lower()}": (value,)
        for service in ("aws", *services)
        for key, value in tags.items()
    }
