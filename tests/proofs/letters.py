"""Mails as their readers see them: parsed back from the wire, by the words in the plain text.

Standard library only, like the checker: what a mail says is what its text says.
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import getaddresses
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """What a mail is, by the words that lead it."""

    NOTICE = "notice"
    CLOSING = "closing"
    CREDENTIALS = "credentials"
    TEAM = "team"
    SUMMARY = "summary"
    OTHER = "other"


_KINDS = {
    "ALL SETTLED": Kind.CLOSING,
    "YOUR NEW ACCESS KEY": Kind.CREDENTIALS,
    "YOUR NEW CONSOLE PASSWORD": Kind.CREDENTIALS,
    "FOR THE TEAM": Kind.TEAM,
    "WEEKLY SUMMARY": Kind.SUMMARY,
    "NOTIFICATION": Kind.NOTICE,
    "REMINDER": Kind.NOTICE,
    "NEW CREDENTIALS": Kind.NOTICE,
    "WARNING": Kind.NOTICE,
    "COUNTDOWN": Kind.NOTICE,
    "ENFORCEMENT": Kind.NOTICE,
    "OVERDUE": Kind.NOTICE,
}
_LEAD = re.compile(r"^([A-Z ]+): ", re.MULTILINE)
_USER = re.compile(r"(?:IAM Compliance|Your new (?:access key|console password)): (\S+)")
_CARD = re.compile(r"^\[([A-Z ]+)\]  \w+ severity$", re.MULTILINE)
_COUNT = re.compile(r"^\d+ of \d+ +")
_ROW = re.compile(r"\* \[([A-Z ]+)\] ([^*]*?): ([^,*]+), (?:\w{3} (\d+ \w{3} \d{4}))?")
_DATE = re.compile(r"^DATE: \w{3} (\d+ \w{3} \d{4})", re.MULTILINE)
_NEW, _OLD = (
    re.compile(r"^  New key  (\S+)$", re.MULTILINE),
    re.compile(r"^  Old key  (\S+)$", re.MULTILINE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One finding, as its owner is told."""

    subject: str
    """`Access key AKIA…`, `Console password` …"""
    title: str
    stage: str
    """`WARNING` …"""
    on: date | None
    """The day of the act as told; None: no date is set."""
    text: str
    """All that is said about it, on one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail, read."""

    kind: Kind
    stage: str
    """The word that leads it."""
    user: str | None
    to: tuple[str, ...]
    copies: tuple[str, ...]
    """Cc and Bcc."""
    lines: tuple[Line, ...]
    text: str
    thread: str = ""
    """The first of its References."""
    old_key: str | None = None
    new_key: str | None = None
    attachment: bytes | None = None


@lru_cache(maxsize=20_000)
def read(raw: bytes) -> Letter:
    """The mail of these bytes."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    text = body.get_content().replace("\r\n", "\n") if body is not None else ""
    led = _LEAD.search(text)
    stage = led[1] if led else ""
    user = _USER.search(" ".join(str(mail["Subject"] or "").split()))
    files = [_bytes_of(part) for part in mail.iter_attachments()]
    kind = _KINDS.get(stage, Kind.OTHER)
    return Letter(
        kind=kind,
        stage=stage,
        user=user[1] if user else None,
        to=_addresses(mail, "To"),
        copies=_addresses(mail, "Cc") + _addresses(mail, "Bcc"),
        lines=_lines(text) if kind is Kind.NOTICE else (),
        text=text,
        thread=next(iter(str(mail["References"] or "").split()), ""),
        old_key=_found(_OLD, text),
        new_key=_found(_NEW, text),
        attachment=b"".join(files) if files else None,
    )


def key_in(content: bytes) -> tuple[str, str] | None:
    """Access key id and secret in a CSV; None if it holds none."""
    try:
        (row,) = csv.DictReader(io.StringIO(content.decode()))
        return row["Access key ID"], row["Secret access key"]
    except (UnicodeDecodeError, ValueError, KeyError):
        return None


def _lines(text: str) -> tuple[Line, ...]:
    cards = list(_CARD.finditer(text))
    ends = [card.start() for card in cards[1:]] + [len(text)]
    told = [_card(text, card, end) for card, end in zip(cards, ends, strict=True)]
    rows = text[cards[-1].end() :] if cards else text
    return (*told, *(_row(match) for match in _ROW.finditer(" ".join(rows.split()))))


def _card(text: str, card: re.Match[str], end: int) -> Line:
    said = text[card.end() : end]
    return Line(
        subject=said.strip().split("\n", 1)[0],
        title=_COUNT.sub("", text[: card.start()].rstrip().rsplit("\n", 1)[-1]),
        stage=card[1],
        on=_day(_DATE.search(said)),
        text=" ".join(said.split()),
    )


def _row(match: re.Match[str]) -> Line:
    on = datetime.strptime(match[4], "%d %b %Y").date() if match[4] else None  # noqa: DTZ007
    return Line(subject=match[3], title=match[2], stage=match[1], on=on, text=match[0])


def _day(match: re.Match[str] | None) -> date | None:
    return datetime.strptime(match[1], "%d %b %Y").date() if match else None  # noqa: DTZ007


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[1] if match else None


def _addresses(mail: EmailMessage, header: str) -> tuple[str, ...]:
    return tuple(address for _, address in getaddresses(map(str, mail.get_all(header, []))))


def _bytes_of(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""
