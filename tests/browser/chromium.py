"""One way to start the system's chromium: headless, and deaf to the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PATH = shutil.which("chromium")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-lcd-text",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
