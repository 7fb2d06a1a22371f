"""Every open case on its way up the ladder: where it stands, what is next, what holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from keyreeve.model.case import Case, FindingRecord, OperationKind, OperationRecord, Stage
from keyreeve.model.effect import Effect, SendNotice
from keyreeve.model.notice import FindingLine
from keyreeve.model.plan import Held, UserPlan
from keyreeve.reporting.report_facts import ReportFacts
from keyreeve.reporting.report_lines import CaseFinding, CaseLine, HeldAt, Rung

NINETY = 90
"""Days: the limit of most frameworks."""
_ORDER = tuple(Stage)
_HAND_OVERS = (OperationKind.ROTATION, OperationKind.PASSWORD_RESET)
_TODAY: Mapping[str, str] = {
    "create_replacement_key": "a new access key is made and handed over",
    "reset_password": "a new console password is set and handed over",
    "deactivate_access_key": "the access key becomes inactive",
    "delete_login_profile": "the console password is removed",
    "quarantine": "the user is put into quarantine",
    "delete_orphaned_key": "a key that nobody holds is deleted",
    "purge_escrow": "an escrowed secret is deleted: its time is over",
    "send_closing": "the closing mail goes out",
}
"""What today's run would do, by the effect's kind."""


def case_lines(facts: ReportFacts) -> tuple[CaseLine, ...]:
    """The earliest E first, those without one last."""
    plans = {plan.user_id: plan for plan in facts.plan.users}
    lines = (_case(facts, case, plans.get(case.user_id)) for case in facts.state.users.values())
    if facts.framework is not None:
        lines = (line for line in lines if line.findings)
    return tuple(sorted(lines, key=lambda c: (c.enforcement_on or date.max, c.user_name)))


def days_to_90(record: FindingRecord, facts: ReportFacts) -> int | None:
    """Until the credential is 90 days old; negative: past."""
    if record.since is None:
        return None
    return NINETY - (facts.as_of - record.since) // timedelta(days=1)


def _case(facts: ReportFacts, case: Case, plan: UserPlan | None) -> CaseLine:
    within = facts.within
    held = [h for h in plan.held if h.control is None or h.control in within] if plan else []
    findings = tuple(
        _finding(facts, case, record, held)
        for record in case.findings.values()
        if record.control in within
    )
    hold = next(
        (
            h
            for h in facts.people.holds
            if h.user in (case.user_name, case.user_id) and h.until > facts.plan.on
        ),
        None,
    )
    return CaseLine(
        case_id=case.case_id,
        user_id=case.user_id,
        user_name=case.user_name,
        stage=max((f.stage for f in findings), key=_ORDER.index, default=Stage.NOTIFICATION),
        first_seen_on=case.first_seen_on,
        opened_on=case.opened_on,
        enforcement_on=_earliest(findings),
        next=_next(findings),
        today=tuple(_today(plan)) if plan else (),
        held=_gates(held),
        held_until=hold.until if hold else None,
        extension_days=facts.extended.get(case.user_id, 0),
        addresses=case.addresses,
        closing=case.closing_due,
        unread=bool(case.findings) and case.user_id not in facts.notices,
        findings=findings,
    )


def _earliest(findings: Iterable[CaseFinding]) -> date | None:
    """The earliest still to come; where every act is done, the latest of them."""
    coming = [f.enforcement_on for f in findings if f.enforced_on is None and f.enforcement_on]
    done = [f.enforced_on for f in findings if f.enforced_on]
    return min(coming, default=max(done, default=None))


def _next(findings: Iterable[CaseFinding]) -> Rung | None:
    rungs = [rung for finding in findings for rung in finding.coming]
    return min(rungs, key=lambda rung: (rung.on, -_ORDER.index(rung.stage)), default=None)


def _today(plan: UserPlan) -> Iterator[str]:
    effects: list[Effect] = [*plan.acts, *([plan.message] if plan.message else [])]
    for effect in effects:
        if isinstance(effect, SendNotice):
            yield f"a notice goes out: {effect.stage.value.replace('_', ' ')}"
        else:
            yield _TODAY.get(effect.kind, effect.kind.replace("_", " "))


def _gates(held: Iterable[Held]) -> tuple[HeldAt, ...]:
    return tuple(dict.fromkeys(HeldAt(gate=h.gate.value, reason=h.reason) for h in held))


def _finding(
    facts: ReportFacts, case: Case, record: FindingRecord, held: Iterable[Held]
) -> CaseFinding:
    line = _line(facts, case, record)
    card = facts.cards[record.control]
    operation = _hand_over(case, record)
    e = record.enforcement_on
    return CaseFinding(
        control=record.control,
        resource_id=record.resource_id,
        title=card.title,
        resource=line.resource if line else record.resource_id,
        severity=card.severity,
        stage=record.stage,
        detail=line.detail if line else "",
        first_seen_on=record.first_seen_on,
        opened_on=record.opened_on,
        promised_on=record.promised_on,
        enforcement_on=e,
        enforced_on=record.enforced_on,
        days_left=(e - facts.plan.on).days if e else None,
        days_to_90=days_to_90(record, facts),
        told=record.notices,
        coming=tuple(Rung(stage=stage, on=on) for stage, on in line.timeline)
        if line and record.opened_on
        else (),
        held=_gates(h for h in held if (h.control, h.resource_id) == record.key),
        consequence=line.consequence if line else "",
        done=line.done if line else (),
        remarks=line.remarks if line else (),
        old_key=operation.old_key if operation else None,
        new_key=operation.new_key if operation else None,
        handed_over_on=operation.delivered_on if operation else None,
    )


def _line(facts: ReportFacts, case: Case, record: FindingRecord) -> FindingLine | None:
    """What today's notice would say of the finding."""
    notice = facts.notices.get(case.user_id)
    if notice is None:
        return None
    return next(
        (
            line
            for line in notice.findings
            if line.control is record.control and line.key_id in (None, record.resource_id)
        ),
        None,
    )


def _hand_over(case: Case, record: FindingRecord) -> OperationRecord | None:
    return next(
        (
            operation
            for operation in case.operations.values()
            if operation.kind in _HAND_OVERS
            and (operation.control, operation.resource_id) == record.key
        ),
        None,
    )
