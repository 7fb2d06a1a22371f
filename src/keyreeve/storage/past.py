"""Reads back what `pipeline.publish` and the audit log have left, a bounded number of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from keyreeve.codec.seal import parse
from keyreeve.model.case import AuditHead
from keyreeve.model.identifiers import RunId
from keyreeve.model.past import AuditedRecord, AuditTrail, PastFinding, PastRun
from keyreeve.ports import ObjectStore
from keyreeve.storage.audit_log import remembered
from keyreeve.storage.audit_records import day_of, records_since
from keyreeve.storage.layout import RUNS, run_day

_RUN = "/run.json"


class StoredPast:
    """ports.past.Past over any object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def runs(self, since: date) -> tuple[PastRun, ...]:
        """One object read for each run. Which day it was, the record says: a key tells UTC's."""
        rows = self._store.list(RUNS, start_after=run_day(since))
        found = (self._run(row.key) for row in rows if row.key.endswith(_RUN))
        return tuple(run for run in found if run is not None)

    def trail(self, since: date, head: AuditHead | None = None) -> AuditTrail:
        """Segments in the order of the chain, and what the storage remembers of its end."""
        newest, unwritten = remembered(self._store, head)
        records: list[AuditedRecord] = []
        try:
            for r in records_since(self._store, since):
                records.append(r)  # noqa: PERF402 - what precedes a broken record is kept
        except ValueError as error:
            after = f"after record {records[-1].seq}" if records else "at its first record"
            return AuditTrail(records=tuple(records), since=since, problem=f"{after}: {error}")
        known = [head] if unwritten else [head, newest]
        missing = [h.sequence for h in known if h and _is_missing(h, records, since)]
        if unwritten and records and records[-1].seq < unwritten[0].sequence - 1:
            missing.append(unwritten[0].sequence - 1)
        problem = f"record {max(missing)} is missing at its end" if missing else None
        return AuditTrail(records=tuple(records), since=since, problem=problem)

    def _run(self, key: str) -> PastRun | None:
        stored = self._store.get(key)
        if stored is None:
            return None
        try:
            return _past_run(parse(stored.content))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def _is_missing(head: AuditHead, records: Sequence[AuditedRecord], since: date) -> bool:
    """Whether a record that is remembered is not among those that were read, and should be."""
    day = day_of(head.run_id)
    if day is not None and day < since:
        return False
    return all((r.seq, r.digest) != (head.sequence, head.digest) for r in records)


def _past_run(document: Mapping[str, Any]) -> PastRun:
    """ValueError, KeyError, TypeError or AttributeError if it is not as `publish` writes it."""
    outcomes: Sequence[Mapping[str, str]] = document["outcomes"]
    return PastRun(
        run_id=RunId(document["run_id"]),
        as_of=datetime.fromisoformat(document["as_of"]),
        on=date.fromisoformat(document["on"]),
        exit_code=int(document["exit_code"]),
        findings=tuple(
            PastFinding(control=str(f["control"]), user=str(f["user_id"] or f["user_name"]))
            for f in document["findings"]
        ),
        outcomes=dict(Counter(o["effect_kind"] for o in outcomes if o["kind"] == "done")),
        failed=sum(1 for o in outcomes if o["kind"] == "failed"),
        held=len(document["held"]),
        refused=document["refusal"] is not None,
        judged=bool(document.get("account_readable", True)),
    )
