"""Figures of months, counted from the audit log.

The audit log and not `runs/*/run.json`, because nothing in it can count twice: a run that is
repeated on one day, or that a stop cut off before it was published, leaves what it did there, and
each thing that is counted has an identity of its own.

    finding      user, control, resource and day 0; a finding that comes back has another day 0
    act          the finding that it ended
    credential   operation and attempt
    mail         the id that the mail system gave it
    held         the finding, once a month however many days it was held

A record that says again what is known (a step recovered after a stop, the same event of a run
that was cut off) changes nothing.  An act counts on its own day; that the finding clears on a
later one is no second end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from statistics import median

from keyreeve.model.months import Ending, Estimate, LogEntry, MinutesPer, MonthFigures

ASSUMED = "minutes are assumptions, see summary.minutes_per"
_DELIVERED = frozenset(
    f"step.{kind}.delivered" for kind in ("rotation", "password_reset", "onboarding")
)
_COUNTED = {
    Ending.OWNER: "resolved_by_owner",
    Ending.NEW_PASSWORD: "new_passwords",
    Ending.SET_ASIDE: "set_aside",
    Ending.USER_GONE: "users_gone",
}

_LABELS = {
    "Days with a run": "run_days",
    "Findings opened": "opened",
    "Resolved by their owner": "resolved_by_owner",
    "Ended by a new password": "new_passwords",
    "Enforced": "enforced",
    "Set aside by people": "set_aside",
    "Gone with their user": "users_gone",
    "Median days to resolve": "median_days",
    "Held on at least one day": "held",
    "Credentials handed out": "credentials",
    "Mails sent": "mails",
}

Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """One figure over all months, in words."""

    label: str
    values: tuple[str, ...]
    """As many as there are months, oldest first."""


@dataclass(slots=True)
class _Tally:
    """What one month has seen."""

    runs: set[date] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    days: list[int] = field(default_factory=list)

    def add(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def months_until(today: date, number: int) -> tuple[date, ...]:
    """First days of the `number` complete months before today's, oldest first."""
    first, found = today.replace(day=1), list[date]()
    for _ in range(number):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return tuple(reversed(found))


def last_day(first: date) -> date:
    """The last day of the month that begins with `first`."""
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def month_figures(
    entries: Iterable[LogEntry],
    months: Iterable[date],
    zone: tzinfo,
    minutes: MinutesPer | None = None,
) -> tuple[MonthFigures, ...]:
    """One for each month, named by its first day; days are days in `zone`.

    Entries stand in the order of the chain. Those of other months are not counted, but known:
    what they tell is not counted again. Records without a day 0 are of findings that nobody was
    told of.
    """
    count = _Count(months, zone)
    for entry in entries:
        count.take(entry)
    return tuple(
        _figures(first, tally, minutes or MinutesPer()) for first, tally in count.tallies.items()
    )


