"""P18: the audit log shows every change, and any alteration of it.

alterations   the log of whole cases with every record removed, doubled, exchanged, altered in
              every field, cut off; segments removed, renamed, exchanged; a forged tail
records       every step that was written, every mail that was accepted and every change in
              IAM has its one record, in lives with a stop at each of their calls as well
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.proofs.figure import Figure, Mutant, Size
from tests.proofs.races import EFFECTS
from tests.scenario.people import aged, bystanders, no_mfa, old_password, spare
from tests.scenario.peril import Fate, Stopped
from tests.scenario.two_cases import DAYS
from tests.scenario.village import Silence, Village

from keyreeve.codec.journal import decode_step
from keyreeve.codec.seal import canonical, digest, parse
from keyreeve.codec.values import from_json
from keyreeve.model.case import AuditHead, Step, StepName
from keyreeve.model.effect import Effect, SendNotice
from keyreeve.model.identifiers import AccountId
from keyreeve.model.past import AuditedRecord
from keyreeve.model.policy import Enforcement, FinalAct, LadderDays
from keyreeve.pipeline import daily
from keyreeve.pipeline.people import find_person
from keyreeve.pipeline.resend import resend
from keyreeve.pipeline.workbench import Tools, Workbench
from keyreeve.storage import audit_check, audit_records
from keyreeve.storage.layout import AUDIT, OPERATIONS

Log = dict[str, bytes]
"""Segment's key → its content."""


def village_of_every_act() -> Village:
    acts = Enforcement(console_mfa=FinalAct.QUARANTINE)
    people = (aged(), old_password(), spare(), no_mfa())
    return Village(*people, *bystanders(8), enforcement=acts)


# --- alterations ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Altered:
    """The log after somebody was at it."""

    log: Log
    said: str
    names: tuple[str, ...] = ()
    """What the first complaint must name: the segment, the line."""


def log_of(village: Village) -> Log:
    return {row.key: village.store.get(row.key).content for row in village.store.list(AUDIT)}


def removed(log: Log) -> Iterator[Altered]:
    for key, number, lines in _lines(log):
        said = f"line {number + 1} of {key}"
        one = lines[number]
        yield Altered(_with(log, key, lines[:number] + lines[number + 1 :]), f"without {said}")
        yield Altered(
            _with(log, key, [*lines[: number + 1], one, *lines[number + 1 :]]), f"{said} twice"
        )
        if number:
            turned = [*lines]
            turned[number - 1 : number + 1] = one, lines[number - 1]
            names = (key, f"line {number}:")
            yield Altered(_with(log, key, turned), f"{said} before the one before it", names)


def rewritten(log: Log) -> Iterator[Altered]:
    """Each field of each record; with its digest as it was, and with a new one."""
    for key, number, lines in _lines(log):
        record = json.loads(lines[number])
        for path in _leaves(record):
            forged = json.loads(lines[number])
            _spoil(forged, path)
            said = f"{'/'.join(path)} in line {number + 1} of {key}"
            names = (key, f"line {number + 1}:")
            yield Altered(_with(log, key, _replaced(lines, number, forged)), said, names)
            if path != ("digest",):
                forged.pop("digest")
                forged["digest"] = digest(forged)
                yield Altered(
                    _with(log, key, _replaced(lines, number, forged)), f"{said}, new digest"
                )


def cut_off(log: Log) -> Iterator[Altered]:
    for key, content in log.items():
        for length in range(len(content)):
            yield Altered({**log, key: content[:length]}, f"{key} cut off at byte {length}")


def moved(log: Log) -> Iterator[Altered]:
    """Segments removed, renamed, exchanged."""
    keys = sorted(log)
    for key, after in zip(keys, [*keys[1:], keys[0]], strict=True):
        rest = {name: content for name, content in log.items() if name != key}
        yield Altered(rest, f"without {key}")
        folder, _, name = key.rpartition("/")
        day, _, run = folder.rpartition("/")
        others = (
            f"{day}/{run}x/{name}",
            f"{folder}/{int(name[:6]) + 1:06d}.jsonl",
            f"{folder}/{name}.bak",
            f"audit/2026/02/28/{run}/{name}",
        )
        yield from (Altered({**rest, other: log[key]}, f"{key} as {other}") for other in others)
        if after != key:
            yield Altered({**log, key: log[after], after: log[key]}, f"{key} and {after} exchanged")
            yield Altered({**log, key: log[after]}, f"{after} also as {key}")


