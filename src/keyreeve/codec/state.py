"""state.json: the State in an envelope that says who saved it and when, sealed by a checksum.

    {schema_version, project, account_id, users, keys, …     the fields of State
     saved_at, saved_by                                       wall clock and run id of the save
     sha256}                                                  see `codec.seal`

A document of an older schema passes through `MIGRATIONS`, one step per version; one of a newer
schema is refused before anything else in it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import cast

from keyreeve.codec.seal import (
    FIELD,
    REPAIR,
    Member,
    Written,
    member,
    parse,
    seal_written,
    unseal,
    written,
)
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.case import SCHEMA_VERSION, State
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.identifiers import RunId

Migration = Callable[[dict[str, Json]], dict[str, Json]]

MIGRATIONS: Mapping[int, Migration] = {}
"""Schema version n → what turns a document of version n into one of version n + 1."""

UPGRADE = "Upgrade Keyreeve on this machine; nothing was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """What one state.json holds."""

    state: State
    saved_at: datetime
    """Wall clock of the writer."""
    saved_by: RunId


def encode(state: State, *, saved_at: datetime, saved_by: RunId) -> bytes:
    """The bytes of state.json: the same for the same arguments. ValueError if inconsistent."""
    return StateWriter().encode(state, saved_at=saved_at, saved_by=saved_by)


class StateWriter:
    """Writes one state again and again: who has not changed since is not written anew.

    A run saves after each group of users.  Values of the model never change: the very same object
    stands for the very same text.
    """

    def __init__(self) -> None:
        self._before: dict[str, dict[object, _Entry]] = {}
        """Of the last state, the entries of each mapping."""

    def encode(self, state: State, *, saved_at: datetime, saved_by: RunId) -> bytes:
        """As the function says."""
        _check_ids(state)
        if state.schema_version != SCHEMA_VERSION:
            raise ValueError(f"only schema {SCHEMA_VERSION} is written")
        document = {item.name: self._member(state, item.name) for item in fields(state)}
        stamp = {"saved_at": written(to_json(saved_at)), "saved_by": written(saved_by)}
        return seal_written({**document, **stamp})

    def _member(self, state: State, name: str) -> Member:
        value = getattr(state, name)
        if isinstance(value, Mapping):
            return self._entries(name, value)
        return member(to_json(value))

    def _entries(self, name: str, values: Mapping[object, object]) -> Mapping[str, Written]:
        before = self._before.get(name, {})
        entries: dict[object, _Entry] = {}
        for key, value in values.items():
            known = before.get(key)
            unchanged = known is not None and known.value is value
            entries[key] = known if known and unchanged else _entry(key, value)
        self._before[name] = entries
        return {entry.name: entry.written for entry in entries.values()}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One member of a mapping, as it was written; the value is held, so that it stays itself."""

    value: object
    name: str
    written: Written


def _entry(key: object, value: object) -> _Entry:
    document = cast("dict[str, Json]", to_json({key: value}))
    ((name, item),) = document.items()
    return _Entry(value, name, written(item))


def decode(content: bytes, *, where: str = "state.json") -> State:
    """The State alone; see `decode_saved`."""
    return decode_saved(content, where=where).state


def decode_saved(
    content: bytes,
    *,
    where: str = "state.json",
    sealed: bool = True,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> SavedState:
    """Read state.json. StateUnreadable, with a remedy, if it is anything but a whole state.

    `sealed=False` believes a document whose checksum is wrong: for `state repair` only.
    """
    try:
        parsed = parse(content)
        _refuse_newer(parsed, where)
        if sealed:
            document = unseal(content, parsed)
        else:
            document = {name: value for name, value in parsed.items() if name != FIELD}
        return _read(_migrated(document, migrations))
    except ValueError as error:
        raise StateUnreadable(str(error), where=where, remedy=REPAIR) from error


def _version(document: Mapping[str, Json]) -> int:
    version = document.get("schema_version")
    if type(version) is not int:
        raise ValueError(f"schema_version: expected a whole number, found {version!r}")
    return version


def _refuse_newer(document: Mapping[str, Json], where: str) -> None:
    version = _version(document)
    if version > SCHEMA_VERSION:
        raise StateUnreadable(
            f"schema_version is {version}, and this Keyreeve reads up to {SCHEMA_VERSION}",
            where=where,
            remedy=UPGRADE,
        )


def _migrated(document: dict[str, Json], migrations: Mapping[int, Migration]) -> dict[str, Json]:
    for version in range(_version(document), SCHEMA_VERSION):
        if version not in migrations:
            raise ValueError(f"no way from schema_version {version} to {version + 1}")
        document = {**migrations[version](document), "schema_version": version + 1}
    return document


def _read(document: dict[str, Json]) -> SavedState:
    saved_at = from_json(datetime, document.pop("saved_at", None), "saved_at")
    saved_by = from_json(str, document.pop("saved_by", None), "saved_by")
    state = from_json(State, document)
    _check_ids(state)
    return SavedState(state=state, saved_at=saved_at, saved_by=RunId(saved_by))


def _check_ids(state: State) -> None:
    """Every record stands under its own id. ValueError with the path of the first that does not."""
    for user_id, case in state.users.items():
        _same(f"users[{user_id}].user_id", case.user_id, user_id)
        for key, finding in case.findings.items():
            _same(f"users[{user_id}].findings[{'/'.join(key)}]", finding.key, key)
        for operation_id, operation in case.operations.items():
            path = f"users[{user_id}].operations[{operation_id}].operation_id"
            _same(path, operation.operation_id, operation_id)
    for key_id, record in state.keys.items():
        _same(f"keys[{key_id}].key_id", record.key_id, key_id)


def _same(path: str, found: object, expected: object) -> None:
    if found != expected:
        raise ValueError(f"{path}: expected {expected!r}, found {found!r}")
