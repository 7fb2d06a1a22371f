"""Mail as files: nothing leaves the machine. What the demo writes and a person opens.

DIRECTORY/
├── 00001-notice-priya.sharma@example.com.eml       the mail as it would go out
├── 00001-notice-priya.sharma@example.com.html      its HTML body, to open in a browser
└── 00002-credentials-priya.sharma@example.com.eml  with the attachment: for its owner only (0600)
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from keyreeve.codec.mime import envelope, to_bytes
from keyreeve.model.errors import MailFailure
from keyreeve.model.notice import Accepted, OutgoingMail

_NUMBERED = re.compile(r"(\d{5,})-.*\.eml")
_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]")
_NAME_LENGTH = 100
"""Of the recipient, in a file's name."""
_DOMAIN = "directory.invalid"
"""`.invalid` can never be a real domain (RFC 2606)."""


class DirectoryMailer:
    """A `Mailer` that writes each mail to a file, numbered on from what is there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number: int | None = None

    def send(self, mail: OutgoingMail) -> Accepted:
        """Write the mail whole or not at all. MailFailure if the directory cannot be written."""
        label = f"{mail.kind}-{_UNSAFE.sub('_', envelope(mail).to[0])[:_NAME_LENGTH]}"
        # With the mail's own digest an id stays unique even if the files are cleared away.
        digest = hashlib.sha256(to_bytes(mail, message_id=None)).hexdigest()[:16]
        try:
            return Accepted(message_id=self._write_next(mail, label, digest))
        except OSError as error:
            raise MailFailure(
                f"not written: {error.strerror}",
                where=str(self._directory),
                remedy="Check mail.directory and its permissions.",
            ) from error

    def remaining_quota(self) -> int | None:
        """A directory has none."""
        return None

    def _write_next(self, mail: OutgoingMail, label: str, digest: str) -> str:
        if self._number is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._number = self._highest()
        number = self._number
        while True:
            number += 1
            message_id = f"{number:05d}.{digest}@{_DOMAIN}"
            path = self._directory / f"{number:05d}-{label}.eml"
            if _write_new(path, to_bytes(mail, message_id=message_id)):
                break
        self._number = number
        _write_new(path.with_suffix(".html"), mail.body.html.encode("utf-8", "replace"))
        return message_id

    def _highest(self) -> int:
        found = (_NUMBERED.fullmatch(path.name) for path in self._directory.iterdir())
        return max((int(match[1]) for match in found if match), default=0)


def _write_new(path: Path, content: bytes) -> bool:
    """The whole file (0600) or none; False if somebody has this name already."""
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    _write(temporary, content)
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, opened with its mode
        file.write(content)
