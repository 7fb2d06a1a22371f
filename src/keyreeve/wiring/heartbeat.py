"""The dead man's switch, wired. Nothing is looked up or told before a run has ended."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keyreeve.model.network import is_loopback

if TYPE_CHECKING:
    from keyreeve.aws.sessions import Sessions
    from keyreeve.config import Config
    from keyreeve.ports.heartbeat import Heartbeat


def watchers(config: Config, sessions: Sessions, *, metric: bool = True) -> tuple[Heartbeat, ...]:
    """Everybody who is told that a run has ended.

    `metric`: False in a function, whose log group is counted by its stack.
    """
    found: list[Heartbeat] = []
    if config.heartbeat.url_env is not None:
        from keyreeve.local.url_heartbeat import UrlHeartbeat

        found.append(UrlHeartbeat(config.heartbeat.url_env, os.environ, time.sleep))
    if config.heartbeat.metric and metric:
        from keyreeve.aws.heartbeat_metric import MetricHeartbeat
        from keyreeve.storage.layout import project_slug

        found.append(MetricHeartbeat(sessions, project_slug(config.project_name)))
    return tuple(found)


def only_loopback(config: Config, sessions: Sessions) -> bool:
    """Whether whoever is told is on this machine; a variable that is not set tells nobody."""
    url = os.environ.get(config.heartbeat.url_env or "", "").strip()
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None  # it is told to nobody: no URL
    heard = host is None or is_loopback(host)
    return heard and (not config.heartbeat.metric or sessions.only_loopback("cloudwatch"))
