"""P18, taken away: every alteration of an evidence pack is found, and named.

bytes      any byte of the zip changed, the zip cut off at any length
files      each file altered, removed, renamed, doubled, put elsewhere; files added
lines      each line of the audit log altered, removed, doubled, turned round, forged, with a
           manifest that was made to agree: the chain alone tells
logs       cut off at the beginning, put on another day, decisions forged, with such a manifest
documents  a record of a run, a credential report, a mail, a result of a review replaced by one that
           is whole and sealed; a record or a report deleted; in the storage before the export: the
           audit log alone tells
whole      a pack made up consistently: found by the manifest's sum, and by that alone
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from itertools import pairwise
from typing import Any

import pytest
from tests.proofs.audit_chain import village_of_every_act
from tests.proofs.figure import Figure, Mutant, Size
from tests.scenario.people import ACCOUNT

from keyreeve.codec import verify_pack
from keyreeve.codec.seal import canonical, content_digest, digest, readable, seal
from keyreeve.codec.verify_pack import (
    AFTER,
    BEFORE,
    FILED,
    HEAD,
    HISTORY,
    MANIFEST,
    SEGMENT,
    SUM,
    packed,
    sum_line,
)
from keyreeve.controls.catalogue import CARDS
from keyreeve.model.evidence import Pack, PackSubject, Period
from keyreeve.pipeline.evidence import Surroundings, make_pack
from keyreeve.storage.evidence import StoredEvidence

PERIOD = Period(first=date(2026, 1, 8), last=date(2026, 1, 15))
"""In the middle of the story: there are records before it and behind it."""
DAYS = (0, 3, 7, 10, 11)

Files = dict[str, bytes]


@cache
def story() -> Any:
    """A storage in which everything happened once."""
    village = village_of_every_act()
    for day in DAYS:
        village.run(day)
    return village.store


def pack_of(store: Any, *, mask: bool = False) -> Pack:
    """As the verb makes it, without configuration and policies."""
    subject = PackSubject(project="ETV", account_id=ACCOUNT, period=PERIOD, version="0")
    around = Surroundings(files={}, cards=CARDS.values(), supports={}, mapping_version="none")
    return make_pack(StoredEvidence(store), subject, around, date(2026, 2, 1), mask=mask)


def files_of(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


@dataclass(frozen=True, slots=True)
class Altered:
    """A pack after somebody was at it."""

    content: bytes
    said: str
    names: tuple[str, ...] = ()
    """What the first complaint must name."""


def unseen(altered: Altered) -> str | None:
    """What was not found, or not named; None: it was."""
    problems = verify_pack.problems(altered.content)
    if not problems:
        return f"{altered.said}: nobody noticed"
    if all(name in problems[0] for name in altered.names):
        return None
    return f"{altered.said}: the first complaint is {problems[0]!r}"


# --- bytes ----------------------------------------------------------------------------------------


def flipped(content: bytes, at: int) -> Altered:
    changed = bytearray(content)
    changed[at] ^= 1
    return Altered(bytes(changed), f"byte {at} changed")


def cut(content: bytes, length: int) -> Altered:
    return Altered(content[:length], f"cut off at byte {length}")


# --- files ----------------------------------------------------------------------------------------


def files_altered(files: Files) -> Iterator[Altered]:
    names = list(files)
    for name in names:
        rest = {other: content for other, content in files.items() if other != name}
        content = files[name]
        named = (name,) if name not in (SUM, MANIFEST) else (MANIFEST,)
        if name != MANIFEST:
            longer = {**files, name: content + b"\n"}
            yield Altered(packed(longer), f"{name} with a line more", named)
        if len(content) > 1 and name != MANIFEST:
            middle = len(content) // 2
            other = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            yield Altered(packed({**files, name: other}), f"{name} with a byte altered", named)
            yield Altered(packed({**files, name: content[:-1]}), f"{name} shortened", named)
        yield Altered(packed(rest), f"without {name}", (name,))
        moved = {f"{each}x" if each == name else each: files[each] for each in names}
        yield Altered(packed(moved), f"{name} renamed", (name,))
    for name in ("zzz.txt", "audit/extra.jsonl", "runs/x/run.json", "manifest.sig"):
        yield Altered(packed({**files, name: b"{}\n"}), f"{name} added", (name,))
    for name in ("../up", "/root", "a//b", "mails/../../x"):
        yield Altered(packed({**files, name: b""}), f"{name} added", (repr(name),))
    yield Altered(packed(dict(reversed(files.items()))), "all files turned round")
    for one, two in pairwise(names):
        order = [two if n == one else one if n == two else n for n in names]
        yield Altered(packed({n: files[n] for n in order}), f"{one} and {two} turned round")
    yield Altered(_twice(files, names[-1]), f"{names[-1]} twice", (names[-1], "twice"))


def _twice(files: Files, name: str) -> bytes:
    """The same name once more: `packed` takes a mapping, so one is renamed in the finished zip."""
    spare = name[:-1] + chr(ord(name[-1]) + 1)
    return packed({**files, spare: files[name]}).replace(spare.encode(), name.encode())


# --- lines ----------------------------------------------------------------------------------------


def agreeing(files: Files) -> Files:
    """With a manifest that tells of these files: what a forger without the chain would do."""
    manifest = json.loads(files[MANIFEST])
    manifest["files"] = {
        name: {"bytes": len(content), "sha256": content_digest(content)}
        for name, content in files.items()
        if name not in HEAD
    }
    segments = sorted(n for n in files if SEGMENT.fullmatch(n))
    lines = [line for n in segments for line in files[n].splitlines()]
    ends = [_place(line) for line in (lines[:1] + lines[-1:])]
    manifest["audit"] |= {"records": len(lines), "first": ends[0], "last": ends[-1]}
    written = readable(manifest)
    return {**files, MANIFEST: written, SUM: sum_line(written)}


def _place(line: bytes) -> Any:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return {"seq": record.get("seq"), "digest": record.get("digest")}


def lines_altered(files: Files) -> Iterator[Altered]:
    for name in files:
        if not SEGMENT.fullmatch(name) and name not in (BEFORE, AFTER):
            continue
        lines = files[name].splitlines(keepends=True)
        for number, line in enumerate(lines):
            for said, changed, named in _changes(lines, number, line):
                forged = agreeing({**files, name: b"".join(changed)})
                where = (name, f"line {number + 1}:") if named else ()
                yield Altered(packed(forged), f"{name} line {number + 1} {said}", where)


def _changes(lines: list[bytes], number: int, line: bytes) -> Iterator[tuple[str, Any, bool]]:
    before, after = lines[:number], lines[number + 1 :]
    record = json.loads(line)
    other = {**record, "event": f"{record['event']}x"}
    yield "altered", [*before, canonical(other) + b"\n", *after], True
    yield "in another form", [*before, json.dumps(record).encode() + b"\n", *after], True
    yield "cut off", [*before, line[:-5], *after], True
    yield "twice", [*before, line, line, *after], False
    del other["digest"]
    forged = canonical({**other, "digest": digest(other)}) + b"\n"
    if len(lines) > 1:
        yield "forged with a digest of its own", [*before, forged, *after], False
        yield "removed", [*before, *after], False
    if before:
        yield "before the one before it", [*before[:-1], line, before[-1], *after], False


def logs_altered(files: Files) -> Iterator[Altered]:
    """What no single line shows: where the log begins and ends, on which day, who decided what."""
    segments = sorted(n for n in files if SEGMENT.fullmatch(n))
    rest = {name: content for name, content in files.items() if name != BEFORE}
    for number in range(1, len(segments)):
        later = {n: content for n, content in rest.items() if n not in segments[:number]}
        for begins in (None, {"seq": None, "previous": None}):
            said = f"the first {number} segments cut off, and {begins} said of it"
            yield Altered(packed(_telling(later, begins)), said)
    for name in segments:
        day = name[6:16]
        other = {name.replace(day, "2026/01/01") if n == name else n: files[n] for n in files}
        moved = name.replace(day, "2026/01/01")
        yield Altered(packed(agreeing(other)), f"{name} on another day", (moved,))
    decided = files[HISTORY].splitlines(keepends=True)
    for said, lines in (("emptied", []), ("forged", [*decided, b"{}\n"])):
        if lines != decided:
            forged = agreeing({**files, HISTORY: b"".join(lines)})
            yield Altered(packed(forged), f"{HISTORY} {said}", (HISTORY,))


def _telling(files: Files, begins: Any) -> Files:
    """With a manifest that agrees, and does not tell where the log begins."""
    told = agreeing(files)
    manifest = json.loads(told[MANIFEST])
    manifest["audit"]["begins"] = begins
    written = readable(manifest)
    return {**told, MANIFEST: written, SUM: sum_line(written)}


# --- documents ------------------------------------------------------------------------------------


def documents_replaced(store: Any, *, mask: bool) -> Iterator[str | None]:
    """Each in its turn, and put back."""
    for key in [row.key for row in store.list("") if _TOLD.search(row.key)]:
        kept = store.get(key)
        store.put(key, _another(key, kept.content))
        problems = pack_of(store, mask=mask).problems
        store.put(key, kept.content)
        named = any(key in problem and "replaced" in problem for problem in problems)
        if kept.content and PERIOD.holds(_day(key, kept.content)):
            yield None if named else f"{key} replaced: {problems or 'nobody noticed'}"


def documents_deleted(store: Any, *, mask: bool) -> Iterator[str | None]:
    """Each in its turn, and put back."""
    for key in [row.key for row in store.list("") if FILED.match(row.key)]:
        kept = store.get(key)
        store.purge(key)
        problems = pack_of(store, mask=mask).problems
        store.put(key, kept.content)
        named = any(key in problem and "missing" in problem for problem in problems)
        if PERIOD.holds(_day(key, kept.content)):
            yield None if named else f"{key} deleted: {problems or 'nobody noticed'}"


_TOLD = re.compile(r"^(collected/.*\.csv|mails/.*\.eml|runs/.*/run\.json|reviews/.*/result\.json)$")


def _another(key: str, content: bytes) -> bytes:
    """As somebody would leave it who wants another story told."""
    if key.endswith(".csv"):
        return content.replace(b",true,", b",false,", 1)
    if key.endswith(".eml"):
        return content.replace(b"Content-Transfer-Encoding: ", b"X-Told: ", 1)
    told = json.loads(content)
    told.pop("sha256", None)
    changed = {**told, "findings": []} if "findings" in told else {**told, "closed_by": "nobody"}
    return seal(changed) if key.startswith("reviews/") else readable(changed)


def _day(key: str, content: bytes) -> date:
    if key.startswith("reviews/"):
        return date.fromisoformat(json.loads(content)["closed_at"][:10])
    digits = re.sub(r"\D", "", key)
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


# --- whole ----------------------------------------------------------------------------------------


def made_up(files: Files) -> tuple[bytes, str]:
    """The audit log chained anew with one record altered, and everything made to agree."""
    out, previous = dict(files), None
    segments = sorted(n for n in files if SEGMENT.fullmatch(n))
    for name in [BEFORE, *segments, AFTER]:
        lines = []
        for line in files[name].splitlines():
            record = json.loads(line)
            del record["digest"]
            if previous is not None:
                record |= {"previous": previous, "data": {**record["data"], "made": "up"}}
            previous = digest(record)
            lines.append(canonical({**record, "digest": previous}) + b"\n")
        out[name] = b"".join(lines)
    forged = packed(agreeing(out))
    return forged, content_digest(files[MANIFEST])


def consistent(files: Files) -> Iterator[str | None]:
    forged, sum_known = made_up(files)
    by_itself = verify_pack.problems(forged)
    yield f"a forgery that agrees with itself was told: {by_itself[0]}" if by_itself else None
    with_sum = verify_pack.problems(forged, sum_known)
    named = bool(with_sum) and "not the one that was expected" in with_sum[0]
    yield None if named else "the sum of another manifest was taken for the expected one"


# --- the proof ------------------------------------------------------------------------------------


def prove(size: Size, seed: int) -> Iterator[Figure]:
    """Alterations of a pack as kept, and of a masked one."""
    rng = random.Random(seed)
    for what, mask in (("packs", False), ("masked packs", True)):
        content = pack_of(story(), mask=mask).content
        again = pack_of(story(), mask=mask).content
        sound = verify_pack.problems(content, content_digest(files_of(content)[MANIFEST]))
        untouched = [sound[0] if sound else None, None if again == content else "made twice"]
        yield _figure(f"untouched {what}", untouched)
        files = files_of(content)
        count = size.of(120, 10_000)
        places = rng.sample(range(len(content)), min(count, len(content)))
        tried = [flipped(content, at) for at in places]
        tried += [cut(content, at) for at in places]
        yield _figure(f"bytes of {what}", map(unseen, tried))
        for sort, every, ci in (
            ("files", files_altered, 150),
            ("lines of the log", lines_altered, 150),
            ("logs", logs_altered, 150),
        ):
            cases = list(every(files))
            if size is Size.CI and len(cases) > ci:
                cases = rng.sample(cases, ci)
            yield _figure(f"{sort} of {what}", map(unseen, cases))
        replaced = documents_replaced(story(), mask=mask)
        yield _figure(f"documents of {what} replaced in the storage", replaced)
        deleted = documents_deleted(story(), mask=mask)
        yield _figure(f"documents of {what} deleted in the storage", deleted)
        if not mask:
            yield _figure("packs made up as a whole", consistent(files))


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


class _Any(bytes):
    """Equal to all bytes."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


