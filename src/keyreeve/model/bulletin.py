"""What the MSP team may hear by a channel besides mail. Nothing that an owner alone may read.

The union is closed and names three types: neither a notice to an owner nor a credential is one of
them, so no channel can be handed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import assert_never

from keyreeve.model.bulletin_kind import BulletinKind
from keyreeve.model.identifiers import RunId
from keyreeve.model.notice import Letterhead, Summary, TeamNotice


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDigest:
    """What a run did, in numbers; only what failed is named."""

    letterhead: Letterhead
    on: date
    run_id: RunId
    done: tuple[tuple[str, int], ...]
    """Kinds of effects, in the plan's order, with how many were carried out."""
    failed: tuple[str, ...]
    held: int
    gaps: int
    refusal: str | None = None


Bulletin = TeamNotice | Summary | RunDigest


def kind_of(bulletin: Bulletin) -> BulletinKind:
    """What a channel must be subscribed to, to hear it."""
    match bulletin:
        case TeamNotice():
            return BulletinKind.TEAM
        case Summary():
            return BulletinKind.SUMMARY
        case RunDigest():
            return BulletinKind.RUN
        case _:
            assert_never(bulletin)
