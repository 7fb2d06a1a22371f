"""Objects that are written once and never changed."""

from __future__ import annotations

from keyreeve.model.errors import StorageConflict
from keyreeve.ports import ObjectStore


def write_once(store: ObjectStore, key: str, content: bytes) -> None:
    """Durable when it returns. The same bytes there already are ours: an answer was lost.

    StorageConflict if the object holds anything else.
    """
    try:
        store.put(key, content, if_absent=True)
    except StorageConflict:
        found = store.get(key)
        if found is None or found.content != content:
            raise
