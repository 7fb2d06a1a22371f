"""How an account stands, from the storage alone."""

from __future__ import annotations

from keyreeve.codec.redaction import redact
from keyreeve.model.errors import KeyreeveError
from keyreeve.model.fleet import Member, Standing, StoredStanding
from keyreeve.reporting.fleet import stored_standing, unread_standing
from keyreeve.wiring import new_run_id, project_store
from keyreeve.wiring.fleet import Home
from keyreeve.wiring.machine import WallClock


def standing_of(home: Home, member: Member) -> StoredStanding:
    """As its last run left it; the account itself is not asked. Raises nothing foreseen.

    That today's run was not let in counts more than what earlier ones have left.
    """
    from keyreeve.storage.decisions import StoredDecisions
    from keyreeve.storage.run_records import StoredRunRecords
    from keyreeve.storage.state_store import StoredState

    if member.barred:
        return unread_standing(member, member.barred)
    store = project_store(home.config, home.sessions, member.account_id)
    today = home.on
    try:
        row = home.records.row(today, member.account_id)
        if row is not None and row.standing is Standing.NOT_COVERED:
            return unread_standing(member, row.problem, row.remedy)
        state = StoredState(
            store,
            project=home.config.project_name,
            account_id=member.account_id,
            run_id=new_run_id(home.now),
            clock=WallClock(),
            siblings=(home.store,),
        ).load()
        run = state.last_run if state else None
        failed = StoredRunRecords(store).failures(run.run_id) if run else None
        people = StoredDecisions(store).read()
    except KeyreeveError as error:
        where = f"{error.where}: " if error.where else ""
        return unread_standing(member, redact(f"{where}{error.what}"), redact(error.remedy))
    observing = people.observes(home.config.escalation_policy())
    return stored_standing(member, state, people, failed, today, home.now, observing=observing)
