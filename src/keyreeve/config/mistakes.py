"""Finds every mistake at once, and says it in the words of the person who wrote the file.

pydantic skips a section's own check (ascending days, bucket or directory) while a setting in it
is wrong, so that a second mistake would show only after the first was mended. Therefore:

1. validate; note the mistakes,
2. take what was wrong out of the data (a required setting gets a stand-in),
3. validate again, until nothing new comes up; what merely follows from step 2 is left out.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keyreeve.config.document import Document, Mistake
from keyreeve.config.sections import Section
from keyreeve.config.settings import UNION_TAGS, Config
from keyreeve.config.values import Impossible, Place, closest

_ROUNDS = 20
_STAND_INS: Mapping[Place, Any] = {
    ("project_name",): "stand-in",
    ("storage",): {"directory": "stand-in"},
    ("mail", "sender"): "stand-in@example.com",
    ("mail", "cc"): ["stand-in@example.com"],
    ("mail", "smtp", "host"): "stand-in",
    ("mail",): {"sender": "stand-in@example.com", "cc": ["stand-in@example.com"]},
}
_LONGEST_SHOWN = 60

_WORDS = {
    "missing": "is required",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be settings, as key: value",
    "model_attributes_type": "must be settings, as key: value",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def validated(document: Document, folder: Path) -> tuple[Config | None, list[Mistake]]:
    """The config, or None and the mistakes in the order of the file."""
    data = copy.deepcopy(dict(document.data or {}))
    found = list(document.mistakes)
    mended = {mistake.place for mistake in found if mistake.place}
    config = None
    for _ in range(_ROUNDS):
        try:
            config = Config.model_validate(data, context={"folder": folder})
            break
        except ValidationError as failure:
            errors = [
                (error, _place(error, document)) for error in failure.errors(include_url=False)
            ]
            places = [place for _, place in errors]
            before = set(mended)
            for error, place in errors:
                if any(_within(other, place) for other in places):
                    continue  # a list is "too short" for pydantic when an item in it is wrong
                if not any(_related(place, other) for other in before):
                    found.append(_mistake(error, place, document))
                mended.add(place)
                _mend(data, place)
    found.sort(key=lambda mistake: mistake.position)
    return (None if found else config), found


def _place(error: ErrorDetails, document: Document) -> Place:
    place = tuple(part for part in error["loc"] if part not in UNION_TAGS)
    reason = error.get("ctx", {}).get("error")
    if not isinstance(reason, Impossible):
        return place
    places = [(*place, *at) for at in reason.at]
    return next((each for each in places if each in document.positions), places[0])


def _related(place: Place, other: Place) -> bool:
    """Whether one stands within the other: then the later mistake may only follow from it."""
    shorter = min(len(place), len(other))
    return place[:shorter] == other[:shorter]


def _within(place: Place, other: Place) -> bool:
    return len(place) > len(other) and _related(place, other)


def _mend(data: dict[str, Any], place: Place) -> None:
    """Take the wrong value out, or the whole setting around it that can be left out."""
    while place:
        inside: Any = data
        for part in place[:-1]:
            inside = inside[part] if _has(inside, part) else None
        if isinstance(inside, dict):
            if place in _STAND_INS and inside.get(str(place[-1])) != _STAND_INS[place]:
                inside[str(place[-1])] = copy.deepcopy(_STAND_INS[place])
                return
            if place[-1] in inside:
                del inside[str(place[-1])]
                return
        place = place[:-1]


def _has(inside: Any, part: str | int) -> bool:
    if isinstance(inside, list):
        return isinstance(part, int) and part < len(inside)
    return isinstance(inside, dict) and part in inside


# --- words ------------------------------------------------------------------------------------


def _mistake(error: ErrorDetails, place: Place, document: Document) -> Mistake:
    what, meant = _words(error, place, document)
    if meant and meant.isprintable():
        what = f"{what} – did you mean {meant}?"
    return Mistake(position=document.position(place), place=place, what=what)


def _words(error: ErrorDetails, place: Place, document: Document) -> tuple[str, str]:
    """What is wrong, and what may have been meant."""
    reason = error.get("ctx", {}).get("error")
    if isinstance(reason, Impossible):
        return reason.what, reason.meant
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(place)
        case "enum" | "literal_error":
            choices = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
            what = f"{_shown(error['input'])} is not one of {', '.join(choices) or 'true'}"
            return what, closest(error["input"], choices)
        case "missing":
            return _missing(place), ""
        case "string_pattern_mismatch":
            return f"{_shown(error['input'])} is not a {place[-1]}", ""
        case kind:
            words = _WORDS.get(kind, error["msg"]).format(**error.get("ctx", {}))
            return words, _right_type(kind, document.written.get(place))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _right_type(kind: str, written: str | None) -> str:
    if written is None:
        return ""
    match kind:
        case "string_type" if written not in ("null", "~"):
            return f'"{written}" (in quotes)'
        case "bool_type":
            return {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(
                written.casefold(), closest(written, ("true", "false"))
            )
        case "int_type" | "float_type" if written.isdecimal():
            return f"{written} (without quotes)"
        case "tuple_type" | "list_type":
            return f"[{written}]"
        case _:
            return ""


def _missing(place: Place) -> str:
    needed = [
        name
        for section in sections_at(place)
        for name, field in keys_of(section).items()
        if field.is_required()
    ]
    return f"is required (with {' and '.join(needed)})" if needed else "is required"


def _unknown_key(place: Place) -> tuple[str, str]:
    key = str(place[-1])
    known = [name for section in sections_at(place[:-1]) for name in keys_of(section)]
    meant = closest(key, known)
    if meant:
        return "unknown key", meant
    elsewhere = [path for path in _all_paths(Config, ()) if path[-1] == key]
    if elsewhere:
        return "unknown key here", ".".join(elsewhere[0])
    return f"unknown key; known here: {', '.join(known)}", ""


# --- which settings exist ---------------------------------------------------------------------


def keys_of(section: type[Section]) -> dict[str, Any]:
    """The section's settings by the name they have in the file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)


def sections_at(place: Place) -> list[type[Section]]:
    """The kinds of section that may stand at a place."""
    sections: list[type[Section]] = [Config]
    for part in place:
        if isinstance(part, str):
            sections = [
                inner
                for section in sections
                if part in keys_of(section)
                for inner in _sections_in(keys_of(section)[part].annotation)
            ]
    return sections


def _all_paths(section: type[Section], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, field in keys_of(section).items():
        yield (*above, name)
        for inner in _sections_in(field.annotation):
            yield from _all_paths(inner, (*above, name))


def path_text(place: Place) -> str:
    """`mail.cc[0]`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() else ascii(part)
            text += f".{name}" if text else name
    return text
