"""Mail through an SMTP server. One connection for many mails, one attempt for each mail."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.utils import make_msgid
from typing import Final, Literal

from keyreeve.codec.mime import Envelope, envelope, to_bytes
from keyreeve.model.errors import (
    MailDoubtful,
    MailFailure,
    QuotaSpent,
    RecipientRefused,
    SenderRefused,
)
from keyreeve.model.notice import Accepted, OutgoingMail

Tls = Literal["starttls", "implicit", "none"]

_OK = 250
_OK_FORWARDED = 251
_TRANSACTION_BROKEN = 421
_TEMPORARY = range(400, 500)
_QUOTA = re.compile(
    r"(?<![\d.])5\.(?:4\.5|1\.90)(?!\.?\d)|(daily|sending|hourly)[^.]{0,30}(quota|limit)|quota[^.]{0,20}sending",
    re.IGNORECASE,
)
_NETWORK: Final = "Check mail.smtp.host, port and tls."


class SmtpMailer:
    """A `Mailer` over SMTP. `timeout` in seconds, for each answer of the server."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Tls,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 60,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._user = user
        self._password = password
        self._timeout = timeout
        self._context = tls_context
        self._connection: smtplib.SMTP | None = None

    def send(self, mail: OutgoingMail) -> Accepted:
        """To everybody or to nobody; the id as it stands on the wire."""
        to = envelope(mail)
        message_id = make_msgid(domain=to.sender.rpartition("@")[2])
        content = to_bytes(mail, message_id=message_id.strip("<>"))
        connection = self._ready()
        try:
            self._announce(connection, to)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise self._not_sent(error) from None
        self._hand_over(connection, content)
        return Accepted(message_id=message_id.strip("<>"))

    def remaining_quota(self) -> int | None:
        """SMTP does not say."""
        return None

    def close(self) -> None:
        """End the connection; the next mail opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # --- the conversation -----------------------------------------------------------------------

    def _ready(self) -> smtplib.SMTP:
        """The open connection if it still answers, else a new one: nothing is under way yet."""
        if self._connection is not None:
            try:
                if self._connection.noop()[0] == _OK:
                    return self._connection
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        try:
            self._connection = self._connect()
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            raise SenderRefused(
                _words(error),
                where=self._where(),
                remedy="Check mail.smtp.user, tls and $KEYREEVE_SMTP_PASSWORD.",
            ) from None
        except UnicodeEncodeError:
            # Its text quotes the character, which is one of the password's.
            raise SenderRefused(
                "user and password of SMTP can hold ASCII characters alone",
                where=self._where(),
                remedy="Give mail.smtp.user another password, and put it into "
                "$KEYREEVE_SMTP_PASSWORD.",
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._not_sent(error) from None
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        if self._tls == "implicit":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=context
            )
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        connection.set_debuglevel(0)  # smtplib would print the password and every mail
        try:
            if self._tls == "starttls":
                connection.starttls(context=context)
            if self._user is not None:
                connection.login(self._user, self._password or "")
        except (smtplib.SMTPException, OSError, UnicodeEncodeError):
            connection.close()
            raise
        return connection

    def _announce(self, connection: smtplib.SMTP, to: Envelope) -> None:
        """MAIL FROM and RCPT TO; a single refusal calls the whole mail off."""
        connection.ehlo_or_helo_if_needed()
        code, answer = connection.mail(to.sender)
        if code != _OK:
            self._call_off(connection, code)
            raise self._refusal(SenderRefused, code, answer, to.sender)
        for address in to.recipients:
            code, answer = connection.rcpt(address)
            if code not in (_OK, _OK_FORWARDED):
                self._call_off(connection, code)
                raise self._refusal(RecipientRefused, code, answer, address)

    def _hand_over(self, connection: smtplib.SMTP, content: bytes) -> None:
        try:
            code, answer = connection.data(content)
        except smtplib.SMTPDataError as error:
            self._call_off(connection, error.smtp_code)
            raise self._refusal(MailFailure, error.smtp_code, error.smtp_error, "DATA") from None
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise MailDoubtful(
                f"the connection broke before the mail was confirmed ({type(error).__name__})",
                where=self._where(),
            ) from None
        if code != _OK:
            self._call_off(connection, code)
            raise self._refusal(MailFailure, code, answer, "DATA")

    def _call_off(self, connection: smtplib.SMTP, code: int) -> None:
        """Leave the connection fit for the next mail, or closed."""
        if code == _TRANSACTION_BROKEN:
            self.close()
            return
        try:
            connection.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    # --- words ----------------------------------------------------------------------------------

    def _where(self) -> str:
        return f"SMTP {self._host}:{self._port}"

    def _refusal(
        self, kind: type[MailFailure], code: int, answer: bytes | str, subject: str
    ) -> MailFailure:
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        what = f"{subject}: {code} {text}"
        if _QUOTA.search(text):
            return QuotaSpent(what, where=self._where(), remedy="The rest goes out another day.")
        if code in _TEMPORARY:
            return MailFailure(
                f"not sent: {what}", where=self._where(), remedy="The next run sends it."
            )
        if kind is RecipientRefused:
            return RecipientRefused(what, where=self._where(), address=subject)
        return kind(what, where=self._where())

    def _not_sent(self, error: Exception) -> MailFailure:
        return MailFailure(f"not sent: {_words(error)}", where=self._where(), remedy=_NETWORK)


def _words(error: Exception) -> str:
    """The server's own words: never what we sent."""
    if not isinstance(error, smtplib.SMTPResponseException):
        return str(error) or type(error).__name__
    text = error.smtp_error
    return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
