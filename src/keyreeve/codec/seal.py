"""Canonical JSON, and documents that show every altered byte.

A sealed document is a JSON object with the field `sha256`: the digest of the canonical JSON of
all its other fields. It is written in one fixed form (keys sorted, a line for each member and for
each of a member's own, ASCII, one newline at the end), and only that form is read back: an
alteration that would leave the meaning intact (the case of an escape, a cut newline) is found too.
What checkouts before the first version wrote, fully indented, is read as exactly.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from keyreeve.codec.values import Json

FIELD = "sha256"
REPAIR = "Nothing was changed. `keyreeve state repair` helps to put a good version back."

_Value = TypeVar("_Value")
_LINE = json.JSONEncoder(sort_keys=True, allow_nan=False)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Written:
    """One value in both forms of a sealed document."""

    line: str
    """As it stands in the document."""
    canonical: str
    """As its digest is computed."""


Member = Written | Mapping[str, Written]
"""Of a sealed document: an object of its own is given by its members, each a line."""


def canonical(value: Json | Mapping[str, Json]) -> bytes:
    """One text per value: keys sorted, no spaces, ASCII. What digests are computed over."""
    return _CANONICAL.encode(value).encode("ascii")


def digest(value: Json | Mapping[str, Json]) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return content_digest(canonical(value))


def content_digest(content: bytes) -> str:
    """SHA-256 of bytes as they are, in hex."""
    return hashlib.sha256(content).hexdigest()


def readable(value: Json | Mapping[str, Json]) -> bytes:
    """The same every time, and made for people's eyes: keys sorted, indented, a last newline."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode("ascii")


def written(value: Json) -> Written:
    """The value in both forms."""
    return Written(_LINE.encode(value), _CANONICAL.encode(value))


def member(value: Json) -> Member:
    """The value as a member of a sealed document."""
    if isinstance(value, dict):
        return {name: written(item) for name, item in value.items()}
    return written(value)


def in_lines(members: Mapping[str, Member]) -> bytes:
    """The same every time: a line for each member, and for each of a member's own.

    A user is a line of the state, which is saved often: fully indented JSON costs five times as
    much, for the standard library writes it in Python.
    """
    return (_rows(members, "\n ", _line_of) + "\n").encode("ascii")


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


def seal(document: Mapping[str, Json]) -> bytes:
    """The document with its checksum, in the form that `unseal` accepts."""
    return seal_written({name: member(value) for name, value in document.items()})


def seal_written(members: Mapping[str, Member]) -> bytes:
    """The same, of values that are written already."""
    checksum = content_digest(_canonical_of(members).encode("ascii"))
    return in_lines({**members, FIELD: written(checksum)})


def unseal(content: bytes, parsed: dict[str, Json] | None = None) -> dict[str, Json]:
    """The document without its checksum. ValueError if any byte differs from what was sealed.

    `parsed`: what `parse` made of the content, where the caller has looked at it already.
    """
    document = parse(content) if parsed is None else parsed
    said = document.pop(FIELD, None)
    if said is None:
        raise ValueError(f"there is no {FIELD} field")
    if content == seal(document) or content == _as_before(document):
        return document
    if said != digest(document):
        raise ValueError(f"the content does not match its {FIELD}")
    raise ValueError("the form is not the one in which Keyreeve writes")


def require_version(found: object, known: int) -> None:
    """ValueError unless a document's `schema_version` is the one that this Keyreeve knows."""
    if found != known:
        raise ValueError(f"schema_version: expected {known}, found {found!r}")


@lru_cache(maxsize=100_000)
def _quoted(name: str) -> str:
    """A state is written again and again, and its names are the same ones."""
    return _LINE.encode(name)


def _rows(members: Mapping[str, _Value], line: str, text: Callable[[_Value], str]) -> str:
    rows = [f"{line}{_quoted(name)}: {text(members[name])}" for name in sorted(members)]
    return "{" + ",".join(rows) + line[:-1] + "}"


def _line_of(value: Member) -> str:
    if isinstance(value, Written):
        return value.line
    return _rows(value, "\n  ", lambda each: each.line) if value else "{}"


def _canonical_of(value: Written | Mapping[str, Member]) -> str:
    if isinstance(value, Written):
        return value.canonical
    rows = [f"{_quoted(name)}:{_canonical_of(value[name])}" for name in sorted(value)]
    return "{" + ",".join(rows) + "}"


def _as_before(document: Mapping[str, Json]) -> bytes:
    """As checkouts before the first version sealed: fully indented."""
    return readable({**document, FIELD: digest(document)})


def _members_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
