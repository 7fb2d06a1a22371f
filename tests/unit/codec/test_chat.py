"""What a chat makes of other people's words: nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import HOSTILE, crowded_summary, summary, team

from keyreeve.codec.chat import LONGEST_BODY, LONGEST_TITLE, chat_text, harmless

ACTIVE = re.compile(r"[@<>&\[\]`*_~|#\\\n\r\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2060\ufeff]")
LINK = re.compile(r"\w://|[^\W\d]:\w|\w\.[^\W\d_]{2,}")


ALIKE = {
    "@": "\uff20",
    "<": "\u2039",
    ">": "\u203a",
    "&": "\uff06",
    "[": "\uff3b",
    "]": "\uff3d",
    "#": "\uff03",
    "*": "\u2217",
    "~": "\u223c",
    "|": "\u00a6",
    "`": "\u02cb",
    "_": "\uff3f",
    ":": "\u2236",
    ".": "\u2024",
}


def alike(text: str, signs: str) -> str:
    """The text with each of these signs as the one that looks like it."""
    for sign in signs:
        text = text.replace(sign, ALIKE[sign])
    return text


@pytest.mark.parametrize(
    ("hostile", "signs"),
    [
        ("<!channel> hello", "<>"),
        ("<@U024BE7LH>", "<@>"),
        ("@everyone", "@"),
        ("bob@here", "@"),
        ("&lt;!channel&gt;", "&"),
        ("<https://evil.example|your bank>", "<>|:."),
        ("[your bank](https://evil.example)", "[]:."),
        ("[x](javascript:alert(1))", "[]:"),
        ("mailto:a@b.com", ":@."),
        ("evil.example/path", "."),
        ("# heading", "#"),
        ("**bold** ~~gone~~ ||hidden|| `code` _it_", "*~|`_"),
        ("96 days old; the limit is 75 days.", ""),
        ("2026-01-05 at 06:00, 3.5 hours", ""),
    ],
)
def test_what_a_chat_would_act_upon_only_looks_like_it(hostile: str, signs: str):
    assert harmless(hostile) == alike(hostile, signs)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("@\u200beveryone", alike("@everyone", "@")),
        ("a\n@everyone", alike("a @everyone", "@")),
        ("user\u202egnp", "user\ufffdgnp"),
    ],
)
def test_nothing_hides_between_the_letters(hostile: str, shown: str):
    assert harmless(hostile) == shown


@given(st.text() | st.sampled_from(HOSTILE) | st.text(alphabet="@<>.:/&[]()*_`~|#\\ae1\u200b"))
def test_no_text_keeps_a_sign_that_a_chat_acts_upon_or_a_link(text: str):
    shown = harmless(text)
    assert not ACTIVE.search(shown)
    assert not LINK.search(shown)
    assert harmless(shown) == shown


def test_what_looks_like_a_secret_is_taken_out():
    assert "wJalrXUtnFEMI" not in harmless("SecretAccessKey: wJalrXUtnFEMI/K7MDENG/bPxRfiCY")


def test_a_bulletin_is_cut_to_what_every_chat_takes_and_says_where_the_rest_is():
    long = team()
    text = chat_text(replace(long, headline="word " * 60, paragraphs=("word " * 100,) * 9))
    assert len(text.title) == LONGEST_TITLE
    assert len(text.body) <= LONGEST_BODY
    assert text.body.endswith("the rest is in the mail.")


@pytest.mark.parametrize("content", [summary(), crowded_summary(5000)], ids=["usual", "crowded"])
def test_the_summarys_short_form_has_figures_and_names_nobody(content):
    text = chat_text(content)
    names = {row.user_name for row in (*content.due, *content.open_findings, *content.held)}
    assert names
    assert not any(harmless(name) in text.body for name in names)
    assert f"{content.flagged_users} of {content.users} users" in text.body
    assert "the rest" not in text.body
