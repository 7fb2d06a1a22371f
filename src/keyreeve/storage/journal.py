"""The write-once steps below `ops/`: written as the executor goes, folded in by the next load."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from keyreeve.codec.journal import decode_step, encode_step
from keyreeve.codec.seal import REPAIR
from keyreeve.model.case import State, Step, StepName
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.identifiers import OperationId
from keyreeve.ports import ListedObject, ObjectStore
from keyreeve.storage.layout import OPERATIONS, operation_prefix, step_key
from keyreeve.storage.state_store import StoredState
from keyreeve.storage.write_once import write_once

OVERLAP = timedelta(seconds=60)
"""Listings tell whole seconds, and clocks differ: a step too many is harmless, one too few not."""

_ORDER = {
    name: rank
    for rank, name in enumerate(
        (
            StepName.INTENT,
            StepName.CREATED,
            StepName.KEEPING,
            StepName.ORPHANED,
            StepName.ENFORCING,
            StepName.ACCEPTED,
            StepName.DELIVERED,
            StepName.STUCK,
            StepName.DONE,
            StepName.ABANDONED,
        )
    )
}
"""Which of two steps of one second came first."""


class StoredJournal:
    """ports.Journal. `state` tells how old the loaded state is; before a load every step counts."""

    def __init__(self, store: ObjectStore, *, state: StoredState) -> None:
        self._store = store
        self._state = state

    def write(self, step: Step) -> None:
        """Durable when it returns. Ours already: fine. StorageConflict if foreign."""
        write_once(self._store, step_key(step), encode_step(step))

    def since_saved(self) -> tuple[Step, ...]:
        """Steps that may be newer than the loaded state, oldest first; may repeat known ones."""
        since = self._state.saved_since
        listed = self._store.list(OPERATIONS, start_after=self._oldest_open())
        newer = [row for row in listed if since is None or row.modified_at >= since - OVERLAP]
        read = [(row, self._read(row)) for row in newer]
        read.sort(key=lambda pair: (pair[0].modified_at, pair[1].operation_id, *_rank(pair[1])))
        return tuple(step for _, step in read)

    def of(self, operation: OperationId) -> tuple[Step, ...]:
        """All steps of one operation, by attempt and time."""
        rows: Iterable[ListedObject] = self._store.list(operation_prefix(operation))
        read = [(row, self._read(row)) for row in rows]
        read.sort(key=lambda pair: (pair[1].attempt, pair[0].modified_at, *_rank(pair[1])))
        return tuple(step for _, step in read)

    def _read(self, row: ListedObject) -> Step:
        where = f"{self._store.describe()}/{row.key}"
        found = self._store.get(row.key)
        if found is None:
            raise StateUnreadable("it vanished while it was read", where=where, remedy=REPAIR)
        step = decode_step(found.content, where=where)
        if step_key(step) != row.key:
            raise StateUnreadable(f"it holds {step_key(step)}", where=where, remedy=REPAIR)
        return step

    def _oldest_open(self) -> str:
        """Where the listing may start: ids of operations begin with their case's date.

        A day earlier than the oldest case and the last run, whose new cases the state lacks.
        """
        if self._state.loaded is None:
            return ""
        return _start(self._state.loaded.state)


def _start(state: State) -> str:
    if state.last_run is None:
        return ""
    before_last_run = state.last_run.on - timedelta(days=1)
    dates = [case.case_id[:8] for case in state.users.values()]
    return OPERATIONS + min([f"{before_last_run:%Y%m%d}", *dates])


def _rank(step: Step) -> tuple[int, int]:
    return step.attempt, _ORDER[step.name]
