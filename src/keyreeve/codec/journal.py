"""One step of an operation, as its write-once object below `ops/` holds it: sealed JSON."""

from __future__ import annotations

from keyreeve.codec.seal import require_version, seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.case import Step
from keyreeve.model.errors import StateUnreadable

_SCHEMA_VERSION = 1
_REMEDY = (
    "Nothing was changed. Restore an earlier version of this object (the bucket keeps them), then "
    "run `keyreeve state verify`."
)


def encode_step(step: Step) -> bytes:
    """The bytes of a step: the same step gives the same bytes."""
    document = to_json(step)
    if not isinstance(document, dict):
        raise TypeError("a step is an object")
    return seal({**document, "schema_version": _SCHEMA_VERSION})


def decode_step(content: bytes, *, where: str) -> Step:
    """Read a step. StateUnreadable, naming `where`, if any byte is not as it was written."""
    try:
        document = unseal(content)
        require_version(document.pop("schema_version", None), _SCHEMA_VERSION)
        return from_json(Step, document)
    except ValueError as error:
        raise StateUnreadable(str(error), where=where, remedy=_REMEDY) from error