class _Count:
    """One walk along the chain."""

    def __init__(self, months: Iterable[date], zone: tzinfo) -> None:
        self.tallies = {first: _Tally() for first in months}
        self._zone = zone
        self._known: set[Identity] = set()

    def take(self, entry: LogEntry) -> None:
        on, data = entry.at.astimezone(self._zone).date(), entry.data
        event = entry.event
        if event == "run.started" and (tally := self._of(on)) is not None:
            tally.runs.add(on)
        if event == "held" and data.get("control"):
            self._once("held", on, _text(on.replace(day=1)), *_finding(data))
        for ended in _list(data.get("ended")):
            self._ended(on, data, ended)
        if event.startswith("step."):
            self._step(event, on, data)

    def _step(self, event: str, on: date, data: Mapping[str, object]) -> None:
        facts = data.get("data")
        facts = facts if isinstance(facts, Mapping) else {}
        if event in _DELIVERED:
            self._once(
                "credentials", on, _text(data.get("operation_id")), _text(data.get("attempt"))
            )
        if facts.get("message_id"):
            self._once("mails", on, _text(facts["message_id"]))
        if event == "step.notice.accepted":
            for told in _list(facts.get("findings")):
                self._opened(data, told)
        if event == "step.enforcement.done" and facts.get("control"):
            who = {"user_id": data.get("user_id"), **facts}
            self._end("enforced", on, who)

    def _opened(self, data: Mapping[str, object], told: Mapping[str, object]) -> None:
        """Its day 0 says when, whichever of its notices is read first."""
        if opened := _date(told.get("opened_on")):
            who = {"user_id": data.get("user_id"), **told}
            self._once("opened", opened, *_finding(who), opened.isoformat())

    def _ended(self, on: date, data: Mapping[str, object], ended: Mapping[str, object]) -> None:
        how = _COUNTED.get(Ending(_text(ended.get("how"))))
        if how is not None and ended.get("opened_on"):
            self._end(how, on, {"user_id": data.get("user_id"), **ended})

    def _end(self, how: str, on: date, who: Mapping[str, object]) -> None:
        opened = _date(who.get("opened_on"))
        identity = (*_finding(who), _text(who.get("opened_on")))
        if not self._first("end", identity):
            return
        tally = self._of(on)
        if tally is None:
            return
        tally.add(how)
        if opened is not None and how in ("resolved_by_owner", "new_passwords", "enforced"):
            tally.days.append((on - opened).days)

    def _once(self, what: str, on: date, *identity: str) -> None:
        if self._first(what, identity) and (tally := self._of(on)) is not None:
            tally.add(what)

    def _first(self, what: str, identity: Identity) -> bool:
        key = (what, *identity)
        new = key not in self._known
        self._known.add(key)
        return new

    def _of(self, on: date) -> _Tally | None:
        return self.tallies.get(on.replace(day=1))


def _figures(first: date, tally: _Tally, minutes: MinutesPer) -> MonthFigures:
    counts = tally.counts
    named = {
        name: counts.get(name, 0)
        for name in ("opened", "enforced", "credentials", "mails", "held", *_COUNTED.values())
    }
    return MonthFigures(
        first=first,
        run_days=len(tally.runs),
        median_days=median(tally.days) if tally.days else None,
        saved=estimate(named, minutes),
        **named,
    )


def estimate(counts: Mapping[str, int], minutes: MinutesPer) -> Estimate:
    """Hours that the same work would have taken by hand, with the formula that says how."""
    factors = (
        (counts["opened"], "findings opened", minutes.finding),
        (counts["mails"], "mails", minutes.mail),
        (counts["credentials"], "credentials", minutes.credential),
        (counts["enforced"], "enforcements", minutes.enforcement),
    )
    parts = " + ".join(f"{count} {what} × {each:g} min" for count, what, each in factors)
    hours = sum(count * each for count, _, each in factors) / 60
    return Estimate(hours=round(hours, 1), formula=f"({parts}) ÷ 60; {ASSUMED}")


def month_rows(figures: Iterable[MonthFigures]) -> tuple[MonthRow, ...]:
    """The figures as a table: a row each, a column a month; a month without a run is empty.

    What happens seldom has a row only where it happened.
    """
    months = tuple(figures)

    def row(label: str, of: str) -> MonthRow:
        values = (_shown(getattr(month, of)) if month.run_days else "–" for month in months)
        return MonthRow(label=label, values=tuple(values))

    saved = (f"{month.saved.hours:g}" if month.run_days else "–" for month in months)
    seldom = ("new_passwords", "set_aside", "users_gone")
    return (
        *(
            row(label, of)
            for label, of in _LABELS.items()
            if of not in seldom or any(getattr(month, of) for month in months)
        ),
        MonthRow(label="Hours saved (estimate)", values=tuple(saved)),
    )


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _finding(data: Mapping[str, object]) -> Identity:
    return (_text(data.get("user_id")), _text(data.get("control")), _text(data.get("resource_id")))


def _list(value: object) -> list[Mapping[str, object]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _date(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))
