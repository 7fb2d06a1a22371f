"""What lies in the storage, and whether it is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyreeve.cli import opening, words
from keyreeve.codec.journal import decode_step
from keyreeve.codec.state import decode_saved
from keyreeve.codec.values import Json, to_json
from keyreeve.model.case import OperationKind, State, Step, StepName
from keyreeve.model.decisions import HumanDecisions
from keyreeve.model.errors import KeyreeveError, StateUnreadable
from keyreeve.pipeline.memory import recall
from keyreeve.storage import audit_check, audit_records, lock, told_files
from keyreeve.storage.decisions import StoredDecisions
from keyreeve.storage.layout import (
    AUDIT_END,
    AUDIT_INBOX,
    CREDENTIALS,
    FEEDBACK,
    OPERATIONS,
    STATE,
    step_key,
)
from keyreeve.storage.set_aside import unreadable
from keyreeve.wiring import heard_at

if TYPE_CHECKING:
    from keyreeve.ports import ObjectStore
    from keyreeve.wiring import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`state show`, for people and programs."""

    lines: tuple[tuple[str, str], ...]
    document: dict[str, Json]


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of the storage after its examination."""

    name: str
    unit: str
    count: int = 0
    problems: list[str] = field(default_factory=list)


def overview(door: Door) -> Overview:
    """The state as it truly stands, newer steps included. StateUnreadable if it is not whole."""
    account = opening.wired(door)
    state, _ = recall(account.project, account.account_id, account.tools, account.policy.days)
    holder = lock.current(door.store)
    held_by = holder if holder and not holder.released else None
    where = door.store.describe()
    written = to_json(state)
    fields = written if isinstance(written, dict) else {}
    return Overview(
        lines=(
            ("Storage", where),
            *_about_state(state),
            *_about_people(account.tools.people.read()),
            ("Lock", f"{held_by.holder} until {held_by.until:%H:%M:%S} UTC" if held_by else "free"),
        ),
        document={
            "schema": "keyreeve.state/1",
            "storage": where,
            "lock": held_by.holder if held_by else None,
            **fields,
        },
    )


def _about_state(state: State) -> Iterator[tuple[str, str]]:
    last, head = state.last_run, state.audit_head
    stages = Counter(r.stage for case in state.users.values() for r in case.findings.values())
    told = " · ".join(f"{number} {words.plain(stage)}" for stage, number in stages.items())
    yield "Project", f"{state.project}, account {state.account_id}, schema {state.schema_version}"
    yield "Last run", f"{last.run_id} for {last.on}, exit {last.exit_code}" if last else "none yet"
    yield "Cases", f"{len(state.users)}: {told}" if told else str(len(state.users))
    yield "Keys known", str(len(state.keys))
    yield "Audit log", words.count(head.sequence, "record") if head else "empty"


def _about_people(people: HumanDecisions) -> Iterator[tuple[str, str]]:
    counts = (
        words.count(len(people.waivers), "waiver"),
        words.count(len(people.holds), "hold"),
        words.count(len(people.extensions), "extension"),
    )
    pause = people.pause
    yield "Decisions", ", ".join(counts)
    yield "Paused", f"since {pause.since:%Y-%m-%d %H:%M} UTC: {pause.reason}" if pause else "no"
    if people.armed is not None:
        yield "Armed", f"since {people.armed.since:%Y-%m-%d %H:%M} UTC by {people.armed.by}"


def examine(door: Door) -> list[Part]:
    """Read everything; what is wrong is named, and nothing is mended."""
    state_part, state = _state(door)
    steps_part, steps = _steps(door.store)
    audit_part, walked = _audit(door.store, state)
    return [
        state_part,
        steps_part,
        _escrow(door.store, steps),
        _decisions(door.store),
        _inbox(heard_at(door), "feedback", FEEDBACK),
        _inbox(door.store, "inbox", AUDIT_INBOX),
        _inbox(door.store, "chain end", AUDIT_END),
        audit_part,
        _documents(door.store, walked),
    ]


def _state(door: Door) -> tuple[Part, State | None]:
    part = Part(name="state", unit="object")
    found = door.store.get(STATE)
    if found is None:
        remains = [f for f in (OPERATIONS, CREDENTIALS) if any(True for _ in door.store.list(f))]
        if remains:
            part.problems.append(f"{STATE} is missing, and yet objects lie under {remains[0]}")
        return part, None
    part.count = 1
    try:
        state = decode_saved(found.content, where=STATE).state
    except StateUnreadable as error:
        part.problems.append(f"{error.where}: {error.what}")
        return part, None
    if state.account_id != door.caller.account_id:
        part.problems.append(f"{STATE}: it belongs to account {state.account_id}")
    if state.project != door.config.project_name:
        part.problems.append(f"{STATE}: it belongs to project {state.project!r}")
    return part, state


def _steps(store: ObjectStore) -> tuple[Part, list[Step]]:
    part, steps = Part(name="steps", unit="object"), []
    for row in store.list(OPERATIONS):
        part.count += 1
        found = store.get(row.key)
        try:
            step = decode_step(found.content if found else b"", where=row.key)
        except StateUnreadable as error:
            part.problems.append(f"{error.where}: {error.what}")
            continue
        if step_key(step) != row.key:
            part.problems.append(f"{row.key}: it holds {step_key(step)}")
        steps.append(step)
    return part, steps


def _escrow(store: ObjectStore, steps: list[Step]) -> Part:
    """Every credential made has its object, or was purged; objects are listed, never read."""
    part = Part(name="escrow", unit="object")
    lying = {row.key: row.size for row in store.list(CREDENTIALS)}
    part.count = len(lying)
    part.problems += [f"{key}: it is empty" for key, size in lying.items() if size == 0]
    purged = {step.data.get("escrow") for step in steps if step.kind is OperationKind.PURGE}
    for step in steps:
        key = step.data.get("escrow")
        gone = key is not None and str(key) not in lying and key not in purged
        if step.name is StepName.CREATED and gone:
            part.problems.append(f"{key}: missing, though {step_key(step)} says it was written")
    return part


def _decisions(store: ObjectStore) -> Part:
    part = Part(name="decisions", unit="decision")
    try:
        people = StoredDecisions(store).read()
    except StateUnreadable as error:
        part.problems.append(f"{error.where}: {error.what}")
        return part
    part.count = len(people.waivers) + len(people.holds) + len(people.extensions)
    return part


def _inbox(store: ObjectStore, name: str, folder: str) -> Part:
    """What others have written: one object that cannot be read stops every run."""
    part = Part(name=name, unit="object")
    part.count = sum(1 for _ in store.list(folder))
    part.problems += [
        f"{bad.key}: {bad.reason}: it stops every run; `keyreeve state repair` sets it aside"
        for bad in unreadable(store, folder)
    ]
    return part


def _audit(store: ObjectStore, state: State | None) -> tuple[Part, audit_check.Walked]:
    """The part, and what the log tells of files."""
    part = Part(name="audit log", unit="record")
    walked = audit_check.walk(store, state.audit_head if state else None)
    part.problems += walked.problems
    part.count = _counted(lambda: audit_records.records(store))
    return part, walked


def _documents(store: ObjectStore, walked: audit_check.Walked) -> Part:
    """Records of runs and results of reviews, each against what the audit log tells of it."""
    part = Part(name="documents", unit="file")
    keys = told_files.lying(store, walked.kept)
    part.count = len(keys)
    part.problems += told_files.replaced(store, keys, walked.kept)
    part.problems += told_files.missing(keys, walked)
    return part


def _counted(read: Callable[[], Iterator[object]]) -> int:
    """How many could be read, up to the first that could not."""
    count = 0
    try:
        for _ in read():
            count += 1
    except (ValueError, KeyreeveError):
        pass
    return count
