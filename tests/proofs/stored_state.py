"""P12: what is stored is read whole or not at all, and never started empty.

damage      a real storage with one object cut off, with one bit flipped, or of a wrong shape:
            the run ends with exit 6, says where and what to do, and has changed nothing
absence     no state.json, while anything of earlier acts lies here or in the other layout
put back    every older version of state.json instead of the newest: the days that follow do
            and send the same as if nothing had happened
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.memory_store import MemoryStore
from tests.proofs.figure import Figure, Mutant, Size
from tests.scenario.people import ACCOUNT, MONDAY, aged, bystanders, no_mfa, old_password, spare
from tests.scenario.test_people_decide import ON, extension, hold, waiver
from tests.scenario.village import Village

from keyreeve.codec import journal, state
from keyreeve.codec.seal import FIELD, canonical, in_lines, member, parse, seal
from keyreeve.codec.state import decode_saved, encode
from keyreeve.codec.values import Json
from keyreeve.model.decisions import Pause
from keyreeve.model.errors import CannotStart, StateUnreadable
from keyreeve.model.identifiers import OperationId
from keyreeve.storage.journal import StoredJournal
from keyreeve.storage.layout import HOLDS, OPERATIONS, PAUSE, STATE, WAIVERS
from keyreeve.storage.lock import AccountLock
from keyreeve.storage.state_store import StoredState

GOLDEN = Path(__file__).parents[1] / "data" / "state"
EXIT = CannotStart.exit_code
LIVED = 8
"""Days of the village whose storage is damaged: new credentials were handed out on the last."""
INSTEAD: tuple[Json, ...] = (None, 0, 1.5, "", "x", True, [], {}, ["x"], {"x": 1})


class Remembering(MemoryStore):
    """Keeps every version of state.json, as a bucket does."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.versions: list[bytes] = []

    def _put(self, key: str, content: bytes, *told: Any, **more: Any) -> str:
        version = super()._put(key, content, *told, **more)
        if key == STATE:
            self.versions.append(content)
        return version


def lived(until: int) -> Village:
    """Cases of several controls, up to and with a day."""
    village = Village(aged(), old_password(), spare(), no_mfa(), *bystanders(8))
    village.store = Remembering(village.clock)
    village.decisions._store = village.store
    village.live(0, until)
    return village


@dataclass(frozen=True, slots=True)
class Damaged:
    """One object of the storage, and what lies there instead."""

    key: str
    content: bytes
    said: str
    """How it was made, to be replayed."""
    may_be_equal: bool = False
    """A harmless form of the same facts is possible: documents without a checksum."""


def wrong(village: Village, damaged: Damaged) -> str | None:
    """What the next run did wrong about it; None: it was refused and nothing was changed."""
    store = village.store
    good, before = store.get(damaged.key), dict(store._objects)
    harmless = damaged.may_be_equal and _as_good(good.content, damaged)
    puts, mails, keys = len(store.puts), len(village.mailer.sent), len(village.account.shut)
    store._objects[damaged.key] = replace(good, content=damaged.content)
    try:
        if damaged.key == "lock.json":
            AccountLock(store, clock=village.clock, holder="next").acquire()
        elif damaged.key.startswith(OPERATIONS):  # a run reads those that its state does not know
            village.wired().tools.journal.of(OperationId(damaged.key.split("/")[1]))
        else:
            village.run(LIVED + 1, execute=not damaged.may_be_equal)
    except StateUnreadable as error:
        told = _badly_told(error, damaged)
    except Exception as error:  # noqa: BLE001 - any other end is what the proof looks for
        told = f"it ended with {type(error).__name__}: {error}"
    else:
        told = None if harmless else "it was read"
    finally:
        wrote = store.puts[puts:]
        store._objects.clear()
        store._objects.update(before)
    done = len(village.mailer.sent) - mails + len(village.account.shut) - keys
    if told is None and not harmless and (wrote or done):
        told = f"something was changed: {wrote}"
    return f"{damaged.said} of {damaged.key}: {told}" if told else None


