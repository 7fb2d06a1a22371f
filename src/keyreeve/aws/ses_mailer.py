"""Mail through Amazon SES (API v2): raw MIME with an explicit destination, one attempt each.

SES replaces `Message-ID` by the id that it answers with, completed by a domain of the region; that
id is what a reply refers to, so it is what the thread must keep (S1.T9).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from keyreeve.aws.failures import calling
from keyreeve.codec.mime import Envelope, envelope, to_bytes
from keyreeve.model.errors import (
    AccessDenied,
    AwsFailure,
    Doubtful,
    LimitExceeded,
    MailDoubtful,
    MailFailure,
    Malformed,
    NotFound,
    QuotaSpent,
    RecipientRefused,
    SenderRefused,
    Throttled,
)
from keyreeve.model.notice import Accepted, OutgoingMail
from keyreeve.ports import Clock

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client

_DAY_QUOTA = re.compile(r"daily (message|sending) quota|24[- ]hour", re.IGNORECASE)
_NOT_VERIFIED = re.compile(r"not verified|did not have authority", re.IGNORECASE)
_BAD_ADDRESS = re.compile(
    r"invalid (email )?address|illegal address|blacklisted|suppress|missing final|local part|"
    r"control or whitespace|domain (name )?(contains|starts|ends|not)",
    re.IGNORECASE,
)
_SENDER_CODES: Final = frozenset(
    {
        "AccountSuspendedException",
        "MailFromDomainNotVerifiedException",
        "SendingPausedException",
    }
)
_NO_SUCH_CALL = "404"
"""AWS names every error; a bare 404 is an endpoint that has no GetAccount, and so no quota."""
_DOCTOR = "Run `keyreeve doctor`; it shows the SES identity, the sandbox and the quota."


def wire_domain(region: str) -> str:
    """The domain that SES completes its ids with: seen on the wire, not documented by AWS."""
    return "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"


class SesMailer:
    """A `Mailer` over SESv2 SendEmail. `client` tries once: a repeat could send twice."""

    def __init__(
        self,
        client: SESV2Client,
        *,
        region: str,
        message_id_domain: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._domain = message_id_domain or wire_domain(region)
        self._clock = clock
        """With a clock, mails keep SES's rate (one a second in its sandbox) instead of failing."""
        self._gap = timedelta(0)
        self._last_sent: datetime | None = None

    def send(self, mail: OutgoingMail) -> Accepted:
        """Hand it over; the id as it will stand on the wire. MailFailure or MailDoubtful."""
        to = envelope(mail)
        content = to_bytes(mail, message_id=None)
        self._keep_the_rate()
        try:
            bare_id = self._send(to, content)
        except AwsFailure as failure:
            raise _meaning(failure, to) from failure
        return Accepted(message_id=f"{bare_id}@{self._domain}")

    def remaining_quota(self) -> int | None:
        """Recipients left of the last 24 hours' quota; None if SES sets none.

        AwsFailure if SES does not say.
        """
        try:
            limit, sent, per_second = self._quota()
        except NotFound as failure:
            if failure.code != _NO_SUCH_CALL:
                raise
            return None
        if per_second > 0:
            self._gap = timedelta(seconds=1 / per_second)
        return None if limit < 0 else max(0, int(limit - sent))

    @calling("sesv2:SendEmail")
    def _send(self, to: Envelope, content: bytes) -> str:
        answer = self._client.send_email(
            FromEmailAddress=to.sender,
            Destination={"ToAddresses": list(to.to), "CcAddresses": list(to.cc)},
            Content={"Raw": {"Data": content}},
        )
        return answer["MessageId"]

    @calling("sesv2:GetAccount")
    def _quota(self) -> tuple[float, float, float]:
        quota = self._client.get_account()["SendQuota"]
        return quota["Max24HourSend"], quota["SentLast24Hours"], quota["MaxSendRate"]

    def _keep_the_rate(self) -> None:
        if self._clock is None:
            return
        # A wall clock may have been set back since: nobody waits longer than the gap.
        since = self._gap if self._last_sent is None else self._clock.now() - self._last_sent
        if since < self._gap:
            self._clock.sleep((self._gap - max(since, timedelta(0))).total_seconds())
        self._last_sent = self._clock.now()


def _meaning(failure: AwsFailure, to: Envelope) -> MailFailure:
    """What a failed SendEmail says about this mail and the next ones."""
    kind: type[MailFailure]
    match failure:
        case Doubtful() | Malformed():
            return MailDoubtful(failure.what, where=failure.call)
        case Throttled() | LimitExceeded():
            return _too_many(failure)
        case _ if _NOT_VERIFIED.search(failure.what):
            return _unverified(failure, to)
        case AccessDenied() | NotFound():
            kind, remedy = SenderRefused, failure.remedy
        case _ if failure.code in _SENDER_CODES:
            kind, remedy = SenderRefused, ""
        case _ if _BAD_ADDRESS.search(failure.what):
            kind, remedy = RecipientRefused, "Mend the owner's e-mail tag."
        case _:
            kind, remedy = MailFailure, failure.remedy
    return kind(failure.what, where=failure.call, remedy=remedy or _DOCTOR)


def _too_many(failure: AwsFailure) -> MailFailure:
    if _DAY_QUOTA.search(failure.what):
        return QuotaSpent(
            failure.what,
            where=failure.call,
            remedy="The rest goes out on the next mail day; ask AWS for a larger quota.",
        )
    return MailFailure(
        f"not sent, SES asks for a slower rate: {failure.what}",
        where=failure.call,
        remedy="It was not sent; the next run sends it.",
    )


def _names(text: str, address: str) -> bool:
    """Whether a text names exactly this address: `ops@…` is not in `devops@…`."""
    alone = rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)"
    return re.search(alone, text, re.IGNORECASE) is not None


def _unverified(failure: AwsFailure, to: Envelope) -> MailFailure:
    """In SES's sandbox recipients must be verified too; the text names who failed the check."""
    others = (address for address in to.recipients if address != to.sender)
    named = next((each for each in others if _names(failure.what, each)), None)
    if named is not None:
        return RecipientRefused(
            failure.what,
            where=failure.call,
            remedy="SES is in its sandbox: verify the address, or ask for production access.",
            address=named,
        )
    return SenderRefused(
        failure.what, where=failure.call, remedy="Verify mail.sender or its domain in SES."
    )
