"""The mails in a real browser: narrow, dark, hostile, and without a network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests import review_samples, samples
from tests.browser.chromium import PATH, chromium

from keyreeve.codec.visible import one_line
from keyreeve.model.notice import RenderedMail
from keyreeve.render.email import MailRenderer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PATH is None, reason="no chromium on this machine"),
]

RENDERER = MailRenderer()
MAILS: dict[str, RenderedMail] = {
    "notice": RENDERER.notice(samples.notice()),
    "notice-still-used": RENDERER.notice(samples.still_used_notice()),
    "notice-cut-over": RENDERER.notice(samples.cut_over_notice()),
    "notice-moved": RENDERER.notice(samples.moved_notice()),
    "notice-enforced": RENDERER.notice(samples.enforced_notice()),
    "notice-crowded": RENDERER.notice(samples.crowded_notice(40)),
    "closing": RENDERER.closing(samples.closing()),
    "credentials-key": RENDERER.credentials(samples.key_credentials()),
    "credentials-password": RENDERER.credentials(samples.password_credentials()),
    "credentials-kept": RENDERER.credentials(samples.kept_key()),
    "team": RENDERER.team(samples.team()),
    "summary": RENDERER.summary(samples.summary()),
    "review": RENDERER.review(review_samples.notice()),
}

LOW_CONTRAST = """
() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const [r, g, b] = channels(colour).map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let node = element; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor, alpha = channels(colour)[3];
      if (alpha === undefined || alpha === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || text === '\\u00a0' || !element.offsetParent) continue;
    const fore = light(getComputedStyle(element).color), back = light(behind(element));
    const ratio = (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05);
    if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${text}`);
  }
  return bad;
}
"""
"""Every visible run of text whose contrast is under 4.5:1 (WCAG 2 AA)."""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser):
    """Shows a mail; afterwards: nothing was asked for, nothing popped up."""
    pages, asked = [], []

    def open_page(mail: RenderedMail, *, width: int = 800, scheme: str = "light"):
        page = browser.new_page(viewport={"width": width, "height": 600}, color_scheme=scheme)
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.set_content(mail.html)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert asked == []


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("width", [320, 400, 800])
def test_nothing_needs_sideways_scrolling(show, name, width):
    page = show(MAILS[name], width=width)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("name", MAILS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(show, name, scheme):
    page = show(MAILS[name], scheme=scheme)
    assert page.evaluate(LOW_CONTRAST) == []


@pytest.mark.parametrize("name", MAILS)
def test_every_text_is_readable_in_outlooks_own_dark_mode(show, name):
    page = show(MAILS[name])
    page.evaluate("document.documentElement.setAttribute('data-ogsc', '')")
    assert page.evaluate(LOW_CONTRAST) == []


def test_low_contrast_would_be_found(show):
    faint = MAILS["team"].html.replace("#1c2536", "#c0c0c0")
    assert show(RenderedMail(html=faint, text="")).evaluate(LOW_CONTRAST)


def test_dark_mode_is_dark(show):
    page = show(MAILS["notice"], scheme="dark")
    red, green, blue = page.evaluate(
        "getComputedStyle(document.querySelector('.box'))"
        ".backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert red + green + blue < 150


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_texts_are_seen_and_do_nothing(show, text):
    page = show(RENDERER.notice(samples.hostile_notice(text)), width=320)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 320
    assert one_line(text) in page.locator(".title").first.inner_text()
    assert page.locator("script, svg, img").count() == 0


def test_the_preview_is_read_first_and_seen_nowhere(show):
    page = show(MAILS["notice"])
    preview = page.locator(".preview")
    assert preview.text_content().startswith("Overdue: next step on Mon 19 Jan 2026, 4 days left")
    assert not preview.is_visible()
    assert page.evaluate("document.body.textContent.trim().indexOf('Overdue: next step')") == 0
