"""What Security Hub was sent: `reports/security-hub.json`, so that what is gone can be archived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keyreeve.codec.seal import seal, unseal
from keyreeve.codec.values import from_json, to_json
from keyreeve.model.errors import StateUnreadable
from keyreeve.ports import ObjectStore
from keyreeve.ports.security_hub import Sent
from keyreeve.storage.layout import SENT_FINDINGS

SCHEMA: Final = "keyreeve.security-hub-sent/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    schema: str
    findings: tuple[Sent, ...]


class StoredSentFindings:
    """`ports.security_hub.SentFindings`. Written on the condition that nobody else did."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._version: str | None = None

    def read(self) -> tuple[Sent, ...]:
        """As it was written last; empty before the first time. StateUnreadable if corrupt."""
        found = self._store.get(SENT_FINDINGS)
        if found is None:
            self._version = None
            return ()
        self._version = found.version
        try:
            file = from_json(_File, unseal(found.content))
            if file.schema != SCHEMA:
                raise ValueError(f"schema: expected {SCHEMA}, found {file.schema!r}")  # noqa: TRY301
        except ValueError as error:
            raise StateUnreadable(
                f"it is no record of what was sent: {error}",
                where=f"{self._store.describe()}/{SENT_FINDINGS}",
                remedy="Delete it: findings are then sent as new, and none is archived.",
            ) from error
        return file.findings

    def write(self, sent: Sequence[Sent]) -> None:
        """Replace what was read. StorageConflict if somebody else did meanwhile."""
        ordered = tuple(sorted(sent, key=lambda each: (each.product, each.uid)))
        document = to_json(_File(schema=SCHEMA, findings=ordered))
        if not isinstance(document, dict):
            raise TypeError("a file is an object")
        self._version = self._store.put(
            SENT_FINDINGS,
            seal(document),
            if_version=self._version,
            if_absent=self._version is None,
        )
