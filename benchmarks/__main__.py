"""`python -m benchmarks [--rounds one many flat next day] [--users 100 1000]`: see results.md."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import chapters, contenders, days, fleet, promised, results
from benchmarks.account import FEW, Account, account
from benchmarks.contenders import Contender
from benchmarks.measuring import Cost, serving
from benchmarks.results import Round, Row

ROUNDS = ("one", "many", "flat", "next", "day")
REPEATS = 9
"""Of those who take seconds at most."""


def compared(
    users: int, *, neglected: float, latency: int, rate: int, given: argparse.Namespace
) -> Round:
    """Everybody in turn on one server, as often as the size allows; medians."""
    now = datetime.now(UTC).replace(microsecond=0)
    known = account(users, now, neglected=neglected)
    title = results.titled(users, neglected, latency, rate)
    costs: dict[str, list[Cost]] = {}
    remarks: dict[str, str] = {}
    print(title, flush=True)
    with serving(users, now, neglected=neglected) as served:
        for number in range(given.repeats or REPEATS):
            for each in contenders.ALL:
                slow = each.heavy > 0
                if (slow and number) or _left_out(each, users, neglected, rate, given):
                    continue
                served.control(f"set?latency={latency}&rate={rate}")
                cost, remark = contenders.once(each, served, known)
                costs.setdefault(each.name, []).append(cost)
                remarks[each.name] = remark
    return Round(
        title=title,
        users=users,
        latency=latency,
        neglected=neglected,
        rate=rate,
        rows=tuple(Row.of(name, found, remarks[name]) for name, found in costs.items()),
    )


def _left_out(
    each: Contender[Account], users: int, neglected: float, rate: int, given: argparse.Namespace
) -> bool:
    """The slow ones see each size once, and the largest in one of its two states."""
    if given.only and each.name not in given.only:
        return True
    if each.needs is not None and not each.needs.exists():
        print(f"skipped: {each.name} is not installed ({each.needs.parent.parent.name})")
        return True
    if not each.heavy or given.everyone:
        return False
    return users > each.heavy or rate > 0 or (users == each.heavy and neglected == 1)


def one_account(given: argparse.Namespace) -> list[Round]:
    """By size and neglect, then with latency, then throttled."""
    done = [
        compared(users, neglected=share, latency=0, rate=0, given=given)
        for users in given.users
        for share in (FEW, 1.0)
    ]
    if 1000 in given.users:
        done.append(compared(1000, neglected=FEW, latency=40, rate=0, given=given))
    if 100 in given.users:
        done.append(compared(100, neglected=1.0, latency=0, rate=20, given=given))
    return done


def fleet_of(accounts: int, users: int, latency: int, repeats: int, *, peer: bool) -> Round:
    """Many accounts."""
    print(f"{accounts} accounts of {users} users", flush=True)
    return fleet.many_accounts(accounts, users, latency=latency, repeats=repeats, peer=peer)


def main() -> int:
    """The rounds that are asked for; results.md is written anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--rounds", nargs="*", choices=ROUNDS, default=ROUNDS)
    parser.add_argument("--only", nargs="*", help="names of contenders")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--everyone", action="store_true", help="slow peers at every size")
    parser.add_argument("--write", type=Path, help="where results.md goes; none by default")
    given = parser.parse_args()
    asked = given.rounds
    one = one_account(given) if "one" in asked else []
    many = fleet_of(100, 200, 40, REPEATS, peer=not given.only) if "many" in asked else None
    flat = (
        tuple(fleet_of(accounts, 20, 0, 1, peer=False) for accounts in (1, 10, 100, 1000))
        if "flat" in asked
        else ()
    )
    morrow = days.next_day(1000, 25) if "next" in asked else None
    day = days.whole_day(5000) if "day" in asked else None
    started = results.starts()
    kept = tuple(promised.promises(one, started, many, flat, morrow, day))
    told = (
        *(chapters.many_accounts(many) if many else ()),
        *(chapters.flat(flat) if flat else ()),
        *(chapters.next_day(morrow) if morrow else ()),
        *(chapters.whole_day(day) if day else ()),
    )
    text = results.page(one, started, promised.table(kept), told)
    print(text)
    if given.write:
        given.write.write_text(text)
        drawn = promised.bars(kept, results.PLOT) if kept else ""
        picture = results.plot(one, drawn, promised.height(kept))
        given.write.with_suffix(".svg").write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
