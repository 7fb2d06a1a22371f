"""feedback/: what the mail system said about mails, written by whoever hears it.

Nobody needs the account's lock to write here, and nobody is told: every run looks again. An
object's name begins with the instant of its arrival, by the wall clock of who wrote it, so that a
listing begins where the loaded state may end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from keyreeve.codec.mail_feedback import decode, encode
from keyreeve.codec.seal import content_digest
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.feedback import MailFeedback
from keyreeve.ports import ObjectStore
from keyreeve.storage.layout import FEEDBACK, feedback_day, feedback_key
from keyreeve.storage.state_store import StoredState
from keyreeve.storage.write_once import write_once

OVERLAP = timedelta(days=2)
"""More than a run takes, and than clocks differ: what arrived under a run is met by the next."""


class StoredFeedback:
    """ports.FeedbackBox. `state` tells how old the loaded state is; without it all is unread."""

    def __init__(self, store: ObjectStore, *, state: StoredState | None = None) -> None:
        self._store = store
        self._state = state
        self._read: set[str] = set()

    def keep(self, feedback: MailFeedback, arrived_at: datetime) -> str:
        """Durable when it returns; the key. The name holds a digest: twice does no harm."""
        content = encode(feedback)
        key = feedback_key(arrived_at, content_digest(content))
        write_once(self._store, key, content)
        return key

    def unread(self) -> Mapping[str, MailFeedback]:
        """What may be newer than the loaded state and was not answered before, by key, in order."""
        rows = self._store.list(FEEDBACK, start_after=self._start())
        keys = [row.key for row in rows if row.key not in self._read]
        found = {key: self._get(key) for key in keys}
        self._read.update(keys)
        return found

    def _start(self) -> str:
        since = self._state.saved_since if self._state else None
        return feedback_day(since - OVERLAP) if since else ""

    def _get(self, key: str) -> MailFeedback:
        where = f"{self._store.describe()}/{key}"
        found = self._store.get(key)
        if found is None:
            raise StateUnreadable("it vanished while it was read", where=where)
        return decode(found.content, where=where)
