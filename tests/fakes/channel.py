"""A channel in memory: records what it is told, and refuses when asked to."""

from __future__ import annotations

from keyreeve.codec.chat import ChatText, chat_text
from keyreeve.model.bulletin import Bulletin
from keyreeve.model.errors import KeyreeveError


class FakeChannel:
    """ports.channels.Channel."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.told: list[Bulletin] = []
        self.refusing: KeyreeveError | None = None

    def tell(self, bulletin: Bulletin) -> None:
        if self.refusing is not None:
            raise self.refusing
        self.told.append(bulletin)

    def usable(self) -> str:
        if self.refusing is not None:
            raise self.refusing
        return "in memory"

    @property
    def posted(self) -> list[ChatText]:
        return [chat_text(bulletin) for bulletin in self.told]
