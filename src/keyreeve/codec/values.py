"""Model ⇄ JSON, driven by the type hints of frozen dataclasses.

Writing is total over the model: every dataclass of `model/` becomes JSON, for storage and for
printing. Reading is strict: unknown and missing fields, wrong types and naive datetimes are a
`ValueError` that begins with the JSON path of the offence.

    date, datetime    ISO 8601; datetimes with offset
    enum              its value
    timedelta         seconds
    tuple, frozenset  list; of a frozenset, sorted
    mapping           object; keys are text, dates as ISO 8601, tuples joined by `/`
    effect classes    carry their `kind` (a ClassVar) beside their fields
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)
from zoneinfo import ZoneInfo

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

T = TypeVar("T")

_Reader: TypeAlias = Callable[[object, str], Any]
_Writer: TypeAlias = Callable[[Any], Json]
_SECRETS = frozenset({"secret", "password"})
_AS_IT_IS = frozenset({NoneType, bool, float, int, str})


def to_json(value: object) -> Json:
    """Any value of the model as JSON. TypeError for bytes and for fields that hold a secret."""
    kind = type(value)
    return cast("Json", value) if kind in _AS_IT_IS else _writer(cast("Hashable", kind))(value)


def from_json(kind: type[T], value: object, path: str = "") -> T:
    """A dataclass of the model from JSON. ValueError, naming the JSON path, if anything is off."""
    return cast("T", _reader(cast("Hashable", kind))(value, path))


# --- writing: one writer per type, made once -----------------------------------------------------


@cache
def _writer(kind: type[Any]) -> _Writer:
    for known, writer in _WRITERS.items():
        if issubclass(kind, known):
            return writer
    if is_dataclass(kind):
        return _object(kind)
    raise TypeError(f"{kind.__name__} is never written down")


def _date_text(value: date) -> str:
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ValueError(f"a datetime without offset is never written down: {value}")
    return value.isoformat()


def _object(kind: type[Any]) -> _Writer:
    names = _field_names(cast("Any", kind))
    tag = getattr(kind, "kind", None)
    first: dict[str, Json] = {"kind": tag} if isinstance(tag, str) else {}
    return lambda value: {**first, **{name: to_json(getattr(value, name)) for name in names}}


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    names = tuple(item.name for item in fields(kind))
    if secrets := _SECRETS.intersection(names):
        raise TypeError(f"{kind.__name__}.{min(secrets)} is never written down")
    return names


def _key_text(key: object) -> str:
    if isinstance(key, tuple):
        parts = [_key_text(part) for part in key]
        if any("/" in part for part in parts[:-1]):
            raise ValueError(f"only the last part of a key may hold a slash: {key!r}")
        return "/".join(parts)
    text = to_json(key)
    if not isinstance(text, str):
        raise TypeError(f"{type(key).__name__} cannot be the key of a JSON object")
    return text


_WRITERS: Mapping[type | tuple[type, ...], _Writer] = {
    Enum: lambda value: to_json(value.value),
    date: _date_text,
    Mapping: lambda value: {_key_text(key): to_json(item) for key, item in value.items()},
    (tuple, list): lambda value: [to_json(item) for item in value],
    (frozenset, set): lambda value: sorted((to_json(item) for item in value), key=str),
    timedelta: lambda value: value.total_seconds(),
    ZoneInfo: lambda value: value.key,
}


# --- reading: one reader per type hint, made once ------------------------------------------------


@cache
def _reader(hint: Any) -> _Reader:
    if isinstance(hint, NewType):
        return _reader(hint.__supertype__)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if get_origin(hint) in (UnionType, Union):
        return _optional(hint)
    if get_origin(hint) is tuple:
        return _tuple(hint)
    if get_origin(hint) is frozenset:
        return _frozenset(hint)
    if get_origin(hint) is Mapping:
        return _mapping(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _dataclass(hint)
    raise TypeError(f"no way to read {hint}")


def _fail(path: str, expected: str, found: object) -> ValueError:
    shown = repr(found)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"  # noqa: PLR2004 - a line's worth
    return ValueError(f"{path or 'document'}: expected {expected}, found {shown}")


def _exactly(kind: type, words: str) -> _Reader:
    def read(value: object, path: str) -> object:
        # bool is an int to Python, not to a reader of state.json.
        if type(value) is not kind:
            raise _fail(path, words, value)
        return value

    return read


def _read_date(value: object, path: str) -> date:
    try:
        day = date.fromisoformat(cast("str", value))
    except (ValueError, TypeError):
        raise _fail(path, "a date like 2026-01-05", value) from None
    if day.isoformat() != value:
        raise _fail(path, "a date like 2026-01-05", value)
    return day


def _read_datetime(value: object, path: str) -> datetime:
    try:
        instant = datetime.fromisoformat(cast("str", value))
    except (ValueError, TypeError):
        instant = None
    if instant is None or instant.utcoffset() is None:
        raise _fail(path, "a time with offset like 2026-01-05T06:00:00+00:00", value)
    return instant


def _read_span(value: object, path: str) -> timedelta:
    try:
        if type(value) in (int, float):
            return timedelta(seconds=cast("float", value))
    except (OverflowError, ValueError):
        pass
    raise _fail(path, "a number of seconds", value)


def _read_json(value: object, path: str) -> object:  # noqa: ARG001 - a reader's signature
    return value


_PLAIN: Mapping[Any, _Reader] = {
    str: _exactly(str, "text"),
    int: _exactly(int, "a whole number"),
    bool: _exactly(bool, "true or false"),
    dict: _exactly(dict, "an object"),
    list: _exactly(list, "a list"),
    date: _read_date,
    datetime: _read_datetime,
    timedelta: _read_span,
    object: _read_json,
}


def _optional(hint: Any) -> _Reader:
    inner = [arg for arg in get_args(hint) if arg is not NoneType]
    if len(inner) != 1:
        return _instant_or_why_not(hint, inner)
    read_inner = _reader(inner[0])

    def read(value: object, path: str) -> object:
        return None if value is None else read_inner(value, path)

    return read


def _instant_or_why_not(hint: Any, inner: list[Any]) -> _Reader:
    """An instant, or an enum's word for why there is none."""
    words = next((it for it in inner if isinstance(it, type) and issubclass(it, Enum)), None)
    if words is None or set(inner) != {datetime, words} or NoneType in get_args(hint):
        raise TypeError(f"no way to read {hint}")
    read_word, known = _enum(words), {member.value for member in words}

    def read(value: object, path: str) -> object:
        word = isinstance(value, str) and value in known
        return read_word(value, path) if word else _read_datetime(value, path)

    return read


