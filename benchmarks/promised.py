"""What was promised, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

from benchmarks.contenders import CUSTODIAN, LEAN, PROWLER
from benchmarks.days import NextDay, WholeDay
from benchmarks.fleet import C7N_ORG, KEYREEVE, NEXT_DAY
from benchmarks.results import Round, Row

LARGE = 5000
"""Users of the largest account."""
FEW_ACCOUNTS = 10
"""What the memory of a thousand is held against."""
FIXED = 5
"""A handful of calls that do not depend on the account's size: who we are, the report (made, then
fetched), and the page that groups and policies begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One figure with the one that it must not exceed, or must reach."""

    what: str
    target: float
    figure: float
    at_least: bool = False

    @property
    def share(self) -> float:
        """Of what is allowed; more than 1: missed."""
        return self.target / self.figure if self.at_least else self.figure / self.target

    @property
    def kept(self) -> bool:
        """Whether the figure is within the target."""
        return self.share <= 1

    def row(self) -> str:
        """A row of the table."""
        bound = "at least" if self.at_least else "at most"
        word = "kept" if self.kept else f"**missed**, {self.share:.3g} times what is allowed"
        return f"| {self.what} | {bound} {self.target:g} | {self.figure:.3g} | {word} |"


def promises(
    one: Sequence[Round],
    started: Mapping[str, tuple[float, float]],
    fleet: Round | None,
    flat: Sequence[Round],
    next_day: NextDay | None,
    day: WholeDay | None,
) -> Iterator[Promise]:
    """All that these rounds bear out; a round that was not run promises nothing."""
    for each in one:
        if each.neglected < 1:
            yield from _one_account(each)
    yield from _starts(started)
    pair = (fleet.row(KEYREEVE.name), fleet.row(C7N_ORG.name)) if fleet else (None, None)
    if fleet and pair[0] and pair[1]:
        yield from _beside_the_peer(fleet, *pair)
    if flat:
        ten, most = next(each for each in flat if each.accounts == FEW_ACCOUNTS), flat[-1]
        yield Promise(
            what=f"peak memory, {most.accounts:,} accounts ÷ {ten.accounts:,}",
            target=1.5,
            figure=most.rows[0].peak / ten.rows[0].peak,
        )
    if next_day:
        yield Promise(
            what="the next day: `ListAccessKeys` for each changed slot",
            target=1,
            figure=next_day.listed / next_day.replaced,
        )
    if day:
        yield Promise(
            what=f"CPU of a mail in a day of {day.mails:,} ÷ rendering and assembling it alone",
            target=2,
            figure=day.day / day.alone,
        )


def _one_account(each: Round) -> Iterator[Promise]:
    us = each.row(KEYREEVE.name)
    if us is None or each.rate:
        return
    where = f"{each.users:,} users"
    if not each.latency:
        pages = -(-each.users // 1000)
        yield Promise(
            what=f"{where}: calls beside pages and `ListAccessKeys`",
            target=FIXED,
            figure=sum(us.calls.values()) - us.calls.get("ListAccessKeys", 0) - pages,
        )
    if each.latency:
        for peer, times in ((CUSTODIAN, 150), (PROWLER, 500)):
            if row := each.row(peer.name):
                yield Promise(
                    what=f"{where}, {each.latency} ms an answer: wall of {peer.name} ÷ ours",
                    target=times,
                    figure=row.wall / us.wall,
                    at_least=True,
                )
    elif each.users == LARGE:
        if lean := each.row(LEAN.name):
            what = f"{where}: CPU ÷ lean boto3 script"
            yield Promise(what=what, target=0.6, figure=us.cpu_beside(lean))
        yield Promise(what=f"{where}: peak memory in MB", target=100, figure=us.peak)


def _starts(started: Mapping[str, tuple[float, float]]) -> Iterator[Promise]:
    help_ = started["keyreeve --help"][0]
    bare = started["a bare interpreter"][0]
    yield Promise(what="wall of `--help` ÷ a bare interpreter", target=4, figure=help_ / bare)
    if "custodian --help" in started:
        theirs = started["custodian --help"][0]
        yield Promise(what="wall of `--help` ÷ Custodian's", target=0.2, figure=help_ / theirs)


def _beside_the_peer(fleet: Round, us: Row, peer: Row) -> Iterator[Promise]:
    where = f"{fleet.accounts} accounts"
    yield Promise(
        what=f"{where}: wall of c7n-org ÷ ours",
        target=80,
        figure=peer.wall / us.wall,
        at_least=True,
    )
    for day, row in (("the first day", us), ("every other day", fleet.row(NEXT_DAY))):
        if row:
            ours, theirs = (sum(each.calls.values()) for each in (row, peer))
            what = f"{where}, {day}: our calls ÷ c7n-org's"
            yield Promise(what=what, target=0.01, figure=ours / theirs)


def table(kept: Sequence[Promise]) -> Iterator[str]:
    """The table near the top of results.md."""
    if not kept:
        return
    yield "## What was promised"
    yield ""
    yield "| | target | measured | |"
    yield "|---|---|---|---|"
    yield from (each.row() for each in kept)
    yield ""


def height(kept: Sequence[Promise]) -> int:
    """Of the bars."""
    return 60 + 22 * len(kept) if kept else 0


def bars(kept: Sequence[Promise], top: int) -> str:
    """The share of each target that is used, logarithmic; the line is the target."""

    def x(share: float) -> float:
        return 460 + 100 * log10(min(max(share, 0.1), 30))

    rows = []
    for number, each in enumerate(kept):
        y = top + 40 + 22 * number
        colour = "#16a34a" if each.kept else "#dc2626"
        rows.append(
            f'<text x="350" y="{y + 11}" text-anchor="end" font-size="10">'
            f"{escape(each.what.replace('`', ''))}</text>"
            f'<rect x="360" y="{y}" width="{x(each.share) - 360:.0f}" height="14" '
            f'fill="{colour}"/>'
            f'<text x="{max(x(each.share), 460) + 6:.0f}" y="{y + 11}">{each.share:.2f}</text>'
        )
    bottom = top + 40 + 22 * len(kept)
    return (
        f'<text x="60" y="{top + 16}">Share of what was promised; over 1 is missed</text>'
        f"{''.join(rows)}"
        f'<line x1="460" x2="460" y1="{top + 30}" y2="{bottom}" stroke="#333"/>'
    )
