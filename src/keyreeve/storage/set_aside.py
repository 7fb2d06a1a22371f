"""set-aside/: objects that could not be read, kept as they were, where they stop nobody.

Whoever may write below `feedback/` or `audit-inbox/` can stop every run with one object that is
neither; an `audit-end.json` that is none does so too. `state repair` moves it here under the same
name, and the audit log says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keyreeve.codec.mail_feedback import decode
from keyreeve.model.errors import StateUnreadable
from keyreeve.ports import ObjectStore
from keyreeve.storage.audit_inbox import left_record
from keyreeve.storage.chain_end import decoded
from keyreeve.storage.layout import AUDIT_END, AUDIT_INBOX, FEEDBACK, SET_ASIDE
from keyreeve.storage.write_once import write_once


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """One object that is not what its place asks for."""

    key: str
    reason: str
    content: bytes


def unreadable(store: ObjectStore, folder: str) -> Iterator[Unreadable]:
    """What stops the runs below `feedback/` or `audit-inbox/`, or as `audit-end.json`."""
    read = _READERS[folder]
    for row in store.list(folder):
        found = store.get(row.key)
        if found is None:
            continue  # taken into the chain meanwhile
        try:
            read(found.content)
        except StateUnreadable as error:
            yield Unreadable(key=row.key, reason=error.what, content=found.content)
        except ValueError as error:
            yield Unreadable(key=row.key, reason=str(error), content=found.content)


def set_aside(store: ObjectStore, bad: Unreadable) -> str:
    """Kept under the key that is answered, then taken away; a stop between leaves it in both."""
    kept = f"{SET_ASIDE}{bad.key}"
    write_once(store, kept, bad.content)
    store.delete(bad.key)
    return kept


def _feedback(content: bytes) -> object:
    return decode(content, where="")


_READERS: dict[str, Callable[[bytes], object]] = {
    FEEDBACK: _feedback,
    AUDIT_INBOX: left_record,
    AUDIT_END: decoded,
}
EXAMINED = tuple(_READERS)
"""Where one unreadable object would stop every run."""
