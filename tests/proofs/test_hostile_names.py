"""P17 at CI size, and the violations that its proof must find."""

from __future__ import annotations

import pytest
from tests.browser.chromium import PATH
from tests.browser.report_accounts import crowd_report
from tests.proofs import hostile_names, hostile_pages
from tests.proofs.figure import SEED, Mutant, Size, found
from tests.proofs.hostile_account import lived
from tests.proofs.hostile_corpus import CORPUS, NAMES, USER_PATHS
from tests.proofs.terminal_rules import HARMLESS

from keyreeve.render import report

SINKS_OF = {
    "autoescape off": ("HTML",),
    "header guard off": ("mail headers",),
    "terminal escapes off": ("terminal", "log"),
    "path check off": ("local paths", "object keys"),
    "look-alikes off": ("chats",),
    "clean values off": ("plain text",),
    "file name guard off": ("attachment",),
    "quotes of the private CSV off": ("attachment",),
    "names of rows tidied": ("credential report",),
    "cells of text off": ("csv report",),
}
"""Mutant -> the sinks whose readers must notice."""


def test_the_corpus_is_as_large_and_as_hostile_as_was_promised():
    assert len(CORPUS) >= 300
    assert len(NAMES) >= 50
    assert len(USER_PATHS) >= 100
    assert {name[0] for name in NAMES} >= set("=+-@")


def test_no_text_does_anything_at_any_sink():
    figure = hostile_names.through_sinks(SEED)
    assert figure.violations == ()
    assert figure.tried == len(CORPUS) * len(hostile_names.SINKS)


def test_hostile_users_stop_nobody_and_steer_nothing():
    figure = lived(Size.CI, SEED)
    assert figure.violations == ()
    assert figure.tried > 40


@pytest.mark.browser
@pytest.mark.skipif(PATH is None, reason="no chromium on this machine")
def test_no_page_does_anything_in_a_browser():
    figures = list(hostile_pages.shown(Size.CI, SEED))
    assert found(figures, "P17") == ()
    assert sum(figure.tried for figure in figures) >= 30


@pytest.mark.browser
@pytest.mark.skipif(PATH is None, reason="no chromium on this machine")
def test_a_page_without_escapes_is_found_by_the_browser():
    (mutant,) = (m for m in hostile_names.MUTANTS if m.name == "autoescape off")
    with mutant.plant():
        first = hostile_pages.Shown(*next(hostile_pages.pages()))
        hits = hostile_pages.looked_at([first])
    assert {"notice 0: dialog", "notice 0: script"} <= set(hits)


@pytest.mark.browser
@pytest.mark.skipif(PATH is None, reason="no chromium on this machine")
@pytest.mark.parametrize("guarded", [True, False], ids=["its policy in force", "no policy"])
def test_a_report_that_takes_texts_for_markup_is_found_by_the_browser(
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,  # noqa: FBT001
):
    own, careful = report._own, "made.append(child);"
    careless = (
        "child instanceof Node ? made.append(child) : made.insertAdjacentHTML('beforeend', child);"
    )
    assert own("report.js").count(careful) == 1
    monkeypatch.setattr(report, "_own", lambda name: own(name).replace(careful, careless))
    if not guarded:
        monkeypatch.setattr(report, "_policy", lambda *_: "img-src data:")
    texts = [text for text in CORPUS if "<svg" in text][:5]
    page = hostile_pages.report_page("report", crowd_report(5), texts)
    hits = hostile_pages.looked_at([page])
    assert [hit for hit in hits if ("TrustedHTML" if guarded else "report: on") in hit]


@pytest.mark.browser
@pytest.mark.skipif(PATH is None, reason="no chromium on this machine")
def test_whatever_a_page_does_is_seen():
    page = (
        "<img src=https://evil.example/x.png><svg onload=alert(1)></svg>"
        "<a href=javascript:alert(1)>x</a><script>console.log('said'); throw 'up'</script>"
    )
    hits = " ".join(hostile_pages.looked_at([hostile_pages.Shown("page", page)]))
    told = ("asks for https://evil.example", "dialog", "console said", "error", "onload", "img")
    assert [word for word in (*told, "javascript:", "script") if word not in hits] == []


@pytest.mark.parametrize("mutant", hostile_names.MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_gap_is_found(mutant: Mutant):
    for name in SINKS_OF[mutant.name]:
        with mutant.plant():
            figure = hostile_names.through_sinks(SEED, {name: hostile_names.SINKS[name]})
        assert len(figure.violations) > 10, name


def test_a_gap_is_planted_at_every_sink():
    assert {name for names in SINKS_OF.values() for name in names} == set(hostile_names.SINKS)


@pytest.mark.parametrize("evil", ["\x1b", "\x9b", "\r", "\b", "\x07", "\u202e", "\u2028", "\u2066"])
def test_the_terminal_rules_know_what_steers(evil: str):
    assert HARMLESS.fullmatch("Ünïcode 日本\nline")
    assert not HARMLESS.fullmatch(f"x{evil}y")
