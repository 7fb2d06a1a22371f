"""Many accounts: Keyreeve's threads beside c7n-org's processes, and memory that stays flat."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.account import FEW, FIRST_ACCOUNT, Account, account
from benchmarks.answer import answer
from benchmarks.contenders import CONFIG, Contender, Wrong, found_by_c7n, once, ran
from benchmarks.measuring import ROOT, SCRIPTS, Cost, Served, serving
from benchmarks.results import Round, Row

Accounts = Sequence[Account]
ROLE = "role-0"
REGION = "us-east-1"
_C7N_ORG = ROOT / ".venv-c7n" / "bin" / "c7n-org"


def _role(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:role/{ROLE}"


def ids(served: Served) -> list[str]:
    """The accounts that a server has."""
    found: list[str] = served.control("stats")["accounts"]
    return found


# --- Keyreeve -----------------------------------------------------------------------------------


def _keyreeve(served: Served, home: Path) -> list[str]:
    rows = [f'  - {{id: "{each}", role_arn: "{_role(each)}"}}\n' for each in ids(served)]
    (home / "config.yaml").write_text(f"{CONFIG}accounts:\n{''.join(rows)}")
    keyreeve = Path(sys.executable).with_name("keyreeve")
    return [str(keyreeve), "--output", "json", "check", "--as-of", served.now.isoformat()]


def _of_keyreeve(told: str, _: Path, accounts: Accounts) -> str:
    rows = {row["account_id"]: row for row in json.loads(told)["accounts"]}
    if rows.keys() != {each.id for each in accounts}:
        raise Wrong(f"{len(rows)} accounts of {len(accounts)}")
    for each in accounts:
        row: dict[str, Any] = rows[each.id]
        found = row["users"], row["findings"], row["gaps"]
        known = len(each.users), len(answer(each)), 0
        if found != known:
            raise Wrong(f"{each.id}: users, findings, gaps are {known}, not {found}")
    return "users and findings of each account are the known ones"


# --- c7n-org ------------------------------------------------------------------------------------


def _c7n_org(served: Served, home: Path) -> list[str]:
    accounts = [
        {"account_id": each, "name": each, "role": _role(each), "regions": [REGION]}
        for each in ids(served)
    ]
    # YAML is given as JSON, which it holds.
    (home / "accounts.yaml").write_text(json.dumps({"accounts": accounts}))
    where = ["-s", str(home / "out"), "-u", str(SCRIPTS / "c7n.yaml"), "-r", REGION]
    return [str(_C7N_ORG), "run", "-c", str(home / "accounts.yaml"), *where]


def _of_c7n_org(_: str, home: Path, accounts: Accounts) -> str:
    for each in accounts:
        try:
            found_by_c7n(home / "out" / each.id / REGION, each)
        except Wrong as wrong:
            raise Wrong(f"{each.id}: {wrong}") from None
    return "equal in three checks, in each account"


KEYREEVE: Contender[Accounts] = Contender(name="Keyreeve", command=_keyreeve, check=_of_keyreeve)
NEXT_DAY = "Keyreeve, the next day"
C7N_ORG: Contender[Accounts] = Contender(
    name="c7n-org", command=_c7n_org, check=_of_c7n_org, heavy=1, needs=_C7N_ORG
)


# --- the round ---------------------------------------------------------------------------------


def many_accounts(accounts: int, users: int, *, latency: int, repeats: int, peer: bool) -> Round:
    """All accounts in one command; the peer once, for it is slow."""
    now = datetime.now(UTC).replace(microsecond=0)
    known = tuple(
        account(users, now, neglected=FEW, number=FIRST_ACCOUNT + n) for n in range(accounts)
    )
    peers = [C7N_ORG] * (peer and C7N_ORG.needs is not None and C7N_ORG.needs.exists())
    costs: dict[str, list[Cost]] = {}
    remarks: dict[str, str] = {}
    with serving(users, now, neglected=FEW, accounts=accounts) as served:
        served.control(f"set?latency={latency}")
        # The peer's minutes lie between our seconds: whatever else the machine does meets both.
        for each in (KEYREEVE, *peers, *[KEYREEVE] * (repeats - 1)):
            cost, remarks[each.name] = once(each, served, known)
            costs.setdefault(each.name, []).append(cost)
        if peers:  # whose days all cost the same
            costs[NEXT_DAY], remarks[NEXT_DAY] = _next_day(served, known, repeats)
    rest = f", {latency} ms an answer" if latency else ""
    return Round(
        title=f"{accounts:,} accounts × {users:,} users, {FEW:.0%} of users neglected{rest}",
        users=users,
        accounts=accounts,
        latency=latency,
        neglected=FEW,
        rate=0,
        rows=tuple(Row.of(name, found, remarks[name]) for name, found in costs.items()),
    )


def _next_day(served: Served, known: Accounts, repeats: int) -> tuple[list[Cost], str]:
    """Checks after a run, which leaves a state of each account."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        check = KEYREEVE.command(served, home)
        run = [check[0], "--quiet", "run", "--execute", "--as-of", served.now.isoformat()]
        ran("run", run, served, home)
        costs = [ran(NEXT_DAY, check, served, home) for _ in range(repeats)]
        return costs, KEYREEVE.check(costs[-1].told, home, known)
