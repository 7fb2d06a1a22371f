"""Canonical JSON, and documents that show every altered byte.

A sealed document is a JSON object with the field `sha256`: the digest of the canonical JSON of
all its other fields. It is written in one fixed form (keys sorted, indented by one, ASCII, one
newline at the end), and only that form is read back: an alteration that would leave the meaning
intact (the case of an escape, a cut newline) is found as well.
"""

from __future__ import annotations

import hashlib
import json

from keyreeve.codec.values import Json

FIELD = "sha256"


def canonical(value: Json) -> bytes:
    """One text per value: keys sorted, no spaces, ASCII. What digests are computed over."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return content_digest(canonical(value))


def content_digest(content: bytes) -> str:
    """SHA-256 of bytes as they are, in hex."""
    return hashlib.sha256(content).hexdigest()


def readable(value: Json) -> bytes:
    """The same every time, and made for people's eyes: keys sorted, indented, a last newline."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode("ascii")


def parse(content: bytes) -> dict[str, Json]:
    """A JSON object. ValueError for anything else, twice the same key and NaN included."""
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_members_once,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise ValueError("nested too deeply to be ours") from None
    if not isinstance(document, dict):
        raise ValueError(f"expected a JSON object, found {type(document).__name__}")  # noqa: TRY004 - content, not types
    return document


def seal(document: dict[str, Json]) -> bytes:
    """The document with its checksum, in the one form that `unseal` accepts."""
    return readable({**document, FIELD: digest(document)})


def unseal(content: bytes) -> dict[str, Json]:
    """The document without its checksum. ValueError if any byte differs from what was sealed."""
    document = parse(content)
    said = document.pop(FIELD, None)
    if said is None:
        raise ValueError(f"there is no {FIELD} field")
    if said != digest(document):
        raise ValueError(f"the content does not match its {FIELD}")
    if seal(document) != content:
        raise ValueError("the form is not the one in which Keyreeve writes")
    return document


def require_version(found: object, known: int) -> None:
    """ValueError unless a document's `schema_version` is the one that this Keyreeve knows."""
    if found != known:
        raise ValueError(f"schema_version: expected {known}, found {found!r}")


def _members_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
