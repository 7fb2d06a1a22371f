"""usage.json: how the keys that are being replaced were used when the last run looked.

It can be lost without harm: the next run reads AWS anew.
"""

from __future__ import annotations

from keyreeve.codec.seal import require_version, seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import StorageUnreachable
from keyreeve.model.usage import UsageReading
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import USAGE

VERSION = 1


class StoredUsage:
    """ports.usage.UsageMemory."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def recall(self) -> UsageReading | None:
        """None where nothing lies there. StorageUnreachable where it cannot be believed."""
        found = self._store.get(USAGE)
        if found is None:
            return None
        try:
            document = unseal(found.content)
            require_version(document.pop("schema_version", None), VERSION)
            return from_json(UsageReading, document)
        except ValueError as error:
            raise StorageUnreachable(
                f"it cannot be believed ({error})",
                where=USAGE,
                remedy="The next run that acts writes it anew.",
            ) from None

    def keep(self, reading: UsageReading) -> None:
        """Replace it."""
        document = to_json(reading)
        assert isinstance(document, dict)  # noqa: S101 - a dataclass becomes an object
        self._store.put(USAGE, seal({**document, "schema_version": VERSION}))
