"""Records left for the audit log by who does not hold the lock.

The chain has one writer.  A decision taken while a run is under way counts at once, and its record
lies here until the next holder of the lock puts it into the chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from keyreeve.codec.seal import canonical, parse
from keyreeve.codec.values import Json, from_json, to_json
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.identifiers import RunId
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import AUDIT_INBOX, inbox_key
from keyreeve.storage.write_once import write_once

LEFT_AS = "left_as"
"""In the data of a record that came this way: the name under which it lay here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRecord:
    """One record that waits for the chain; the fields are the fields of the object."""

    event: str
    at: datetime
    run_id: RunId
    data: Mapping[str, object]


def leave(
    store: ObjectStore, event: str, at: datetime, data: Mapping[str, object], run_id: RunId
) -> None:
    """Durable when it returns; JSON values only, no secret."""
    content = canonical(
        {"event": event, "at": to_json(at), "run_id": run_id, "data": to_json(data)}
    )
    write_once(store, inbox_key(at, run_id, event), content)


def waiting(store: ObjectStore) -> list[tuple[str, LeftRecord]]:
    """Name and record of all that wait, oldest first. StateUnreadable for what is none."""
    found = []
    for row in store.list(AUDIT_INBOX):
        lying = store.get(row.key)
        if lying is None:
            continue
        try:
            found.append((row.key, left_record(lying.content)))
        except ValueError as error:
            raise StateUnreadable(
                f"it is no record for the audit log: {error}",
                where=f"{store.describe()}/{row.key}",
                remedy="Nothing was changed; `keyreeve state repair` sets it aside.",
            ) from error
    return found


def left_record(content: bytes) -> LeftRecord:
    """ValueError for what is none."""
    return from_json(LeftRecord, parse(content))


def as_appended(key: str, left: LeftRecord, run_id: RunId) -> dict[str, Json]:
    """The record as the run that holds the lock appends it: with its own instant and its name."""
    data = to_json({**left.data, LEFT_AS: key})
    return {"event": left.event, "at": to_json(left.at), "data": data, "run_id": run_id}


def clear(store: ObjectStore, keys: Iterable[str]) -> None:
    """The chain has them now."""
    for key in keys:
        store.delete(key)
