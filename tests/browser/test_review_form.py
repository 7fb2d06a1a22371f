"""The form of an access review in a real browser: by keyboard, hostile, without a network."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from tests import review_samples as samples
from tests.browser.chromium import PATH, chromium

from keyreeve.codec.review_sheet import read_sheet, shown_cells
from keyreeve.governance.reviewing import check_sheet
from keyreeve.model.review import Campaign, Decision, Verdict
from keyreeve.render.email import MailRenderer
from keyreeve.render.review_form import ReviewForm

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PATH is None, reason="no chromium on this machine"),
]

FORMS = ReviewForm(MailRenderer(), "msp@example.com")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a form as a file; afterwards: nothing was asked for, nothing popped up."""
    pages, asked = [], []

    def open_page(campaign: Campaign, *, width: int = 900, scheme: str = "light", **more: Any):
        file = tmp_path / "form.html"
        file.write_text(FORMS.page(campaign, campaign.tasks[0]), encoding="utf-8")
        page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **more
        )
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: asked.append(message.text))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.goto(file.as_uri())
        page.on("request", lambda request: asked.append(request.url))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    # The saved file itself is the only thing that a page may make.
    assert [each for each in asked if not each.startswith("blob:")] == []


def saved(page: Any, campaign: Campaign) -> tuple[Verdict, ...]:
    """What `review answer` makes of the file that the form saves now."""
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    content = Path(download.value.path()).read_bytes()
    task = campaign.tasks[0]
    sheet = read_sheet(content, download.value.suggested_filename)
    shown = shown_cells(campaign, task)
    verdicts, mistakes = check_sheet(task, sheet, shown, samples.MONDAY.date())
    assert mistakes == ()
    return verdicts


