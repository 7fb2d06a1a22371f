"""Records of past runs, read back."""

from __future__ import annotations

import json
from typing import Any

from keyreeve.model.errors import StateUnreadable
from keyreeve.model.identifiers import RunId
from keyreeve.model.plan import OutcomeKind
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import RUNS


class StoredRunRecords:
    """ports.runs.RunRecords over any object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def failures(self, run_id: RunId) -> int | None:
        """As the port says."""
        key = f"{RUNS}{run_id}/run.json"
        found = self._store.get(key)
        if found is None:
            return None
        try:
            document: dict[str, Any] = json.loads(found.content)
            kinds = [OutcomeKind(outcome["kind"]) for outcome in document["outcomes"]]
        except (ValueError, KeyError, TypeError) as error:
            raise StateUnreadable(
                f"the record of the last run cannot be read: {error}",
                where=f"{self._store.describe()}/{key}",
                remedy="Restore the object's earlier version; the next run writes its own.",
            ) from error
        return kinds.count(OutcomeKind.FAILED)
