"""What differs between two plans, as `plan` writes them: what a change of config.yaml would do.

Compared is what people would notice: acts, mails, what is held, what could not be read, and the
day's figures. The ids of runs and operations are no difference; neither is the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

SCHEMA: Final = "keyreeve.plan/1"
OUR_SCHEMA: Final = "keyreeve.plan-difference/1"
_FIGURES: Final = ("population", "allowed", "summary_due", "refusal")
_UNSTABLE: Final = frozenset({"operation_id"})
"""Begins with the day on which the operation is planned."""
_THINGS: Final = ("old_key", "key_id", "resource_id", "stage", "headline", "control")
"""What tells two effects of one kind for one user on one day apart; the first that is there."""

Fields = Mapping[str, Any]


class Part(StrEnum):
    """Of a plan's day."""

    EFFECTS = "effects"
    HELD = "held"
    GAPS = "gaps"
    FIGURES = "figures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing on one day; before and after, one of which may be missing."""

    on: str
    """The day, ISO 8601."""
    part: Part
    before: Fields | None
    after: Fields | None

    @property
    def about(self) -> Fields:
        """As it is, or was."""
        found = self.after if self.after is not None else self.before
        return found or {}

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the fields that differ; none for what is only there once."""
        if self.before is None or self.after is None:
            return ()
        names = dict.fromkeys((*self.before, *self.after))
        return tuple(name for name in names if self.before.get(name) != self.after.get(name))


class NotComparable(ValueError):
    """The documents are no two plans of one account for the same days."""


def horizon(document: Fields) -> int | None:
    """How many days after today the plan looks ahead; None: today alone, without `--days`."""
    return len(document["days"]) - 1 if "days" in document else None


def readable(document: object) -> Fields:
    """A plan's document. NotComparable if it is something else."""
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise NotComparable(f"is no plan (schema {SCHEMA})")
    days = document.get("days", [document])
    if not isinstance(days, list) or not days or not all(map(_is_day, days)):
        raise NotComparable("is a plan that something has cut or changed")
    return document


def differences(before: Fields, after: Fields) -> tuple[Difference, ...]:
    """By day, part and what it is about. NotComparable for other accounts or other days."""
    if before["account_id"] != after["account_id"]:
        raise NotComparable(
            f"is of account {before['account_id']}, and this is {after['account_id']}"
        )
    old, new = _days(before), _days(after)
    if [day["on"] for day in old] != [day["on"] for day in new]:
        raise NotComparable(f"is for other days, from {old[0]['on']} to {old[-1]['on']}")
    return tuple(found for pair in zip(old, new, strict=True) for found in _of_day(*pair))


def difference_document(found: Sequence[Difference]) -> dict[str, object]:
    """The differences as JSON."""
    return {
        "schema": OUR_SCHEMA,
        "differences": [
            {
                "on": each.on,
                "part": each.part.value,
                "before": each.before,
                "after": each.after,
                "changed": list(each.changed),
            }
            for each in found
        ],
    }


def _is_day(day: object) -> bool:
    return (
        isinstance(day, Mapping)
        and isinstance(day.get("on"), str)
        and isinstance(day.get("account_id"), str)
        and all(isinstance(day.get(part), list) for part in ("effects", "held", "gaps"))
        and all(isinstance(row, Mapping) for part in _ROWS for row in day[part])
    )


_ROWS: Final = (Part.EFFECTS, Part.HELD, Part.GAPS)


def _days(document: Fields) -> Sequence[Fields]:
    days: Sequence[Fields] = document.get("days", [document])
    return days


def _of_day(before: Fields, after: Fields) -> Iterator[Difference]:
    for part in Part:
        old, new = _items(before, part), _items(after, part)
        for key in sorted({*old, *new}):
            found = Difference(
                on=str(after["on"]), part=part, before=old.get(key), after=new.get(key)
            )
            if found.before is None or found.after is None or found.changed:
                yield found


Key = tuple[str, ...]


def _items(day: Fields, part: Part) -> dict[Key, Fields]:
    """What is compared, by what it is about."""
    if part is Part.FIGURES:
        return {("",): {name: day.get(name) for name in _FIGURES}}
    items: dict[Key, Fields] = {}
    for row in day[part]:
        shown = {name: value for name, value in row.items() if name not in _UNSTABLE}
        key, number = _key(shown, part), 0
        while (*key, str(number)) in items:
            number += 1
        items[*key, str(number)] = shown
    return items


def _key(row: Fields, part: Part) -> Key:
    user = f"{row.get('user_name') or ''} {row.get('user_id') or ''}"
    match part:
        case Part.EFFECTS:
            thing = next((row[name] for name in _THINGS if row.get(name)), "")
            return user, str(row.get("kind")), str(thing)
        case Part.HELD:
            return user, str(row.get("control")), str(row.get("resource_id"))
        case _:
            return user, str(row.get("step"))