def _items(value: object, path: str, read_item: _Reader) -> list[Any]:
    items: list[object] = _PLAIN[list](value, path)
    return [read_item(item, f"{path}[{index}]") for index, item in enumerate(items)]


def _tuple(hint: Any) -> _Reader:
    item, ellipsis = get_args(hint)
    if ellipsis is not Ellipsis:
        raise TypeError(f"no way to read {hint}")
    read_item = _reader(item)

    def read(value: object, path: str) -> object:
        return tuple(_items(value, path, read_item))

    return read


def _frozenset(hint: Any) -> _Reader:
    read_item = _reader(get_args(hint)[0])

    def read(value: object, path: str) -> object:
        items = _items(value, path, read_item)
        members = frozenset(items)
        if len(members) != len(items):
            raise _fail(path, "every member once", value)
        return members

    return read


def _mapping(hint: Any) -> _Reader:
    key_hint, value_hint = get_args(hint)
    read_key, read_value = _key_reader(key_hint), _reader(value_hint)

    def read(value: object, path: str) -> object:
        members: dict[str, object] = _PLAIN[dict](value, path)
        return {
            read_key(key, f"{path}[{key}]"): read_value(item, f"{path}[{key}]")
            for key, item in members.items()
        }

    return read


def _key_reader(hint: Any) -> _Reader:
    if get_origin(hint) is not tuple:
        return _reader(hint)
    readers = [_reader(part) for part in get_args(hint)]

    def read(value: object, path: str) -> object:
        parts = cast("str", value).split("/", len(readers) - 1)
        if len(parts) != len(readers):
            raise _fail(path, f"{len(readers)} parts joined by a slash", value)
        return tuple(read_part(part, path) for read_part, part in zip(readers, parts, strict=True))

    return read


def _enum(kind: type[Enum]) -> _Reader:
    members: dict[object, Enum] = {member.value: member for member in kind}

    def read(value: object, path: str) -> object:
        if not isinstance(value, str | int) or value not in members:
            raise _fail(path, "one of " + ", ".join(map(str, members)), value)
        return members[value]

    return read


def _dataclass(kind: type) -> _Reader:
    hints = get_type_hints(kind)
    readers = {name: _reader(hints[name]) for name in _field_names(kind)}

    def read(value: object, path: str) -> object:
        members: dict[str, object] = _PLAIN[dict](value, path)
        if members.keys() != readers.keys():
            raise _wrong_fields(path, set(readers), set(members))
        dot = f"{path}." if path else ""
        try:
            return kind(
                **{name: reads(members[name], dot + name) for name, reads in readers.items()}
            )
        except TypeError as error:
            raise ValueError(f"{path or 'document'}: {error}") from error

    return read


def _wrong_fields(path: str, known: set[str], found: set[str]) -> ValueError:
    said = [f"missing field {name!r}" for name in sorted(known - found)]
    said += [f"unknown field {name!r}" for name in sorted(found - known)]
    return ValueError(f"{path or 'document'}: {', '.join(said)}")
