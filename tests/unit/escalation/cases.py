"""ann's case on the third day, and what the casebook makes of it."""

from __future__ import annotations

from datetime import timedelta

from tests.builders import (
    NOW,
    access_key,
    case,
    day,
    old_key,
    record,
    user,
)

from keyreeve.model.identifiers import UserId

ANN = UserId("AIDAANN")
FLAGGED = user("ann", old_key())
MENDED = user("ann", access_key(2))
LATER = NOW + timedelta(days=3)
OPENED = case(record(day_0=True))


def book(seen, before=None, settings=None, **more):
    """Cases and what happened, three days after day 0."""
    done = day(seen, before, settings, **{"now": LATER, **more}).casebook
    return done.state, [(h.event, h.resource_id) for h in done.happenings]
