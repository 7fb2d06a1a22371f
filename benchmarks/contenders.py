"""Who is compared: how each is started, and how each says whom it found.

Where a check means the same as one of Keyreeve's, its users must be the known ones.  Where a peer
is wrong by design, its users are counted against the known ones and the difference is told.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from benchmarks.account import Account
from benchmarks.answer import answer, users_with
from benchmarks.measuring import ROOT, SCRIPTS, Cost, Served, measured

Known = TypeVar("Known")
"""The account that is asked about, or several."""
Found = Mapping[str, frozenset[str]]
"""Users by check."""
CONFIG = """\
project_name: Bench
storage: {directory: store, unencrypted_ok: true}
mail:
  {sender: iam@example.com, cc: [msp-team@example.com], transport: directory, directory: mails,
   days: [mon, tue, wed, thu, fri, sat, sun]}
"""
"""Mails go out whatever day it is measured on."""


class Wrong(AssertionError):
    """Somebody found something else than there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender(Generic[Known]):
    """One row of the tables."""

    name: str
    command: Callable[[Served, Path], list[str]]
    """Run in an empty directory."""
    check: Callable[[str, Path, Known], str]
    """Given what was printed, the directory and what is known: a remark; Wrong."""
    exits: tuple[int, ...] = (0,)
    heavy: int = 0
    """Left out above so many users unless asked for; 0: never."""
    needs: Path | None = None
    """What must be there, else it is skipped by name."""


