"""Mails of one account, one at a time: sent, archived without secrets, and stopped when it must.

Once the mail system says that nothing will pass (unverified sender, spent quota), no further mail
is tried today, and no credential is made whose mail could not go out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from keyreeve.codec.mime import archive_bytes
from keyreeve.codec.seal import content_digest
from keyreeve.model.errors import QuotaSpent, SenderRefused
from keyreeve.model.identifiers import RunId, UserId
from keyreeve.model.notice import Accepted, OutgoingMail
from keyreeve.model.plan import Gate
from keyreeve.pipeline.workbench import Deferred, Tools


class PostOffice:
    """Sends for one run."""

    def __init__(self, tools: Tools, run_id: RunId) -> None:
        self._tools = tools
        self._run_id = run_id
        self._count = 0
        self.closed: str | None = None
        """Why no mail will pass any more today."""

    def open_for_business(self) -> None:
        """Deferred if no mail will pass today."""
        if self.closed is not None:
            raise Deferred(Gate.MAILBOX, self.closed)

    def send(
        self, mail: OutgoingMail, user_id: UserId, remember: Callable[[Accepted], None]
    ) -> Accepted:
        """One attempt, remembered with the digest of its copy once accepted, then archived.

        MailFailure if it was not accepted.
        """
        self.open_for_business()
        self._tools.lease.check()
        try:
            accepted = self._tools.mailer.send(mail)
        except (QuotaSpent, SenderRefused) as failure:
            self.closed = failure.what
            raise
        self._count += 1
        day = f"{mail.sent_at:%Y/%m/%d}"
        subject = user_id or "team"
        key = f"mails/{day}/{self._run_id}/{self._count:05d}-{mail.kind}-{subject}.eml"
        copy = archive_bytes(mail, accepted.message_id)
        accepted = replace(accepted, kept={key: content_digest(copy)})
        remember(accepted)
        self._tools.archive.keep(key, copy)
        return accepted
