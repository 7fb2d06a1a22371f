from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.samples import CSV, HOSTILE, ROOT, outgoing, outgoing_credentials

from keyreeve.codec.mime import archive_bytes, envelope, to_bytes
from keyreeve.codec.visible import one_line
from keyreeve.model.errors import RecipientRefused, SenderRefused
from keyreeve.model.notice import Attachment, MailKind, RenderedMail

ANY_TEXT = st.text(max_size=200)
HEADER_NAMES = [
    "Date",
    "From",
    "To",
    "Cc",
    "Reply-To",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]


def parsed(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def head_of(content: bytes) -> list[bytes]:
    return content.split(b"\r\n\r\n", 1)[0].split(b"\r\n")


def test_every_header_stands_once_and_in_its_place():
    mail = parsed(to_bytes(outgoing(), message_id="1@example.com"))
    assert mail.keys() == HEADER_NAMES
    assert mail["From"] == "IAM Compliance <iam-compliance@example.com>"
    assert mail["To"] == "priya.sharma@example.com"
    assert mail["Cc"] == "msp-team@example.com"
    assert mail["Subject"] == "[ETV] IAM Compliance: priya.sharma"
    assert mail["Message-ID"] == "<1@example.com>"
    assert mail["In-Reply-To"] == "<0100018d-first@email.amazonses.com>"
    assert mail["References"] == f"<{ROOT}> <0100018d-first@email.amazonses.com>"
    assert mail["Date"].datetime == outgoing().sent_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"


def test_what_is_not_given_is_not_written():
    bare = outgoing(cc=(), reply_to=None, references=(), in_reply_to=None)
    names = parsed(to_bytes(bare, message_id=None)).keys()
    assert not {"Cc", "Reply-To", "Message-ID", "In-Reply-To", "References", "Bcc"} & set(names)


def test_both_bodies_arrive_as_they_were():
    body = RenderedMail(
        html="<p>Grüße, 你好</p>\n" + "<i>x</i>" * 400 + "\n", text="From me\n.\n..\nGrüße  \n" * 3
    )
    content = to_bytes(outgoing(body=body), message_id=None)
    mail = parsed(content)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert text_of(mail) == body.text
    assert text_of(mail, "html") == body.html
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert content.isascii()


@given(subject=ANY_TEXT)
@example(subject="a =?utf-8?b?DQpCY2M6IHg=?= b")
@example(subject="x  y" + "z" * 200)
@example(subject="ok\r\nBcc: eve@example.com")
def test_any_subject_stays_a_subject(subject):
    content = to_bytes(outgoing(subject=subject), message_id=None)
    mail = parsed(content)
    assert mail.keys() == [name for name in HEADER_NAMES if name in mail]
    assert "Bcc" not in mail
    assert mail["Subject"] is None or mail["Subject"] == one_line(subject).strip()
    assert max(map(len, head_of(content))) <= 78


@given(name=ANY_TEXT.filter(lambda text: text.strip() and not set(text) & set("<>")))
@example(name='Anna "the reeve" O\\Neil, M.A.')
@example(name="Ünïcödé " * 20)
@example(name="Anna of the long, long and rather winding name of the old manor")
@example(name="A" * 2000)
@example(name="x\r\nBcc: eve@example.com")
def test_any_display_name_stays_a_name(name):
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    sender = f'"{quoted}" <iam@example.com>'
    content = to_bytes(outgoing(sender=sender, to=(sender,)), message_id=None)
    mail = parsed(content)
    assert mail.keys() == [key for key in HEADER_NAMES if key in mail]
    assert [found.addr_spec for found in mail["From"].addresses] == ["iam@example.com"]
    assert [found.addr_spec for found in mail["To"].addresses] == ["iam@example.com"]
    raw = message_from_bytes(content)["From"].removesuffix("<iam@example.com>").strip()
    shown = str(make_header(decode_header(raw))) if "=?" in raw else unquote(raw)
    assert shown.split() == one_line(name).split()
    assert max(map(len, head_of(content))) <= 78


REFUSED = [
    "",
    "nobody",
    "@example.com",
    "a@",
    "a@b@example.com",
    "a b@example.com",
    "a@exa mple.com",
    "a@example.com,b@example.com",
    "a@example.com\r\nBcc: eve@example.com",
    "a@example.com\n",
    "Name <a@example.com\x00>",
    "Name <a@example.com> <b@example.com>",
    "a\u202e@example.com",
    "ü@example.com",
    "a@-example.com",
    "a@example..com",
    "a@example.com.",
    ".a@example.com",
    "a" * 65 + "@example.com",
    "a@" + "x" * 64 + ".com",
    "a@[127.0.0.1]",
    '"a b"@example.com',
]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_no_address_is_refused_and_never_mended(address):
    for field in ({"to": (address,)}, {"cc": (address,)}):
        with pytest.raises(RecipientRefused):
            to_bytes(outgoing(**field), message_id=None)
    with pytest.raises(SenderRefused):
        to_bytes(outgoing(sender=address), message_id=None)


@given(address=ANY_TEXT)
def test_an_address_is_on_the_wire_exactly_or_not_at_all(address):
    try:
        found = envelope(outgoing(to=(address,), cc=()))
    except RecipientRefused:
        return
    assert found.recipients[0].isascii()
    assert " " not in found.recipients[0]


def test_names_of_domains_in_any_script_are_written_in_ascii():
    found = envelope(outgoing(to=("Jürg <j@bücher.example>",)))
    assert found.to == ("j@xn--bcher-kva.example",)
    mail = parsed(to_bytes(outgoing(to=("Jürg <j@bücher.example>",)), message_id=None))
    assert mail["To"].addresses[0].display_name == "Jürg"


def test_nobody_gets_a_mail_twice():
    twice = outgoing(to=("a@example.com",), cc=("A <a@example.com>", "b@example.com"))
    assert envelope(twice).recipients == ("a@example.com", "b@example.com")


def test_fifty_recipients_pass_and_fifty_one_are_refused():
    many = tuple(f"u{index}@example.com" for index in range(50))
    assert len(envelope(outgoing(to=many, cc=())).recipients) == 50
    with pytest.raises(RecipientRefused, match="51"):
        to_bytes(outgoing(to=many, cc=("one.more@example.com",)), message_id=None)
    with pytest.raises(RecipientRefused):
        to_bytes(outgoing(to=(), cc=()), message_id=None)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": ("a@example.com", "b@example.com")},
        {"to": ("a@example.com",), "cc": ("b@example.com",)},
        {"attachments": outgoing_credentials().attachments * 2},
        {"kind": MailKind.NOTICE},
        {"kind": MailKind.SUMMARY},
    ],
)
def test_a_secret_has_one_reader_and_one_place(changes):
    with pytest.raises(ValueError, match=r"credentials mail|no attachment") as raised:
        to_bytes(outgoing_credentials(**changes), message_id=None)
    assert "wJalr" not in str(raised.value)