def _badly_told(error: StateUnreadable, damaged: Damaged) -> str | None:
    """Where, what, and what to do, and exit code 6."""
    if damaged.key not in error.where or not error.what or not error.remedy:
        return f"it was badly told: {error}"
    return None if error.exit_code == EXIT else f"exit code {error.exit_code}"


def _as_good(good: bytes, damaged: Damaged) -> bool:
    try:
        return parse(good) == parse(damaged.content)
    except ValueError:
        return False


# --- ways to damage -------------------------------------------------------------------------------


def cut(key: str, content: bytes, *, sealed: bool, at: Iterable[int]) -> Iterator[Damaged]:
    for length in at:
        yield Damaged(key, content[:length], f"cut off at byte {length}", may_be_equal=not sealed)


def flipped(key: str, content: bytes, bits: Iterable[int]) -> Iterator[Damaged]:
    for bit in bits:
        turned = bytearray(content)
        turned[bit // 8] ^= 1 << bit % 8
        yield Damaged(key, bytes(turned), f"bit {bit} flipped")


def misshapen(key: str, content: bytes) -> Iterator[Damaged]:
    """Each node of the JSON replaced, taken away, or joined by a strange one."""
    document = json.loads(content)
    for path in _paths(document):
        for change in (*INSTEAD, "deleted", "extra"):
            turned = json.loads(content)
            if _change(turned, path, change) and turned != document:
                text = canonical(turned)
                if isinstance(turned, dict):
                    text = in_lines({name: member(value) for name, value in turned.items()})
                yield Damaged(key, text, f"{'/'.join(map(str, path))} := {change!r}")


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(node, dict | list):
        parts = node.items() if isinstance(node, dict) else enumerate(node)
    for name, part in parts:
        yield from _paths(part, (*path, name))


def _change(document: Any, path: tuple[Any, ...], change: Json) -> bool:
    """Whether there was anything to change."""
    if not path:
        if change == "extra":
            document["surprise"] = 1
        return change == "extra"
    place = document
    for name in path[:-1]:
        place = place[name]
    if change == "deleted":
        del place[path[-1]]
    elif change == "extra":
        if not isinstance(place[path[-1]], dict):
            return False
        place[path[-1]]["surprise"] = 1
    else:
        place[path[-1]] = change
    return True


# --- the proof ------------------------------------------------------------------------------------


def prove(size: Size, seed: int) -> Iterator[Figure]:
    """Damage, absence, older versions, golden files."""
    yield from damages(size, seed)
    yield from absences(size, seed)
    yield from put_backs(size, seed)
    yield golden()


def damages(size: Size, seed: int) -> Iterator[Figure]:
    """One object at a time, in a storage that has been in use for days."""
    rng = random.Random(seed)
    village = decided(lived(LIVED))
    objects = {row.key: village.store.get(row.key).content for row in village.store.list("")}
    sealed = [STATE, *_one_of_each_step(objects)]
    plain = [HOLDS, WAIVERS, PAUSE, "lock.json"]
    few = partial(_sampled, rng, size)
    yield _figure(
        "truncations",
        (
            wrong(village, damaged)
            for key in (*sealed, *plain)
            for damaged in cut(
                key, objects[key], sealed=key in sealed, at=few(range(len(objects[key])), 60)
            )
        ),
    )
    yield _figure(
        "flipped bits",
        (
            wrong(village, damaged)
            for key in sealed
            for damaged in flipped(key, objects[key], few(range(len(objects[key]) * 8), 600))
        ),
    )
    yield _figure(
        "wrong shapes",
        (
            wrong(village, damaged)
            for key in sealed
            for damaged in few(list(misshapen(key, objects[key])), 150)
        ),
    )
    shapes = [each for key in plain[:-1] for each in misshapen(key, objects[key])]
    yield _figure("wrong shapes of what people may edit", map(edited, few(shapes, 300)))
    resealed = list(misshapen(STATE, objects[STATE]))
    yield _figure("wrong shapes with a right checksum", map(sealed_anew, few(resealed, 500)))


def decided(village: Village) -> Village:
    """With every file that people write, and a lock that was given back."""
    people = village.decisions
    people.add_hold(hold("spare", 9), today=ON)
    people.add_extension(extension("aged.key", 3))
    people.add_waiver(waiver("no.mfa", 99), today=ON)
    people.set_pause(Pause(reason="migration", since=MONDAY, by="msp"))
    lock = AccountLock(village.store, clock=village.clock, holder="yesterday's run", token="0" * 32)
    lock.acquire()
    lock.release()
    return village


def _one_of_each_step(objects: Mapping[str, bytes]) -> list[str]:
    kinds = {}
    for key in objects:
        if key.startswith(OPERATIONS):
            kinds.setdefault(key.rpartition("-")[2], key)
    return list(kinds.values())


def _sampled(rng: random.Random, size: Size, every: Any, ci: int) -> Iterable[Any]:
    return every if size is Size.FULL or len(every) <= ci else rng.sample(every, ci)


def _figure(what: str, tried: Iterable[str | None]) -> Figure:
    found = list(tried)
    violations = tuple(text for text in found if text is not None)
    return Figure(promise="P12", what=what, tried=len(found), violations=violations)


def edited(damaged: Damaged) -> str | None:
    """Files of people bear no checksum: refused, or read as exactly what stands there."""
    store = MemoryStore()
    store.put(damaged.key, damaged.content)
    village = Village()
    village.store = store
    people = village.wired().tools.people
    try:
        read = people.read()
    except StateUnreadable as error:
        told = _badly_told(error, damaged)
    except Exception as error:  # noqa: BLE001 - any other end is what the proof looks for
        told = f"it ended with {type(error).__name__}: {error}"
    else:
        document = json.loads(damaged.content)
        listed = (read.waivers, read.holds, read.extensions)
        count = sum(len(document.get(name, ())) for name in ("waivers", "holds", "extensions"))
        same = sum(map(len, listed)) == count and bool(read.pause) == bool(document.get("pause"))
        told = None if same else "it was read as something else"
    return f"{damaged.said} of {damaged.key}: {told}" if told else None


def sealed_anew(damaged: Damaged) -> str | None:
    """Whoever can write the checksum can write a state: then it is whole, or it is refused."""
    document = json.loads(damaged.content)
    document.pop("sha256", None)
    try:
        saved = decode_saved(seal(document), where=STATE)
    except StateUnreadable as error:
        told = _badly_told(error, damaged)
    except Exception as error:  # noqa: BLE001 - any other end is what the proof looks for
        told = f"it ended with {type(error).__name__}: {error}"
    else:
        again = encode(saved.state, saved_at=saved.saved_at, saved_by=saved.saved_by)
        told = None if decode_saved(again) == saved else "it does not survive being written"
    return f"{damaged.said}, sealed anew: {told}" if told else None


# --- absence --------------------------------------------------------------------------------------


def absences(*_: object) -> Iterator[Figure]:
    """The same at every size."""
    yield _figure("states that are another's, newer, or not there", strangers())


def strangers() -> Iterator[str | None]:
    """States that must not be taken for this project's own, nor their absence for a beginning."""
    village = lived(LIVED)
    good = village.store.get(STATE).content
    for field, value in (
        ("project", "Etv"),
        ("account_id", "999999999999"),
        ("schema_version", 2),
        ("schema_version", 0),
    ):
        document = parse(good) | {field: value}
        document.pop("sha256")
        yield wrong(village, Damaged(STATE, seal(document), f"{field} := {value}"))
    for folder in ("ops/", "credentials/", ""):
        yield _started_empty(village, folder)
    for kept in (STATE, "ops/", "credentials/"):
        yield _forgot_the_other_layout(village, kept)


def _started_empty(village: Village, folder: str) -> str | None:
    """Only where nothing was ever done does a missing state mean a first run."""
    left = MemoryStore(village.clock)
    for row in village.store.list(folder) if folder else ():
        left.put(row.key, village.store.get(row.key).content)
    return _load(left, refused=bool(folder), said=f"only {folder or 'nothing'} is left")


def _forgot_the_other_layout(village: Village, kept: str) -> str | None:
    sibling = MemoryStore(village.clock, "sibling")
    for row in village.store.list(kept):
        sibling.put(row.key, village.store.get(row.key).content)
    said = f"{kept} lies in the other layout"
    return _load(MemoryStore(village.clock), sibling, refused=True, said=said)


def _load(store: MemoryStore, *siblings: MemoryStore, refused: bool, said: str) -> str | None:
    puts = len(store.puts)
    states = StoredState(
        store, project="ETV", account_id=ACCOUNT, run_id="r", clock=store._clock, siblings=siblings
    )
    try:
        found = states.load()
    except StateUnreadable as error:
        told = _badly_told(error, Damaged(STATE, b"", "")) if refused else "it was refused"
    else:
        told = "it was started empty" if refused else None if found is None else "it was found"
    wrote = store.puts[puts:]
    return f"{said}: {told or wrote}" if told or wrote else None


# --- older versions -------------------------------------------------------------------------------


def put_backs(size: Size, seed: int) -> Iterator[Figure]:
    """What `state repair` puts back may be any version that the bucket still has."""
    rng = random.Random(seed)
    undisturbed = _deeds(lived(22))
    tried = []
    for day in (1, 4, 8, 12, 15) if size is Size.CI else range(21):
        count = len(lived(day).store.versions)
        every = range(count - 1)
        chosen = every if size is Size.FULL else rng.sample(every, min(3, len(every)))
        tried += [_went_on(day, version, undisturbed) for version in chosen]
    yield _figure("older versions of the state put back", tried)


def _went_on(day: int, version: int, undisturbed: Counter[Any]) -> str | None:
    village = lived(day)
    saved = village.store.versions[version]
    village.store.put(STATE, saved)
    village.live(day + 1, 22)
    found = _deeds(village)
    if found == undisturbed:
        return None
    more, less = found - undisturbed, undisturbed - found
    return f"version {version} put back after day {day}: more {dict(more)}, less {dict(less)}"


def _deeds(village: Village) -> Counter[Any]:
    """What was done and sent, and when."""
    mails = [(str(m.kind), *m.to, m.sent_at.date().isoformat()) for m in village.mailer.sent]
    people = village.account.people
    acts = [(kind, name, day) for name in people for day, kind in village.acts(name)]
    return Counter([*mails, *acts])


def golden() -> Figure:
    """States of every schema that was ever written are read, and written in today's."""
    tried = []
    for path in sorted(GOLDEN.glob("v*.json")):
        saved = decode_saved(path.read_bytes(), where=path.name)
        again = encode(saved.state, saved_at=saved.saved_at, saved_by=saved.saved_by)
        tried.append(None if decode_saved(again) == saved else f"{path.name} does not round-trip")
    return _figure("golden files", tried)


# --- planted violations ---------------------------------------------------------------------------


def _believed(content: bytes, parsed: dict[str, Json] | None = None) -> dict[str, Json]:
    document = parsed or parse(content)
    document.pop(FIELD, None)
    return document


@contextmanager
def _unchecked() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "unseal", _believed)
        patch.setattr(journal, "unseal", _believed)
        yield


@contextmanager
def _planted(target: Any, name: str, instead: Callable[..., Any]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, instead)
        yield


MUTANTS = (
    Mutant(promise="P12", name="the checksum is not verified", plant=_unchecked),
    Mutant(
        promise="P12",
        name="a missing state is taken for a first run",
        plant=partial(_planted, StoredState, "_refuse_remains", lambda *_: None),
    ),
    Mutant(
        promise="P12",
        name="the state of another project is believed",
        plant=partial(_planted, StoredState, "_refuse_foreign", lambda *_: None),
    ),
    Mutant(
        promise="P12",
        name="steps that are newer than the state are not read",
        plant=partial(_planted, StoredJournal, "since_saved", lambda *_: ()),
    ),
)
FOUND_BY: Mapping[str, Callable[[Size, int], Iterable[Figure]]] = {
    "the checksum is not verified": damages,
    "a missing state is taken for a first run": absences,
    "the state of another project is believed": absences,
    "steps that are newer than the state are not read": put_backs,
}
"""Planted violation → the part of the proof that must find it."""
