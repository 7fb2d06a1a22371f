"""A fleet's weekly mail: the sums over all accounts, then by account who must be looked at.

S1.7, S1.27.  Both ends are shut: a row keeps `KEPT` entries of a matter, and the mail names so many
accounts, with so many entries of each, that it can be read.  What is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from keyreeve.model.case import Stage
from keyreeve.model.fleet import FleetRow, FleetSummary, Matters, Named, Standing
from keyreeve.model.notice import Summary, SummaryRow

_Kind = TypeVar("_Kind", bound=StrEnum)

KEPT = 25
"""Entries of a matter that an account's row keeps."""
ENTRY = 160
"""Characters of an entry."""
LOOKED_AT, TOLD_OF = 12, 20
"""Accounts in a mail: those whose run did not end well, and those with something to tell by name.

Together with the sums fewer than the paragraphs that a mail to the team shows."""
READABLE = 15_000
"""Characters of what is told by name; beyond it, of each matter fewer entries are."""
_FEWER = (KEPT, 10, 5, 3, 1)


# --- what a row keeps ---------------------------------------------------------------------------


def matters_of(summary: Summary) -> Matters:
    """What the row of this account keeps of its summary."""
    return Matters(
        overdue=_first(summary.overdue, _finding),
        held=_first(summary.held, _finding),
        unreachable=_first(summary.unreachable, _owner),
        inline_policies=_first(summary.inline_policies, _finding),
        waivers=_first(summary.waivers, _waiver),
    )


def _first(rows: tuple[SummaryRow, ...], say: Callable[[SummaryRow], str]) -> Named:
    names = tuple(_cut(say(row)) for row in rows[:KEPT])
    return Named(names=names, more=len(rows) - len(names))


def _cut(text: str) -> str:
    return text if len(text) <= ENTRY else f"{text[: ENTRY - 1]}…"


def _finding(row: SummaryRow) -> str:
    return f"{row.user_name}, {row.what}{_to_ninety(row.days_to_90)}{_because(row)}"


def _owner(row: SummaryRow) -> str:
    return f"{row.user_name}{_because(row)}"


def _waiver(row: SummaryRow) -> str:
    return f"{row.user_name}, {row.what}, until {row.on}{_because(row)}"


def _because(row: SummaryRow) -> str:
    return f" ({row.reason})" if row.reason else ""


def _to_ninety(days: int | None) -> str:
    if days is None:
        return ""
    return f", {days} days to 90" if days >= 0 else f", {-days} days past 90"


# --- what the team reads ------------------------------------------------------------------------

_MATTERS: Mapping[str, tuple[str, str]] = {
    "overdue": ("overdue", "overdue"),
    "held": ("held", "held"),
    "unreachable": ("owner unreachable", "owners unreachable"),
    "inline_policies": ("user with inline policies", "users with inline policies"),
    "waivers": (
        "waiver that ends soon or has ended",
        "waivers that end soon or have ended",
    ),
}
"""Fields of `Matters` in order: of one, of several."""
_STUCK = ("overdue", "held", "unreachable")


def headline(summary: FleetSummary) -> str:
    """How many accounts stand how, in a line."""
    counts = [(standing, summary.count(standing)) for standing in Standing]
    parts = [f"{count} {standing.value}" for standing, count in reversed(counts) if count]
    accounts = len(summary.rows)
    return f"{accounts} {'account' if accounts == 1 else 'accounts'}: {', '.join(parts)}"


def in_words(summary: FleetSummary) -> tuple[str, tuple[str, ...]]:
    """A headline, and what the team reads: the sums, then the accounts to look at."""
    pressing = [f"{_who(row)}: {row.standing.value}. {row.problem}" for row in _unclean(summary)]
    return headline(summary), (
        *_sums(summary),
        *pressing[:LOOKED_AT],
        *_beyond(len(pressing) - LOOKED_AT, "to look at", "`keyreeve org status` names them"),
        *_by_name(summary),
    )


def _unclean(summary: FleetSummary) -> Iterable[FleetRow]:
    return (row for row in summary.rows if not row.clean)


def _beyond(more: int, what: str, where: str) -> tuple[str, ...]:
    accounts = "account" if more == 1 else "accounts"
    return (f"And {more} more {accounts} {what}: {where}.",) if more > 0 else ()


def _sums(summary: FleetSummary) -> Iterable[str]:
    yield (
        f"{summary.total('users')} users looked at; {summary.total('cases')} open cases, "
        f"{summary.total('held')} held, {summary.total('overdue')} overdue; today "
        f"{summary.total('acts')} acts and {summary.total('mails')} mails, "
        f"{summary.total('failed')} failed."
    )
    controls = _added(row.by_control for row in summary.rows)
    if controls:
        listed = ", ".join(f"{_plain(control)} {n}" for control, n in controls.most_common())
        yield f"{_counted(summary.total('flagged'), 'user')} with findings: {listed}."
    stages = _added(row.cases_by_stage for row in summary.rows)
    if stages:
        listed = ", ".join(f"{_plain(stage)} {stages[stage]}" for stage in Stage if stages[stage])
        yield f"Open cases by stage: {listed}."
    counts = [
        _counted(sum(_of(row, field).count for row in summary.rows), *words)
        for field, words in _MATTERS.items()
        if any(_of(row, field).count for row in summary.rows)
    ]
    if counts:
        yield f"In all accounts: {', '.join(counts)}."


def _by_name(summary: FleetSummary) -> tuple[str, ...]:
    """Those with the most that is stuck first; as many entries of each as can be read."""
    rows = sorted((row for row in summary.rows if any(_weight(row))), key=_weight, reverse=True)
    lines: list[str] = []
    for entries in _FEWER:
        lines = [f"{_who(row)}: {_matters(row, entries)}" for row in rows[:TOLD_OF]]
        if sum(map(len, lines)) <= READABLE:
            break
    where = "`keyreeve --account ID summary` shows one, the day's summary.json in the storage all"
    return (*lines, *_beyond(len(rows) - TOLD_OF, "with something to tell", where))


def _weight(row: FleetRow) -> tuple[int, int]:
    """What is stuck, then all: a hundred inline policies are less pressing than one overdue."""
    counts = {field: _of(row, field).count for field in _MATTERS}
    return sum(counts[field] for field in _STUCK), sum(counts.values())


def _matters(row: FleetRow, entries: int) -> str:
    parts = ((words, _of(row, field)) for field, words in _MATTERS.items())
    return " ".join(
        f"{_counted(named.count, *words)}: {_listed(named, entries)}."
        for words, named in parts
        if named.count
    )


def _listed(named: Named, entries: int) -> str:
    shown = named.names[:entries]
    more = named.count - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _of(row: FleetRow, matter: str) -> Named:
    named: Named = getattr(row.named, matter)
    return named


def _added(figures: Iterable[Mapping[_Kind, int]]) -> Counter[_Kind]:
    total: Counter[_Kind] = Counter()
    for each in figures:
        total.update(each)
    return total


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _plain(word: StrEnum) -> str:
    return word.value.replace("_", " ")


def _who(row: FleetRow) -> str:
    return row.account_id if row.name == row.account_id else f"{row.name} ({row.account_id})"