def review_mail(**changes):
    form = Attachment(name="form.html", content=b"<!doctype html>", media_type="text/html")
    sheet = Attachment(name="sheet.csv", content=b"user\r\n")
    usual = {"kind": MailKind.REVIEW, "to": ("ann@example.com",), "attachments": (form, sheet)}
    return outgoing(**(usual | changes))


def test_a_review_carries_its_form_and_its_sheet_to_one_reviewer_and_the_team_may_read_it():
    mail = parsed(to_bytes(review_mail(cc=("msp@example.com",)), message_id=None))
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == ["form.html", "sheet.csv"]
    with pytest.raises(ValueError, match="one reviewer"):
        to_bytes(review_mail(to=("a@example.com", "b@example.com")), message_id=None)


def test_the_archive_says_where_the_form_of_a_review_is_kept():
    archived = archive_bytes(review_mail(), "1").decode()
    assert archived.count("name=") >= 2
    texts = [part.get_content() for part in parsed(archived.encode()).iter_attachments()]
    assert all("kept below reviews/" in text for text in texts)


@given(content=st.binary(max_size=400))
@example(content=CSV)
@example(content=b"")
def test_the_attachment_is_byte_exact(content):
    attachment = Attachment(name="priya.csv", content=content)
    mail = parsed(to_bytes(outgoing_credentials(attachments=(attachment,)), message_id=None))
    [part] = mail.iter_attachments()
    assert part.get_filename() == "priya.csv"
    assert part.get_content_type() == "text/csv"
    assert part.get_payload(decode=True) == content
    assert text_of(mail) == outgoing().body.text


def test_a_file_name_cannot_leave_its_quotes():
    attachment = Attachment(name='a"; x="\r\nBcc: é/../b.csv', content=b"x")
    mail = parsed(to_bytes(outgoing_credentials(attachments=(attachment,)), message_id=None))
    [part] = mail.iter_attachments()
    assert "Bcc" not in part
    assert part.get_filename() == "a___x=___Bcc____.._b.csv"


def test_the_archive_says_what_was_attached_and_not_what_it_said():
    content = archive_bytes(outgoing_credentials(), "1@example.com")
    mail = parsed(content)
    [part] = mail.iter_attachments()
    assert "priya.sharma-access-key.csv" in part.get_content()
    assert f"{len(CSV)} bytes" in part.get_content()
    assert b"wJalr" not in content
    assert mail["Message-ID"] == "<1@example.com>"
    assert archive_bytes(outgoing(), "1@x.y") == to_bytes(outgoing(), message_id="1@x.y")


def test_a_long_thread_keeps_its_root_and_its_latest():
    ids = tuple(f"{index:04d}-{'x' * 60}@eu-central-1.amazonses.com" for index in range(200))
    content = to_bytes(outgoing(references=(ROOT, *ids), in_reply_to=ids[-1]), message_id=None)
    found = parsed(content)["References"].split()
    assert found[0] == f"<{ROOT}>"
    assert found[-59:] == [f"<{one}>" for one in ids[-59:]]
    assert len(found) == 60
    assert b"=?" not in content


@pytest.mark.parametrize("bad", ["a b@c", "x>\r\nBcc: eve@example.com", "", "é@x"])
def test_what_is_no_message_id_costs_the_thread_and_not_the_mail(bad):
    mail = parsed(to_bytes(outgoing(references=(ROOT, bad), in_reply_to=bad), message_id=None))
    assert mail["References"] == f"<{ROOT}>"
    assert "In-Reply-To" not in mail
    assert "Bcc" not in mail


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_add_no_header_and_no_part(text):
    mail = parsed(
        to_bytes(
            outgoing(subject=f"[{text}] {text}", body=RenderedMail(html=text, text=text)),
            message_id=None,
        )
    )
    assert mail.keys() == [name for name in HEADER_NAMES if name != "Message-ID"]
    assert len(list(mail.iter_parts())) == 2
    assert text_of(mail) == text + "\n"


def test_the_same_mail_is_the_same_bytes():
    assert to_bytes(outgoing(), message_id="a@b") == to_bytes(outgoing(), message_id="a@b")
