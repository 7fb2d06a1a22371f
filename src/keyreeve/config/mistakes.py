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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keyreeve.config.document import Document, Mistake
from keyreeve.config.sections import Section
from keyreeve.config.values import Impossible, Place, closest

_ROUNDS = 20
_LONGEST_SHOWN = 60

_KEY = "[key]"
"""What pydantic puts behind the key of a mapping that is itself wrong."""
_ANY_NAME = "NAME"
"""Stands for the keys of a mapping that a person chooses."""

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
    "too_long": "must have at most {max_length} entries",
    "dict_type": "must be settings, as key: value",
    "mapping_type": "must be settings, as key: value",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[S]):
    """A kind of file: what may stand in it, and what is said of one that is missing."""

    root: type[S]
    advice: str
    """What to do where there is no file, or an empty one."""
    stand_ins: Mapping[Place, Any] = field(default_factory=dict)
    """What takes the place of a required setting that is wrong, while the rest is judged."""
    union_tags: frozenset[str] = frozenset()
    """Labels that pydantic puts into the place of a mistake."""


def validated(document: Document, form: Form[S], folder: Path) -> tuple[S | None, list[Mistake]]:
    """The settings, or None and the mistakes in the order of the file."""
    data = copy.deepcopy(dict(document.data or {}))
    found = list(document.mistakes)
    mended = {mistake.place for mistake in found if mistake.place}
    settings = None
    for _ in range(_ROUNDS):
        try:
            settings = form.root.model_validate(data, context={"folder": folder})
            break
        except ValidationError as failure:
            errors = list(_errors(failure, document, form))
            places = [error.place for error in errors]
            before = set(mended)
            for error in errors:
                if error.may_follow and any(_within(other, error.place) for other in places):
                    continue
                if not any(_related(error.place, other) for other in before):
                    found.append(_mistake(error, document, form))
                mended.add(error.place)
                _mend(data, error.place, form.stand_ins)
    found.sort(key=lambda mistake: mistake.position)
    return (None if found else settings), found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Error:
    """One thing that pydantic found, and where it stands in the file."""

    details: ErrorDetails
    place: Place
    reason: Impossible | None
    """What a check of ours said."""

    @property
    def may_follow(self) -> bool:
        """A list is "too short" for pydantic when an item in it is wrong."""
        return self.reason is None and not self.of_key

    @property
    def of_key(self) -> bool:
        """Whether the key of a mapping is wrong, not what stands behind it."""
        return self.details["loc"][-1:] == (_KEY,)


def _errors(failure: ValidationError, document: Document, form: Form[S]) -> Iterator[_Error]:
    labels = form.union_tags | {_KEY}
    for details in failure.errors(include_url=False):
        place = tuple(part for part in details["loc"] if part not in labels)
        said = details.get("ctx", {}).get("error")
        if not isinstance(said, Impossible):
            yield _Error(details=details, place=place, reason=None)
            continue
        for reason in (said, *said.also):
            places = [(*place, *at) for at in reason.at]
            named = next((each for each in places if each in document.positions), places[0])
            yield _Error(details=details, place=named, reason=reason)


def _related(place: Place, other: Place) -> bool:
    """Whether one stands within the other: then the later mistake may only follow from it."""
    shorter = min(len(place), len(other))
    return place[:shorter] == other[:shorter]


def _within(place: Place, other: Place) -> bool:
    return len(place) > len(other) and _related(place, other)


def _mend(data: dict[str, Any], place: Place, stand_ins: Mapping[Place, Any]) -> None:
    """Take the wrong value out, or the whole setting around it that can be left out."""
    while place:
        inside: Any = data
        for part in place[:-1]:
            inside = inside[part] if _has(inside, part) else None
        if isinstance(inside, dict):
            if place in stand_ins and inside.get(str(place[-1])) != stand_ins[place]:
                inside[str(place[-1])] = copy.deepcopy(stand_ins[place])
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


def _mistake(error: _Error, document: Document, form: Form[S]) -> Mistake:
    what, meant = _words(error, document, form)
    if meant and meant.isprintable():
        what = f"{what} – did you mean {meant}?"
    return Mistake(position=document.position(error.place), place=error.place, what=what)


def _words(error: _Error, document: Document, form: Form[S]) -> tuple[str, str]:
    """What is wrong, and what may have been meant."""
    if error.reason is not None:
        return error.reason.what, error.reason.meant
    details, place = error.details, error.place
    match details["type"]:
        case "extra_forbidden":
            return _unknown_key(form.root, place)
        case "enum" | "literal_error":
            choices = re.findall(r"'([^']*)'", str(details["ctx"]["expected"]))
            what = f"{_shown(details['input'])} is not one of {', '.join(choices) or 'true'}"
            return what, closest(details["input"], choices)
        case "missing":
            return _missing(form.root, place), ""
        case "string_pattern_mismatch" if error.of_key:
            return f"{_shown(details['input'])} is no name that may stand here", ""
        case "string_pattern_mismatch":
            return f"{_shown(details['input'])} is not a {place[-1]}", ""
        case kind:
            words = _WORDS.get(kind, details["msg"]).format(**details.get("ctx", {}))
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


def _missing(root: type[Section], place: Place) -> str:
    needed = [
        name
        for section in sections_at(root, place)
        for name, setting in keys_of(section).items()
        if setting.is_required()
    ]
    return f"is required (with {' and '.join(needed)})" if needed else "is required"


def _unknown_key(root: type[Section], place: Place) -> tuple[str, str]:
    key = str(place[-1])
    known = [name for section in sections_at(root, place[:-1]) for name in keys_of(section)]
    meant = closest(key, known)
    if meant:
        return "unknown key", meant
    elsewhere = [path for path in _all_paths(root, ()) if path[-1] == key]
    if elsewhere:
        return "unknown key here", ".".join(elsewhere[0])
    return f"unknown key; known here: {', '.join(known)}", ""


# --- which settings exist ---------------------------------------------------------------------


def keys_of(section: type[Section]) -> dict[str, Any]:
    """The section's settings by the name they have in the file."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Sections, and those in lists of them; not those behind the keys of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    if not _is_mapping(annotation):
        for part in get_args(annotation):
            yield from _sections_in(part)


def _values_in(annotation: Any) -> Iterator[Any]:
    """What stands behind the keys of a mapping."""
    if _is_mapping(annotation):
        yield get_args(annotation)[1]
        return
    for part in get_args(annotation):
        yield from _values_in(part)


def _below(annotation: Any, key: str) -> Iterator[Any]:
    for section in _sections_in(annotation):
        if key in keys_of(section):
            yield keys_of(section)[key].annotation
    yield from _values_in(annotation)


def sections_at(root: type[Section], place: Place) -> list[type[Section]]:
    """The kinds of section that may stand at a place."""
    found: list[Any] = [root]
    for part in place:
        if isinstance(part, str):
            found = [inner for annotation in found for inner in _below(annotation, part)]
    return [section for annotation in found for section in _sections_in(annotation)]


def _all_paths(annotation: Any, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for section in _sections_in(annotation):
        for name, setting in keys_of(section).items():
            yield (*above, name)
            yield from _all_paths(setting.annotation, (*above, name))
    for value in _values_in(annotation):
        yield from _all_paths(value, (*above, _ANY_NAME))


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
