"""Slack, Teams, webhooks and whatever else apprise knows; its URL comes from the environment.

The URL is a secret. Log lines of apprise and of what it sends by may quote it: they go nowhere.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from keyreeve.codec.chat import chat_text
from keyreeve.model.bulletin import Bulletin
from keyreeve.model.errors import ChannelFailed

_ASSET: Final[Mapping[str, object]] = {
    "app_id": "Keyreeve",
    "app_desc": "Keyreeve",
    "app_url": "",
    "async_mode": False,
    "http_redirects": False,
    "interpret_emojis": False,
}
"""One request, to where the URL says and nowhere else; the text stays text."""
_TALKATIVE: Final = ("apprise", "requests", "urllib3")
EXTRA: Final = "pip install 'keyreeve[channels]'"


class AppriseChannel:
    """ports.channels.Channel. Nothing is imported or looked up before it is needed."""

    def __init__(self, url_env: str, environment: Mapping[str, str]) -> None:
        self._url_env = url_env
        self._environment = environment

    @property
    def name(self) -> str:
        """The variable's name; never what is in it."""
        return f"apprise {self._url_env}"

    def tell(self, bulletin: Bulletin) -> None:
        """Post plain text. ChannelFailed if it was not taken."""
        apprise, service = self._service()
        text = chat_text(bulletin)
        try:
            with _silence():
                taken = service.notify(
                    title=text.title, body=text.body, body_format=apprise.NotifyFormat.TEXT
                )
        except Exception as error:  # noqa: BLE001 - a plugin's own mistake must fail no run
            reason = type(error).__name__
        else:
            if taken:
                return
            reason = "the service did not take the message"
        # Raised out here so that the plugin's error, which may quote the URL, is not chained.
        raise ChannelFailed(
            reason,
            where=self.name,
            remedy=f"Check the URL in ${self._url_env}, and whether its token is still valid.",
        )

    def usable(self) -> str:
        """Which service it is. ChannelFailed without the variable, the extra or a URL it knows."""
        _, service = self._service()
        return f"posts by {service[0].service_name}; whether it takes messages shows the first one"

    def _service(self) -> tuple[Any, Any]:
        """The library, and the service that the URL names."""
        url = self._environment.get(self._url_env, "").strip()
        if not url:
            raise ChannelFailed(
                f"the environment variable {self._url_env} is not set",
                where=self.name,
                remedy="Put the channel's URL into it; it never goes into config.yaml.",
            )
        with _silence(), warnings.catch_warnings():
            # Its plugins import modules that Python is about to drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            apprise = self._library()
            service = apprise.Apprise(asset=apprise.AppriseAsset(**_ASSET))
            known = service.add(url)
        if not known:
            raise ChannelFailed(
                f"what stands in ${self._url_env} is no URL that apprise knows",
                where=self.name,
                remedy="Such as slack://…, msteams://…, jsons://host/path; see apprise's list.",
            )
        return apprise, service

    def _library(self) -> Any:
        try:
            return importlib.import_module("apprise")
        except ImportError:
            raise ChannelFailed(
                "channels of kind apprise need an extra", where=self.name, remedy=f"{EXTRA}."
            ) from None


@contextmanager
def _silence() -> Iterator[None]:
    """No line of these loggers, nor of those below them, whatever their level was."""
    named = {*_TALKATIVE, *logging.root.manager.loggerDict}
    loggers = [logging.getLogger(n) for n in sorted(named) if n.partition(".")[0] in _TALKATIVE]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
