"""A URL that is asked for when a run has ended: healthchecks.io, Cronitor and their like.

The URL is as good as a key: it comes from the environment, and no error and no log line quotes it.
One plain GET, to where the URL says and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from keyreeve import __version__
from keyreeve.model.errors import HeartbeatFailed
from keyreeve.model.network import is_loopback

SECONDS: Final = 10
"""The longest that one attempt may take."""
WAITS: Final = (1.0, 5.0)
"""Seconds before the second and the third attempt; there is no fourth."""
_REFUSED: Final = range(400, 500)


class UrlHeartbeat:
    """ports.heartbeat.Heartbeat. Nothing is looked up before it is needed."""

    def __init__(
        self, url_env: str, environment: Mapping[str, str], sleep: Callable[[float], None]
    ) -> None:
        self._url_env = url_env
        self._environment = environment
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The variable's name; never what is in it."""
        return f"URL in {self._url_env}"

    def beat(self) -> None:
        """Ask for the URL, thrice at most. HeartbeatFailed if nobody answered that it is well."""
        url = self._url()
        for wait in (*WAITS, None):
            reason, final = _asked(url)
            if reason is None:
                return
            if wait is None or final:
                break
            self._sleep(wait)
        raise self._failed(str(reason), "See whether the watcher still knows this URL.")

    def usable(self) -> str:
        """That there is a URL; nobody is asked, for the watcher would take it for a run."""
        self._url()
        return "is set; whether the watcher takes it shows the first run"

    def _url(self) -> str:
        url = self._environment.get(self._url_env, "").strip()
        if not url:
            raise self._failed(
                f"the environment variable {self._url_env} is not set",
                "Put the watcher's URL into it; it never goes into config.yaml.",
            )
        if not _is_safe(url):
            raise self._failed(
                f"what stands in ${self._url_env} is no https:// URL",
                "Copy it from the watcher; plain http is taken on this machine only.",
            )
        return url

    def _failed(self, what: str, remedy: str) -> HeartbeatFailed:
        return HeartbeatFailed(what, where=f"heartbeat, {self.name}", remedy=remedy)


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can read it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # a port that is none is a ValueError
    except ValueError:
        return False
    if (
        not host
        or parts.username is not None
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


class _NoRedirects(HTTPRedirectHandler):
    """The URL is given to nobody else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the redirect is the answer, and no good one."""


def _opener(url: str) -> OpenerDirector:
    """By the environment's proxy, which sees the host alone; by none on this machine itself."""
    if url.startswith("https:"):
        return build_opener(_NoRedirects)
    return build_opener(_NoRedirects, ProxyHandler({}))


def _asked(url: str) -> tuple[str | None, bool]:
    """Why it went wrong, None if it did not; and whether another attempt would fare no better.

    Only kinds of errors are told: their texts may quote the URL.
    """
    asked = Request(url, headers={"User-Agent": f"keyreeve/{__version__}"})  # noqa: S310 - see _is_safe
    try:
        with _opener(url).open(asked, timeout=SECONDS):
            return None, True
    except HTTPError as error:
        with error:
            return f"the watcher answered {error.code}", error.code in _REFUSED
    except (OSError, HTTPException, ValueError) as error:
        kind = type(getattr(error, "reason", error))
        return f"no answer ({kind.__name__})", False
