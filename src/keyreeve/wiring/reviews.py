"""What the verbs of `review` work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyreeve import wiring
from keyreeve.pipeline.review import Reviewing
from keyreeve.render.email import MailRenderer
from keyreeve.render.review_form import ReviewForm
from keyreeve.storage.reviews import StoredReviews

if TYPE_CHECKING:
    from keyreeve.pipeline.roster import Roster
    from keyreeve.wiring import Door


def reviewing(door: Door, roster: Roster) -> Reviewing:
    """Every port filled."""
    wiring.usable_texts(door)
    texts = door.config.texts
    mails = MailRenderer(texts.templates, language=texts.language)
    return Reviewing(
        roster=roster,
        archives=wiring.archives(door),
        records=StoredReviews(door.store),
        forms=ReviewForm(mails, door.config.contact),
    )
