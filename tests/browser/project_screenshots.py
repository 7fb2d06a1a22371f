"""`python -m tests.browser.project_screenshots` writes docs/images/projects.png."""

from __future__ import annotations

from tests.browser.chromium import chromium
from tests.browser.screenshots import IMAGES
from tests.sample_projects import projects

from keyreeve.render.projects import page


def main() -> None:
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        shown.set_content(page(projects()))
        shown.screenshot(path=IMAGES / "projects.png", full_page=True)


if __name__ == "__main__":
    main()
