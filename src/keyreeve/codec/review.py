"""Access reviews as they are kept: sealed JSON, one document a step; and the digest of a row."""

from __future__ import annotations

from typing import TypeVar

from keyreeve.codec.seal import digest, require_version, seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.review import (
    Answers,
    Campaign,
    CampaignId,
    Removed,
    Result,
    ReviewerName,
    ShownUser,
    Told,
)

_VERSION = "schema_version"
_KNOWN = 1
_REMEDY = (
    "Nothing was changed. Evidence is never mended: restore the object's first version (the "
    "bucket keeps it)."
)

Step = Campaign | Told | Answers | Result | Removed
S = TypeVar("S", Campaign, Told, Answers, Result, Removed)


def encode(step: Step) -> bytes:
    """One step, with its checksum."""
    written = to_json(step)
    if not isinstance(written, dict):
        raise TypeError(f"{type(step).__name__} is no document")
    return seal({**written, _VERSION: _KNOWN})


def decode(kind: type[S], content: bytes, *, where: str) -> S:
    """A step as it was written. StateUnreadable, naming `where`, if any byte differs."""
    try:
        document = unseal(content)
        require_version(document.pop(_VERSION, None), _KNOWN)
        return from_json(kind, document)
    except ValueError as error:
        raise StateUnreadable(str(error), where=where, remedy=_REMEDY) from error


def row_digest(campaign: CampaignId, reviewer: ReviewerName, row: ShownUser) -> str:
    """SHA-256 in hex of what this reviewer was shown of this user in this campaign."""
    return digest({"campaign": campaign, "reviewer": reviewer, "row": to_json(row)})
