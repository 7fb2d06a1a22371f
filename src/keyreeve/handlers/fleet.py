"""Lambda: a fleet's day as three functions, which the state machine of the stack `fleet` calls.

    accounts       who belongs to the fleet: a list in the bucket, one item an account
    one_account    the daily run of one item; a distributed map calls it once per account
    gather         results and failures of the map, in one summary in the bucket

The machine is started with {"execute": true}; with false every account is only rehearsed, and no
summary is kept.  `as_of` names another time, on an emulator only.

`one_account` answers with the account's row, whatever became of the account: a role that lets
nobody in is a row like any other, and stops nothing.  It fails, as a function, only where another
run holds the account's lock, so that the machine tries again when that lease is over; and where its
process dies.  `gather` tells of those accounts too.

A day is done once: an account whose row of the day says done is not run again, whether the machine
is started anew or redriven.

Each says in one line of JSON what came of it; that of `gather` says also whether a day that acted
has ended: an alarm asks for one every day.  Users are named in the row, not there.
Their config is found as that of every function is (`wiring/functions.py`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final

from keyreeve.codec.fleet import (
    Gathered,
    gathered,
    item_member,
    items_read,
    row_document,
    summary_document,
)
from keyreeve.governance.stacks import stack_project
from keyreeve.model.errors import ConfigError, LockHeld
from keyreeve.model.fleet import FleetRow, FleetSummary, Member, Standing
from keyreeve.model.heartbeat import Beat
from keyreeve.model.identifiers import AccountId
from keyreeve.pipeline.fleet import concluded, run_one
from keyreeve.pipeline.heartbeat import has_ended, missed, tell_watchers, with_heartbeats
from keyreeve.reporting.fleet import fleet_summary, unheard
from keyreeve.reporting.fleet_words import headline
from keyreeve.storage.layout import prefix, project_slug, summary_key
from keyreeve.wiring.fleet import Home, fleet_of, member_of, members, open_home
from keyreeve.wiring.functions import configured
from keyreeve.wiring.heartbeat import watchers

Answer = dict[str, Any]

_ENDED: Final = "ended"
"""The stack's metric filter counts lines with it."""


def accounts(event: Mapping[str, Any], context: object = None) -> Answer:  # noqa: ARG001 - Lambda's signature
    """Whom the day is about. AccountUnreadable where AWS Organizations does not say."""
    home = _home(event, writes=True)
    on = home.on
    found = members(home)
    key = home.records.name(on, found)
    _say("accounts", {"on": on.isoformat(), "accounts": len(found)})
    return {
        **_asked(event),
        "on": on.isoformat(),
        "accounts": len(found),
        "bucket": home.config.storage.bucket,
        "key": f"{prefix(home.config.project_name)}{key}",
    }


def one_account(event: Mapping[str, Any], context: object = None) -> Answer:  # noqa: ARG001 - Lambda's signature
    """The row of one account. LockHeld while another run holds its lock; ValueError: no item."""
    home = _home(event, writes=_executes(event))
    member = member_of(home, item_member(event["item"]))
    with fleet_of(home, lambda: (member,)) as fleet:
        row = run_one(replace(fleet, on=date.fromisoformat(event["on"])), member)
    _say("account", {key: value for key, value in row_document(row).items() if key != "named"})
    if row.standing is Standing.LOCKED:
        raise LockHeld(row.problem, remedy=row.remedy)
    return row_document(row)


def gather(event: Mapping[str, Any], context: object = None) -> Answer:  # noqa: ARG001 - Lambda's signature
    """One summary over all accounts; where it lies, its counts, and the fleet's exit code."""
    home = _home(event, writes=True)
    on = date.fromisoformat(event["on"])
    found = _summary(home, on, event)
    with fleet_of(home, lambda: ()) as fleet:
        summary = concluded(replace(fleet, on=on, execute=found.executed), found)
    beats: tuple[Beat, ...] = ()
    if _end(summary) == _ENDED:
        beats = tell_watchers(watchers(home.config, home.sessions, metric=False))
    untold = {"heartbeat": list(missed(beats))} if missed(beats) else {}
    _say(
        _end(summary),
        {
            "project": stack_project(project_slug(home.config.project_name)),
            "on": on.isoformat(),
            "exit_code": summary.exit_code,
            "headline": headline(summary),
            **untold,
        },
    )
    document = summary_document(summary)
    return {
        **untold,
        "exit_code": with_heartbeats(summary.exit_code, beats),
        "headline": headline(summary),
        "standings": document["standings"],
        "totals": document["totals"],
        "summary": f"{prefix(home.config.project_name)}{summary_key(on)}"
        if summary.executed
        else None,
    }


def _summary(home: Home, on: date, event: Mapping[str, Any]) -> FleetSummary:
    listed = items_read(_object_at(home, event["key"]))
    found = _results(home, event.get("results") or {})
    stored = home.records.rows(on) if _executes(event) else {}
    rows = [_row(member, found, stored) for member in listed]
    name = home.config.project_name
    return fleet_summary(name, on, home.now, rows, executed=_executes(event))


def _row(member: Member, found: Gathered, stored: Mapping[AccountId, FleetRow]) -> FleetRow:
    """What the map has heard, else what the run itself has left, else that nobody heard."""
    row = found.rows.get(member.account_id) or stored.get(member.account_id)
    if row is not None:
        return row
    cause = found.failures.get(member.account_id)
    if cause is None:
        return unheard(member, "its turn never came", "Start the day again: what is done stays.")
    return replace(
        unheard(member, cause, "The log of its function says more; start the day again."),
        standing=Standing.FAILED,
    )


def _end(summary: FleetSummary) -> str:
    """What the day came to, for the log: an alarm asks for days that acted and came to their end.

    One on which no account was entered has not, whether locked or not covered.
    """
    if not summary.executed:
        return "rehearsed"
    return _ENDED if has_ended(summary.exit_code) else "not_ended"


def _results(home: Home, details: Mapping[str, Any]) -> Gathered:
    """Of the map's manifest; nothing where the map failed before it wrote one."""
    if "Key" not in details:
        return Gathered()
    return gathered(_object_at(home, str(details["Key"])), lambda key: _object_at(home, key))


def _object_at(home: Home, key: str) -> bytes:
    """An object below the project's prefix, by its whole key. ConfigError if it is not there."""
    below = prefix(home.config.project_name)
    found = home.store.get(key.removeprefix(below)) if key.startswith(below) else None
    if found is None:
        raise ConfigError("there is no such object of this project", where=key)
    return found.content


def _say(event: str, data: Mapping[str, object]) -> None:
    """One line of JSON, for the functions' log group."""
    sys.stdout.write(json.dumps({"keyreeve": f"fleet.{event}", **data}, ensure_ascii=True) + "\n")
    sys.stdout.flush()


# --- what the event says ------------------------------------------------------------------------


def _home(event: Mapping[str, Any], *, writes: bool) -> Home:
    """`writes`: whether the fleet's own days in the bucket, or accounts, may be changed."""
    as_of = event.get("as_of")
    at = None if as_of is None else datetime.fromisoformat(as_of)
    return open_home(configured(), execute=writes, as_of=at)


def _executes(event: Mapping[str, Any]) -> bool:
    return bool(event.get("execute", False))


def _asked(event: Mapping[str, Any]) -> Answer:
    """What is handed on to each account; no more than is known."""
    return {
        "execute": _executes(event),
        "as_of": event.get("as_of"),
    }
