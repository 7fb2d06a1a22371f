"""state.json with a condition on every write: what was read is what is replaced."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keyreeve.codec.seal import REPAIR, content_digest
from keyreeve.model.errors import StateUnreadable, StorageConflict
from keyreeve.model.identifiers import AccountId, RunId
from keyreeve.ports import Clock, ObjectStore, StoredObject
from keyreeve.storage.layout import (
    CREDENTIALS,
    FEEDBACK,
    HOLDS,
    OPERATIONS,
    PAUSE,
    STATE,
    WAIVERS,
)

if TYPE_CHECKING:
    from keyreeve.codec.state import SavedState, StateWriter
    from keyreeve.model.case import State

_OF_ACTS = (OPERATIONS, CREDENTIALS)
_DECISIONS = (WAIVERS, HOLDS, PAUSE)


class StoredState:
    """ports.StateStore. `siblings` are the stores of the other layout of the same project.

    The layout depends on `accounts` (`self` or a list): after a change of it the state of an
    account may lie in the other place, and starting empty here would forget it.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        project: str,
        account_id: AccountId,
        run_id: RunId,
        clock: Clock,
        siblings: tuple[ObjectStore, ...] = (),
    ) -> None:
        self._store = store
        self._project = project
        self._account_id = account_id
        self._run_id = run_id
        self._clock = clock
        self._siblings = siblings
        self._version: str | None = None
        self._attempts: set[str] = set()
        self._writer: StateWriter | None = None
        self.loaded: SavedState | None = None
        """What `load` found; None before it, and in a first run."""
        self.saved_since: datetime | None = None
        """Nothing that the loaded state knows was written after this instant, by either clock."""

    def load(self) -> State | None:
        """The state; None only for a true first run. StateUnreadable if corrupt, newer, foreign."""
        found = self._store.get(STATE)
        if found is None:
            self._refuse_remains()
            return None
        saved = self._read(found, self._store)
        self._refuse_foreign(saved.state)
        self._version = found.version
        self.loaded = saved
        self.saved_since = min(found.modified_at, saved.saved_at)
        return saved.state

    def save(self, state: State) -> None:
        """Replace what was read or written last. StorageConflict if somebody else did."""
        if (state.project, state.account_id) != (self._project, self._account_id):
            raise ValueError(f"this is the state of {state.project}, account {state.account_id}")
        content = self._kept_writer().encode(
            state, saved_at=self._clock.now(), saved_by=self._run_id
        )
        self._attempts.add(content_digest(content))
        try:
            self._version = self._put(content, self._version)
        except StorageConflict:
            self._version = self._put_over_our_own(content)

    def _read(self, found: StoredObject, store: ObjectStore) -> SavedState:
        from keyreeve.codec.state import decode_saved

        return decode_saved(found.content, where=self._where(store))

    def _kept_writer(self) -> StateWriter:
        """One for all saves: it keeps what has not changed."""
        from keyreeve.codec.state import StateWriter

        self._writer = self._writer or StateWriter()
        return self._writer

    def _put(self, content: bytes, version: str | None) -> str:
        return self._store.put(STATE, content, if_version=version, if_absent=version is None)

    def _put_over_our_own(self, content: bytes) -> str:
        """An earlier save of ours may have taken effect although its answer was lost."""
        found = self._store.get(STATE)
        if found is None or content_digest(found.content) not in self._attempts:
            raise self._lost_to(found)
        return found.version if found.content == content else self._put(content, found.version)

    def _lost_to(self, found: StoredObject | None) -> StorageConflict:
        where = self._where(self._store)
        if found is None:
            what = "it was removed while this run was at work"
        else:
            saved = self._read(found, self._store)
            what = f"run {saved.saved_by} saved it at {saved.saved_at.isoformat()}, under this run"
        return StorageConflict(
            what,
            where=where,
            remedy="Nothing was overwritten. Run again: what this run did is in ops/.",
        )

    def _refuse_foreign(self, state: State) -> None:
        if state.project != self._project:
            raise StateUnreadable(
                f"it is the state of the project {state.project!r}, not of {self._project!r}: both "
                "names lead to the same folder",
                where=self._where(self._store),
                remedy="Give one of the two another `project_name`, or another bucket.",
            )
        if state.account_id != self._account_id:
            raise StateUnreadable(
                f"it is the state of account {state.account_id}, and these are the credentials of "
                f"account {self._account_id}",
                where=self._where(self._store),
                remedy="Use the credentials of that account, or another `project_name` or bucket.",
            )

    def _refuse_remains(self) -> None:
        """A missing state.json is a first run only where nothing was ever done."""
        if remains := _remains(self._store):
            raise self._missing(f"and yet objects lie under {remains}", REPAIR)
        for sibling in self._siblings:
            self._refuse_moved(sibling)

    def _refuse_moved(self, sibling: ObjectStore) -> None:
        """The other layout may hold another account's state; not ours, and not remains alone.

        Nor decisions alone: a project may be paused, or its waivers filed, before its first run.
        """
        found = sibling.get(STATE)
        if found is None:
            moved = bool(_remains(sibling, (*_OF_ACTS, *_DECISIONS)))
        else:
            other = self._read(found, sibling).state
            moved = (other.project, other.account_id) == (self._project, self._account_id)
        if moved:
            raise self._missing(
                f"and yet {sibling.describe()} was used for it under another setting of `accounts`",
                "Undo that change; or, while nothing runs, move every object but those below "
                f"{FEEDBACK} from there to {self._store.describe()}, and let `keyreeve state "
                "verify` look at them.",
            )

    def _missing(self, why: str, remedy: str) -> StateUnreadable:
        where = self._where(self._store)
        return StateUnreadable(f"it is missing, {why}", where=where, remedy=remedy)

    @staticmethod
    def _where(store: ObjectStore) -> str:
        return f"{store.describe()}/{STATE}"


def _remains(store: ObjectStore, among: tuple[str, ...] = _OF_ACTS) -> str:
    """The first of the folders of earlier acts that is not empty; else nothing."""
    return next((folder for folder in among if any(True for _ in store.list(folder))), "")
