"""Verifies an evidence pack of Keyreeve: nothing altered, missing, added, renamed, out of order.

    python3 verify.py PACK.zip [--expect SHA256]

Python 3.9 or newer and nothing else; it changes nothing and opens no connection. It lies in every
pack as verify.py, and `keyreeve evidence verify` is the same code. Whoever could alter a pack could
alter this script in it too: take it from Keyreeve itself, or read it, which takes ten minutes.

What is checked, in this order:

    1  the file is a whole zip, and no name stands in it twice or leads outside
    2  manifest.json is the one that manifest.sha256 tells of, and the one that --expect tells of
    3  every file that the manifest lists is there, with its length and its SHA-256
    4  no file is there that the manifest does not list
    5  the audit log: every line is a record in its one form, carries the SHA-256 of itself, names
       the SHA-256 of the record before it, and has the next number; from the record before the
       period to the record after it, or to the newest that was known when the pack was made
    6  the numbers that the manifest tells of the audit log are those that were found, and
       decisions/history.jsonl holds what the log tells of decisions
    7  files whose SHA-256 the log tells are those, and no report or record of a run is missing but
       what was purged by the manifest's word (in a masked pack: checked before the masking)
    8  the zip as a whole, byte for byte, is the one that these files make

What cannot be found without help: somebody who replaces the whole pack by another one that is
consistent in itself. Against that stand the SHA-256 of manifest.json, which was printed and written
into the audit log when the pack was made (--expect), and the signature, where there is one.
"""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MANIFEST = "manifest.json"
SUM = "manifest.sha256"
"""One line as `sha256sum` writes it; this is what the signature signs."""
SIGNATURE, KEY = "manifest.sig", "signing-key.pem"
HEAD = (MANIFEST, SUM, SIGNATURE)  # before the files that the manifest lists
BEFORE = "audit-links/before.jsonl"
AFTER = "audit-links/after.jsonl"
HISTORY = "decisions/history.jsonl"
DECIDED = ("people.", "review.")
"""Events that are told in HISTORY once more."""
SCHEMA = "keyreeve.evidence/1"
NOTHING = "0" * 64
"""What the first record of all names as the digest before it."""
SEGMENT = re.compile(r"audit/(?P<day>\d{4}/\d\d/\d\d)/(?P<run_id>[^/]+)/(?P<seq>\d{6,})\.jsonl")
FILED = re.compile(r"(?:collected|runs)/(\d{4})/?(\d\d)/?(\d\d)")  # by day

_UTF8 = 0x800
_READABLE = 0o100444 << 16
_FIRST_OF_1980 = 0x21
_MANY = 0xFFFF
_SIGNED = re.compile(rb'null|{"algorithm":"\w+","hash":"sha\d+","key_id":"[\w:/.=@-]+"}')
"""What a manifest may tell of a signature: it is printed in a command that people run."""
_OUTSIDE = re.compile(r"(^|/)(\.\.?)?(/|$)|[\\\0]")


# --- the one form of a pack ----------------------------------------------------------------------


def packed(files: Mapping[str, bytes]) -> bytes:
    """The zip with these files in their order: not compressed, without times and owners.

    OverflowError where a file or the whole is larger than 4 GiB (zip's own limit).
    """
    body, index = io.BytesIO(), []
    for name, content in files.items():
        raw, at = name.encode("utf-8"), body.tell()
        if at + len(content) >= 1 << 32:
            raise OverflowError("a pack holds less than 4 GiB")
        sizes = (zlib.crc32(content), len(content), len(content), len(raw), 0)
        told = (20, _UTF8, 0, 0, _FIRST_OF_1980, *sizes)
        body.write(struct.pack("<4s5H3L2H", b"PK\3\4", *told) + raw + content)
        rest = (0, 0, 0, _READABLE, at)
        index.append(struct.pack("<4s6H3L5H2L", b"PK\1\2", 0x314, *told, *rest) + raw)
    start, listed, count = body.tell(), b"".join(index), len(index)
    end = b""
    if count >= _MANY or start + len(listed) >= 1 << 32:
        larger = (44, 45, 45, 0, 0, count, count, len(listed), start)
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *larger)
        end += struct.pack("<4sLQL", b"PK\6\7", 0, start + len(listed), 1)
    few, most = min(count, _MANY), (1 << 32) - 1
    last = (0, 0, few, few, min(len(listed), most), min(start, most), 0)
    return body.getvalue() + listed + end + struct.pack("<4s4H2LH", b"PK\5\6", *last)


