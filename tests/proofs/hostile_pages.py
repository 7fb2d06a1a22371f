"""The hostile texts in a real browser, many on a page: nothing pops up, nothing is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from unittest.mock import patch

from tests import samples
from tests.browser.chromium import PATH, chromium
from tests.proofs.figure import Figure, Size
from tests.proofs.hostile_corpus import CORPUS

from keyreeve.model.identifiers import UserName
from keyreeve.model.notice import FindingLine, SummaryRow
from keyreeve.render import email
from keyreeve.render.email import MailRenderer

CARDS_A_PAGE = 30
TEXTS_A_PAGE = 75
_RENDERER = MailRenderer()

ALIVE = """
() => [...document.querySelectorAll('*')].flatMap(element => [
  ...(/^(script|svg|img|image|iframe|object|embed|form|input|button|video|audio|source|base|link|math|details)$/
      .test(element.localName) ? [element.localName] : []),
  ...(element.localName === 'meta' && element.httpEquiv === 'refresh' ? ['refresh'] : []),
  ...[...element.attributes].map(a => a.name).filter(name => name.startsWith('on')),
  ...(element.href && !/^(mailto|https?):/.test(element.href) ? [element.href] : []),
])
"""
"""What of a page could act: elements, handlers, links."""


def pages() -> Iterator[tuple[str, str]]:
    """Name and HTML: cards, rows, paragraphs and sentences full of the texts."""
    with patch.object(email, "HTML_LIMIT", 10**8):
        for number, texts in enumerate(_split(CORPUS, CARDS_A_PAGE)):
            cards = tuple(_card(text) for text in texts)
            head = samples.hostile_notice(texts[0]).letterhead
            notice = samples.notice(letterhead=head, user_name=texts[1], findings=cards)
            yield f"notice {number}", _RENDERER.notice(notice).html
        for number, texts in enumerate(_split(CORPUS, TEXTS_A_PAGE)):
            head = samples.hostile_notice(texts[-1]).letterhead
            yield (
                f"closing {number}",
                _RENDERER.closing(replace(samples.closing(), letterhead=head, cleared=texts)).html,
            )
            team = replace(samples.team(), letterhead=head, headline=texts[0], paragraphs=texts)
            yield f"team {number}", _RENDERER.team(team).html
            rows = tuple(SummaryRow(user_name=UserName(t), what=t, reason=t) for t in texts)
            summary = samples.summary(letterhead=head, due=rows[:60], held=rows[60:], gaps=texts)
            yield f"summary {number}", _RENDERER.summary(summary).html


def single_pages() -> Iterator[tuple[str, str]]:
    """Each text in every place of a mail of its own."""
    for number, text in enumerate(CORPUS):
        yield f"text {number}", _RENDERER.notice(samples.hostile_notice(text)).html
        private = replace(samples.key_credentials(), user_name=UserName(text), attachment_name=text)
        yield f"private {number}", _RENDERER.credentials(private).html


def shown(size: Size, seed: int) -> Iterator[Figure]:
    """No figure where there is no chromium."""
    if PATH is None:
        return
    wanted = [*pages(), *(single_pages() if size is Size.FULL else ())]
    violations = tuple(f"seed {seed}, {hit}" for hit in looked_at(wanted))
    yield Figure(promise="P17", what="pages in a browser", tried=len(wanted), violations=violations)


def looked_at(wanted: Sequence[tuple[str, str]]) -> list[str]:
    """What each page tried to do."""
    found: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        name = ""
        page.on("request", lambda request: found.append(f"{name}: asks for {request.url}"))
        page.on("dialog", lambda dialog: (found.append(f"{name}: dialog"), dialog.dismiss()))
        page.on("console", lambda message: found.append(f"{name}: console {message.text[:80]}"))
        page.on("pageerror", lambda error: found.append(f"{name}: error {error}"))
        page.on("popup", lambda _: found.append(f"{name}: popup"))
        for name, html in wanted:
            page.set_content(html)
            found += [f"{name}: {alive}" for alive in page.evaluate(ALIVE)]
    return found


def _card(text: str) -> FindingLine:
    return samples.hostile_notice(text).findings[0]


def _split(texts: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(texts), size):
        yield tuple(texts[start : start + size])
