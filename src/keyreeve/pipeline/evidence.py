"""An evidence pack from what is kept: read, mask, index, close. Changes nothing.

That it was made is for the audit log (`exported`), which whoever asked writes afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from keyreeve.codec import evidence_pack
from keyreeve.codec.masking import Mask, names_in
from keyreeve.codec.seal import content_digest, parse, readable, unseal
from keyreeve.codec.values import Json, to_json
from keyreeve.model.control import ControlCard
from keyreeve.model.evidence import Kept, Pack, PackSubject, Period
from keyreeve.model.identifiers import ControlId
from keyreeve.ports.evidence import EvidenceShelf, Signer
from keyreeve.reporting import evidence as telling
from keyreeve.reporting.evidence import ControlEvidence, Supports
from keyreeve.reporting.evidence_readme import readme

EXPORTED = "evidence.exported"
"""The event in the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a pack holds besides the storage's own."""

    files: Mapping[str, bytes]
    """Configuration and policies, by their names in the pack."""
    cards: Iterable[ControlCard]
    supports: Supports
    mapping_version: str


def make_pack(
    shelf: EvidenceShelf,
    subject: PackSubject,
    around: Surroundings,
    today: date,
    *,
    mask: bool = False,
    signer: Signer | None = None,
) -> Pack:
    """The same bytes for the same storage, config and period (an ECDSA signature aside).

    StateUnreadable for what cannot be read or masked; OverflowError beyond 4 GiB.
    """
    kept = shelf.kept(subject.period)
    kept = Kept(files={**kept.files, **around.files}, audit=kept.audit)
    masking = Mask(shelf.salt(), _names(kept)) if mask else None
    made = evidence_pack.masked(kept, masking) if masking else evidence_pack.contents(kept)
    names = sorted(made.files)
    controls, unread = _controls(kept.files, around.cards)
    index = telling.index_document(names, controls, around.supports, around.mapping_version, unread)
    words = readme(
        subject,
        names,
        masked=mask,
        left_out=made.left_out,
        over=subject.period.last < today,
    )
    made.files[evidence_pack.INDEX] = readable(to_json(index))
    made.files[evidence_pack.README] = words.encode()
    signing = None if signer is None else (signer.key(), signer.sign)
    pack = evidence_pack.close(subject, made, telling.counts(names), mask=masking, signing=signing)
    uncounted = (
        f"{name}: it is no record of a run: its findings are not counted" for name in unread
    )
    # Of a masked pack the verifier cannot tell: its files are others.
    others = evidence_pack.unlike(kept, subject.period) if mask else ()
    return replace(pack, problems=(*pack.problems, *_altered(kept.files), *others, *uncounted))


def exported(pack: Pack, period: Period, *, masked: bool, signed_by: str | None) -> dict[str, Json]:
    """Data of the record of an export: what was taken out, and how it is known again."""
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "masked": masked,
        "signed_by": signed_by,
        "manifest_sha256": pack.manifest_sha256,
        "pack_sha256": content_digest(pack.content),
        "files": pack.files,
        "records": pack.records,
    }


def _names(kept: Kept) -> frozenset[str]:
    audit = kept.audit
    neighbours = {f"{n}.jsonl": line for n, line in enumerate((audit.before, audit.after)) if line}
    return names_in({**kept.files, **audit.segments, **neighbours})


def _altered(files: Mapping[str, bytes]) -> Iterator[str]:
    """Steps of access reviews that are not as they were written: their seal tells."""
    for name, content in files.items():
        if name.startswith("reviews/") and name.endswith(".json"):
            try:
                unseal(content)
            except ValueError as error:
                yield f"{name}: it was altered: {error}"


def _controls(
    files: Mapping[str, bytes], cards: Iterable[ControlCard]
) -> tuple[dict[ControlId, ControlEvidence], tuple[str, ...]]:
    """Findings per control and run, and the records of runs that cannot be read."""
    found = {card.id: ControlEvidence(title=card.title) for card in cards}
    unread = []
    for name, content in files.items():
        if name.startswith("runs/") and name.endswith("/run.json"):
            try:
                counted = _found_by(content)
            except ValueError:
                unread.append(name)
                continue
            for control, number in counted.items():
                if control in found:
                    found[control].findings[name] += number
    return found, tuple(unread)


def _found_by(content: bytes) -> Counter[ControlId]:
    """ValueError for what no run has written."""
    findings = parse(content).get("findings", [])
    if not isinstance(findings, list):
        raise ValueError("its findings are no list")  # noqa: TRY004 - content, not types
    known = {control.value: control for control in ControlId}
    told = (str(row.get("control")) for row in findings if isinstance(row, dict))
    return Counter(known[control] for control in told if control in known)
