"""The access model as JSON: how it travels to the onboarding function."""

from __future__ import annotations

import json

from keyreeve.codec.values import from_json, to_json
from keyreeve.model.access import AccessModel


def encode(model: AccessModel) -> bytes:
    """UTF-8 JSON; the same model gives the same bytes."""
    return json.dumps(to_json(model), indent=1, sort_keys=True, ensure_ascii=False).encode()


def decode(content: bytes) -> AccessModel:
    """The model. ValueError, naming the JSON path, if anything is off."""
    return from_json(AccessModel, json.loads(content))