def once(each: Contender[Known], served: Served, known: Known) -> tuple[Cost, str]:
    """One run in an empty folder: its cost, and a remark about what it found. Or SystemExit."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        cost = ran(each.name, each.command(served, home), served, home, each.exits)
        try:
            return cost, each.check(cost.told, home, known)
        except Wrong as wrong:
            raise SystemExit(f"{each.name}: {wrong}") from None


def ran(
    name: str, command: list[str], served: Served, home: Path, exits: tuple[int, ...] = (0,)
) -> Cost:
    """One process. SystemExit with its words if it ends as it should not."""
    cost = measured(command, served, home)
    if cost.exit_code not in exits:
        raise SystemExit(f"{name} ended with {cost.exit_code}: {cost.told[-2000:]}")
    print(f"{name}: {cost.wall:.2f} s wall, {cost.cpu:.2f} s CPU", flush=True)
    return cost


def _python(script: str) -> Callable[[Served, Path], list[str]]:
    return lambda *_: [sys.executable, str(SCRIPTS / script)]


def _rows(told: str) -> frozenset[tuple[object, ...]]:
    return frozenset(tuple(row) for row in json.loads(told)["findings"])


def _by_slots(told: str, _: Path, account: Account) -> str:
    if _rows(told) != answer(account, ids=False):
        raise Wrong("not the known findings")
    return "equal to the known answer; keys by slot"


def _by_calls(told: str, _: Path, account: Account) -> str:
    known = {row for row in answer(account) if row[0] not in ("password_age", "user_inactive")}
    if _rows(told) != known:
        raise Wrong("not the known findings")
    return "equal in four checks; the API tells no password age"


def _keyreeve(served: Served, home: Path) -> list[str]:
    (home / "config.yaml").write_text(CONFIG)
    keyreeve = Path(sys.executable).with_name("keyreeve")
    return [str(keyreeve), "--output", "json", "check", "--as-of", served.now.isoformat()]


def _of_keyreeve(told: str, _: Path, account: Account) -> str:
    document = json.loads(told)
    if document["gaps"]:
        raise Wrong(f"gaps: {document['gaps'][:3]}")
    names = ("control", "user_name", "resource_id", "observed")
    found = frozenset(tuple(row[name] for name in names) for row in document["findings"])
    if found != answer(account):
        raise Wrong(f"{len(found ^ answer(account))} findings differ")
    return "equal to the known answer"


# --- Cloud Custodian ------------------------------------------------------------------------------

_C7N = ROOT / ".venv-c7n" / "bin" / "custodian"
_SAME_IN_C7N = {
    "password-age": "password_age",
    "console-no-mfa": "console_mfa",
    "inline": "inline_policies",
}
_OTHER_IN_C7N = {
    "key-age": "access_key_rotation",
    "key2-unused": "access_key_stale",
    "inactive": "user_inactive",
}


def _c7n(_: Served, home: Path) -> list[str]:
    policies = str(SCRIPTS / "c7n.yaml")
    return [str(_C7N), "run", "-s", str(home / "out"), "--region", "us-east-1", policies]


def _of_c7n(_: str, home: Path, account: Account) -> str:
    return found_by_c7n(home / "out", account)


def found_by_c7n(out: Path, account: Account) -> str:
    """The remark about what Cloud Custodian has left in `out`; Wrong."""

    def users(policy: str) -> frozenset[str]:
        rows = json.loads((out / policy / "resources.json").read_text())
        return frozenset(row["UserName"] for row in rows)

    for policy, control in _SAME_IN_C7N.items():
        if users(policy) != users_with(account, control):
            raise Wrong(f"{policy} is not {control}")
    return "equal in three checks; " + _differences(
        {p: (users(p), users_with(account, c)) for p, c in _OTHER_IN_C7N.items()}
    )


# --- Prowler --------------------------------------------------------------------------------------

_PROWLER = ROOT / ".venv-prowler" / "bin" / "prowler"
_CHECKS = (
    "iam_rotate_access_key_90_days",
    "iam_user_accesskey_unused",
    "iam_user_console_access_unused",
    "iam_user_mfa_enabled_console_access",
    "iam_policy_attached_only_to_group_or_roles",
    "iam_user_two_active_access_key",
)


def _prowler(_: Served, home: Path) -> list[str]:
    where = ["--region", "us-east-1", "-o", str(home / "out"), "-F", "found", "-M", "json-ocsf"]
    return [str(_PROWLER), "aws", *where, "--no-banner", "-z", "--checks", *_CHECKS]


def _of_prowler(_: str, home: Path, account: Account) -> str:
    failed: dict[str, set[str]] = {}
    for row in json.loads((home / "out" / "found.ocsf.json").read_text()):
        if row["status_code"] == "FAIL":
            name = row["metadata"]["event_code"]
            failed.setdefault(name, set()).add(row["resources"][0]["name"])
    without = frozenset(failed.get("iam_user_mfa_enabled_console_access", ()))
    if without != users_with(account, "console_mfa"):
        raise Wrong("iam_user_mfa_enabled_console_access is not console_mfa")
    granted = frozenset(u.name for u in account.users if u.inline or u.attached)
    direct = {
        user.name
        for user in account.users
        if {f"user/{user.name}", user.name} & failed.get(_CHECKS[4], set())
    }
    if direct and direct != granted:
        raise Wrong("iam_policy_attached_only_to_group_or_roles misses users")
    return "equal in MFA; its other checks have thresholds of their own"


def _differences(pairs: Mapping[str, tuple[frozenset[str], frozenset[str]]]) -> str:
    """What a peer says of users of whom it is not true, and whom it misses."""
    told = [
        f"{name}: {len(found - known)} too many, {len(known - found)} missed"
        for name, (found, known) in pairs.items()
        if found != known
    ]
    return "; ".join(told) or "the others equal too"


KEYREEVE = Contender(name="Keyreeve", command=_keyreeve, check=_of_keyreeve)
LEAN = Contender(name="lean boto3 script", command=_python("lean_boto3.py"), check=_by_slots)
FLOOR = Contender(name="floor", command=_python("floor.py"), check=_by_slots)
LOOP = Contender(name="per-user loop", command=_python("per_user.py"), check=_by_calls, heavy=5000)
CUSTODIAN = Contender(name="Cloud Custodian", command=_c7n, check=_of_c7n, heavy=5000, needs=_C7N)
PROWLER = Contender(
    name="Prowler", command=_prowler, check=_of_prowler, exits=(0, 3), heavy=5000, needs=_PROWLER
)
ALL = (KEYREEVE, LEAN, FLOOR, LOOP, CUSTODIAN, PROWLER)
