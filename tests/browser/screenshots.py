"""`python -m tests.browser.screenshots` writes the pictures of mails and report for docs/images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser
from tests import review_samples, samples
from tests.browser.chromium import chromium
from tests.browser.report_accounts import demo_facts, demo_report

from keyreeve.model.notice import RenderedMail
from keyreeve.render import report
from keyreeve.render.email import MailRenderer
from keyreeve.render.review_form import ReviewForm

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    name: str
    mail: RenderedMail
    width: int = 720
    dark: bool = False
    height: int = 1500
    """At most; the rest of a long mail is cut off."""
    checked: tuple[str, ...] = ()
    """What somebody has chosen on it."""


def pictures() -> list[Picture]:
    mails = MailRenderer()
    notice = mails.notice(samples.notice())
    review = review_samples.campaign()
    form = ReviewForm(mails, "msp-team@example.com").page(review, review.tasks[0])
    return [
        Picture(name="notice", mail=notice, width=800),
        Picture(name="notice-narrow", mail=notice, width=320),
        Picture(name="notice-dark", mail=notice, width=800, dark=True),
        Picture(name="notice-first", mail=mails.notice(samples.first_notice())),
        Picture(name="notice-still-used", mail=mails.notice(samples.still_used_notice())),
        Picture(name="notice-cut-over", mail=mails.notice(samples.cut_over_notice())),
        Picture(name="notice-enforced", mail=mails.notice(samples.enforced_notice())),
        Picture(name="credentials", mail=mails.credentials(samples.key_credentials())),
        Picture(name="credentials-kept", mail=mails.credentials(samples.kept_key())),
        Picture(name="closing", mail=mails.closing(samples.closing())),
        Picture(name="summary", mail=mails.summary(samples.summary())),
        Picture(
            name="review-form",
            mail=RenderedMail(html=form, text=""),
            width=900,
            height=1360,
            checked=("#u1 >> text=Keep", "#u2 >> text=Revoke", "#u3 >> text=Time-box"),
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A part of the report, from an element on."""

    name: str
    of: str = "header.banner"
    width: int = 1280
    height: int = 1500
    dark: bool = False
    opened: str | None = None
    """The case that is opened first, by its user's name."""


VIEWS = (
    View(name="report"),
    View(name="report-dark", dark=True),
    View(name="report-narrow", width=360, height=1700),
    View(name="report-cases", of="#cases", opened="marcus.lee"),
    View(name="report-users", of="#users", height=1000),
)


def report_views(browser: Browser) -> None:
    """Pictures of the demo's report on day 9."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(report.page(demo_report(demo_facts())), encoding="utf-8")
        for view in VIEWS:
            page = browser.new_page(
                viewport={"width": view.width, "height": view.height},
                color_scheme="dark" if view.dark else "light",
                reduced_motion="reduce",
            )
            page.goto(path.as_uri())
            if view.opened:
                page.locator("details.case").filter(has_text=view.opened).locator(
                    "summary"
                ).first.click()
            page.mouse.move(0, 0)
            page.locator(view.of).evaluate("element => element.scrollIntoView()")
            page.wait_for_function("document.querySelector('nav a.here') !== null")
            page.screenshot(path=IMAGES / f"{view.name}.png")
            page.close()
            tell(view.name)


def tell(name: str) -> None:
    path = IMAGES / f"{name}.png"
    print(f"{path.relative_to(IMAGES.parents[1])}  {path.stat().st_size // 1000} KB")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        report_views(browser)
        for picture in pictures():
            page = browser.new_page(
                viewport={"width": picture.width, "height": 400},
                color_scheme="dark" if picture.dark else "light",
            )
            page.set_content(picture.mail.html)
            for choice in picture.checked:
                page.check(choice)
            page.evaluate("scrollTo(0, 0)")
            path = IMAGES / f"{picture.name}.png"
            whole = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": picture.width, "height": min(whole, picture.height)})
            page.screenshot(path=path)
            page.close()
            tell(picture.name)


if __name__ == "__main__":
    main()
