"""The past: findings over time, and the evidence of what was done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

from keyreeve.model.past import AuditedRecord, PastRun
from keyreeve.reporting.report_facts import ReportFacts
from keyreeve.reporting.report_lines import DayLine, Evidence, EvidenceLine

MOST = 5000
"""Records that a report carries; older ones are counted, and lie in the audit log."""
_HAND_OVER = ("create_replacement_key", "reset_password")
_ENFORCED = ("deactivate_access_key", "delete_login_profile", "quarantine")
_NO_ACT = ("run.", "held", "outcome.done", "outcome.already_done", "outcome.rehearsed")
"""Events that tell of no act, or repeat what a step has told."""


# --- findings over time ---------------------------------------------------------------------------


def day_lines(facts: ReportFacts) -> tuple[DayLine, ...]:
    """The days that had a run which could judge, and today as it is judged now.

    A day is one of the project's: where the clocks change, two of them may begin on one day in UTC.
    """
    within = {control.value for control in facts.within}
    today = Counter(finding.control.value for finding in facts.findings)
    flagged = {finding.user_id or finding.user_name for finding in facts.findings}
    ran: defaultdict[date, list[PastRun]] = defaultdict(list)
    for run in facts.runs:
        if run.judged:
            ran[run.on].append(run)
    by_day = {on: _day(runs, within) for on, runs in ran.items()}
    if facts.snapshot.account_readable:
        known = by_day.get(facts.plan.on)
        by_day[facts.plan.on] = DayLine(
            on=facts.plan.on,
            run_id=known.run_id if known else None,
            exit_code=known.exit_code if known else None,
            findings=dict(sorted(today.items())),
            users=len(flagged),
            told=known.told if known else 0,
            handed_over=known.handed_over if known else 0,
            enforced=known.enforced if known else 0,
            held=len(facts.plan.held),
            failed=known.failed if known else 0,
        )
    return tuple(by_day[on] for on in sorted(by_day))


def _day(runs: Sequence[PastRun], within: set[str]) -> DayLine:
    """What the last run found, and what all of them did: a second run finds nothing left to do."""
    last = runs[-1]
    found = [finding for finding in last.findings if finding.control in within]
    done: Counter[str] = Counter()
    for run in runs:
        done.update(run.outcomes)
    return DayLine(
        on=last.on,
        run_id=last.run_id,
        exit_code=last.exit_code,
        findings=dict(sorted(Counter(f.control for f in found).items())),
        users=len({f.user for f in found}),
        told=done["send_notice"],
        handed_over=sum(done[kind] for kind in _HAND_OVER),
        enforced=sum(done[kind] for kind in _ENFORCED),
        held=last.held,
        failed=sum(run.failed for run in runs),
    )


# --- evidence -------------------------------------------------------------------------------------


def evidence(facts: ReportFacts) -> Evidence:
    """The newest acts and decisions, and whether the chain holds over the days that were read."""
    acts = [r for r in facts.trail.records if not r.event.startswith(_NO_ACT) and not _intent(r)]
    shown = acts[-MOST:]
    records = facts.trail.records
    return Evidence(
        lines=tuple(_line(record) for record in shown),
        records=len(records),
        since=records[0].at.date() if records else facts.trail.since,
        left_out=len(acts) - len(shown),
        problem=facts.trail.problem or _broken(records),
    )


def _intent(record: AuditedRecord) -> bool:
    return record.event.startswith("step.") and record.event.endswith(".intent")


def _broken(records: tuple[AuditedRecord, ...]) -> str | None:
    for before, after in pairwise(records):
        if (after.seq, after.previous) != (before.seq + 1, before.digest):
            return f"record {after.seq} does not follow record {before.seq}"
    return None


def _line(record: AuditedRecord) -> EvidenceLine:
    data = record.data
    return EvidenceLine(
        seq=record.seq,
        at=record.at,
        run_id=record.run_id,
        event=record.event,
        what=_words(record.event, data),
        user_id=_text(data, "user_id"),
        user_name=_text(data, "user_name"),
        case_id=_text(data, "case_id"),
        operation_id=_text(data, "operation_id"),
        previous=record.previous,
        digest=record.digest,
    )


def _text(data: Mapping[str, object], name: str) -> str | None:
    found = data.get(name)
    return str(found) if found else None


def _words(event: str, data: Mapping[str, object]) -> str:
    """One sentence's worth; what it does not know it says with the event's own words."""
    inner = data.get("data")
    step = inner if isinstance(inner, Mapping) else {}
    match event:
        case "step.notice.accepted":
            stage = str(step.get("stage") or step.get("topic") or "mail").replace("_", " ")
            return f"mail accepted for {_addresses(step.get('to'))}: {stage}"
        case "step.rotation.created":
            return f"{step.get('new_key')} made in place of {step.get('old_key')}"
        case "step.rotation.delivered":
            return f"{step.get('new_key')} handed over to {step.get('to')}"
        case "step.password_reset.created":
            return "a new console password was set"
        case "step.password_reset.delivered":
            return f"the new console password was handed over to {step.get('to')}"
        case "people.waived":
            return _waived(data)
        case "step.enforcement.enforcing":
            return f"begun: {_act(step)}"
        case "step.enforcement.done":
            return f"done: {_act(step)}"
        case _:
            return _plainly(event, data, step)


def _addresses(to: object) -> str:
    return ", ".join(map(str, to)) if isinstance(to, list | tuple) else str(to)


def _waived(data: Mapping[str, object]) -> str:
    found = data.get("waiver")
    waiver = found if isinstance(found, Mapping) else {}
    what = str(waiver.get("control") or "every control").replace("_", " ")
    who = waiver.get("user_name") or waiver.get("user")
    return (
        f"waived for {who} until {waiver.get('expires_on')}: {what}, "
        f"approved by {waiver.get('approved_by')}: {waiver.get('reason')}"
    )


def _act(step: Mapping[str, object]) -> str:
    act = str(step.get("act") or "enforcement").replace("_", " ")
    return f"{act} {step.get('key_id') or ''}".rstrip()


def _plainly(event: str, data: Mapping[str, object], step: Mapping[str, object]) -> str:
    head = event
    for own in ("step.", "case.", "people."):
        head = head.removeprefix(own)
    head = head.replace("_", " ").replace(".", ": ")
    said = data.get("detail") or data.get("reason") or step.get("reason") or step.get("why")
    return f"{head}: {said}" if said else head


def first_day(today: date, days: int) -> date:
    """The first of the last `days` days, today included."""
    return date.fromordinal(today.toordinal() - days + 1)
