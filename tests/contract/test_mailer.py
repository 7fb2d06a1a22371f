"""One contract, four mail systems: files, an SMTP server, SES (moto), and the tests' own fake."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Protocol

import pytest
from aiosmtpd.controller import Controller
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from tests.fakes.mailer import FakeMailer
from tests.fakes.ports import free_port
from tests.samples import CSV, ROOT, outgoing, outgoing_credentials

from keyreeve.aws.ses_mailer import SesMailer
from keyreeve.aws.sessions import Sessions
from keyreeve.local.directory_mailer import DirectoryMailer
from keyreeve.local.smtp_mailer import SmtpMailer
from keyreeve.model.errors import AwsFailure, RecipientRefused, SenderRefused
from keyreeve.ports import Mailer

REGION = "eu-central-1"


class Post(Protocol):
    """A mail system and what came out at its other end."""

    mailer: Mailer

    @abstractmethod
    def arrived(self) -> list[EmailMessage]:
        """As a recipient would read them, oldest first."""


class FakePost:
    def __init__(self) -> None:
        self.mailer = FakeMailer()

    def arrived(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=default) for one in self.mailer.wire]


class DirectoryPost:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mailer = DirectoryMailer(directory)

    def arrived(self) -> list[EmailMessage]:
        files = sorted(self.directory.glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=default) for file in files]


class SmtpPost:
    """Keeps what aiosmtpd hands over."""

    def __init__(self) -> None:
        self.content: list[bytes] = []
        self.recipients: list[list[str]] = []
        port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.controller.start()
        self.mailer = SmtpMailer(host="127.0.0.1", port=port, tls="none", timeout=10)

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.content.append(envelope.original_content)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def arrived(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=default) for one in self.content]

    def close(self) -> None:
        self.mailer.close()
        self.controller.stop()


class SesPost:
    """moto keeps the raw mail; the id is added as SES writes it over ours."""

    def __init__(self) -> None:
        client = Sessions(rehearsal=False, region=REGION).client("sesv2", attempts_once=True)
        client.create_email_identity(EmailIdentity="example.com")
        self.mailer = SesMailer(client, region=REGION)

    def arrived(self) -> list[EmailMessage]:
        mails = []
        for sent in ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages:
            mail = message_from_bytes(sent.raw_data.encode(), policy=default)
            assert "Message-ID" not in mail
            mail["Message-ID"] = f"<{sent.id}@{REGION}.amazonses.com>"
            mails.append(mail)
        return mails


@pytest.fixture(params=["fake", "directory", "smtp", "ses"])
def post(request, tmp_path, monkeypatch) -> Iterator[Post]:
    match request.param:
        case "fake":
            yield FakePost()
        case "directory":
            yield DirectoryPost(tmp_path / "mails")
        case "smtp":
            system = SmtpPost()
            yield system
            system.close()
        case "ses":
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
            with mock_aws():
                yield SesPost()


def test_the_accepted_id_is_what_a_reply_refers_to(post):
    accepted = [post.mailer.send(outgoing()).message_id for _ in range(3)]
    assert [mail["Message-ID"] for mail in post.arrived()] == [f"<{one}>" for one in accepted]
    assert len(set(accepted)) == 3


def test_recipients_are_those_given(post):
    post.mailer.send(outgoing(to=("Jürg <j@example.com>",), cc=("a@example.com", "b@example.com")))
    [mail] = post.arrived()
    assert [one.addr_spec for one in mail["To"].addresses] == ["j@example.com"]
    assert [one.addr_spec for one in mail["Cc"].addresses] == ["a@example.com", "b@example.com"]
    assert "Bcc" not in mail


def test_both_bodies_and_the_thread_arrive(post):
    post.mailer.send(outgoing())
    [mail] = post.arrived()
    assert mail["References"].split() == [f"<{one}>" for one in outgoing().references]
    assert mail["References"].startswith(f"<{ROOT}>")
    assert mail["In-Reply-To"] == f"<{outgoing().in_reply_to}>"
    assert mail["Subject"] == outgoing().subject
    assert mail.get_body(("plain",)).get_content().strip() == outgoing().body.text.strip()
    assert mail.get_body(("html",)).get_content().strip() == outgoing().body.html.strip()


def test_the_private_attachment_is_byte_exact_and_alone_with_its_owner(post):
    post.mailer.send(outgoing_credentials())
    [mail] = post.arrived()
    [part] = mail.iter_attachments()
    assert part.get_payload(decode=True) == CSV
    assert part.get_filename() == "priya.sharma-access-key.csv"
    assert mail.get_all("To") == ["priya.sharma@example.com"]
    assert not {"Cc", "Bcc", "Reply-To", "References"} & set(mail.keys())


def test_nothing_goes_out_to_a_bad_address_and_the_next_mail_does(post):
    with pytest.raises(RecipientRefused):
        post.mailer.send(outgoing(to=("no address",)))
    with pytest.raises(SenderRefused):
        post.mailer.send(outgoing(sender="no address"))
    post.mailer.send(outgoing())
    assert len(post.arrived()) == 1


def test_no_quota_is_none_and_one_that_is_not_told_is_an_error(post):
    if isinstance(post, SesPost):  # moto in this process has no GetAccount: SES does not answer
        with pytest.raises(AwsFailure):
            post.mailer.remaining_quota()
    else:
        assert post.mailer.remaining_quota() is None


def test_the_smtp_envelope_holds_everybody_once():
    system = SmtpPost()
    try:
        system.mailer.send(outgoing(cc=("b@example.com", "PS <priya.sharma@example.com>")))
    finally:
        system.close()
    assert system.recipients == [["priya.sharma@example.com", "b@example.com"]]


def test_files_are_numbered_on_and_for_their_owner_only(tmp_path):
    first = DirectoryMailer(tmp_path).send(outgoing())
    second = DirectoryMailer(tmp_path).send(outgoing_credentials(to=("a|b/c@example.com",)))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "00001-notice-priya.sharma@example.com.eml",
        "00001-notice-priya.sharma@example.com.html",
        "00002-credentials-a_b_c@example.com.eml",
        "00002-credentials-a_b_c@example.com.html",
    ]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert first.message_id != second.message_id
    assert b"wJalr" not in (tmp_path / names[3]).read_bytes()


def test_ids_differ_when_files_were_cleared_between_two_mails(tmp_path):
    first = DirectoryMailer(tmp_path / "a").send(outgoing())
    later = replace(outgoing(), sent_at=outgoing().sent_at.replace(day=16))
    assert DirectoryMailer(tmp_path / "b").send(later).message_id != first.message_id
