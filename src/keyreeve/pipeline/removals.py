"""What reviews have decided and nobody has carried out yet, for whoever must know of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from keyreeve.governance.reviewing import removals
from keyreeve.model.access import OFFBOARDED_TAG
from keyreeve.model.errors import StateUnreadable, StorageUnreachable
from keyreeve.model.notice import Summary, SummaryRow
from keyreeve.model.review import Decision, Removal, ReviewFile
from keyreeve.model.snapshot import AccountSnapshot
from keyreeve.ports.reviews import ReviewRecords

SOON = timedelta(days=7)


def all_files(records: ReviewRecords) -> tuple[ReviewFile, ...]:
    """Every review that was ever started, oldest first. StateUnreadable if one is altered."""
    files = (records.file(campaign) for campaign in records.campaigns())
    return tuple(file for file in files if file is not None)


def with_removals(
    records: ReviewRecords | None, summary: Summary, snapshot: AccountSnapshot
) -> Summary:
    """The summary with whose access ends by a review, now or soon; nothing is done to anybody.

    Users who are gone or offboarded already are left out. A review that cannot be read is a gap.
    """
    if records is None:
        return summary
    try:
        found = removals(records.closed())
    except (StateUnreadable, StorageUnreachable) as unreadable:
        told = f"access reviews: {unreadable.where}: {unreadable.what}"
        return replace(summary, gaps=(*summary.gaps, told))
    # A mark of one's own making hides nobody: whoever is offboarded has no live credential.
    present = {
        user.user_id
        for user in snapshot.users
        if OFFBOARDED_TAG not in user.tags or user.has_live_credential
    }
    rows = (
        _row(removal, summary.on)
        for removal in found
        if removal.on <= summary.on + SOON and removal.user_id in present
    )
    return replace(summary, removals=tuple(rows))


def _row(removal: Removal, today: date) -> SummaryRow:
    boxed = removal.decision is Decision.TIME_BOX
    what = "time-boxed access" if boxed else "access that was revoked"
    late = "is due" if removal.on <= today else "ends soon"
    return SummaryRow(
        user_name=removal.user_name,
        what=f"{what} {late}",
        on=removal.on,
        reason=f"{removal.reason} ({removal.reviewer}, review {removal.campaign_id})",
    )