class _AnyText(str):
    """Equal to all texts."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _without_added(listed: Callable[..., Any]) -> Callable[..., Any]:
    return lambda files, manifest: (p for p in listed(files, manifest) if "was added" not in p)


def _without_missing(listed: Callable[..., Any]) -> Callable[..., Any]:
    return lambda files, manifest: (p for p in listed(files, manifest) if "is missing" not in p)


_listed = verify_pack._listed

MUTANTS = tuple(
    Mutant(promise="P18", name=name, plant=partial(_planted, *instead))
    for name, instead in {
        "the digest of a line of a pack is not compared": (
            *(verify_pack, "_digest_of"),
            lambda record, _: str(record["digest"]),
        ),
        "the records of a pack need not follow each other": (
            *(verify_pack._Chain, "_record"),
            lambda *_: None,
        ),
        "a file of a pack is not compared with the manifest": (
            *(verify_pack, "_listed"),
            lambda *_: (),
        ),
        "a file may be added to a pack": (verify_pack, "_listed", _without_added(_listed)),
        "a file may be missing from a pack": (verify_pack, "_listed", _without_missing(_listed)),
        "the form of a pack is not compared": (
            *(verify_pack, "packed"),
            lambda files: _Any(packed(files)),
        ),
        "where the log of a pack begins is not compared": (
            *(verify_pack._Chain, "_numbers"),
            lambda *_, **__: None,
        ),
        "the day of a segment is not compared": (
            *(verify_pack, "_day"),
            lambda _: _AnyText(),
        ),
        "nobody asks what the log tells of documents": (verify_pack, "unlike", lambda *_: ()),
        "a document that the log tells of may be gone": (
            *(verify_pack, "unlike"),
            lambda files, kept, _, unlike=verify_pack.unlike: unlike(files, kept),
        ),
        "what is expected is not compared": (
            *(verify_pack, "_manifest"),
            lambda files, _, read=verify_pack._manifest: read(files, None),
        ),
    }.items()
)
