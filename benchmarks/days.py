"""The next day, and a whole day: what one account costs once its state is known, or made."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.account import Account, account, renewed
from benchmarks.contenders import CONFIG, KEYREEVE, ran
from benchmarks.measuring import ROOT, serving
from benchmarks.results import Row

SOME = 0.4
"""Where three users of ten are to hear of something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDay:
    """A check over an account whose state is known, some keys of it replaced since."""

    users: int
    replaced: int
    first: Row
    """Without a state."""
    row: Row

    @property
    def listed(self) -> int:
        """Calls for key ids."""
        return self.row.calls.get("ListAccessKeys", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeDay:
    """One day of one account, every case new. CPU in seconds, of the whole day."""

    users: int
    row: Row
    """Of the process, the mails made again alone included."""
    wall: float
    """Of the run alone."""
    system: float
    """CPU that the kernel took for it: files, above all."""
    mails: int
    cpu: Mapping[str, float]
    alone: float
    """Rendering and assembling all mails, nothing else."""
    puts: Mapping[str, int]
    sizes: Mapping[str, int]

    @property
    def day(self) -> float:
        """Planning, state, mails, audit log: the run without reading the account."""
        return self.cpu["run"] - self.cpu["collect"]


# --- the next day -------------------------------------------------------------------------------


def next_day(users: int, replaced: int) -> NextDay:
    """A run leaves the state; then so many keys are replaced, and `check` looks again.

    The replaced keys are found by their age as those before were, so each slot is asked about.
    """
    now = _now()
    before = account(users, now, neglected=1.0)
    after = renewed(before, replaced)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with serving(users, now, neglected=1.0) as served:
            check = KEYREEVE.command(served, home)
            first = ran("first check", check, served, home)
            run = [check[0], "--quiet", "run", "--execute", "--as-of", now.isoformat()]
            ran("run", run, served, home)
        with serving(users, now, neglected=1.0, keys_anew=replaced) as served:
            cost = ran("check of the next day", check, served, home)
    return NextDay(
        users=users,
        replaced=changed_slots(before, after),
        first=Row.of("first check", [first], KEYREEVE.check(first.told, home, before)),
        row=Row.of("the next day", [cost], KEYREEVE.check(cost.told, home, after)),
    )


def changed_slots(before: Account, after: Account) -> int:
    """Keys of the one that the other lacks."""
    old, new = ({key.id for user in each.users for key in user.keys} for each in (before, after))
    return len(new - old)


# --- a whole day --------------------------------------------------------------------------------


def whole_day(users: int, neglected: float = SOME) -> WholeDay:
    """See `benchmarks.whole_day`."""
    now = _now()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(users, now, neglected=neglected) as served,
    ):
        home = Path(folder)
        # All are written to on the first day.
        (home / "config.yaml").write_text(f"{CONFIG}limits: {{disruptive_share: 0.5}}\n")
        script = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from benchmarks import whole_day"
        cost = ran(
            "a whole day", [sys.executable, "-c", f"{script}; whole_day.main()"], served, home
        )
        told = json.loads(cost.told)
        if told["exit_code"] or told["not_done"]:
            raise SystemExit(f"a whole day: exit {told['exit_code']}, {told['not_done']}")
        mails = len(list((home / "mails").glob("*.eml")))
        if mails != told["mails"]:
            raise SystemExit(f"a whole day: {mails} mails lie there, {told['mails']} were sent")
    return WholeDay(
        users=users,
        row=Row.of("Keyreeve", [cost], ""),
        wall=told["wall"],
        system=told["system"],
        mails=mails,
        cpu=told["cpu"],
        alone=told["alone"],
        puts=told["puts"],
        sizes=told["bytes"],
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
