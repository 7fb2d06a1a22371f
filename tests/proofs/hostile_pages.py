"""The hostile texts in a real browser, many on a page: nothing pops up, nothing is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from tests import review_samples, samples
from tests.browser.chromium import PATH, chromium
from tests.browser.report_accounts import crowd_report, hostile
from tests.proofs.figure import Figure, Size
from tests.proofs.hostile_corpus import CORPUS
from tests.sample_projects import hostile_projects

from keyreeve.model.identifiers import UserName
from keyreeve.model.notice import FindingLine, SummaryRow
from keyreeve.render import email, projects, report
from keyreeve.render.email import MailRenderer
from keyreeve.render.review_form import ReviewForm
from keyreeve.reporting.report import AccountReport

CARDS_A_PAGE = 30
TEXTS_A_PAGE = 75
ROWS_A_REPORT = 40
PLAIN = "plain"
"""What nobody could mean as anything but text."""
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


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, and the same one with plain texts where it has a script of its own."""

    name: str
    html: str
    plain: str | None = None
    """None: nothing of it may act."""


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


def living_pages(size: Size) -> Iterator[Shown]:
    """The report, the overview of projects, the form of a review: pages that act, as we made them.

    Each text stands in every place of the report that somebody else could have written.
    """
    crowd = crowd_report(20)
    lists = list(_split(CORPUS, ROWS_A_REPORT))
    for number, texts in enumerate(lists[: size.of(1, len(lists))]):
        yield report_page(f"report {number}", crowd, texts)
    overview, form = projects.page(hostile_projects(PLAIN)), _form(PLAIN)
    for number, text in enumerate(CORPUS[: size.of(3, len(CORPUS))]):
        yield Shown(f"projects {number}", projects.page(hostile_projects(text)), overview)
        yield Shown(f"review {number}", _form(text), form)


def report_page(name: str, of: AccountReport, texts: Sequence[str]) -> Shown:
    """The report with the texts wherever somebody else could have written them."""
    bad, plain = (report.page(hostile(of, it)) for it in (texts, [PLAIN] * len(texts)))
    return Shown(name, bad, plain)


def _form(text: str) -> str:
    row = review_samples.shown("user", user_name=UserName(text), groups=(text,), remarks=(text,))
    asked = review_samples.campaign(row)
    return ReviewForm(_RENDERER, text).page(asked, asked.tasks[0])


def shown(size: Size, seed: int) -> Iterator[Figure]:
    """No figure where there is no chromium."""
    if PATH is None:
        return
    still = [*pages(), *(single_pages() if size is Size.FULL else ())]
    wanted = [*(Shown(name, html) for name, html in still), *living_pages(size)]
    violations = tuple(f"seed {seed}, {hit}" for hit in looked_at(wanted))
    yield Figure(promise="P17", what="pages in a browser", tried=len(wanted), violations=violations)


def looked_at(wanted: Sequence[Shown]) -> list[str]:
    """What each page tried to do."""
    found: list[str] = []
    ours: dict[str | None, Counter[str]] = {None: Counter()}
    """Plain page → what of it may act."""
    with chromium() as browser, TemporaryDirectory() as folder:
        page, file = browser.new_page(), Path(folder) / "page.html"
        name = ""

        def asks(request: Any) -> None:
            if request.url != file.as_uri():
                found.append(f"{name}: asks for {request.url}")

        page.on("request", asks)
        page.on("dialog", lambda dialog: (found.append(f"{name}: dialog"), dialog.dismiss()))
        page.on("console", lambda message: found.append(f"{name}: console {message.text[:80]}"))
        page.on("pageerror", lambda error: found.append(f"{name}: error {error}"))
        page.on("popup", lambda _: found.append(f"{name}: popup"))

        def acting(html: str) -> Counter[str]:
            file.write_text(html, encoding="utf-8")
            page.goto(file.as_uri())
            return Counter(page.evaluate(ALIVE))

        for name, html, plain in ((it.name, it.html, it.plain) for it in wanted):
            if plain not in ours:
                ours[plain] = acting(plain)
            found += [f"{name}: {alive}" for alive in acting(html) - ours[plain]]
    return found


def _card(text: str) -> FindingLine:
    return samples.hostile_notice(text).findings[0]


def _split(texts: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(texts), size):
        yield tuple(texts[start : start + size])
