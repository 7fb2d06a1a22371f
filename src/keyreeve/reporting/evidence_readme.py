"""README.txt of an evidence pack: what is in it, how it is verified, what masking costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from keyreeve.model.evidence import PackSubject
from keyreeve.reporting.evidence import SORTS, counts

_WIDTH = 92

_NOT_OVER = """\
The period was not over when the pack was made: a pack of the same period that is made later holds
more."""

_CONTENTS = """\
index.json says which files support which requirements of CIS, NIST 800-53, PCI DSS, HIPAA, SOC 2
and ISO 27001. Supports, not satisfies: whether a requirement is met is for you to judge.

Not in it: whether the baseline's stacks stand (ask `keyreeve baseline verify`), and anything that
was purged at the end of its retention."""

_VERIFYING = """\
HOW TO VERIFY IT

    python3 verify.py PACK.zip --expect SHA256

Python 3.9 or newer, nothing else, no network. Read verify.py, or take it from Keyreeve itself:
whoever could alter the pack could alter the script in it. It checks every file against
manifest.json, that none is missing or was added, every line of the audit log from the record
before the period to the record after it, and records of runs, credential reports, mails and
results of reviews against what the log tells of them (of a masked pack that was done when it was
made).

SHA256 is the sum of manifest.json. It was printed when the pack was made, and stands in the audit
log as `evidence.exported`. Take it from there and not from whoever gave you the pack: without it,
or a signature, nobody can tell this pack from another one that was made up consistently.

The digests of the audit log prove that it was not altered since its newest record was known to
somebody else. Keep the packs, or their sums: the next pack must continue them (its
audit-links/before.jsonl is a line that you have seen)."""


def readme(
    subject: PackSubject,
    names: Iterable[str],
    *,
    masked: bool,
    left_out: Iterable[str] = (),
    over: bool = True,
) -> str:
    """For whoever opens the pack. `over`: whether the period had ended when it was made."""
    period = f"From {subject.period.first} to {subject.period.last}, both included, days in UTC."
    parts = [
        f"Evidence of {subject.project}, account {subject.account_id}",
        f"{period} Made by Keyreeve {subject.version}.",
        *([] if over else [_NOT_OVER]),
        "WHAT IS IN IT",
        *_sorts(names),
        _CONTENTS,
        _VERIFYING,
        *(_masking(left_out) if masked else ()),
    ]
    paragraphs = [each for part in parts for each in part.split("\n\n")]
    return "\n\n".join("\n".join(_wrapped(each)) for each in paragraphs) + "\n"


def _wrapped(paragraph: str) -> list[str]:
    indent = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    return wrap(
        paragraph.strip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _sorts(names: Iterable[str]) -> Iterator[str]:
    counted = counts(names)
    for sort in SORTS:
        number = counted[sort.prefix.rstrip("/")]
        files = "no file" if number == 0 else f"{number} file{'s' if number > 1 else ''}"
        yield f"    {sort.prefix} ({files}): {sort.title}. {sort.about}"


def _masking(left_out: Iterable[str]) -> Iterator[str]:
    yield "WHAT IS MASKED, AND WHAT THAT COSTS"
    yield (
        "User names, session names, mail addresses and the paths of users are replaced by "
        "pseudonyms, the same for the same name in every masked pack of this project; what people "
        "typed (reasons) and the text of mails are left out. IAM's own ids of users and keys stay. "
        "A name within another word, or in a tag, may stay where Keyreeve does not know it to be "
        "one. Pseudonyms are no anonymity: whoever has the salt, which lies in the project's "
        "storage and in no pack, can tell whose they are."
    )
    yield (
        "A masked line of the audit log is not the line that was written. Its digests are those "
        "of the masked records, chained anew from the first line of the pack, so verify.py finds "
        "an alteration of this pack as in any other; that the masking itself is true it cannot "
        "find. For that, `original` and `original_previous` carry keyed digests of the record as "
        "written and of the one before it, and `originals` in manifest.json those of the files: "
        "whoever has storage and salt can show that they agree, or make the same pack again, byte "
        "for byte. Plain digests would give names away to whoever tries them one by one."
    )
    files = list(left_out)
    if files:
        yield f"Left out, since they are in no form that can be masked: {', '.join(files)}."
