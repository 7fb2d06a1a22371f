"""The `channels` section: where the MSP team hears besides by mail.

Whatever is wrong here may be a URL with its token, put into the wrong place: no mistake shows it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from keyreeve.config.sections import Section
from keyreeve.config.values import Impossible, Line
from keyreeve.model.bulletin_kind import BulletinKind

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")


class ChannelKind(StrEnum):
    """By which way."""

    APPRISE = "apprise"
    SNS = "sns"


def _kind(value: Any) -> Any:
    if value not in tuple(ChannelKind):
        raise Impossible(f"must be {' or '.join(ChannelKind)}")
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise Impossible(
            "must be the name of an environment variable that holds the URL; a URL holds a token "
            "and never stands in this file",
            meant="KEYREEVE_CHANNEL_URL",
        )
    return value


VariableName = Annotated[
    Line,
    AfterValidator(_variable),
    WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"}),
]


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise Impossible("must be the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME")
    return value


TopicArn = Annotated[
    Line,
    AfterValidator(_topic),
    WithJsonSchema({"type": "string", "pattern": f"^{_TOPIC.pattern}$"}),
]


class Channel(Section):
    """One channel: never of credentials, never of notices to owners."""

    kind: Annotated[ChannelKind, BeforeValidator(_kind)]
    url_env: VariableName | None = None
    """For apprise: the environment variable that holds the URL."""
    topic_arn: TopicArn | None = None
    """For sns."""
    what: Annotated[tuple[BulletinKind, ...], Field(min_length=1)] = (
        BulletinKind.TEAM,
        BulletinKind.SUMMARY,
    )
    """team: what the team is mailed; summary: its short form; run: a few lines for each run."""

    @model_validator(mode="after")
    def _complete(self) -> Channel:
        if self.kind is ChannelKind.APPRISE:
            needed, other = "url_env", "topic_arn"
        else:
            needed, other = "topic_arn", "url_env"
        if getattr(self, needed) is None:
            raise Impossible(f"kind {self.kind} needs {needed}", at=[("kind",), ()])
        if getattr(self, other) is not None:
            raise Impossible(f"kind {self.kind} has no {other}", at=[(other,)])
        return self
