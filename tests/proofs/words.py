"""The real words of the mails, without their looks: what the checker reads, and quickly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from keyreeve.model.notice import Letterhead, Notice, RenderedMail
from keyreeve.render import email
from keyreeve.render.email import MailRenderer


class TextRenderer(MailRenderer):
    """The plain-text part of every mail, as `MailRenderer` writes it."""

    @lru_cache(maxsize=10_000)  # noqa: B019 - one for the whole proof; worlds say the same things
    def notice(self, notice: Notice) -> RenderedMail:
        return super().notice(notice)

    def _fitting(
        self,
        name: str,
        head: Letterhead,
        facts: Mapping[str, Any],
        shorter_and_shorter: Iterator[Mapping[str, Any]],
        for_text: Mapping[str, Any],
    ) -> RenderedMail:
        templates = self._templates.get(name, self._others)
        words = {"head": head, "language": templates.language, **facts, **for_text}
        return RenderedMail(html="", text=email._rendered(templates.text, f"{name}.txt", words))


TEXT = TextRenderer()
