"""The private CSV: how new credentials are written down, and read back before anybody gets them."""

from __future__ import annotations

import csv
import io

from keyreeve.model.errors import KeyreeveError
from keyreeve.model.identifiers import AccessKeyId

_KEY = ("User name", "Access key ID", "Secret access key")
_PASSWORD = ("User name", "Password", "Console sign-in URL")


def key_csv(user_name: str, key_id: AccessKeyId, secret: str) -> bytes:
    """The CSV that `aws configure import --csv` reads; byte-exact, never formula-escaped."""
    return _written(_KEY, (user_name, key_id, secret))


def password_csv(user_name: str, password: str, url: str) -> bytes:
    """The private CSV for a console password."""
    return _written(_PASSWORD, (user_name, password, url))


def key_of(content: bytes) -> AccessKeyId:
    """The key id in an escrowed CSV. ValueError if it is no such CSV."""
    return AccessKeyId(_row(content, _KEY)[1])


def proved(content: bytes, key_id: AccessKeyId | None, where: str) -> bytes:
    """The same bytes, if they are what was escrowed: this key, or without one a password.

    Storage may answer with something else than what was put; an owner is never sent that.
    KeyreeveError names the object, never what it holds.
    """
    try:
        whole = bool(_row(content, _PASSWORD)) if key_id is None else key_of(content) == key_id
    except ValueError:
        whole = False
    if not whole:
        raise KeyreeveError(
            "the escrow object does not hold the credentials that were put there",
            where=where,
            remedy="Nothing was sent; the next run reads it again.",
        )
    return content


def _row(content: bytes, header: tuple[str, ...]) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise ValueError("not a CSV") from None
    if len(rows) != 2 or tuple(rows[0]) != header:  # noqa: PLR2004 - the header and one row
        raise ValueError("not the private CSV")
    if len(rows[1]) != len(header) or not all(rows[1]):
        raise ValueError("a row with gaps")
    return rows[1]


def _written(header: tuple[str, ...], row: tuple[str, ...]) -> bytes:
    """One header and one row, CRLF line ends, quoted where CSV asks for it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerow(row)
    return out.getvalue().encode()
