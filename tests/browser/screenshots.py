"""`python -m tests.browser.screenshots` writes the pictures of the mails for docs/images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests import samples
from tests.browser.chromium import chromium

from keyreeve.model.notice import RenderedMail
from keyreeve.render.email import MailRenderer

IMAGES = Path(__file__).parents[2] / "docs" / "images"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    name: str
    mail: RenderedMail
    width: int = 720
    dark: bool = False
    height: int = 1500
    """At most; the rest of a long mail is cut off."""


def pictures() -> list[Picture]:
    mails = MailRenderer()
    notice = mails.notice(samples.notice())
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
    ]


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for picture in pictures():
            page = browser.new_page(
                viewport={"width": picture.width, "height": 400},
                color_scheme="dark" if picture.dark else "light",
            )
            page.set_content(picture.mail.html)
            path = IMAGES / f"{picture.name}.png"
            whole = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": picture.width, "height": min(whole, picture.height)})
            page.screenshot(path=path)
            page.close()
            print(f"{path.relative_to(IMAGES.parents[1])}  {path.stat().st_size // 1000} KB")


if __name__ == "__main__":
    main()
