"""What an SMTP server may answer, and what each answer means for this mail and the next."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from tests.fakes.ports import free_port
from tests.samples import outgoing

from keyreeve.local.smtp_mailer import SmtpMailer
from keyreeve.model.errors import (
    MailDoubtful,
    MailFailure,
    QuotaSpent,
    RecipientRefused,
    SenderRefused,
)

PASSWORD = "hunter2-canary"


class Moody:
    """Answers as told; `None` for DATA hangs up instead."""

    def __init__(self) -> None:
        self.mail = self.rcpt = self.data = "250 OK"
        self.got = 0

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:  # noqa: N802
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802
        self.got += 1
        if self.data is None:
            server.transport.abort()
            return "250 lost"
        return self.data


@pytest.fixture
def server() -> Iterator[tuple[Moody, int]]:
    moody, port = Moody(), free_port()
    controller = Controller(moody, hostname="127.0.0.1", port=port)
    controller.start()
    yield moody, port
    controller.stop()


@pytest.fixture
def mailer(server) -> Iterator[SmtpMailer]:
    mailer = SmtpMailer(host="127.0.0.1", port=server[1], tls="none", timeout=10)
    yield mailer
    mailer.close()


@pytest.mark.parametrize(
    ("field", "answer", "meaning"),
    [
        ("mail", "550 5.7.60 you may not send as this sender", SenderRefused),
        ("mail", "550 5.4.5 Daily user sending quota exceeded", QuotaSpent),
        ("mail", "550 5.1.90 Your message can't be sent", QuotaSpent),
        ("mail", "451 4.3.0 try later", MailFailure),
        ("rcpt", "550 5.1.1 no such user", RecipientRefused),
        ("rcpt", "552 5.2.2 mailbox full", RecipientRefused),
        ("rcpt", "550 5.1.1 no such user, says mx 203.5.4.57 [10.5.1.90]", RecipientRefused),
        ("rcpt", "451 4.7.1 greylisted", MailFailure),
        ("rcpt", "421 4.3.2 shutting down", MailFailure),
        ("data", "554 5.6.0 content refused", MailFailure),
        ("data", "452 4.5.3 your daily message limit is reached", QuotaSpent),
        ("data", None, MailDoubtful),
    ],
)
def test_each_answer_has_one_meaning_and_the_next_mail_still_goes(
    server, mailer, field, answer, meaning
):
    moody, _ = server
    setattr(moody, field, answer)
    with pytest.raises(MailFailure) as raised:
        mailer.send(outgoing())
    assert type(raised.value) is meaning
    if isinstance(raised.value, RecipientRefused):
        assert raised.value.address == outgoing().to[0]
    if meaning is MailFailure and answer.startswith("4"):
        assert "not sent" in raised.value.what
    setattr(moody, field, "250 OK")
    before = moody.got
    mailer.send(outgoing())
    assert moody.got == before + 1


def test_a_doubtful_mail_is_handed_over_once(server, mailer):
    moody, _ = server
    moody.data = None
    with pytest.raises(MailDoubtful):
        mailer.send(outgoing())
    assert moody.got == 1


def test_one_connection_serves_many_mails_and_a_lost_one_is_opened_again(server, mailer):
    moody, _ = server
    mailer.send(outgoing())
    first = mailer._connection
    mailer.send(outgoing())
    assert mailer._connection is first
    first.sock.close()
    mailer.send(outgoing())
    assert moody.got == 3


def test_no_server_means_not_sent():
    mailer = SmtpMailer(host="127.0.0.1", port=free_port(), tls="none", timeout=5)
    with pytest.raises(MailFailure, match="not sent") as raised:
        mailer.send(outgoing())
    assert type(raised.value) is MailFailure


def test_a_server_that_knows_no_login_gets_no_password(server, capfd, caplog):
    _, port = server
    mailer = SmtpMailer(
        host="127.0.0.1", port=port, tls="none", user="keyreeve", password=PASSWORD, timeout=10
    )
    with pytest.raises(SenderRefused) as raised:
        mailer.send(outgoing())
    shown = f"{raised.value}{raised.value!r}{mailer!r}{capfd.readouterr()}{caplog.text}"
    assert PASSWORD not in shown


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_password_that_smtp_cannot_carry_is_told_as_such_and_not_shown(mechanism, capfd, caplog):
    port = free_port()
    controller = Controller(
        Moody(),
        hostname="127.0.0.1",
        port=port,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
        auth_exclude_mechanism=[name for name in ("PLAIN", "LOGIN") if name != mechanism],
    )
    controller.start()
    mailer = SmtpMailer(
        host="127.0.0.1",
        port=port,
        tls="none",
        user="keyreeve",
        password="h\u00fcnter2",
        timeout=10,
    )
    try:
        with pytest.raises(SenderRefused, match="KEYREEVE_SMTP_PASSWORD") as raised:
            mailer.send(outgoing())
    finally:
        mailer.close()
        controller.stop()
    shown = f"{raised.value}{raised.value!r}{capfd.readouterr()}{caplog.text}"
    assert "\u00fc" not in shown
    assert "xfc" not in shown


def test_smtplibs_debug_switch_prints_no_mail(mailer, monkeypatch, capfd):
    monkeypatch.setattr(smtplib.SMTP, "debuglevel", 2)
    mailer.send(outgoing(subject="canary"))
    told = capfd.readouterr()
    assert "canary" not in told.out + told.err
