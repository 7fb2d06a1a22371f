"""A mail system in memory: records what it is given, and refuses, runs dry or falls silent."""

from __future__ import annotations

from keyreeve.codec.mime import envelope, to_bytes
from keyreeve.model.errors import AwsFailure, MailDoubtful, MailFailure, QuotaSpent
from keyreeve.model.notice import Accepted, OutgoingMail


class FakeMailer:
    """A `Mailer`; `sent` holds every mail that arrived, those of doubtful answers included."""

    def __init__(self, *, quota: int | None = None) -> None:
        self.sent: list[OutgoingMail] = []
        self.wire: list[bytes] = []
        """The bytes of `sent`, with the id that a reply would refer to."""
        self.quota = quota
        self.quota_unread: AwsFailure | None = None
        """Why the quota cannot be read."""
        self._refused: dict[str, MailFailure] = {}
        self._next: list[MailFailure | None] = []
        """Failures to come, in order; None: this one passes."""

    def refuse(self, address: str, failure: MailFailure) -> None:
        """Every mail to this address fails so from now on."""
        self._refused[address] = failure

    def accept(self, address: str) -> None:
        """Mails to this address pass again."""
        del self._refused[address]

    def fail_next(self, failure: MailFailure, *, after: int = 0) -> None:
        """The next mail but `after` fails so; with MailDoubtful it arrives all the same."""
        self._next += [None] * after + [failure]

    def send(self, mail: OutgoingMail) -> Accepted:
        to = envelope(mail)
        failure = self._next.pop(0) if self._next else None
        failure = failure or next(
            (self._refused[one] for one in to.recipients if one in self._refused), None
        )
        if failure is not None and not isinstance(failure, MailDoubtful):
            raise failure
        if self.quota is not None:
            if self.quota < len(to.recipients):
                raise QuotaSpent("the 24-hour quota is spent")
            self.quota -= len(to.recipients)
        message_id = f"{len(self.sent) + 1:04d}@fake.invalid"
        self.wire.append(to_bytes(mail, message_id=message_id))
        self.sent.append(mail)
        if failure is not None:
            raise failure
        return Accepted(message_id=message_id)

    def remaining_quota(self) -> int | None:
        if self.quota_unread is not None:
            raise self.quota_unread
        return self.quota
