"""An evidence pack put together: files, manifest, verifier, one zip; the same bytes every time.

    manifest.json     what is in the pack, with lengths, SHA-256 sums, the ends of the chain
    manifest.sha256   the manifest's own sum; signed, where a key was named
    manifest.sig
    …                 everything else, by name

A masked pack cannot hold the lines of the audit log as they were written, and must not hold their
digests either: with all but a name known, a digest tells by trying whose name it is. Its lines are
chained anew, and each carries keyed digests of the record that it stands for and of the one before,
so that order and gaps of the original show, and so that who has the salt can prove the rest.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from keyreeve.codec import verify_pack
from keyreeve.codec.masking import Mask, salt_digest
from keyreeve.codec.seal import canonical, content_digest, digest, parse, readable
from keyreeve.codec.values import Json, to_json
from keyreeve.model.errors import StateUnreadable
from keyreeve.model.evidence import (
    KEPT,
    AuditPart,
    ChainPlace,
    Kept,
    Pack,
    PackSubject,
    Period,
    SigningKey,
)

VERIFIER = "verify.py"
README = "README.txt"
INDEX = "index.json"
SIGNING_KEY = "signing-key.pem"
_REVIEWS = "reviews/"
_SUMS = ("manifest_sha256", "pack_sha256")
"""As `evidence.exported` tells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The files of a pack before it is closed, and what was left out of it."""

    files: dict[str, bytes]
    audit: AuditPart
    originals: dict[str, str]
    """Of a masked pack: keyed digests of the files as they were kept."""
    left_out: tuple[str, ...] = ()
    """Of a masked pack: files that cannot be masked."""


# --- as kept, or masked ---------------------------------------------------------------------------


def contents(kept: Kept) -> Contents:
    """Everything as it lies in the storage."""
    return Contents(files=_with_audit(kept.files, kept.audit), audit=kept.audit, originals={})


def masked(kept: Kept, mask: Mask) -> Contents:
    """The same with pseudonyms. StateUnreadable for what is not in a form that can be masked."""
    files: dict[str, bytes] = {}
    left_out = []
    for name, content in kept.files.items():
        how, called = _how(name, mask), mask.file_name(name)
        if how is None:
            left_out.append(called)
            continue
        try:
            files[f"{called}.json" if called.endswith(".eml") else called] = how(content)
        except ValueError as error:
            if not name.startswith(_REVIEWS):
                raise _unmaskable(name, error) from error
            left_out.append(called)
    audit = _masked_audit(kept.audit, mask)
    whole = _with_audit(kept.files, kept.audit)
    return Contents(
        files=_with_audit(files, audit),
        audit=audit,
        originals={
            mask.file_name(name): mask.keyed(content) for name, content in sorted(whole.items())
        },
        left_out=tuple(sorted(left_out)),
    )


def _how(name: str, mask: Mask) -> Callable[[bytes], bytes] | None:
    """None: no form that is known to hold names only where they are looked for."""
    if name.endswith(".eml"):
        return mask.mail
    if name.endswith(".csv") and not name.startswith(_REVIEWS):
        return mask.report
    return mask.document if name.endswith(".json") else None


def _unmaskable(name: str, error: Exception) -> StateUnreadable:
    return StateUnreadable(
        f"it cannot be masked: {error}",
        where=name,
        remedy="`keyreeve state verify` examines the storage; a pack without --mask holds it as "
        "it is.",
    )


def _with_audit(files: Mapping[str, bytes], audit: AuditPart) -> dict[str, bytes]:
    """Files, segments, neighbours, and what people decided once more by itself."""
    whole = {**files, **audit.segments}
    if audit.before is not None:
        whole[verify_pack.BEFORE] = audit.before
    if audit.after is not None:
        whole[verify_pack.AFTER] = audit.after
    decided = [line for line in _lines(audit) if _event(line).startswith(verify_pack.DECIDED)]
    return {**whole, verify_pack.HISTORY: b"".join(decided)}


def _lines(audit: AuditPart) -> Iterator[bytes]:
    for _, content in sorted(audit.segments.items(), key=lambda each: _number(each[0])):
        yield from content.splitlines(keepends=True)


def _number(name: str) -> int:
    return int(name.rpartition("/")[2].partition(".")[0])


def _event(line: bytes) -> str:
    try:
        return str(parse(line).get("event"))
    except ValueError:
        return ""  # the verifier names it


def told_by(audit: AuditPart) -> Mapping[str, object]:
    """What this part of the log tells of files: the newest SHA-256 of each."""
    told: dict[str, object] = {}
    for line in _lines(audit):
        with suppress(ValueError):  # the verifier names it
            told.update(verify_pack.kept_by(parse(line)))
    return told


def unlike(kept: Kept, period: Period) -> Iterator[str]:
    """Files that are others than the audit log of the period tells, or missing."""
    first = max(period.first, kept.audit.files_purged_before or period.first)
    days = first.isoformat(), period.last.isoformat()
    return verify_pack.unlike(kept.files, told_by(kept.audit), days)


def _masked_data(record: Mapping[str, Json], mask: Mask) -> Json:
    """A digest of a file with names in it would tell a guess at them from a wrong one."""
    data = mask.value(record["data"], top=False)
    kept: dict[str, Json] = {
        name: mask.keyed(str(known)) for name, known in verify_pack.kept_by(record).items()
    }
    if not isinstance(data, dict):
        return data
    return {**data, **_of_masked_pack(record["data"]), **({KEPT: kept} if kept else {})}


def _of_masked_pack(data: Json) -> dict[str, Json]:
    """Sums of an earlier masked pack stay: whoever has it compares them, and it names nobody."""
    if not isinstance(data, dict) or data.get("masked") is not True:
        return {}
    return {name: data[name] for name in _SUMS if name in data}


def _masked_audit(audit: AuditPart, mask: Mask) -> AuditPart:
    """The chain made anew over masked records; the first names nothing before it."""
    previous = verify_pack.NOTHING

    def line(name: str, raw: bytes) -> bytes:
        nonlocal previous
        try:
            record = parse(raw)
            told: dict[str, Json] = {
                **record,
                "data": _masked_data(record, mask),
                "original": mask.keyed(str(record.pop("digest"))),
                "original_previous": mask.keyed(str(record["previous"])),
                "previous": previous,
            }
            del told["digest"]
        except (KeyError, ValueError) as error:
            raise _unmaskable(name, error) from error
        previous = digest(told)
        return canonical({**told, "digest": previous}) + b"\n"

    def lines(name: str, content: bytes) -> bytes:
        return b"".join(line(name, raw) for raw in content.splitlines(keepends=True))

    before = lines(verify_pack.BEFORE, audit.before) if audit.before else None
    segments = {
        name: lines(name, content)
        for name, content in sorted(audit.segments.items(), key=lambda each: _number(each[0]))
    }
    after = lines(verify_pack.AFTER, audit.after) if audit.after else None
    return replace(audit, segments=segments, before=before, after=after)


# --- closed ---------------------------------------------------------------------------------------


def close(
    subject: PackSubject,
    made: Contents,
    counts: Mapping[str, int],
    *,
    mask: Mask | None = None,
    signing: tuple[SigningKey, Callable[[bytes], bytes]] | None = None,
) -> Pack:
    """The zip, and what the verifier says of it. OverflowError beyond 4 GiB."""
    files = {**made.files, VERIFIER: verifier()}
    if signing is not None:
        files[SIGNING_KEY] = signing[0].public_key
    manifest = readable(_manifest(subject, files, made, counts, mask, signing and signing[0]))
    whole = {verify_pack.MANIFEST: manifest, verify_pack.SUM: verify_pack.sum_line(manifest)}
    if signing is not None:
        whole[verify_pack.SIGNATURE] = signing[1](whole[verify_pack.SUM])
    content = verify_pack.packed({**whole, **dict(sorted(files.items()))})
    return Pack(
        content=content,
        manifest_sha256=content_digest(manifest),
        files=len(files),
        records=sum(1 for _ in _lines(made.audit)),
        problems=tuple(verify_pack.problems(content)),
    )


def verifier() -> bytes:
    """The script that lies in every pack: the source of verify_pack itself."""
    return importlib.resources.files("keyreeve.codec").joinpath("verify_pack.py").read_bytes()


def _manifest(
    subject: PackSubject,
    files: Mapping[str, bytes],
    made: Contents,
    counts: Mapping[str, int],
    mask: Mask | None,
    key: SigningKey | None,
) -> Json:
    return {
        "schema": verify_pack.SCHEMA,
        "project": subject.project,
        "account_id": subject.account_id,
        "keyreeve": subject.version,
        "period": {
            "from": subject.period.first.isoformat(),
            "to": subject.period.last.isoformat(),
            "zone": "UTC",
        },
        "masked": mask is not None,
        "salt": salt_digest(mask.salt) if mask else None,
        "originals": dict(made.originals) if mask else None,
        "left_out": list(made.left_out),
        "signature": {"key_id": key.key_id, "algorithm": key.algorithm, "hash": key.hash_name}
        if key
        else None,
        "counts": dict(counts),
        "audit": _about_audit(made.audit, mask),
        "files": {
            name: {"bytes": len(content), "sha256": content_digest(content)}
            for name, content in files.items()
        },
    }


def _about_audit(audit: AuditPart, mask: Mask | None) -> Json:
    """The ends, as the lines themselves tell them; the verifier judges whether they are right."""
    lines = [_told(line) for line in _lines(audit)]
    neighbours = [_told(line) for line in (audit.before, audit.after) if line is not None]
    walked = [*neighbours[:1], *lines] if audit.before is not None else [*lines, *neighbours]
    begins = walked[0] if walked else None
    return {
        "records": len(lines),
        "first": _place(lines[0]) if lines else None,
        "last": _place(lines[-1]) if lines else None,
        "begins": {"seq": begins.get("seq"), "previous": begins.get("previous")}
        if begins
        else None,
        "purged": _known(audit.purged, mask),
        "newest": _known(audit.newest, mask),
        "files_purged_before": to_json(audit.files_purged_before),
    }


def _known(place: ChainPlace | None, mask: Mask | None) -> Json:
    """A record that is remembered beside the log; of a masked pack, by its original's keyed digest.

    None stays None.
    """
    if place is None:
        return None
    return {"seq": place.seq, "digest": mask.keyed(place.digest) if mask else place.digest}


def _told(line: bytes) -> dict[str, Json]:
    try:
        return parse(line)
    except ValueError:
        return {}


def _place(record: Mapping[str, Json]) -> Json:
    return {"seq": record.get("seq"), "digest": record.get("digest")}
