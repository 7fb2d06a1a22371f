"""The searcher finds a planted leak in every form, and nothing where nothing is."""

from __future__ import annotations

import base64
import gzip
import json
import random
import string
import zlib
from collections.abc import Callable, Iterable, Mapping
from html import escape
from itertools import product
from quopri import encodestring
from urllib.parse import quote, quote_plus

import pytest
from tests.proofs.leaks import Leaks

SECRET = 'wJalr"UtnFEMI/K7MDENG+bPxRf&CYEX=MPLEKEY'
AROUND = ("", "x", "ab", "lead=", '{"k": "')


def each(text: str, shape: Callable[[str], str]) -> str:
    return "".join(map(shape, text))


FORMS: Mapping[str, Iterable[bytes]] = {
    name: [text.encode() if isinstance(text, str) else text for text in texts]
    for name, texts in {
        "plain": [SECRET],
        "hex": [
            *(SECRET.encode().hex(*by) for by in ([], [":"], [" "])),
            SECRET.encode().hex().upper(),
            each(SECRET, lambda c: f"\\x{ord(c):02x}"),
        ],
        "url": [
            quote(SECRET),
            quote(SECRET, safe=""),
            quote_plus(SECRET),
            each(SECRET, lambda c: f"%{ord(c):02X}"),
            each(SECRET, lambda c: f"%{ord(c):02x}"),
        ],
        "json": [
            json.dumps(SECRET)[1:-1],
            SECRET.replace("/", "\\/"),
            each(SECRET, lambda c: f"\\u{ord(c):04x}"),
        ],
        "html": [
            escape(SECRET),
            escape(SECRET, quote=False),
            each(SECRET, lambda c: f"&#{ord(c)};"),
            each(SECRET, lambda c: f"&#x{ord(c):X};"),
        ],
        "wide": [SECRET.encode(f"utf-{bits}-{end}") for bits in (16, 32) for end in ("le", "be")],
        "quoted-printable": [encodestring(SECRET.encode()), encodestring(SECRET.encode() * 3)],
        "csv": [SECRET.replace('"', '""')],
        "repr": [repr("'" + SECRET)[2:-1]],
    }.items()
}


def found(content: bytes) -> list[str]:
    return Leaks({"key": SECRET}).found(content)


def cut(encoder: str) -> bytes:
    return {"gzip": gzip.compress, "zlib": zlib.compress}[encoder](b"Body: " + SECRET.encode())


@pytest.mark.parametrize(("form", "before", "after"), list(product(FORMS, AROUND, AROUND)))
def test_every_form_is_found_wherever_it_stands(form: str, before: str, after: str):
    for encoded in FORMS[form]:
        assert found(before.encode() + encoded + after.encode())


@pytest.mark.parametrize("lead", range(6))
def test_base64_is_found_at_every_alignment_and_over_line_ends(lead: int):
    whole = b"." * lead + SECRET.encode() + b"tail"
    assert found(base64.b64encode(whole))
    assert found(base64.encodebytes(b"x" * 50 + whole))
    assert found(base64.urlsafe_b64encode(whole).rstrip(b"="))
    assert found(b"id" + base64.b64encode(base64.b64encode(whole)))


def test_nested_wrappings_are_found():
    inner = base64.b64encode(SECRET.encode()).decode()
    assert found(gzip.compress(json.dumps({"a": [inner]}).encode()))
    assert found(base64.encodebytes(gzip.compress(json.dumps({"a": inner}).encode())))
    assert found(json.dumps({"log": json.dumps({"body": SECRET})}).encode())
    assert found(b"%3Csecret%3E" + "".join(f"%{b:02x}" for b in inner.encode()).encode())
    assert found(gzip.compress(zlib.compress(gzip.compress(SECRET.encode()))).hex().encode())
    raw = zlib.compressobj(wbits=-15)
    assert found(raw.compress(SECRET.encode() * 3) + raw.flush())


@pytest.mark.parametrize("encoder", ["gzip", "zlib"])
def test_a_stream_is_found_amid_other_bytes_and_cut_off(encoder: str):
    assert found(b"\x00\xffPK" + cut(encoder) + b"trailer")
    assert found(cut(encoder)[:-4])


def test_half_a_secret_is_a_leak():
    assert found(b"<SecretAccessKey>" + SECRET[:24].encode())
    assert found(b"..." + SECRET[-24:].encode())


def test_a_leak_is_told_each_time_and_never_shown():
    leaks = Leaks({"key": SECRET})
    first, again = leaks.found(SECRET.encode()), leaks.found(SECRET.encode())
    assert first == again
    assert SECRET not in str(first)


def test_nothing_is_found_where_nothing_is():
    noise = random.Random(1)
    letters = string.ascii_letters + string.digits + "+/=%&\\\n"
    text = "".join(noise.choice(letters) for _ in range(20_000)).encode()
    assert found(text + noise.randbytes(20_000)) == []
    assert found(gzip.compress(text)) == []


def test_what_is_too_short_to_search_for_is_refused():
    with pytest.raises(ValueError, match="too short"):
        Leaks({"key": "hunter2"})
