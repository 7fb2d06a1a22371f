"""audit-end.json: where the audit chain ends, so that it never forks.

    read     the end, and the version of this object
    claim    write the new end, with the segment that makes it, on the condition of that version
    write    the segment, under its own key

Whoever claims first has the next place in the chain. Who slept for longer than his lease between
`read` and `claim` finds the end moved, and chains his records behind it. A stop between `claim`
and `write` loses nothing: the next writer finds the segment here and writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from keyreeve.codec.seal import seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.case import AuditHead
from keyreeve.model.errors import StateUnreadable, StorageConflict
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import AUDIT_END
from keyreeve.storage.write_once import write_once


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainEnd:
    """The newest record, and the segment that holds it."""

    head: AuditHead
    key: str
    segment: str


def decoded(content: bytes) -> ChainEnd:
    """ValueError for what is none."""
    return from_json(ChainEnd, unseal(content))


def read(store: ObjectStore) -> tuple[ChainEnd | None, str | None]:
    """The end and its version; None and None where nobody has claimed yet. StateUnreadable."""
    found = store.get(AUDIT_END)
    if found is None:
        return None, None
    try:
        return decoded(found.content), found.version
    except ValueError as error:
        raise StateUnreadable(
            f"it does not tell where the audit log ends: {error}",
            where=f"{store.describe()}/{AUDIT_END}",
            remedy="`keyreeve state repair` sets it aside: the next run finds the end in audit/.",
        ) from error


def claim(store: ObjectStore, end: ChainEnd, version: str | None) -> bool:
    """Whether the next place in the chain is ours; False if somebody else has taken it."""
    document = to_json(end)
    if not isinstance(document, dict):
        raise TypeError("an end is an object")
    try:
        store.put(AUDIT_END, seal(document), if_version=version, if_absent=version is None)
    except StorageConflict:
        standing, _ = read(store)
        if standing is not None and standing.head == end.head:
            return True  # an answer was lost
        # Or it was, and others have gone on behind it: they have written our segment first.
        written = store.get(end.key)
        return written is not None and written.content == end.segment.encode()
    return True


def complete(store: ObjectStore, end: ChainEnd) -> None:
    """Write the segment of a claim that a stop has cut off; what lies there is left alone."""
    if store.get(end.key) is None:
        write_once(store, end.key, end.segment.encode())
