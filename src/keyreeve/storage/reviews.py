"""Access reviews below `reviews/{campaign}/`: every step is an object that is written once.

campaign.json                       who is shown what, by whom started, due when
forms/{reviewer}.html · .csv        the forms as they went out
told/{instant}-{reviewer}-{digest}.json       mails that were accepted
answers/{reviewer}/{version}.json   what was handed in, by whom, when
result.json                         what was decided, closed by whom
removals/{instant}-{user_id}-{digest}.json    what was carried out
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

from keyreeve.codec.review import Step, decode, encode
from keyreeve.codec.seal import content_digest
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.review import (
    Answers,
    Campaign,
    CampaignId,
    Closed,
    Removed,
    Result,
    ReviewerName,
    ReviewFile,
    Told,
)
from keyreeve.ports import ObjectStore, StoredObject
from keyreeve.storage.layout import REVIEWS
from keyreeve.storage.write_once import write_once

_CAMPAIGN = "campaign.json"
_RESULT = "result.json"
_REMOVALS = "removals/"

S = TypeVar("S", Campaign, Told, Answers, Result, Removed)


class StoredReviews:
    """ports.ReviewRecords."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def campaigns(self) -> tuple[CampaignId, ...]:
        """By their ids, which begin with the day of the start."""
        parts = (row.key.removeprefix(REVIEWS).split("/") for row in self._store.list(REVIEWS))
        return tuple(CampaignId(part[0]) for part in parts if part[1:] == [_CAMPAIGN])

    def file(self, campaign: CampaignId) -> ReviewFile | None:
        """All steps, each checked against its seal."""
        folder = _folder(campaign)
        begun = self._read(Campaign, f"{folder}{_CAMPAIGN}")
        if begun is None:
            return None
        result = self._store.get(f"{folder}{_RESULT}")
        return ReviewFile(
            campaign=begun,
            told=tuple(self._below(Told, f"{folder}told/")),
            answers=tuple(self._below(Answers, f"{folder}answers/")),
            result=self._decoded(Result, f"{folder}{_RESULT}", result),
            result_sha256=content_digest(result.content) if result else None,
            removed=tuple(self._below(Removed, f"{folder}{_REMOVALS}")),
        )

    def closed(self) -> tuple[Closed, ...]:
        """One listing, and a reading for each result and removal: what every daily run asks."""
        found: dict[str, Result] = {}
        removed: dict[str, list[Removed]] = {}
        for row in self._store.list(REVIEWS):
            campaign, _, step = row.key.removeprefix(REVIEWS).partition("/")
            if step == _RESULT:
                found[campaign] = self._surely(Result, row.key)
            elif step.startswith(_REMOVALS):
                removed.setdefault(campaign, []).append(self._surely(Removed, row.key))
        return tuple(
            Closed(result=result, removed=tuple(removed.get(campaign, ())))
            for campaign, result in found.items()
        )

    def begin(self, campaign: Campaign) -> None:
        """StorageConflict if there is one of this id already."""
        self._write(f"{_folder(campaign.campaign_id)}{_CAMPAIGN}", campaign)

    def keep_form(
        self, campaign: CampaignId, reviewer: ReviewerName, name: str, content: bytes
    ) -> None:
        """As it goes out; `name` ends with what it is."""
        suffix = name.rpartition(".")[2]
        write_once(self._store, f"{_folder(campaign)}forms/{reviewer}.{suffix}", content)

    def told(self, told: Told) -> None:
        """A mail was accepted."""
        self._write(f"{_folder(told.campaign_id)}told/{_once(told.at, told.reviewer, told)}", told)

    def answered(self, answers: Answers) -> None:
        """StorageConflict if this version was handed in already."""
        name = f"answers/{answers.reviewer}/{answers.version:04d}.json"
        self._write(f"{_folder(answers.campaign_id)}{name}", answers)

    def close(self, result: Result) -> None:
        """StorageConflict if it was closed already."""
        self._write(f"{_folder(result.campaign_id)}{_RESULT}", result)

    def removed(self, removed: Removed) -> None:
        """A removal was carried out, or tried."""
        name = _once(removed.at, removed.user_id, removed)
        self._write(f"{_folder(removed.campaign_id)}{_REMOVALS}{name}", removed)

    def _write(self, key: str, step: Step) -> None:
        write_once(self._store, key, encode(step))

    def _read(self, kind: type[S], key: str) -> S | None:
        return self._decoded(kind, key, self._store.get(key))

    def _decoded(self, kind: type[S], key: str, found: StoredObject | None) -> S | None:
        if found is None:
            return None
        return decode(kind, found.content, where=f"{self._store.describe()}/{key}")

    def _below(self, kind: type[S], prefix: str) -> Iterator[S]:
        for row in self._store.list(prefix):
            yield self._surely(kind, row.key)

    def _surely(self, kind: type[S], key: str) -> S:
        step = self._read(kind, key)
        if step is None:
            where = f"{self._store.describe()}/{key}"
            raise StateUnreadable("it is listed and cannot be read", where=where)
        return step


def _folder(campaign: CampaignId) -> str:
    """ValueError for what could lead elsewhere."""
    if not campaign or "/" in campaign or campaign in (".", ".."):
        raise ValueError(f"{campaign!r} cannot be one part of a key")
    return f"{REVIEWS}{campaign}/"


def _once(at: datetime, about: str, step: Step) -> str:
    """Sorts by time; two steps of one instant differ in their digest."""
    instant = f"{at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"
    return f"{instant}-{about}-{content_digest(encode(step))[:8]}.json"
