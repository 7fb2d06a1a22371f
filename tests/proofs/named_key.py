"""Only the named key is touched (P4): every shape of a user × every edit between plan and act.

A table, not chance.  The edit comes after the plan was made, before one of the next looks at the
account.  After it none but the named key was touched, and none deleted but exactly the key that
Keyreeve had made Inactive, where its slot was opted in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product

from tests.proofs.checker import Violation
from tests.proofs.chronicle import Chronicle
from tests.proofs.figure import Figure, Size
from tests.proofs.history import Call, Mail
from tests.proofs.meddling import Meddled
from tests.proofs.words import TEXT
from tests.proofs.worlds import Neighbourhood
from tests.scenario.people import key, person
from tests.scenario.peril import Stopped

from keyreeve.model.identifiers import AccessKeyId, UserName
from keyreeve.model.snapshot import AccessKey

NAME = "owner"
NAMED, OTHER, STRANGE = "AKIAOWNER0000000001", "AKIAOWNER0000000002", "AKIASTRANGE00000009"
OTHERS = {
    "no other key": None,
    "a young one": key(20),
    "a young one, Inactive": key(20, active=False),
    "an aged one": key(200),
    "an aged one, Inactive": key(200, active=False),
    "a spare one": key(40, 30),
    "one never used": key(40, None),
}
EDITS = (
    "nothing",
    "the named key is deleted",
    "the named key is made Inactive",
    "the named key is another of the same id",
    "the other key is deleted",
    "the other key is toggled",
    "the slots change places",
    "a strange key takes the free slot",
    "all keys are deleted, a strange one comes",
    "the user is another of the same name",
)
_ANOTHER = (
    "the named key is another of the same id",
    "all keys are deleted, a strange one comes",
    "the user is another of the same name",
)
"""Edits after which no key is the one that Keyreeve had made Inactive."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the table."""

    other: str
    day: int
    edit: str
    at: int
    """Before which call after the plan."""

    def __str__(self) -> str:
        return f"{self.other}, day {self.day}, {self.edit} before call {self.at}"


def prove_the_named_key(size: Size) -> Figure:
    """The table at this size."""
    rows = list(trials(size))
    bad = tuple(f"{row}: {v.text}" for row, found in rows for v in found)
    return Figure(promise="P4", what="edits between plan and act", tried=len(rows), violations=bad)


def trials(size: Size) -> Iterator[tuple[Row, list[Violation]]]:
    """Row after row: replacement on day 7, act on day 14, a slot to free."""
    days, calls = ((14,), (0, 4)) if size is Size.CI else ((7, 8, 14, 15), range(16))
    for cell in product(OTHERS, days, EDITS, calls):
        row = Row(*cell)
        yield row, list(_lived(row))


def _lived(row: Row) -> Iterator[Violation]:
    other = OTHERS[row.other]
    named = replace(key(100), key_id=AccessKeyId(NAMED))
    keys = [named] if other is None else [named, replace(other, key_id=AccessKeyId(OTHER))]
    village = Neighbourhood(person(NAME, *keys), renderer=TEXT, free_slot_after_days=0)
    world = Chronicle(village)
    for day in range(row.day):
        village.run(day, fate=world.fate())
    state: dict[str, object] = {"planned": False, "left": row.at}

    edited: int | None = None

    def meddle(number: int, method: str, args: tuple[object, ...]) -> None:
        nonlocal edited
        del number
        if method == "put" and str(args[0]).endswith("state.json"):
            state["planned"] = True
        if not state["planned"] or state["left"] == -1:
            return
        if state["left"] == 0:
            _edit(village, row.edit)
            edited = len(world.events)
        state["left"] = int(str(state["left"])) - 1

    seen = len(world.events)
    with suppress(Stopped):
        village.run(row.day, fate=Meddled(world, None, meddle))
    yield from _judged(row, world, seen, edited)


def _judged(row: Row, world: Chronicle, seen: int, edited: int | None) -> Iterator[Violation]:
    """What the run did to keys; `edited`: how much had happened before the edit."""
    made = {e.made for e in world.events if isinstance(e, Call) and e.made}
    for number, event in enumerate(world.events[seen:], start=seen):
        touched = event.params.get("AccessKeyId") if isinstance(event, Call) else None
        if not isinstance(event, Call) or not event.effect or touched in made:
            continue
        if event.operation == "iam:DeleteAccessKey":
            shown = edited is not None and edited <= _look(world, number)
            another = shown and row.edit in _ANOTHER
            if another or not _shut_by_us(world.events[:number], touched):
                yield Violation(promise="P4", text=f"{touched} was deleted")
        elif event.operation == "iam:UpdateAccessKey":
            yield from _may_end(row, str(touched))


def _look(world: Chronicle, before: int) -> int:
    """The last look at the keys; what is edited after it, nobody can see."""
    looks = (
        number
        for number, event in enumerate(world.events[:before])
        if isinstance(event, Call) and event.operation == "iam:ListAccessKeys"
    )
    return max(looks, default=-1)


def _shut_by_us(before: list[Call | Mail], key: str | None) -> bool:
    """Whether Keyreeve had made it Inactive: with the slot rule opted in, it may be deleted."""
    return any(
        isinstance(e, Call)
        and e.effect
        and e.operation == "iam:UpdateAccessKey"
        and e.params.get("AccessKeyId") == key
        and e.params.get("Status") == "Inactive"
        for e in before
    )


def _may_end(row: Row, touched: str) -> Iterator[Violation]:
    """The named key on day 14; the other one where it is flagged as well."""
    flagged = row.other in ("an aged one", "a spare one", "one never used")
    if touched != NAMED and not (touched == OTHER and flagged):
        yield Violation(promise="P4", text=f"{touched} was touched")


def _edit(village: Neighbourhood, edit: str) -> None:
    account = village.account
    user = account._users[UserName(NAME)]
    keys = list(user.keys)
    strange = AccessKey(
        slot=2,
        active=True,
        key_id=AccessKeyId(STRANGE),
        created_at=village.clock.now(),
        last_rotated=village.clock.now(),
        last_used=village.clock.now(),
    )
    match edit:
        case "the named key is deleted":
            keys = [k for k in keys if k.key_id != NAMED]
        case "the named key is made Inactive":
            keys = [replace(k, active=False) if k.key_id == NAMED else k for k in keys]
        case "the named key is another of the same id":
            now = village.clock.now()
            keys = [replace(k, created_at=now) if k.key_id == NAMED else k for k in keys]
        case "the other key is deleted":
            keys = [k for k in keys if k.key_id == NAMED]
        case "the other key is toggled":
            keys = [replace(k, active=not k.active) if k.key_id != NAMED else k for k in keys]
        case "the slots change places":
            keys = [replace(k, slot=3 - k.slot) for k in reversed(keys)]
        case "a strange key takes the free slot":
            keys = [*keys, strange] if len(keys) == 1 else [keys[0], strange]
        case "all keys are deleted, a strange one comes":
            keys = [replace(strange, slot=1)]
        case "the user is another of the same name":
            account.change(NAME, user_id="AIDAANOTHER000000000", keys=(strange,))
            return
    account.change(NAME, keys=tuple(keys))
