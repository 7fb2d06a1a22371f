"""What people have decided: waivers.json, holds.json, pause.json.

These are small documents that people may read and, in need, edit: strict JSON, but no checksum.
Each is one dataclass, so that the fields below are the fields of the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from keyreeve.codec.seal import parse, readable, require_version
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.decisions import Arming, Extension, Hold, Pause, Waiver
from keyreeve.model.errors import StateUnreadable

_SCHEMA_VERSION = 1
_REMEDY = (
    "Nothing was changed. Mend the file by hand or restore its earlier version (the bucket keeps "
    "them); it is never taken for empty."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFile:
    """waivers.json."""

    waivers: tuple[Waiver, ...] = ()
    schema_version: int = _SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFile:
    """holds.json: cases that are stopped, and days added to E."""

    holds: tuple[Hold, ...] = ()
    extensions: tuple[Extension, ...] = ()
    schema_version: int = _SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseFile:
    """pause.json: whether the project stands still, by a pause or because nobody has armed it."""

    pause: Pause | None = None
    armed: Arming | None = None
    schema_version: int = _SCHEMA_VERSION


DecisionFile = WaiverFile | HoldFile | PauseFile
F = TypeVar("F", WaiverFile, HoldFile, PauseFile)


def encode(file: DecisionFile) -> bytes:
    """The bytes of one of the three files."""
    return readable(to_json(file))


def _completed(kind: type[F], document: dict[str, Json]) -> dict[str, Json]:
    """What a person need not write: that nobody has armed the project, how a user is called."""
    if kind is PauseFile:
        return {"armed": None, **document}
    waivers = document.get("waivers")
    if kind is WaiverFile and isinstance(waivers, list):
        named = [{"user_name": "", **each} if isinstance(each, dict) else each for each in waivers]
        return {**document, "waivers": named}
    return document


def decode(kind: type[F], content: bytes, *, where: str) -> F:
    """Read one of the three. StateUnreadable, naming `where`: never empty because corrupt."""
    try:
        file = from_json(kind, _completed(kind, parse(content)))
        require_version(file.schema_version, _SCHEMA_VERSION)
    except ValueError as error:
        raise StateUnreadable(str(error), where=where, remedy=_REMEDY) from error
    return file
