"""access.json: the access model as the functions on AWS read it, without a YAML parser."""

from __future__ import annotations

from typing import Final

from keyreeve.codec.seal import parse, readable
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.access import AccessModel
from keyreeve.model.errors import ConfigError

SCHEMA: Final = "keyreeve.access/1"
_FIELD: Final = "schema"
_REMEDY: Final = "Deploy the stack again with this version: it packs access.yaml anew."


def encode(model: AccessModel) -> bytes:
    """The same bytes for the same model."""
    members = to_json(model)
    if not isinstance(members, dict):
        raise TypeError("an access model is an object")
    written: dict[str, Json] = {_FIELD: SCHEMA, **members}
    return readable(written)


def decode(content: bytes, *, where: str = "access.json") -> AccessModel:
    """The model. ConfigError, naming `where`, if anything is unknown, missing or of another kind.

    What is read was validated when access.yaml was; here only its form is asked for.
    """
    try:
        members = parse(content)
        _require_schema(members.pop(_FIELD, None))
        return from_json(AccessModel, members)
    except ValueError as error:
        raise ConfigError(str(error), where=where, remedy=_REMEDY) from error


def _require_schema(said: object) -> None:
    if said != SCHEMA:
        raise ValueError(f"{_FIELD}: expected {SCHEMA}, found {said!r}")
