"""An object store in memory, and a clock that a test sets: fast, and faulty on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from keyreeve.model.errors import StorageConflict, StorageUnreachable
from keyreeve.ports import ListedObject, StoredObject


class SettableClock:
    """ports.Clock: stands still until told."""

    def __init__(self, now: datetime = datetime(2026, 1, 5, 6, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class MemoryStore:
    """ports.ObjectStore. Versions are counted, so that equal contents are not equal versions.

    `lose_effect`: the next put of the key does nothing and is not answered.
    `lose_answer`: the next put of the key takes effect and is not answered.
    `lose_answer_to_retry`: it takes effect, and the SDK's own retry then meets it.
    """

    def __init__(self, clock: SettableClock | None = None, name: str = "memory:") -> None:
        self._clock = clock or SettableClock()
        self._name = name
        self._objects: dict[str, StoredObject] = {}
        self._count = 0
        self._lock = threading.Lock()
        self.lose_effect: set[str] = set()
        self.lose_answer: set[str] = set()
        self.lose_answer_to_retry: set[str] = set()
        self.puts: list[str] = []
        self.purged: list[str] = []

    def get(self, key: str) -> StoredObject | None:
        return self._objects.get(key)

    def put(
        self, key: str, content: bytes, *, if_version: str | None = None, if_absent: bool = False
    ) -> str:
        if key in self.lose_effect:
            self.lose_effect.discard(key)
            raise StorageUnreachable("no answer", where=key)
        with self._lock:
            version = self._put(key, content, if_version, if_absent=if_absent)
        if key in self.lose_answer:
            self.lose_answer.discard(key)
            raise StorageUnreachable("no answer", where=key)
        if key in self.lose_answer_to_retry:
            self.lose_answer_to_retry.discard(key)
            raise StorageConflict("somebody else wrote it first", where=key)
        return version

    def _put(self, key: str, content: bytes, if_version: str | None, *, if_absent: bool) -> str:
        found = self._objects.get(key)
        wrong_version = if_version is not None and (found is None or found.version != if_version)
        if wrong_version or (if_absent and found is not None):
            raise StorageConflict("somebody else wrote it first", where=key)
        self._count += 1
        version = str(self._count)
        self._objects[key] = StoredObject(
            content=content, version=version, modified_at=self._clock.now()
        )
        self.puts.append(key)
        return version

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ListedObject]:
        for key in sorted(self._objects):
            if key.startswith(prefix) and key > start_after:
                found = self._objects[key]
                yield ListedObject(key=key, size=len(found.content), modified_at=found.modified_at)

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(key, None)

    def purge(self, key: str) -> None:
        self.delete(key)
        self.purged.append(key)

    def describe(self) -> str:
        return self._name