def keys(page: Any, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def test_a_review_is_answered_with_the_keyboard_alone_and_read_back(show: Any):
    campaign = samples.campaign(samples.PRIYA, samples.TOMAS, samples.QUIET)
    page = show(campaign)
    page.focus("#open")
    keys(page, "Tab", "Space")  # priya: keep
    keys(page, "Tab", "Tab", "Space", "ArrowRight", "Tab")  # tomas: revoke
    page.keyboard.type("no longer on the project")
    keys(page, "Tab", "Space", "ArrowRight", "ArrowRight", "Tab")  # quiet: time-box
    page.keyboard.type("02012026")
    page.focus("#u3 textarea")
    page.keyboard.type('until "the" hand-over, <b>then</b> gone')
    assert page.text_content("#progress") == "All 3 decided"
    keys(page, "Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save answers"
    priya, tomas, quiet = saved(page, campaign)
    assert priya.decision is Decision.KEEP
    assert (tomas.decision, tomas.reason) == (Decision.REVOKE, "no longer on the project")
    assert quiet.decision is Decision.TIME_BOX
    assert str(quiet.until) == "2026-02-01"
    assert quiet.reason == 'until "the" hand-over, <b>then</b> gone'
    assert page.text_content("#told").startswith(
        "Saved as answers-2026-01-05-quarter-1-ann.json. Send this file to msp@example.com"
    )


def test_nothing_is_saved_before_everything_is_said(show: Any):
    campaign = samples.campaign(samples.PRIYA, samples.TOMAS)
    page = show(campaign)
    page.click("button")
    assert "2 of 2 need a look. The first is priya.sharma" in page.text_content("#told")
    assert page.evaluate("document.activeElement.name") == "d1"
    page.check("#u1 >> text=Keep")
    page.check("#u2 >> text=Revoke")
    page.click("button")
    assert page.text_content("#w1") == ""
    assert page.text_content("#w2") == "Please say why."
    assert page.evaluate("document.activeElement.dataset.field") == "reason"
    page.keyboard.type("   ")
    page.click("button")
    assert page.text_content("#w2") == "Please say why."
    page.check("#u2 >> text=Time-box")
    page.fill("#u2 [data-field=reason]", "until then")
    page.click("button")
    assert page.text_content("#w2") == "Please say until which day."
    page.fill("#u2 [data-field=until]", "2025-12-31")
    page.click("button")
    assert page.text_content("#w2") == "That day is over already: revoke says that."
    page.fill("#u2 [data-field=until]", "2026-03-31")
    page.focus("button")
    assert saved(page, campaign)[1].reason == "until then"


def test_the_filter_hides_and_loses_nothing(show: Any):
    campaign = samples.campaign()
    page = show(campaign)
    page.fill("#filter", "administrator")
    assert page.locator("fieldset:visible").count() == 1
    page.fill("#filter", "")
    page.check("#u1 >> text=Keep")
    page.check("#open")
    assert page.locator("fieldset:visible").count() == 3
    for user in (2, 3, 4):
        page.check(f"#u{user} >> text=Keep")
    page.focus("button")
    assert len(saved(page, campaign)) == 4


def test_hostile_names_are_text(show: Any):
    campaign = samples.campaign(samples.EVIL, samples.PRIYA)
    page = show(campaign)
    assert page.locator("#u1 img, #u1 script").count() == 0
    assert samples.HOSTILE in page.text_content("#u1")
    page.check("#u1 >> text=Keep")
    page.check("#u2 >> text=Keep")
    page.focus("button")
    assert saved(page, campaign)[0].user_name == "evil"


def heard(listening: socket.socket) -> bytes:
    """What anybody has said there. Chromium may knock before it asks the policy, without a word."""
    listening.settimeout(0.2)
    said = b""
    with suppress(TimeoutError):
        while True:
            caller, _ = listening.accept()
            with caller, suppress(TimeoutError):
                caller.settimeout(0.5)
                said += caller.recv(1000)
    return said


def test_a_script_that_was_put_in_does_not_run_and_nothing_leaves_the_page(browser: Any):
    """The policy holds even where a page was tampered with on its way."""
    campaign = samples.campaign()
    html = FORMS.page(campaign, campaign.tasks[0])
    page, refused = browser.new_page(), []
    page.on("console", lambda message: refused.append(message.text))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        page.set_content(
            html.replace(
                "</main>",
                f"<script>document.title='run'</script><img src='{there}x' onerror='alert(1)'>"
                f"<form action='{there}'><button id=go>go</button></form></main>",
            )
        )
        assert page.title() == "Access review Quarter 1: ann"
        page.evaluate("document.getElementById('go').click()")
        page.wait_for_timeout(500)
        assert heard(listening) == b""
    for kind in ("Executing inline script", "Loading the image", "Sending form data"):
        assert any(text.startswith(kind) for text in refused), refused
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_axe_finds_nothing(show: Any, width: int, scheme: str):
    # axe is put in as a script: the policy that forbids this is proved above.
    campaign = samples.campaign(samples.TOMAS, samples.QUIET, samples.EVIL)
    page = show(campaign, width=width, scheme=scheme, bypass_csp=True)
    page.click("button")
    page.check("#u1 >> text=Time-box")
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_it_prints_with_what_was_decided_and_without_its_tools(show: Any):
    page = show(samples.campaign())
    page.check("#u1 >> text=Revoke")
    page.emulate_media(media="print")
    assert not page.is_visible("#tools")
    assert not page.is_visible("button")
    assert page.is_checked("#u1 >> text=Revoke")
    assert page.is_visible("#u1 >> text=Groups")


def test_two_thousand_users_stay_usable(show: Any):
    rows = tuple(samples.shown(f"user.{number:04d}") for number in range(2000))
    page = show(samples.campaign(*rows))
    took = page.evaluate(
        """() => {
          const start = performance.now(), filter = document.getElementById("filter");
          filter.value = "user.1999";
          filter.dispatchEvent(new Event("input"));
          document.body.offsetHeight;
          return performance.now() - start;
        }"""
    )
    assert page.locator("fieldset:visible").count() == 1
    assert took < 1000
