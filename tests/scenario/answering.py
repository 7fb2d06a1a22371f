"""Reviewers at work: the form that came by mail, filled in, and sent back."""

from __future__ import annotations

import csv
import json
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser
from io import StringIO
from typing import Any

from keyreeve.sandbox.process import Mail

Said = tuple[str, str, str]
"""Decision, until, reason."""
KEEP: Said = ("keep", "", "")


def attachments(mail: Mail) -> dict[str, bytes]:
    """By the ending of their names."""
    parts = message_from_bytes(mail.raw, policy=default).iter_attachments()
    return {
        str(part.get_filename()).rpartition(".")[2]: part.get_payload(decode=True) for part in parts
    }


class Form(HTMLParser):
    """What the form's script reads of its page."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.form: dict[str, str | None] = {}
        self.rows: list[dict[str, str | None]] = []
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.form = dict(attrs)
        if tag == "fieldset":
            self.rows.append(dict(attrs))

    @property
    def users(self) -> list[str | None]:
        return [row["data-user-name"] for row in self.rows]

    def answers(self, said: dict[str, Said]) -> dict[str, Any]:
        """As the script writes them; whoever is not named is kept."""
        return {
            "schema": self.form["data-schema"],
            "campaign": self.form["data-campaign"],
            "reviewer": self.form["data-reviewer"],
            "rows": [_row(row, said.get(str(row["data-user-name"]), KEEP)) for row in self.rows],
        }

    def saved(self, said: dict[str, Said]) -> bytes:
        return json.dumps(self.answers(said), indent=1, ensure_ascii=False).encode()


def _row(row: dict[str, str | None], said: Said) -> dict[str, str | None]:
    return {
        "user_id": row["data-user-id"],
        "user_name": row["data-user-name"],
        "digest": row["data-digest"],
        **dict(zip(("decision", "until", "reason"), said, strict=True)),
    }


def filled_in(sheet: bytes, said: dict[str, Said], delimiter: str = ",") -> bytes:
    """The CSV as a spreadsheet program would save it again."""
    lines = list(csv.DictReader(StringIO(sheet.decode("utf-8-sig"), newline="")))
    for line in lines:
        answer = said.get(line["user"], KEEP)
        line.update(zip(("decision", "until", "reason"), answer, strict=True))
    out = StringIO()
    writer = csv.DictWriter(out, fieldnames=list(lines[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode("utf-8-sig")
