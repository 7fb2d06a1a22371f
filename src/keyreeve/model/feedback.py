"""What the mail system says about a mail after it has accepted it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FeedbackKind(StrEnum):
    """Why a mail did not reach its reader."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    """The reader, or his provider, calls it spam: SES sends nothing more to the address."""
    REJECT = "reject"
    """SES accepted the mail, found a virus in it and did not send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFeedback:
    """One mail that came back, or as good as that, for some of its recipients."""

    kind: FeedbackKind
    message_id: str
    """As the mail system names it, without the domain that stands behind it on the wire."""
    recipients: tuple[str, ...]
    """Whom it did not reach; in lower case."""
    at: datetime
    """When the mail system learned of it."""
    lasting: bool
    """The address refuses mail for good; otherwise only this mail did not arrive."""
    reason: str
    """For people, in one line: `bounced (Permanent/General): smtp; 550 5.1.1 …`."""

    def is_about(self, message_id: str | None) -> bool:
        """Whether this id, as a mail carries it on the wire, is that of the mail."""
        return message_id is not None and bare(message_id) == bare(self.message_id)

    def reached_not(self, address: str) -> bool:
        """Whether the mail did not reach the address."""
        return address.lower() in self.recipients


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Feedback that changes nothing, and why."""

    reason: str


def bare(message_id: str) -> str:
    """The id without angle brackets and domain: how SES names it whatever its region."""
    return message_id.strip().strip("<>").partition("@")[0].lower()
