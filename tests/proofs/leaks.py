"""Looks for secrets in bytes, whatever they were wrapped in.  Knows nothing of the product.

A secret is found plain, in base64, by halves, and within any of `UNWRAPPINGS` of what is searched,
up to five deep: gzip of JSON of base64.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import unquote_to_bytes

DEPTH = 5
FRAGMENT = 16
"""Bytes of a long secret that are a leak by themselves."""
_MOST = 1 << 22
"""Bytes of one unwrapping: a bomb is no hiding place that anybody reads."""


def _needles(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """The secret, what of its base64 is the same wherever it stands, and its halves."""
    yield "plain", secret
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret)
        steady = encoded[(0, 2, 3)[lead] : len(encoded) - (0, 4, 4)[(lead + len(secret)) % 3]]
        yield "base64", steady
        yield "base64", steady.translate(_URL_SAFE)
    for start in range(0, len(secret) - FRAGMENT + 1, FRAGMENT // 2):
        yield "a part", secret[start : start + FRAGMENT]


# --- unwrapping ---------------------------------------------------------------------------------

_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{20,}(?:\r?\n[ \t]?[A-Za-z0-9+/_-]+)*={0,2}")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_HEX_RUN = re.compile(rb"(?:[0-9A-Fa-f]{2}[: ]?){16,}")
_GZIP = b"\x1f\x8b\x08"
_ZLIB = tuple(bytes((0x78, level)) for level in (0x01, 0x5E, 0x9C, 0xDA))
_BETWEEN = b"\n--\n"
"""Between the runs of one view: no form goes on beyond it."""
_ESCAPE = re.compile(rb"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([/\"'\\nrt])")
_PLAIN_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def _from_base64(content: bytes) -> Iterator[bytes]:
    runs = [
        re.sub(rb"[\s=]", b"", run).translate(bytes.maketrans(b"-_", b"+/"))
        for run in _BASE64_RUN.findall(content)
    ]
    for start in range(4):  # a run may begin with letters that are no part of it
        yield _BETWEEN.join(_decoded(run[start:]) for run in runs)


def _decoded(letters: bytes) -> bytes:
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _from_hex(content: bytes) -> Iterator[bytes]:
    yield _BETWEEN.join(
        bytes.fromhex(run.decode().replace(":", " ")) for run in _HEX_RUN.findall(content)
    )


def _from_url(content: bytes) -> Iterator[bytes]:
    if b"%" in content:
        yield unquote_to_bytes(content)


def _from_quoted_printable(content: bytes) -> Iterator[bytes]:
    if b"=" in content:
        yield quopri.decodestring(content)


def _from_html(content: bytes) -> Iterator[bytes]:
    if b"&" in content:
        yield html.unescape(content.decode("utf-8", "surrogateescape")).encode("utf-8", "replace")


def _from_escapes(content: bytes) -> Iterator[bytes]:
    def meant(found: re.Match[bytes]) -> bytes:
        if digits := found[1] or found[2]:
            return chr(int(digits, 16)).encode("utf-8", "replace")
        return _PLAIN_ESCAPES.get(found[3], found[3])

    if b'""' in content:
        yield content.replace(b'""', b'"')
    if b"\\" in content:
        yield _ESCAPE.sub(meant, content)


def _from_wide(content: bytes) -> Iterator[bytes]:
    if b"\0" in content:
        yield content.replace(b"\0", b"")


def _from_gzip(content: bytes) -> Iterator[bytes]:
    yield from _inflated(content, (_GZIP,), zlib.MAX_WBITS | 16)
    yield from _inflated(content, _ZLIB, zlib.MAX_WBITS)
    yield from _inflated_at(content, 0, -zlib.MAX_WBITS)


def _inflated(content: bytes, marks: Iterable[bytes], bits: int) -> Iterator[bytes]:
    """Streams anywhere within, whole or cut off."""
    for mark in marks:
        at = content.find(mark)
        while at >= 0:
            yield from _inflated_at(content, at, bits)
            at = content.find(mark, at + 1)


def _inflated_at(content: bytes, at: int, bits: int) -> Iterator[bytes]:
    try:
        yield zlib.decompressobj(bits).decompress(content[at:], _MOST)
    except zlib.error:
        return


UNWRAPPINGS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _from_gzip,
    "base64": _from_base64,
    "hex": _from_hex,
    "url": _from_url,
    "quoted-printable": _from_quoted_printable,
    "html": _from_html,
    "escapes": _from_escapes,
    "wide": _from_wide,
}


class Leaks:
    """A searcher for some secrets, by name. What it has seen it does not search again."""

    def __init__(self, secrets: Mapping[str, str | bytes]) -> None:
        self._needles: dict[bytes, str] = {}
        self._seen: set[int] = set()
        for name, secret in secrets.items():
            self._add(name, secret.encode() if isinstance(secret, str) else secret)

    def _add(self, name: str, secret: bytes) -> None:
        if len(secret) < FRAGMENT:
            raise ValueError(f"{name} is too short to be told from chance")
        for form, needle in _needles(secret):
            self._needles.setdefault(needle, f"{name} ({form})")

    def found(self, content: bytes) -> list[str]:
        """Each leak as `secret (form) within gzip > base64`, without the secret; none: empty."""
        told: list[str] = []
        waiting: list[tuple[bytes, tuple[str, ...]]] = [(content, ())]
        while waiting:
            view, path = waiting.pop()
            if hash(view) in self._seen:
                continue
            self._seen.add(hash(view))
            within = f" within {' > '.join(path)}" if path else ""
            here = {what: None for needle, what in self._needles.items() if needle in view}
            told += [what + within for what in here]
            if not here and len(path) < DEPTH:
                waiting += [
                    (inside, (*path, name))
                    for name, unwrap in UNWRAPPINGS.items()
                    for inside in unwrap(view)
                    if len(inside) >= FRAGMENT and inside != view
                ]
        if told:
            self._seen.clear()  # what leaks, leaks wherever it is met again
        return told
