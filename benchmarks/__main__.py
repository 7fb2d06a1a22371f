"""`python -m benchmarks [--users 100 1000 5000] [--latency 40] [--everyone]`: see results.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import contenders, results
from benchmarks.account import account
from benchmarks.contenders import Contender
from benchmarks.measuring import Cost, Served, measured, serving
from benchmarks.results import Round, Row

REPEATS = {100: 5, 1000: 3, 5000: 3}
FEW = 0.01
"""Share of neglected users in an account that is looked after."""


def compared(
    users: int, *, neglected: float, latency: int, rate: int, given: argparse.Namespace
) -> Round:
    """Everybody in turn on one server, as often as the size allows; medians."""
    now = datetime.now(UTC).replace(microsecond=0)
    known = account(users, now, neglected=neglected)
    title = results.titled(users, neglected, latency, rate)
    rows: dict[str, list[Cost]] = {}
    remarks: dict[str, str] = {}
    with serving(users, now, neglected=neglected) as served:
        for number in range(given.repeats or REPEATS.get(users, 1)):
            for each in contenders.ALL:
                if _left_out(each, users, rate, given) or (each.heavy and number):
                    continue
                served.control(f"set?latency={latency}&rate={rate}")
                cost, remark = _once(each, served, known)
                rows.setdefault(each.name, []).append(cost)
                remarks[each.name] = remark
                print(
                    f"{title}: {each.name}: {cost.wall:.2f} s wall, {cost.cpu:.2f} s CPU",
                    flush=True,
                )
    return Round(
        title=title,
        users=users,
        latency=latency,
        neglected=neglected,
        rate=rate,
        rows=tuple(Row.of(name, costs, remarks[name]) for name, costs in rows.items()),
    )


def _left_out(each: Contender, users: int, rate: int, given: argparse.Namespace) -> bool:
    if given.only and each.name not in given.only:
        return True
    if each.needs is not None and not each.needs.exists():
        print(f"skipped: {each.name} is not installed ({each.needs.parent.parent.name})")
        return True
    if not each.heavy or given.everyone:
        return False
    return users > each.heavy or rate > 0


def _once(each: Contender, served: Served, known: object) -> tuple[Cost, str]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cost = measured(each.command(served, home), served, home)
        if cost.exit_code not in each.exits:
            raise SystemExit(f"{each.name} ended with {cost.exit_code}: {cost.told[-2000:]}")
        try:
            return cost, each.check(cost.told, home, known)
        except contenders.Wrong as wrong:
            raise SystemExit(f"{each.name}: {wrong}") from None


def main() -> int:
    """All rounds; results.md is written anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--only", nargs="*", help="names of contenders")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--everyone", action="store_true", help="slow peers at every size")
    parser.add_argument("--write", type=Path, help="where results.md goes; none by default")
    given = parser.parse_args()
    rounds = [
        compared(users, neglected=share, latency=0, rate=0, given=given)
        for users in given.users
        for share in (FEW, 1.0)
    ]
    if 1000 in given.users:
        rounds.append(compared(1000, neglected=FEW, latency=40, rate=0, given=given))
    if 100 in given.users:
        rounds.append(compared(100, neglected=FEW, latency=0, rate=20, given=given))
    started = results.starts()
    text = results.page(rounds, started)
    print(text)
    if given.write:
        given.write.write_text(text)
        given.write.with_suffix(".svg").write_text(results.plot(rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
