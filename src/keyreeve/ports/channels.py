"""Where the MSP team hears besides by mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keyreeve.model.bulletin import Bulletin
from keyreeve.model.bulletin_kind import BulletinKind


class Channel(Protocol):
    """A chat, a webhook, a topic. Takes bulletins: no other type, and so no credential, ever."""

    @property
    def name(self) -> str:
        """For people and for records; never its address, which may hold a token."""

    def tell(self, bulletin: Bulletin) -> None:
        """Post it, once. ChannelFailed or AwsFailure if it was not taken."""

    def usable(self) -> str:
        """What it is, in words; nothing is posted. ChannelFailed or AwsFailure if it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A channel and what it hears."""

    channel: Channel
    hears: frozenset[BulletinKind]
