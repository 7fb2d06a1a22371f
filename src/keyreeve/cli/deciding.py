"""Where people's decisions are written: the desk with its files, and their trace in the audit log.

A decision is effective once its file is written: runs read these files before each act, so no
lock is needed.  The audit log has one writer: its record waits a few seconds for the lock, then it
is left in the log's inbox.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from keyreeve.cli import opening, screen
from keyreeve.codec.values import to_json
from keyreeve.escalation.calendar import Calendar
from keyreeve.model.case import State
from keyreeve.model.decisions import Arming, Extension, Hold, Pause, Waiver
from keyreeve.model.errors import ConfigError, LockHeld, StateUnreadable
from keyreeve.pipeline.people import Moved, Person, extend, find_person, no_case
from keyreeve.storage.audit_inbox import leave
from keyreeve.storage.decisions import StoredDecisions

if TYPE_CHECKING:
    from keyreeve.wiring import Door

PATIENCE_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An open door, the state as far as it can be read, and the decisions' files."""

    door: Door
    state: State | None
    """None: a project that has never run, or a state that cannot be read."""
    decisions: StoredDecisions

    @classmethod
    def open(cls, as_of: datetime | None = None, *, need_state: bool = False) -> Desk:
        """Writing is possible. StateUnreadable only with `need_state`: a pause must always work."""
        opened = opening.door(execute=True, as_of=as_of)
        state = None
        try:
            state = opening.wired(opened).tools.states.load()
        except StateUnreadable:
            if need_state:
                raise
        return cls(
            door=opening.now_of(opened, state, as_of),
            state=state,
            decisions=StoredDecisions(opened.store),
        )

    @property
    def now(self) -> datetime:
        """When the decision is taken."""
        return self.door.now

    @property
    def today(self) -> date:
        """The project's local date."""
        return Calendar(self.door.policy).today(self.now)

    @property
    def by(self) -> str:
        """Who decides: the STS caller."""
        return self.door.caller.arn

    def person(self, user: str) -> Person:
        """Whom a name or a unique id means. ConfigError if nobody is called so."""
        return find_person(user, self.state, self.door.reader)

    def hold(self, person: Person, until: date, reason: str) -> None:
        """Stop a case; it replaces an earlier hold, under whichever name it was filed."""
        made = Hold(
            user=person.user_id, until=until, reason=reason, added_at=self.now, added_by=self.by
        )
        self.decisions.add_hold(made, today=self.today)
        with suppress(ConfigError):
            self.decisions.lift_hold(person.user_name)
        self.record("people.held", {**_named(person), "until": until.isoformat(), "reason": reason})

    def unhold(self, person: Person) -> None:
        """Let a case go on. ConfigError if it was not held."""
        for name in person.names:
            if any(hold.user == name for hold in self.decisions.read().holds):
                self.decisions.lift_hold(name)
                self.record("people.unheld", _named(person))
                return
        raise ConfigError(f"the case of {person.user_name} is not held", where="USER")

    def extend(self, person: Person, days: int, reason: str) -> tuple[Moved, ...]:
        """Add days to E within the cap; what that moves. ConfigError without an open case."""
        if person.case is None:
            raise no_case(person.user_name)
        moved = extend(person.case, days, self.decisions.read(), self.door.policy)
        made = Extension(
            user=person.user_id,
            days=days,
            reason=reason,
            added_at=self.now,
            added_by=self.by,
            extension_id=f"E{self.today:%Y%m%d}-{secrets.token_hex(3)}",
        )
        self.decisions.add_extension(made)
        self.record(
            "people.extended",
            {**_named(person), "days": days, "reason": reason, "extension_id": made.extension_id},
        )
        return moved

    def waive(self, waiver: Waiver) -> None:
        """Accept a finding until a date. ConfigError for what a person may not decide."""
        self.decisions.add_waiver(waiver, today=self.today)
        self.record("people.waived", {"waiver": to_json(waiver)})

    def revoke(self, waiver_id: str) -> Waiver:
        """End a waiver. ConfigError if there is no such."""
        ended = self.decisions.revoke_waiver(waiver_id, at=self.now)
        self.record("people.waiver_revoked", {"waiver_id": waiver_id, "user": ended.user})
        return ended

    def pause(self, reason: str) -> Pause | None:
        """Stop the project; the pause that stood already, which then stays as it is."""
        before = self.decisions.read().pause
        self.decisions.set_pause(Pause(reason=reason, since=self.now, by=self.by))
        if before is None:
            self.record("people.paused", {"reason": reason})
        return before

    def resume(self) -> Pause | None:
        """Let the project go on; the pause that has ended."""
        before = self.decisions.read().pause
        self.decisions.clear_pause()
        if before is not None:
            self.record("people.resumed", {"reason": before.reason})
        return before

    def arm(self, forecast: Mapping[str, object]) -> Arming:
        """Let a project that observes act; who armed it, which an earlier arming keeps."""
        self.decisions.arm(Arming(since=self.now, by=self.by))
        stands = self.decisions.read().armed or Arming(since=self.now, by=self.by)
        self.record("people.armed", {"forecast": dict(forecast)})
        return stands

    def disarm(self) -> Arming | None:
        """Let it observe again; the arming that has ended."""
        before = self.decisions.read().armed
        self.decisions.disarm()
        if before is not None:
            self.record("people.disarmed", {"armed_since": before.since.isoformat()})
        return before

    def record(self, event: str, data: Mapping[str, object]) -> None:
        """Put the decision into the audit log, now or with the next holder of the lock."""
        record(self.door, event, {**data, "by": self.by})


def _named(person: Person) -> dict[str, object]:
    return {"user_id": person.user_id, "user_name": person.user_name}


def record(door: Door, event: str, data: Mapping[str, object]) -> None:
    """One record, written under the lock; left for its holder if it is not to be had in time.

    The decision stands already: it is left, too, by who does not wait (Ctrl-C).
    """
    from keyreeve.wiring import account_for_writing

    give_up = time.monotonic() + PATIENCE_SECONDS
    written = False
    try:
        while time.monotonic() < give_up:
            with suppress(LockHeld), account_for_writing(door, mails=False) as account:
                with suppress(StateUnreadable):
                    account.tools.states.load()  # tells where the end of the chain is
                account.tools.audit.append(event, door.now, data)
                account.tools.audit.flush()
                written = True
                return
            time.sleep(PATIENCE_SECONDS / 8)
    finally:
        if not written:
            leave(door.store, event, door.now, data, door.run_id)
    screen.note(
        "note: a run holds the lock: the decision counts from now on, and its record enters the "
        "audit log with the next one"
    )
