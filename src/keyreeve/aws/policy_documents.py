"""Policy documents as IAM's answers hold them, decoded by the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def default_version(policy: Mapping[str, Any]) -> Document:
    """The document in force of a managed policy. KeyError if no version is the default one."""
    for version in policy["PolicyVersionList"]:
        if version["IsDefaultVersion"]:
            return decoded(version["Document"])
    raise KeyError("IsDefaultVersion")


def decoded(document: object) -> Document:
    """The SDK leaves a document that is no JSON as the text that it was: that is a TypeError."""
    if not isinstance(document, Mapping):
        raise TypeError("PolicyDocument")
    return document
