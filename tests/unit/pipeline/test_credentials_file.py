from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyreeve.model.errors import KeyreeveError
from keyreeve.pipeline.credentials_file import key_csv, key_of, password_csv, proved

KEY = "AKIAIOSFODNN7EXAMPLE"
cell = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1)


@given(cell, cell)
def test_what_is_written_is_read_back_as_it_was(name, secret):
    content = key_csv(name, KEY, secret)
    assert next(csv.DictReader(io.StringIO(content.decode(), newline=""))) == {
        "User name": name,
        "Access key ID": KEY,
        "Secret access key": secret,
    }
    assert key_of(content) == KEY
    assert proved(content, KEY, "credentials/x") is content
    password = password_csv(name, secret, "https://signin.example")
    assert proved(password, None, "credentials/x") is password


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00<not an answer",
        b"\xff\xfe",
        key_csv("ana", "AKIAANOTHERKEY000000", "canary"),
        key_csv("ana", KEY, "canary")[:-30],
        key_csv("ana", KEY, ""),
        key_csv("ana", KEY, "canary") + b"ana,AKIA2,canary\r\n",
        password_csv("ana", "canary", "https://signin.example"),
        b'User name,Access key ID,Secret access key\r\n"' + b"x" * 140_000 + b'"\r\n',
    ],
)
def test_nobody_is_sent_what_is_not_what_was_escrowed_and_the_error_tells_no_secret(content):
    with pytest.raises(KeyreeveError, match="does not hold the credentials") as caught:
        proved(content, KEY, "credentials/x")
    assert "canary" not in repr(caught.value) + str(caught.value)


def test_a_key_file_is_no_password_file():
    with pytest.raises(KeyreeveError):
        proved(key_csv("ana", KEY, "canary"), None, "credentials/x")
