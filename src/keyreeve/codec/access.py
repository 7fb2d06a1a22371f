"""access.json: the access model as the functions on AWS read it, without a YAML parser."""

from __future__ import annotations

from typing import Final

from keyreeve.codec.seal import parse, readable
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.access import AccessModel

SCHEMA: Final = "keyreeve.access/1"
_FIELD: Final = "schema"


def encode(model: AccessModel) -> bytes:
    """The same bytes for the same model."""
    members = to_json(model)
    if not isinstance(members, dict):
        raise TypeError("an access model is an object")
    written: dict[str, Json] = {_FIELD: SCHEMA, **members}
    return readable(written)


def decode(content: bytes) -> AccessModel:
    """The model. ValueError, naming the JSON path, if anything is off.

    What is read was validated when access.yaml was; here only its form is asked for.
    """
    members = parse(content)
    said = members.pop(_FIELD, None)
    if said != SCHEMA:
        raise ValueError(f"{_FIELD}: expected {SCHEMA}, found {said!r}")
    return from_json(AccessModel, members)
