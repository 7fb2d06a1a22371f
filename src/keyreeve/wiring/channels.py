"""The team's channels, wired. Nothing is looked up or sent before a channel is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyreeve.config.channels import ChannelKind
from keyreeve.model.network import is_loopback
from keyreeve.ports.channels import Subscription

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.config import Config
    from keyreeve.config.channels import Channel as Settings
    from keyreeve.ports.channels import Channel


def subscriptions(config: Config, sessions: Sessions) -> tuple[Subscription, ...]:
    """In the order of the file."""
    return tuple(
        Subscription(channel=_channel(each, sessions), hears=frozenset(each.what))
        for each in config.channels
    )


def topics(config: Config) -> tuple[str, ...]:
    """ARNs that the policies of Keyreeve's own roles must name."""
    return tuple(dict.fromkeys(each.topic_arn for each in config.channels if each.topic_arn))


def only_loopback(config: Config, sessions: Sessions) -> bool:
    """Whether whatever is told stays on this machine; a variable that is not set tells nobody."""
    hosts = (urlsplit(os.environ.get(name, "")).hostname for name in _variables(config))
    heard = all(is_loopback(host) for host in hosts if host is not None)
    return heard and (not topics(config) or sessions.only_loopback("sns"))


def _variables(config: Config) -> Iterator[str]:
    return (each.url_env for each in config.channels if each.url_env)


def _channel(settings: Settings, sessions: Sessions) -> Channel:
    if settings.kind is ChannelKind.SNS:
        from keyreeve.aws.sns_channel import SnsChannel

        arn = str(settings.topic_arn)
        return SnsChannel(sessions.in_region(arn.split(":")[3]), arn)
    from keyreeve.local.apprise_channel import AppriseChannel

    return AppriseChannel(str(settings.url_env), os.environ)
