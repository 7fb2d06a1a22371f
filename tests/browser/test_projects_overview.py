"""The overview of several projects in a real browser: axe, narrow, dark, hostile, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests import samples
from tests.browser.chromium import PATH, chromium
from tests.sample_projects import hostile_projects, projects

from keyreeve.codec.visible import one_line
from keyreeve.model.projects import Alarm, Overview
from keyreeve.render.projects import document, page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PATH is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Shown:
    """A page from a file, with all that it asked for and complained of."""

    def __init__(self, browser: Browser, folder: Path, found: Overview, **look: object) -> None:
        file = folder / "overview.html"
        file.write_text(page(found), encoding="utf-8")
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = browser.new_page(**look)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(file.as_uri())
        self.file = file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_and_nothing_leaves_the_page(
    browser: Browser, tmp_path: Path, scheme: str, width: int
):
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    shown = Shown(browser, tmp_path, projects(), **look)
    found = Axe().run(shown.page)
    assert found.violations_count == 0, found.generate_report()
    assert shown.asked == [shown.file.as_uri()]
    assert shown.complaints == []
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_shows_the_figures_of_the_json(browser: Browser, tmp_path: Path):
    found = projects()
    shown = Shown(browser, tmp_path, found).page
    rows = shown.locator("tbody tr")
    lines = document(found)["projects"]
    assert rows.count() == len(lines)
    for number, line in enumerate(lines):
        row = rows.nth(number)
        assert row.locator("th b").inner_text() == line["project"]
        badges = row.locator(".badge").all_inner_texts()
        assert badges == (line["alarms"] or ["in order"])
        at = line["standing"]
        if at is None:
            assert line["problem"] in row.inner_text()
            assert row.locator("td").count() == 2
            continue
        for label, field in (("Held", "held"), ("Overdue", "overdue")):
            assert row.locator(f'[data-label="{label}"]').inner_text() == str(at[field])
    tiles = dict(zip(map(str, Alarm), shown.locator(".tile b").all_inner_texts()[1:], strict=True))
    assert tiles == {alarm.value: str(found.count(alarm)) for alarm in Alarm}


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_hostile_texts_are_shown_and_do_nothing(browser: Browser, tmp_path: Path, text: str):
    shown = Shown(browser, tmp_path, hostile_projects(text))
    plain = Shown(browser, tmp_path, hostile_projects("plain"))
    count = "document.querySelectorAll('*:not(wbr)').length"
    assert shown.page.evaluate(count) == plain.page.evaluate(count)
    assert one_line(text) in shown.page.locator("tbody").text_content()
    assert shown.asked == [shown.file.as_uri()]
    assert shown.complaints == []


def test_the_table_is_reached_by_keyboard(browser: Browser, tmp_path: Path):
    shown = Shown(browser, tmp_path, projects(), viewport={"width": 800, "height": 900}).page
    shown.keyboard.press("Tab")
    focus = "document.activeElement.getAttribute('role')"
    assert shown.evaluate(focus) == "region"
