"""An OutgoingMail as bytes, and nothing else that its headers could be made to say.

multipart/mixed                    only with an attachment
├── multipart/alternative
│   ├── text/plain                 quoted-printable: no line over 76 (RFC 5321 allows 998)
│   └── text/html
└── the attachment                 base64: byte-exact

Written out here rather than by `email.message`: its SMTP policy costs four times as much and folds
long message ids into encoded words. The parts that are hard, encoded words, are the library's.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from email.header import Header
from email.utils import format_datetime, quote, unquote
from functools import lru_cache

from keyreeve.codec.visible import one_line
from keyreeve.model.errors import MailFailure, RecipientRefused, SenderRefused
from keyreeve.model.notice import Attachment, MailKind, OutgoingMail, RenderedMail

MAX_RECIPIENTS = 50
"""Of one message, To and CC together (SES quota)."""

_MAX_REFERENCES = 60
"""Root and latest ids; Gmail splits a conversation at 100 messages anyway."""

_MIXED = "=_keyreeve_mixed"
_ALTERNATIVE = "=_keyreeve_alternative"
"""`=_` occurs neither in quoted-printable nor in base64, so a boundary never occurs in a part."""

_FOLD = "\r\n "
_WIDTH = 76
_PLAIN = 66
"""As much of a value as stands on one line with its header's name."""

_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+(?: [A-Za-z0-9-]+)*")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_MAX_LOCAL = 64
_MAX_DOMAIN = 253
"""RFC 5321, RFC 1035."""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MESSAGE_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,250}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_PLAIN_FILE_NAME = re.compile(r"[^A-Za-z0-9._@+=,-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Bare addresses in ASCII, as the mail system is given them."""

    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    """Without those that stand in `to` already."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody, once."""
        return (*self.to, *self.cc)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mailbox:
    name: str
    address: str

    def header(self) -> str:
        """`Name <address>`, the name quoted or in encoded words where it must be."""
        if not self.name:
            return self.address
        if not _is_plain(self.name):
            return f"{_encoded(self.name)}{_FOLD}<{self.address}>"
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else f'"{quote(self.name)}"'
        fold = " " if len(name) + len(self.address) < _PLAIN else _FOLD
        return f"{name}{fold}<{self.address}>"


def envelope(mail: OutgoingMail) -> Envelope:
    """Whom the mail system is told. RecipientRefused, SenderRefused for what is no address."""
    to = tuple(dict.fromkeys(box.address for box in _recipients(mail.to)))
    cc = tuple(dict.fromkeys(box.address for box in _recipients(mail.cc)))
    if not to:
        raise RecipientRefused(
            "the mail has no recipient", remedy="Give the user an e-mail address by tag."
        )
    found = Envelope(
        sender=_sender(mail.sender).address,
        to=to,
        cc=tuple(address for address in cc if address not in to),
    )
    if len(found.recipients) > MAX_RECIPIENTS:
        raise RecipientRefused(
            f"{len(found.recipients)} recipients are more than the {MAX_RECIPIENTS} of one mail",
            remedy="Use a distribution list in mail.cc or summary.to.",
        )
    return found


def to_bytes(mail: OutgoingMail, *, message_id: str | None) -> bytes:
    """The mail with CRLF line ends. `message_id` without brackets; None: the mail system adds it.

    RecipientRefused, SenderRefused for bad addresses; ValueError for a credentials mail with more
    than one reader or attachment, for a review's form to more than one reviewer, and for
    attachments to any other kind.
    """
    envelope(mail)
    _check_routing(mail)
    body = _alternative(mail.body)
    if mail.attachments:
        body = _multipart("mixed", _MIXED, [body, *map(_attachment, mail.attachments)])
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(mail, message_id))
    return (head + "MIME-Version: 1.0\r\n" + body).encode("ascii")


def archive_bytes(mail: OutgoingMail, message_id: str) -> bytes:
    """The same mail for the archive: an attachment's name and size, not its content."""
    left_out = tuple(_left_out(mail.kind, attachment) for attachment in mail.attachments)
    return to_bytes(replace(mail, attachments=left_out), message_id=message_id)


def _left_out(kind: MailKind, attachment: Attachment) -> Attachment:
    went = f"The attachment {attachment.name} ({len(attachment.content)} bytes) went to "
    if kind is MailKind.REVIEW:
        note = f"{went}its reviewer.\r\nIts content is kept below reviews/.\r\n"
    else:
        note = f"{went}its owner only.\r\nIts content is not kept here.\r\n"
    return replace(attachment, content=note.encode(), media_type="text/plain")