def forged(log: Log) -> Iterator[Altered]:
    """One record altered, and everything after it chained anew: only the state can tell."""
    for key, number, lines in _lines(log):
        record = json.loads(lines[number])
        record["data"] = {**record["data"], "reason": "nothing happened"}
        yield Altered(_chained(log, key, number, record), f"from line {number + 1} of {key} on")


def _chained(log: Log, key: str, number: int, record: dict[str, Any]) -> Log:
    out, previous, begun = dict(log), "", False
    for name in sorted(log, key=lambda name: int(name.rpartition("/")[2][:6])):
        lines = log[name].splitlines(keepends=True)
        for index, line in enumerate(lines):
            mine = (name, index) == (key, number)
            if mine or begun:
                told = record if mine else {**json.loads(line), "previous": previous}
                told.pop("digest", None)
                previous = digest(told)
                lines[index] = canonical({**told, "digest": previous}) + b"\n"
                begun = True
        out[name] = b"".join(lines)
    return out


def _lines(log: Log) -> Iterator[tuple[str, int, list[bytes]]]:
    for key, content in log.items():
        lines = content.splitlines(keepends=True)
        yield from ((key, number, lines) for number in range(len(lines)))


def _with(log: Log, key: str, lines: list[bytes]) -> Log:
    return {**log, key: b"".join(lines)}


def _replaced(lines: list[bytes], number: int, record: dict[str, Any]) -> list[bytes]:
    return [*lines[:number], canonical(record) + b"\n", *lines[number + 1 :]]


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(node, dict) and node:
        for name, part in node.items():
            yield from _leaves(part, (*path, name))
    else:
        yield path


def _spoil(record: dict[str, Any], path: tuple[str, ...]) -> None:
    *way, last = path
    for name in way:
        record = record[name]
    value = record[last]
    match value:
        case bool() | None:
            record[last] = "x"
        case int():
            record[last] = value + 1
        case str():
            record[last] = f"{value[:-1]}{'1' if value[-1:] == '0' else '0'}"
        case _:
            record[last] = 0


def unseen(altered: Altered, head: AuditHead) -> str | None:
    """What was not found, or not named; None: it was."""
    store = MemoryStore()
    for key, content in altered.log.items():
        store.put(key, content)
    problems = audit_check.verify(store, head)
    if not problems:
        return f"{altered.said}: nobody noticed"
    if all(name in problems[0] for name in altered.names):
        return None
    return f"{altered.said}: the first complaint is {problems[0]!r}"


def alterations(size: Size, seed: int) -> Iterator[Figure]:
    """Every one that a hand could make."""
    rng = random.Random(seed)
    village = village_of_every_act()
    for day in DAYS:
        village.run(day)
    log, head = log_of(village), village.state.audit_head
    untouched = audit_check.verify(village.store, head)
    yield _figure("untouched logs", [untouched[0] if untouched else None])
    for what, every, ci in (
        ("records removed, doubled, exchanged", removed, 200),
        ("fields of records altered", rewritten, 400),
        ("truncations of segments", cut_off, 200),
        ("segments removed, renamed, exchanged", moved, 200),
        ("forged tails", forged, 60),
    ):
        tried = list(every(log))
        if size is Size.CI and len(tried) > ci:
            tried = rng.sample(tried, ci)
        yield _figure(what, (unseen(altered, head) for altered in tried))


# --- records --------------------------------------------------------------------------------------


@dataclass(slots=True)
class Effects:
    """What reached the account and the mailboxes: a fate that lets everything pass."""

    changes: list[tuple[str, str]] = field(default_factory=list)
    """Method, and the key or the user that it changed."""
    resets: int = 0


class Onlooker(Fate):
    """Counts effects; may end the process at a call."""

    def __init__(
        self, effects: Effects, stop_at: int | None = None, *, after: bool = False
    ) -> None:
        super().__init__(stop_at, after=after)
        self._effects = effects

    def call(self, name: str, work: Any, *args: Any, **more: Any) -> Any:
        method = name.partition(".")[2].partition(" ")[0]

        def seen(*args: Any, **more: Any) -> Any:
            answer = work(*args, **more)
            if method in EFFECTS and method != "send":
                made = answer.key_id if method == "create_access_key" else str(args[-1])
                self._effects.changes.append((method, made))
            return answer

        return super().call(name, seen, *args, **more)


