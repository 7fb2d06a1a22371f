"""Days that people have added to E (`keyreeve case extend`), one rule for runs and for verbs."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from keyreeve.model.case import Case, FindingRecord
from keyreeve.model.decisions import Extension, HumanDecisions


def given_in_case(case: Case, people: HumanDecisions, zone: ZoneInfo) -> int:
    """Days given since the case was first seen, all together: what the cap is about."""
    return sum(extension.days for extension in _of_case(case, people, zone))


def added_to(case: Case, record: FindingRecord, people: HumanDecisions, zone: ZoneInfo) -> int:
    """Days that move this finding's promise: what was given before day 0 is in it already."""
    return sum(
        extension.days
        for extension in _of_case(case, people, zone)
        if record.opened_at is None or extension.added_at >= record.opened_at
    )


def _of_case(case: Case, people: HumanDecisions, zone: ZoneInfo) -> Iterator[Extension]:
    """Those for this user, none of an earlier case."""
    for extension in people.extensions:
        on = extension.added_at.astimezone(zone).date()
        if extension.user in (case.user_name, case.user_id) and on >= case.first_seen_on:
            yield extension
