"""Secrets at rest below `credentials/`: written once per attempt, before anybody is told."""

from __future__ import annotations

from collections.abc import Iterator

from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import StorageConflict
from keyreeve.model.identifiers import OperationId, UserId
from keyreeve.ports import Deposit, ObjectStore
from keyreeve.storage.layout import CREDENTIALS, escrow_key, escrow_parts
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
                remedy=(
                    "They are deleted at the end of their retention. Restore the object's last "
                    "version if there is one, or let the owner ask for new ones."
                ),
            )
        return found.content

    def deposits(self) -> Iterator[Deposit]:
        """Everything that lies there; objects of other shapes are somebody else's."""
        for row in self._store.list(CREDENTIALS):
            parts = escrow_parts(row.key)
            if parts is not None:
                kind, user, operation, attempt = parts
                yield Deposit(
                    key=row.key,
                    kind=kind,
                    user_id=user,
                    operation_id=operation,
                    attempt=attempt,
                )

    def purge(self, key: str) -> None:
        """Gone with all its versions; no error if it was not there."""
        self._store.purge(key)