def unmatched(village: Village, effects: Effects, stops: int) -> Iterator[str]:
    """Steps, mails and changes without their one record, and records without them."""
    records = list(audit_records.records(village.store))
    told = Counter(
        (r.data["operation_id"], r.data["attempt"], r.data["step"])
        for r in records
        if r.event.startswith("step.")
    )
    steps = [
        decode_step(village.store.get(row.key).content, where=row.key)
        for row in village.store.list(OPERATIONS)
    ]
    written = Counter((s.operation_id, s.attempt, s.name.value) for s in steps)
    for step in written - told:
        yield f"the step {step} has no record"
    for step, count in (told - written).items():
        yield f"the step {step} has {count} records too many"
    yield from _unmatched_mails(village, steps, stops)
    yield from _unmatched_changes(steps, effects, stops)
    runs = {r.run_id: r.data.get("caller") for r in records if r.event == "run.started"}
    named = {run for run, caller in runs.items() if caller}
    unnamed = {s.run_id for s in steps if s.run_id not in named and "by" not in s.data}
    yield from (f"nobody is named for {run}" for run in unnamed)


def _unmatched_mails(village: Village, steps: list[Step], stops: int) -> Iterator[str]:
    accepted = {f"{number:04d}@fake.invalid" for number in range(1, len(village.mailer.sent) + 1)}
    noted = Counter(str(s.data["message_id"]) for s in steps if "message_id" in s.data)
    if unknown := noted.keys() - accepted:
        yield f"records of mails that nobody sent: {sorted(unknown)}"
    twice = [message for message, count in noted.items() if count > 1]
    if twice:
        yield f"mails with two records: {twice}"
    lost = accepted - noted.keys()
    if len(lost) > stops:  # a mail accepted and the process gone: nobody can know
        yield f"mails without a record: {sorted(lost)}"


def _unmatched_changes(steps: list[Step], effects: Effects, stops: int) -> Iterator[str]:
    noted: Counter[tuple[str, str]] = Counter()
    for step in steps:
        match step.name:
            case StepName.CREATED if "new_key" in step.data:
                noted["create_access_key", str(step.data["new_key"])] += 1
            case StepName.DONE if step.data.get("key_id"):
                noted["set_access_key_active", str(step.data["key_id"])] += 1
            case StepName.DONE if step.data.get("group"):
                noted["add_to_group", str(step.data["group"])] += 1
            case StepName.ORPHANED:
                noted["create_access_key", str(step.data["key_id"])] += 1
                noted["set_access_key_active", str(step.data["key_id"])] += 1
                if step.data.get("deleted"):
                    noted["delete_access_key", str(step.data["key_id"])] += 1
            case StepName.CREATED:
                noted["reset_password", ""] += 1
            case _:
                pass
    happened = Counter(
        (method, "" if method == "reset_password" else what) for method, what in effects.changes
    )
    missing = happened - noted
    begun = Counter(s.name for s in steps)
    spare = stops if begun[StepName.INTENT] else 0
    resets = missing.pop(("reset_password", ""), 0)
    if resets > spare or missing:
        yield f"changes without a record: {dict(missing)}, resets {resets}"
    if surplus := noted - happened:
        yield f"records of what never happened: {dict(surplus)}"


def recorded(size: Size, seed: int) -> Figure:
    """Whole cases, undisturbed and with a stop at every call of the days on which much happens."""
    rng = random.Random(seed)
    tried = [_life(None, 0)]
    for day in (0, 7, 14, 15):
        fate = Fate()
        village = village_of_every_act()
        _live(village, Effects(), day - 1)
        village.run(day, fate=fate)
        stops = [(number, after) for number in range(len(fate.calls)) for after in (False, True)]
        chosen = stops if size is Size.FULL else rng.sample(stops, 9)
        tried += [_life(day, number, after=after) for number, after in chosen]
    fate = Fate()
    _send_again(_at_day_8(Effects()), fate)
    every = range(len(fate.calls))
    for number in every if size is Size.FULL else rng.sample(every, 8):
        tried += [_resent(number, after=after) for after in (False, True)]
    return _figure("lives of an account, their steps, mails and changes against the log", tried)


