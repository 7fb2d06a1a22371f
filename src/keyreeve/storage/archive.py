"""Everything else that is kept: mails without secrets, reports as read, records of runs."""

from __future__ import annotations

from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import ARCHIVES


class StoredArchive:
    """ports.Archive. ValueError for a key outside the archive's folders."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def keep(self, key: str, content: bytes) -> None:
        """Write, replacing."""
        if not key.startswith(ARCHIVES):
            raise ValueError(f"{key!r} is not below any of {', '.join(ARCHIVES)}")
        self._store.put(key, content)
