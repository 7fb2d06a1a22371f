"""Keys whose secret was lost in an unanswered call: deleted a day after they were made Inactive.

The only deletion besides the opted-in slot rule; live facts are looked up once more before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from keyreeve.escalation.operations import no_case, operation_id
from keyreeve.escalation.outlook import Outlook
from keyreeve.model.case import OperationKind
from keyreeve.model.effect import DeleteOrphanedKey
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.plan import UserPlan
from keyreeve.model.policy import Orphans

WAIT = timedelta(hours=24)
"""Counted by the run's `now` (promises: recovery at `intent`)."""


def orphans_over(keys: Iterable[KeyRecord], outlook: Outlook) -> list[UserPlan]:
    """One plan per orphan that has been Inactive for a day."""
    if outlook.policy.orphans is Orphans.KEEP_INACTIVE:
        return []
    out: list[UserPlan] = []
    for record in keys:
        user = outlook.users.get(record.user_id)
        since = record.inactivated_at
        if not record.orphan or since is None or user is None or record.user_id in outlook.gaps:
            continue
        if outlook.now - since < WAIT:
            continue
        act = DeleteOrphanedKey(
            user_id=record.user_id,
            user_name=user.name,
            due_on=outlook.calendar.today(outlook.now),
            reason="orphan",
            operation_id=operation_id(
                outlook.snapshot.account_id,
                no_case(since.date()),
                OperationKind.ENFORCEMENT,
                "orphan",
                record.key_id,
            ),
            key_id=record.key_id,
        )
        out.append(UserPlan(user_id=record.user_id, user_name=user.name, acts=(act,)))
    return out