def _at_day_8(effects: Effects) -> Village:
    village = village_of_every_act()
    _live(village, effects, 7)
    village.clock.pass_(86_400)
    village.account.now = village.at(8)
    return village


def _send_again(village: Village, fate: Fate) -> None:
    account = village.wired(fate)
    person = find_person("aged.key", village.state, village.account)
    resend(account, person, village.at(8), Silence(), send=True)


def _resent(number: int, *, after: bool) -> str | None:
    """The private mail sent again by hand, which is stopped; then the days that follow."""
    effects = Effects()
    village = _at_day_8(effects)
    with suppress(Stopped):
        _send_again(village, Fate(number, after=after))
    _live(village, effects, DAYS[-1], 7)
    found = list(unmatched(village, effects, 1))
    found += audit_check.verify(village.store, village.state.audit_head)
    place = f"resend stopped {'after' if after else 'before'} call {number}"
    return f"{place}: {'; '.join(found)}" if found else None


def _live(village: Village, effects: Effects, last: int, first: int = -1) -> None:
    for day in DAYS:
        if first < day <= last:
            village.run(day, fate=Onlooker(effects))


def _life(stopped_on: int | None, number: int, *, after: bool = False) -> str | None:
    village, effects = village_of_every_act(), Effects()
    if stopped_on is not None:
        _live(village, effects, stopped_on - 1)
        try:
            village.run(stopped_on, fate=Onlooker(effects, number, after=after))
        except Stopped:
            village.run(stopped_on + 0.1, fate=Onlooker(effects))
    _live(village, effects, DAYS[-1], -1 if stopped_on is None else stopped_on)
    found = list(unmatched(village, effects, 0 if stopped_on is None else 1))
    found += audit_check.verify(village.store, village.state.audit_head)
    place = f"stopped on day {stopped_on} {'after' if after else 'before'} call {number}"
    return f"{place}: {'; '.join(found)}" if found else None


# --- the proof ------------------------------------------------------------------------------------


def prove(size: Size, seed: int) -> Iterator[Figure]:
    """Alterations, records."""
    yield from alterations(size, seed)
    yield recorded(size, seed)


def _figure(what: str, tried: Iterable[str | None]) -> Figure:
    found = list(tried)
    violations = tuple(text for text in found if text is not None)
    return Figure(promise="P18", what=what, tried=len(found), violations=violations)


# --- planted violations ---------------------------------------------------------------------------


@contextmanager
def _planted(target: Any, name: str, instead: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, instead)
        yield


def _believed(line: bytes) -> AuditedRecord:
    """A record whose digest nobody compares."""
    return from_json(AuditedRecord, parse(line))


def _unrecorded(recall: Callable[..., Any]) -> Callable[..., Any]:
    def forgetful(project: str, account: AccountId, tools: Tools, days: LadderDays) -> Any:
        audit = tools.audit
        kept = audit.append
        audit.append = lambda *_: None
        told = recall(project, account, tools, days)
        audit.append = kept
        return told

    return forgetful


def _silent(write: Callable[..., None]) -> Callable[..., None]:
    def silent(self: Workbench, effect: Effect, *step: Any) -> None:
        audit = self.tools.audit
        kept = audit.append
        audit.append = audit.append if isinstance(effect, SendNotice) else lambda *_: None
        write(self, effect, *step)
        audit.append = kept

    return silent


MUTANTS = (
    Mutant(
        promise="P18",
        name="the digest of a record is not compared",
        plant=partial(_planted, audit_records, "record_of", _believed),
    ),
    Mutant(
        promise="P18",
        name="what the state remembers is not compared",
        plant=partial(_planted, audit_check._Walk, "end", lambda _: None),
    ),
    Mutant(
        promise="P18",
        name="a step that a stop left unrecorded is not recovered",
        plant=partial(_planted, daily, "recall", _unrecorded(daily.recall)),
    ),
    Mutant(
        promise="P18",
        name="an act leaves no record",
        plant=partial(_planted, Workbench, "write", _silent(Workbench.write)),
    ),
)
