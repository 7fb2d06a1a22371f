"""What access reviews need: their record, and the words and looks of their forms."""

from __future__ import annotations

from typing import Protocol

from keyreeve.model.notice import RenderedMail
from keyreeve.model.review import (
    Answers,
    Campaign,
    CampaignId,
    Closed,
    Removed,
    Result,
    ReviewerName,
    ReviewFile,
    ReviewNotice,
    Task,
    Told,
)


class ReviewRecords(Protocol):
    """Everything below `reviews/`: each step is written once and never changed."""

    def campaigns(self) -> tuple[CampaignId, ...]:
        """All that were ever started, in order of their ids."""

    def file(self, campaign: CampaignId) -> ReviewFile | None:
        """All that is kept of one; None: there is none. StateUnreadable if a byte is altered."""

    def closed(self) -> tuple[Closed, ...]:
        """Of every closed review its result and its removals, in few calls. StateUnreadable."""

    def begin(self, campaign: Campaign) -> None:
        """StorageConflict if there is one of this id already."""

    def keep_form(
        self, campaign: CampaignId, reviewer: ReviewerName, name: str, content: bytes
    ) -> None:
        """The form as it went out; the same bytes again are fine."""

    def told(self, told: Told) -> None:
        """A mail was accepted."""

    def answered(self, answers: Answers) -> None:
        """StorageConflict if this version was handed in already."""

    def close(self, result: Result) -> None:
        """StorageConflict if it was closed already."""

    def removed(self, removed: Removed) -> None:
        """A removal was carried out, or tried."""


class ReviewForms(Protocol):
    """What a reviewer gets."""

    def page(self, campaign: Campaign, task: Task) -> str:
        """One self-contained HTML form: no network."""

    def mail(self, notice: ReviewNotice) -> RenderedMail:
        """The mail that carries it."""