def _check_routing(mail: OutgoingMail) -> None:
    if mail.kind is MailKind.CREDENTIALS:
        if len(mail.to) != 1 or mail.cc or len(mail.attachments) > 1:
            raise ValueError(
                "a credentials mail has one recipient, no copy and at most one attachment"
            )
    elif mail.kind is MailKind.REVIEW:
        if len(mail.to) != 1:
            raise ValueError("a review's form goes to one reviewer")
    elif mail.attachments:
        raise ValueError(f"a {mail.kind} mail carries no attachment")


# --- headers ------------------------------------------------------------------------------------


def _headers(mail: OutgoingMail, message_id: str | None) -> list[tuple[str, str]]:
    headers = [
        ("Date", format_datetime(mail.sent_at)),
        ("From", _sender(mail.sender).header()),
        ("To", _mailboxes(mail.to)),
        ("Cc", _mailboxes(mail.cc)),
        ("Reply-To", _mailboxes((mail.reply_to,)) if mail.reply_to else ""),
        ("Subject", _unstructured(mail.subject)),
        ("Message-ID", _ids((message_id,)) if message_id else ""),
        ("In-Reply-To", _ids((mail.in_reply_to,)) if mail.in_reply_to else ""),
        ("References", _ids(_bounded(mail.references))),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
    ]
    return [(name, value) for name, value in headers if value]


def _bounded(references: tuple[str, ...]) -> tuple[str, ...]:
    if len(references) <= _MAX_REFERENCES:
        return references
    return (references[0], *references[1 - _MAX_REFERENCES :])


def _ids(ids: tuple[str, ...]) -> str:
    """One id a line. What is no id is left out: a lost thread hurts less than a lost mail."""
    bare = (message_id.strip("<>") for message_id in ids)
    return _FOLD.join(f"<{one}>" for one in dict.fromkeys(bare) if _MESSAGE_ID.fullmatch(one))


def _unstructured(text: str) -> str:
    shown = one_line(text).strip()
    return shown if _is_plain(shown) else _encoded(shown)


def _is_plain(text: str) -> bool:
    """Whether a header can carry it as it stands, on one line."""
    return text.isascii() and "=?" not in text and "  " not in text and len(text) <= _PLAIN


def _encoded(text: str) -> str:
    """As encoded words (RFC 2047), folded with room for the header's name on the first line."""
    return Header(text, "utf-8", maxlinelen=_WIDTH, header_name="Reply-To").encode(linesep="\r\n")


# --- addresses ----------------------------------------------------------------------------------


def _mailboxes(texts: tuple[str, ...]) -> str:
    return f",{_FOLD}".join(box.header() for box in _recipients(texts))


def _recipients(texts: tuple[str, ...]) -> list[_Mailbox]:
    return [_mailbox(text, RecipientRefused) for text in texts]


def _sender(text: str) -> _Mailbox:
    return _mailbox(text, SenderRefused)


@lru_cache(maxsize=256)
def _mailbox(text: str, refused: type[MailFailure]) -> _Mailbox:
    """`Name <address>` or a bare address; the name made harmless, the address exact or refused."""
    found = _MAILBOX.fullmatch(text)
    name, address = ("", text) if found is None else (found["name"], found["address"])
    local, _, domain = address.rpartition("@")
    wire_domain = _ascii_domain(domain)
    if wire_domain is None or not _LOCAL_PART.fullmatch(local) or len(local) > _MAX_LOCAL:
        raise refused(
            f"{one_line(text)!r} is not an address that mail can be sent to",
            remedy="An address has one @, no spaces or commas, and only ASCII before the @.",
        )
    return _Mailbox(name=one_line(unquote(name.strip())), address=f"{local}@{wire_domain}")


def _ascii_domain(domain: str) -> str | None:
    try:
        wire = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return wire if _DOMAIN.fullmatch(wire) and len(wire) <= _MAX_DOMAIN else None


# --- bodies -------------------------------------------------------------------------------------


def _multipart(subtype: str, boundary: str, parts: list[str]) -> str:
    inside = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return (
        f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'
        f"{inside}--{boundary}--\r\n"
    )


@lru_cache(maxsize=1)
def _alternative(body: RenderedMail) -> str:
    """Kept for the next call: a mail that was sent is archived, too. No body holds a secret."""
    parts = [_text("plain", body.text), _text("html", body.html)]
    return _multipart("alternative", _ALTERNATIVE, parts)


def _text(subtype: str, text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    # The encoder takes its line ends from the first one that it sees.
    content = ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")
    return (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        + binascii.b2a_qp(content, istext=True).decode("ascii")
    )


def _attachment(attachment: Attachment) -> str:
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise ValueError("the attachment's media type is none")
    name = _PLAIN_FILE_NAME.sub("_", attachment.name)
    lines = base64.encodebytes(attachment.content).decode("ascii").replace("\n", "\r\n")
    return (
        f'Content-Type: {attachment.media_type}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n{lines}'
    )
