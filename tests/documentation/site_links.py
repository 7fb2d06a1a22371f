"""Whether every link inside a built site holds, and nothing on it is fetched from elsewhere.

`python -m tests.documentation.site_links dist/site`; 1 and a line for each that does not.
Sphinx has looked at the links of the pages already; this looks at what it made of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_ABROAD = ("http", "https", "mailto")


@dataclass
class _Page(HTMLParser):
    """What a page names, and what it points at."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    """Styles, scripts, pictures: what a browser fetches without being asked."""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        if "id" in given:
            self.ids.add(given["id"])
        if "src" in given:
            self.loaded.append(given["src"])
        if "href" in given:
            (self.links if tag == "a" else self.loaded).append(given["href"])


def broken(site: Path) -> Iterator[str]:
    """A line for each link that leads nowhere, and each part that comes from elsewhere."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        where = path.relative_to(site)
        for url in page.loaded:
            if urlsplit(url).scheme in _ABROAD or url.startswith("//"):
                yield f"{where}: {url} is fetched from elsewhere"
        for url in (*page.links, *page.loaded):
            if not _holds(path, url, pages):
                yield f"{where}: {url} leads nowhere"


def _holds(path: Path, url: str, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(url)
    if parts.scheme or url.startswith("//"):
        return parts.scheme in (*_ABROAD, "data")
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target not in pages or anchor in pages[target].ids


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def main(site: Path) -> int:
    """0 if every link holds."""
    found = list(broken(site.resolve()))
    print("\n".join(found) or f"every link of {len(list(site.rglob('*.html')))} pages holds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
