"""Secrets at rest below `credentials/`: written once per attempt, before anybody is told."""

from __future__ import annotations

from keyreeve.model.errors import StorageConflict
from keyreeve.model.identifiers import OperationId, UserId
from keyreeve.model.notice import CredentialKind
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import escrow_key
from keyreeve.storage.write_once import write_once


class StoredEscrow:
    """ports.Escrow. Errors name the key of an object, never what it holds."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def deposit(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int, csv: bytes
    ) -> str:
        """Write once; the object's key. StorageConflict if this attempt has another object."""
        key = escrow_key(kind, user, operation, attempt)
        write_once(self._store, key, csv)
        return key

    def find(
        self, kind: CredentialKind, user: UserId, operation: OperationId, attempt: int
    ) -> str | None:
        """The object's key if this attempt has one."""
        key = escrow_key(kind, user, operation, attempt)
        return key if any(row.key == key for row in self._store.list(key)) else None

    def read(self, key: str) -> bytes:
        """The CSV. StorageConflict if it is gone."""
        found = self._store.get(key)
        if found is None:
            raise StorageConflict(
                "the escrowed credentials are gone",
                where=f"{self._store.describe()}/{key}",
                remedy="Restore the object's last version, or let the owner ask for new ones.",
            )
        return found.content
