"""The kinds of bulletins, which config.yaml names."""

from __future__ import annotations

from enum import StrEnum


class BulletinKind(StrEnum):
    """What a channel may be subscribed to."""

    TEAM = "team"
    """Whatever else the team is mailed."""
    SUMMARY = "summary"
    """The weekly summary, its figures only."""
    RUN = "run"
    """Each run that acts, in a few lines."""