def canonical(value: Any) -> bytes:
    """One text per value: keys sorted, no spaces, ASCII. What digests are computed over."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def sum_line(manifest: bytes) -> bytes:
    """The content of manifest.sha256."""
    return f"{sha256(manifest)}  {MANIFEST}\n".encode("ascii")


# --- the verification ----------------------------------------------------------------------------


def problems(pack: bytes, expect: str | None = None) -> list[str]:
    """One sentence for each thing that is wrong, in the order of the checks; none: sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(pack)) as opened:
            names, infos = opened.namelist(), opened.infolist()
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                return ["the zip was written anew: a pack is not compressed"]
            if sum(info.file_size for info in infos) > len(pack):
                return ["the zip was made up: its files are larger than it is"]
            files = {name: opened.read(name) for name in names}
    except Exception as error:  # noqa: BLE001 - whatever a broken zip makes the library say
        return [f"the file is no whole zip: it was cut off or altered ({error})"]
    found = list(_names(names))
    manifest, wrong = _manifest(files, expect)
    found += wrong
    if manifest is None:
        return found
    try:
        found += _listed(files, manifest)
        found += _Chain(manifest).walk(files)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        found.append(f"{MANIFEST}: it is not in the form of a manifest ({error!r})")
        return found
    right = {name: files[name] for name in sorted(files, key=lambda name: (name not in HEAD, name))}
    if not found and packed(right) != pack:
        found.append("the zip was written anew: order, times or bytes between its files differ")
    return found


def _names(names: Iterable[str]) -> Iterator[str]:
    seen = set()
    for name in names:
        if name in seen:
            yield f"{name}: it stands in the zip twice"
        if _OUTSIDE.search(name):
            yield f"{name!r}: a name that leads outside of the pack"
        seen.add(name)


def _manifest(files: Mapping[str, bytes], expect: str | None) -> tuple[Any, list[str]]:
    """The manifest (None: nothing more can be checked), and what is wrong with it."""
    found = [f"{name}: it is missing" for name in (MANIFEST, SUM) if name not in files]
    if MANIFEST not in files:
        return None, found
    content = files[MANIFEST]
    if SUM in files and files[SUM] != sum_line(content):
        found.append(f"{MANIFEST}: it is not the one that {SUM} tells of: one of them was altered")
    if expect is not None and expect.strip().lower() != sha256(content):
        found.append(f"{MANIFEST}: its SHA-256 is {sha256(content)}, not the one that was expected")
    try:
        manifest = _object(content)
    except ValueError as error:
        return None, [*found, f"{MANIFEST}: it cannot be read: {error}"]
    if manifest.get("schema") != SCHEMA:
        return None, [*found, f"{MANIFEST}: schema {manifest.get('schema')!r} is not {SCHEMA!r}"]
    told = manifest.get("signature")
    if told is None and SIGNATURE in files:
        found.append(f"{SIGNATURE}: it was added: the manifest tells of no signature")
    missing = [name for name in (SIGNATURE, KEY) if told is not None and name not in files]
    found += [f"{name}: it is missing, and the manifest tells of a signature" for name in missing]
    return manifest, found


def _listed(files: Mapping[str, bytes], manifest: Any) -> Iterator[str]:
    """Every file against its row, every row against its file."""
    if not _SIGNED.fullmatch(canonical(manifest.get("signature"))):
        yield f"{MANIFEST}: what it tells of the signature is in no form that is known"
    rows = manifest["files"]
    for name in sorted(set(rows) | (set(files) - {*HEAD})):
        if name not in files:
            yield f"{name}: it is missing"
        elif name not in rows:
            yield f"{name}: it was added: the manifest does not list it"
        elif rows[name] != {"bytes": len(files[name]), "sha256": sha256(files[name])}:
            yield f"{name}: it was altered: its length or its SHA-256 is not the manifest's"


