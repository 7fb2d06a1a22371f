"""A spare access key that nobody uses is switched off (S1.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keyreeve.controls.subject import Subject, Verdicts, days, in_days
from keyreeve.model.control import ControlCard, Severity
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import StaleScope
from keyreeve.model.snapshot import Absent, AccessKey, Moment

CARD = ControlCard(
    id=ControlId.ACCESS_KEY_STALE,
    title="Spare access key is not used",
    severity=Severity.MEDIUM,
    why="You have two active access keys, and this one has not been used for a while.",
    risk=(
        "A key that nobody uses is a key whose theft nobody notices. "
        "It also takes the slot that the next rotation needs."
    ),
    remediation=(
        "Check that nothing needs {key}: the console shows when and where it was last used.",
        "If something does need it, use it; it will no longer be listed.",
        "Otherwise make {key} inactive, and delete it after a few quiet days.",
    ),
    sources=("S1.3", "S1.T4"),
)

_SECOND = 2
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def check(subject: Subject) -> Verdicts:
    """The Active spare key, unused for the threshold; a never-used key counts from its creation.

    The only live key is never a spare. With `every_key` the key that was used last is never one.
    """
    limit = subject.thresholds.access_key_stale
    for key in _spares(subject):
        idle_since = _idle_since(key)
        if not isinstance(idle_since, datetime):
            yield subject.gap(CARD, f"the last use of access key {key.slot} is unknown")
            continue
        idle = subject.now - idle_since
        if idle < limit or _in_grace(subject, key, limit):
            continue
        name = subject.name_of(key)
        if name is None:
            yield subject.gap(CARD, f"the id of access key {key.slot} is unknown", slot=key.slot)
            continue
        never = key.last_used is Absent.NEVER
        yield subject.finding(
            CARD,
            name,
            observed=days(idle),
            threshold=days(limit),
            detail=(
                f"Never used in the {in_days(days(idle))} since it was created"
                if never
                else f"Not used for {in_days(days(idle))}"
            )
            + f"; the limit is {in_days(days(limit))}.",
            since=idle_since,
            slot=key.slot,
        )


def _spares(subject: Subject) -> list[AccessKey]:
    """The keys that may be called spare."""
    active = [key for key in subject.user.keys if key.active]
    if len(active) < 2:  # noqa: PLR2004 - a spare needs another
        return []
    if subject.stale_scope is StaleScope.SECOND_SLOT:
        return [key for key in active if key.slot == _SECOND]
    latest = max(active, key=lambda key: (_or_long_ago(_idle_since(key)), -key.slot))
    return [key for key in active if key is not latest]


def _idle_since(key: AccessKey) -> Moment:
    """Last use, or the start of the key's age if it was never used."""
    return key.since if key.last_used is Absent.NEVER else key.last_used


def _or_long_ago(moment: Moment) -> datetime:
    return moment if isinstance(moment, datetime) else _LONG_AGO


def _in_grace(subject: Subject, key: AccessKey, limit: timedelta) -> bool:
    """A replacement made by Keyreeve: exempt until its rotation ended and `limit` more passed."""
    record = subject.known_keys.get(key.key_id) if key.key_id else None
    if record is None or not record.made_by_us:
        return False
    if record.rotation_ended_at is None:
        return True
    return subject.now - record.rotation_ended_at < limit
