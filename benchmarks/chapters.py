"""Many accounts, the next day and a whole day, as parts of results.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.days import NextDay, WholeDay
from benchmarks.fleet import C7N_ORG, KEYREEVE
from benchmarks.results import Round, Row

# Writes to storage that spec and code allow for each folder, in words.
_ALLOWED = {
    "ops": "one for each accepted mail",
    "mails": "one for each mail: the copy that people look up",
    "state.json": "before the first act, after each group of 50 users, at the end",
    "audit": "a segment beside each state",
    "audit-end.json": "the claim of each segment",
    "lock.json": "taken, given back, renewed every 30 s",
    "collected": "the report as it was read",
    "runs": "the record of the run",
}


def many_accounts(each: Round) -> Iterator[str]:
    """Beside c7n-org."""
    yield f"## {each.title}"
    yield ""
    yield "| | wall s | CPU s | peak MB | calls | calls an account | MB read | found |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in each.rows:
        calls = sum(row.calls.values())
        yield (
            f"| {row.name} | {row.wall:.2f} | {row.cpu:.2f} | {row.peak:.0f} | {calls:,} | "
            f"{calls / each.accounts:.2f} | {row.received / 1e6:.1f} | {row.remark} |"
        )
    yield ""
    for row in each.rows:
        yield f"- {row.name}: {_calls(row)}"
    us, peer = each.row(KEYREEVE.name), each.row(C7N_ORG.name)
    if us and peer:
        yield ""
        yield _more_than_a_hundredth(us, peer)
    yield (
        "CPU of c7n-org is that of all its processes; its peak is that of the largest, ours that "
        "of the only one."
    )
    yield ""


def _more_than_a_hundredth(us: Row, peer: Row) -> str:
    ours, theirs = sum(us.calls.values()), sum(peer.calls.values())
    listed = us.calls.get("ListAccessKeys", 0)
    told = f"c7n-org makes {theirs / ours:.0f} times our calls. "
    over = ours - theirs / 100
    if over <= 0:
        return told
    return (
        f"{told}On the first day we make {over:.0f} more than a hundredth of its. "
        f"`ListAccessKeys`, which alone tells the ids of keys that are found, is {listed} of ours; "
        "on every other day the state knows them. The other calls are the same for each account."
    )


def flat(grown: Sequence[Round]) -> Iterator[str]:
    """Memory and cost against the number of accounts."""
    yield f"## Accounts of {grown[0].users} users, more and more of them"
    yield ""
    yield "| accounts | peak MB | wall s | CPU s | CPU ms an account | calls an account |"
    yield "|---|---|---|---|---|---|"
    for each in grown:
        row = each.rows[0]
        yield (
            f"| {each.accounts:,} | {row.peak:.0f} | {row.wall:.2f} | {row.cpu:.2f} | "
            f"{row.cpu * 1000 / each.accounts:.1f} | "
            f"{sum(row.calls.values()) / each.accounts:.2f} |"
        )
    yield ""


def next_day(each: NextDay) -> Iterator[str]:
    """Calls without a state and with one."""
    yield f"## The next day: {each.users:,} users, every user neglected, {each.replaced} keys new"
    yield ""
    yield "| | wall s | CPU s | calls | ListAccessKeys |"
    yield "|---|---|---|---|---|"
    for name, row in (("no state yet", each.first), ("the state of a run", each.row)):
        yield (
            f"| {name} | {row.wall:.2f} | {row.cpu:.2f} | {sum(row.calls.values()):,} | "
            f"{row.calls.get('ListAccessKeys', 0):,} |"
        )
    yield ""


def whole_day(day: WholeDay) -> Iterator[str]:
    """CPU of a mail by part, and what was written."""
    ms = 1000 / day.mails
    yield f"## A whole day: {day.users:,} users, {day.mails:,} first mails"
    yield ""
    yield (
        f"The run takes {day.cpu['run']:.2f} s of CPU, {day.cpu['collect']:.2f} s of it for "
        f"reading the account, {day.system:.2f} s in the kernel; {day.wall:.1f} s by the wall, for "
        f"every write is on the disk before the next. Peak {day.row.peak:.0f} MB. "
        "Storage and mail are directories."
    )
    yield ""
    yield "| CPU of a mail | ms | ÷ alone |"
    yield "|---|---|---|"
    for name, seconds in _parts(day):
        yield f"| {name} | {seconds * ms:.3f} | {seconds / day.alone:.2f} |"
    yield ""
    yield "| written to | objects | MB | for what |"
    yield "|---|---|---|---|"
    for folder, count in sorted(day.puts.items(), key=lambda pair: -pair[1]):
        megabytes = day.sizes[folder] / 1e6
        yield f"| {folder} | {count:,} | {megabytes:.1f} | {_ALLOWED.get(folder, '')} |"
    yield f"| all | {sum(day.puts.values()):,} | {sum(day.sizes.values()) / 1e6:.1f} | |"
    yield ""


def _parts(day: WholeDay) -> Iterator[tuple[str, float]]:
    cpu = day.cpu
    parts = {
        "rendering": cpu["render"],
        "the mailer: assembling, two files": cpu["mailer"],
        "its step below `ops/`": cpu["put ops"],
        "its copy below `mails/`": cpu["put mails"],
        "saving the state": cpu["state"],
        "the audit log": cpu["audit"],
        "judging and planning": cpu["judge"],
        "the record of the run": cpu["publish"],
    }
    yield "**rendering and assembling alone**", day.alone
    yield from parts.items()
    yield "composing, folding, the gates, and the rest", day.day - sum(parts.values())
    yield "**all**", day.day


def _calls(row: Row) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in row.calls.items())
