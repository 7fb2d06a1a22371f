"""Files against what the audit log tells: one replaced or missing is found without a pack.

Records of runs and results of reviews, about one a day, are read here.  Credential reports and
mails, which not every role may read and of which there are many, are compared by an export.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keyreeve.codec.verify_pack import unlike
from keyreeve.ports import ObjectStore
from keyreeve.storage.audit_check import Walked
from keyreeve.storage.layout import REVIEWS, RUNS

COMPARED = (RUNS, REVIEWS)
_NO_END = "9999-12-31"


def lying(store: ObjectStore, told: Mapping[str, object]) -> list[str]:
    """Keys of files that the log tells of and that are there; others may have been purged."""
    return [row.key for folder in COMPARED for row in store.list(folder) if row.key in told]


def replaced(store: ObjectStore, keys: list[str], told: Mapping[str, object]) -> Iterator[str]:
    """A sentence for each that is another one than the log tells of."""
    for key in keys:
        found = store.get(key)
        if found is not None:
            yield from unlike({key: found.content}, {key: told[key]})


def missing(keys: list[str], walked: Walked) -> Iterator[str]:
    """A sentence for each record of a run that is not among the keys, though no purge tells of it.

    Results of reviews bear no day in their keys: whether one was purged cannot be told.
    """
    there, before = set(keys), walked.files_purged_before
    gone = {
        key: known
        for key, known in walked.kept.items()
        if key.startswith(RUNS) and key not in there
    }
    return unlike({}, gone, (before.isoformat() if before else "", _NO_END))
