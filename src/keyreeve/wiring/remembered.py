"""What the storage remembers of an account, for who only looks: nothing else is wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.identifiers import AccessKeyId
from keyreeve.model.key_record import KeyRecord
from keyreeve.model.policy import LadderDays
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.state_store import StoredState
from keyreeve.wiring import Door
from keyreeve.wiring.machine import WallClock

if TYPE_CHECKING:
    from keyreeve.storage.audit_log import StoredAuditLog
    from keyreeve.storage.feedback import StoredFeedback
    from keyreeve.storage.journal import StoredJournal


@dataclass(frozen=True, slots=True)
class _Records:
    """`pipeline.memory.Records`."""

    journal: StoredJournal
    audit: StoredAuditLog
    feedback: StoredFeedback


def keys_and_decisions(
    door: Door, days: LadderDays
) -> tuple[Mapping[AccessKeyId, KeyRecord], HumanDecisions]:
    """Known keys, newer steps folded in, and what people have decided."""
    states = StoredState(
        door.store,
        project=door.config.project_name,
        account_id=door.caller.account_id,
        run_id=door.run_id,
        clock=WallClock(),
    )
    people = StoredDecisions(door.store)
    state = states.load()
    if state is None:  # a first run: no step can be newer
        return {}, people.read()
    from keyreeve.pipeline.memory import refreshed
    from keyreeve.storage.audit_log import StoredAuditLog
    from keyreeve.storage.feedback import StoredFeedback
    from keyreeve.storage.journal import StoredJournal

    records = _Records(
        StoredJournal(door.store, state=states),
        StoredAuditLog(door.store, run_id=door.run_id, state=states),
        StoredFeedback(door.store, state=states),
    )
    return refreshed(state, records, days)[0].keys, people.read()