class _Chain:
    """The audit log, walked record by record."""

    def __init__(self, manifest: Any) -> None:
        self._told = manifest["audit"]
        self._masked = manifest["masked"]
        begins = self._told["begins"] or {"seq": None, "previous": None}
        self._seq, self._previous = begins["seq"], begins["previous"]
        self._original: Any = None
        self._ends: list[Any] = []
        self._newest = self._told.get("newest")  # until it is met
        self._decided = b""
        period, purged = manifest["period"], self._told.get("files_purged_before")
        if purged is not None and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", purged):
            raise ValueError(f"files_purged_before: {purged!r}")
        self._days = max(period["from"], purged or ""), period["to"]
        self._kept: dict[str, Any] = {}
        self._problems: list[str] = []

    def walk(self, files: Mapping[str, bytes]) -> list[str]:
        """What is wrong, first first."""
        matches = filter(None, map(SEGMENT.fullmatch, files))
        segments = sorted((int(match["seq"]), match.string) for match in matches)
        strange = (n for n in files if n.startswith("audit/") and not SEGMENT.fullmatch(n))
        self._problems += [f"{name}: this is no segment of the audit log" for name in strange]
        self._begin(linked=BEFORE in files)
        ordered = [BEFORE] * (BEFORE in files) + [name for _, name in segments]
        for name in ordered + [AFTER] * (AFTER in files):
            self._file(name, files[name])
        self._numbers(walked=bool(segments) or BEFORE in files or AFTER in files)
        if self._decided != files.get(HISTORY, b"") and not self._problems:
            self._problems.append(f"{HISTORY}: it is not what the audit log tells of decisions")
        self._problems += [] if self._masked else unlike(files, self._kept, self._days)
        return self._problems

    def _begin(self, *, linked: bool) -> None:
        """What the first record names as the digest before it must come from somewhere."""
        if self._seq is None or linked:
            return
        purged = self._told["purged"]
        first = self._seq == 1 and self._previous == NOTHING
        kept = purged is not None and self._seq == purged["seq"] + 1
        if not first and not (kept and (self._masked or self._previous == purged["digest"])):
            text = f"it is missing: nothing tells what stood before record {self._seq}"
            self._problems.append(f"{BEFORE}: {text}")

    def _file(self, name: str, content: bytes) -> None:
        match = SEGMENT.fullmatch(name)
        lines = content.splitlines(keepends=True)
        if not lines:
            self._problems.append(f"{name}: it is empty")
        for number, line in enumerate(lines, 1):
            where = f"{name} line {number}"
            try:
                record = _object(line)
                seq, digest = record["seq"], _digest_of(record, line)
            except (KeyError, RecursionError, ValueError) as error:
                which = "a record" if self._seq is None else f"record {self._seq}"
                self._problems.append(f"{where}: {which} was altered: {error}")
                self._seq = None if self._seq is None else self._seq + 1
                self._previous = self._original = None
                continue
            self._record(where, record)
            moved = match and (
                record.get("run_id") != match["run_id"]
                or (number == 1 and (seq, _day(record)) != (int(match["seq"]), match["day"]))
            )
            if moved:
                self._problems.append(f"{where}: record {seq} was moved here from another file")
            self._seq, self._previous = seq + 1, digest
            self._original = record.get("original") if self._masked else None
            if self._newest == {"seq": seq, "digest": self._original if self._masked else digest}:
                self._newest = None
            if match:
                self._ends.append({"seq": seq, "digest": digest})
                self._decided += line * str(record["event"]).startswith(DECIDED)
                self._kept.update(kept_by(record))

    def _record(self, where: str, record: Any) -> None:
        """Number and links; None: the record before cannot be read, so nobody knows its digest."""
        seq = record["seq"]
        if self._seq is not None and seq > self._seq:
            self._problems.append(f"{where}: records {self._seq} to {seq - 1} are missing")
        elif self._seq is not None and seq < self._seq:
            self._problems.append(f"{where}: record {seq} stands twice or out of order")
        elif self._previous is not None and record["previous"] != self._previous:
            text = "does not follow the record before it: one of the two was altered"
            self._problems.append(f"{where}: record {seq} {text}")
        elif self._original is not None and record["original_previous"] != self._original:
            text = "does not follow, in the log that was masked, the record before it"
            self._problems.append(f"{where}: record {seq} {text}")

    def _numbers(self, *, walked: bool) -> None:
        ends, newest = self._ends, self._newest
        begins = (self._told["begins"] or {}).get("seq")
        if walked and not isinstance(begins, int) and not self._problems:
            self._problems.append("audit/: the manifest does not tell where the audit log begins")
        if newest is not None and not self._problems and newest["seq"] >= (begins or 0):
            text = f"record {newest['seq']}, known as the newest when the pack was made,"
            self._problems.append(f"audit/: {text} is missing at the end, or another one")
        first, last = (ends[0], ends[-1]) if ends else (None, None)
        for what, value in (("records", len(ends)), ("first", first), ("last", last)):
            if self._told[what] != value and not self._problems:
                said = self._told[what]
                self._problems.append(f"audit/: {what}: the manifest says {said}, found {value}")


def kept_by(record: Any) -> dict[str, Any]:
    """What the record tells of files; a later one of the same file stands in its place."""
    data = record.get("data")
    kept = data.get("kept") if isinstance(data, dict) else None
    return kept if isinstance(kept, dict) else {}


def unlike(files: Mapping[str, bytes], kept: Any, days: Any = ("", "")) -> Iterator[str]:
    """Files that are others than the log tells, and those of these days that are not there."""
    for name in sorted(kept):
        day = FILED.match(name)
        if name in files and sha256(files[name]) != kept[name]:
            yield f"{name}: it is not the one that the audit log tells of: it was replaced"
        elif name not in files and day and days[0] <= "-".join(day.groups()) <= days[1]:
            yield f"{name}: the audit log tells of it, and it is missing: no purge tells of its end"


def _day(record: Any) -> str:
    """The day of the run, with which its id begins; for ids of another making, of the record."""
    day = str(record["run_id"])[:8]
    day = day if day.isdigit() else str(record["at"])[:10].replace("-", "")
    return f"{day[:4]}/{day[4:6]}/{day[6:]}"


def _digest_of(record: Any, line: bytes) -> str:
    """ValueError unless the line is, byte for byte, the record that its digest tells of."""
    if canonical(record) + b"\n" != line:
        raise ValueError("the line is not in the form in which Keyreeve writes")
    rest = {key: value for key, value in record.items() if key != "digest"}
    if not isinstance(record["seq"], int) or sha256(canonical(rest)) != record.get("digest"):
        raise ValueError("it does not match its digest")
    return str(record["digest"])


def _object(content: bytes) -> Any:
    """A JSON object. ValueError for anything else, a key that stands twice included."""
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - content, not types
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def remarks(pack: bytes) -> list[str]:
    """What a sound pack says of itself, and what cannot be verified here: its signature."""
    with zipfile.ZipFile(io.BytesIO(pack)) as opened:
        manifest = _object(opened.read(MANIFEST))
        told, purged = manifest.get("signature"), manifest["audit"].get("files_purged_before")
        key = sha256(opened.read(KEY)) if told else ""
    whose, days = manifest.get("account_id"), manifest["period"]
    said = [f"By its manifest: account {whose}, {days['from']} to {days['to']}, both included."]
    said += [f"By its manifest: files from before {purged} were purged."] * bool(purged)
    if told is not None:
        said += [
            f"Signed with {told['key_id']} ({told['algorithm']}). Not verified here; unpack, and:",
            f"  openssl dgst -{told['hash']} -verify {KEY} -signature {SIGNATURE} {SUM}",
            f"The key in the pack proves nothing by itself (SHA-256 {key}):",
            "compare it with the one that the signer, or `aws kms get-public-key`, gives you.",
        ]
    return said


def main(arguments: list[str]) -> int:
    """0: sound, 1: not, 2: cannot be read."""
    at = arguments.index("--expect") if "--expect" in arguments[:-1] else len(arguments)
    expect = arguments[at + 1] if at < len(arguments) else None
    named = arguments[:at] + arguments[at + 2 :]
    if len(named) != 1 or named[0].startswith("-"):
        sys.stderr.write("usage: python3 verify.py PACK.zip [--expect SHA256]\n")
        return 2
    try:
        pack = pathlib.Path(named[0]).read_bytes()
    except OSError as error:
        sys.stderr.write(f"{named[0]}: {error.strerror}\n")
        return 2
    found = problems(pack, expect)
    sys.stdout.writelines(ascii(text)[1:-1] + "\n" for text in found)
    if found:
        sys.stdout.write(f"NOT SOUND: {len(found)} found; the first is named first.\n")
        return 1
    manifest = zipfile.ZipFile(io.BytesIO(pack)).read(MANIFEST)
    told, alone = _object(manifest), "Not compared with anything from elsewhere"
    said = [f"Sound: {len(told['files'])} files, {told['audit']['records']} audit records."]
    said += [f"SHA-256 of manifest.json: {sha256(manifest)}"]
    said += [f"{alone}: use --expect, or the signature."] * (expect is None)
    sys.stdout.writelines(ascii(line)[1:-1] + "\n" for line in said + remarks(pack))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
