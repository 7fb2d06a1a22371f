"""The weekly summary, from the state and today's facts (S1.27)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from keyreeve.model.case import Case, FindingRecord, Stage, State
from keyreeve.model.control import ControlCard
from keyreeve.model.decisions import HumanDecisions, Waiver
from keyreeve.model.finding import Finding
from keyreeve.model.identifiers import ControlId, UserName
from keyreeve.model.months import Months
from keyreeve.model.notice import Letterhead, Summary, SummaryRow
from keyreeve.model.people import Sweep
from keyreeve.model.plan import Gate, Held, Plan
from keyreeve.model.week import Week
from keyreeve.reporting.access import access_part
from keyreeve.reporting.slots import slot_rows, slots_sentence
from keyreeve.reporting.week import week_part

SOON = timedelta(days=7)
NINETY = 90
"""Days: the limit of most frameworks."""
EXPIRING = timedelta(days=14)
"""Waivers that run out within two weeks are named."""


def summarise(
    plan: Plan,
    state: State,
    people: HumanDecisions,
    cards: Mapping[ControlId, ControlCard],
    letterhead: Letterhead,
    users: int,
    sweep: Sweep | None = None,
    week: Week | None = None,
    months: Months | None = None,
    change_over: tuple[SummaryRow, ...] = (),
    unjudged: int = 0,
) -> Summary:
    """Posture, open cases by stage, what is due, held, overdue, unreachable, waived.

    The plan's findings are those that count: neither waived nor excluded.
    """
    records = [(case, r) for case in state.users.values() for r in case.findings.values()]
    due = [(c, r) for c, r in records if _due_soon(r, plan.on)]
    overdue = [(c, r) for c, r in records if r.stage is Stage.OVERDUE]
    unreachable = {h.user_name: h for h in plan.held if owner_unreachable(h)}
    access, past = access_part(sweep), week_part(week)
    return Summary(
        letterhead=letterhead,
        on=plan.on,
        users=users,
        flagged_users=len({f.user_id for f in plan.findings}),
        by_control=_by_control(plan.findings, cards),
        by_stage=_by_stage(records),
        cases_by_stage=cases_by_stage(state.users.values()),
        due=tuple(_row(c, r, cards, plan) for c, r in _by_date(due)),
        open_findings=tuple(
            _row(c, r, cards, plan)
            for c, r in _by_date(records)
            if r.stage is not Stage.OVERDUE and not _due_soon(r, plan.on) and not r.enforced_on
        ),
        held=tuple(_held_row(h, cards) for h in plan.held if not owner_unreachable(h)),
        overdue=tuple(_row(c, r, cards, plan) for c, r in _by_date(overdue)),
        unreachable=tuple(
            SummaryRow(user_name=name, what="owner unreachable", reason=held.reason)
            for name, held in sorted(unreachable.items())
        ),
        slots=slots_sentence(plan),
        slot_blocked=slot_rows(plan.slot_blocked),
        inline_policies=tuple(
            SummaryRow(user_name=f.user_name, what=f.detail, severity=f.severity)
            for f in plan.findings
            if f.control is ControlId.INLINE_POLICIES
        ),
        waivers=tuple(_waiver_row(w) for w in people.waivers if _worth_naming(w, plan.on)),
        change_over=change_over,
        gaps=(
            *(_gap(gap.step, gap.reason, gap.user_name) for gap in plan.gaps),
            *past.gaps,
            *(
                (f"figures of the past months: {months.unread}",)
                if months and months.unread
                else ()
            ),
        ),
        done_this_week=_done(state, plan.on),
        access=access.figures,
        to_move=access.to_move,
        to_place=access.to_place,
        tag_gaps=access.tag_gaps,
        admin_sessions=past.sessions,
        iam_changes=past.changes,
        months=months.figures if months else (),
        observing=plan.observing,
        unjudged=unjudged,
    )


def _due_soon(record: FindingRecord, today: date) -> bool:
    e = record.enforcement_on
    pending = record.stage in (Stage.PENDING, Stage.OVERDUE) or record.enforced_on is not None
    return e is not None and not pending and e - today <= SOON


def owner_unreachable(held: Held) -> bool:
    """Nobody could be told; an address that only takes no credentials was reached."""
    return held.gate is Gate.RECIPIENT and "cannot be reached" in held.reason


def _by_control(
    findings: Iterable[Finding], cards: Mapping[ControlId, ControlCard]
) -> tuple[tuple[ControlId, str, int], ...]:
    count = Counter(finding.control for finding in findings)
    return tuple((control, cards[control].title, count[control]) for control in cards)


def _by_stage(records: Iterable[tuple[Case, FindingRecord]]) -> tuple[tuple[Stage, int], ...]:
    count = Counter(record.stage for _, record in records)
    return tuple((stage, count[stage]) for stage in Stage if count[stage])


def cases_by_stage(cases: Iterable[Case]) -> tuple[tuple[Stage, int], ...]:
    """Each case once, at the most advanced stage of its findings."""
    order = list(Stage)
    stages = ([record.stage for record in case.findings.values()] for case in cases)
    count = Counter(max(found, key=order.index) for found in stages if found)
    return tuple((stage, count[stage]) for stage in Stage if count[stage])


def _by_date(
    records: Iterable[tuple[Case, FindingRecord]],
) -> list[tuple[Case, FindingRecord]]:
    return sorted(records, key=lambda pair: (pair[1].enforcement_on or date.max, pair[0].user_name))


def _row(
    case: Case,
    record: FindingRecord,
    cards: Mapping[ControlId, ControlCard],
    plan: Plan,
) -> SummaryRow:
    card = cards[record.control]
    reason = f"{record.held.gate}: {record.held.reason}" if record.held else ""
    return SummaryRow(
        user_name=case.user_name,
        what=_what(card, record.resource_id),
        stage=record.stage,
        on=record.enforcement_on,
        reason=reason,
        days_to_90=None if record.since is None else NINETY - (plan.as_of - record.since).days,
        severity=card.severity,
    )


def _what(card: ControlCard, resource_id: str) -> str:
    """The finding in words; only keys need their id to be told apart."""
    is_key = resource_id.startswith("AKIA")
    return f"{card.title} ({resource_id})" if is_key else card.title


def _held_row(held: Held, cards: Mapping[ControlId, ControlCard]) -> SummaryRow:
    card = cards[held.control] if held.control else None
    return SummaryRow(
        user_name=held.user_name,
        what=_what(card, held.resource_id) if card else held.resource_id or "the whole case",
        on=held.enforcement_on,
        reason=f"{held.gate.value}: {held.reason}",
        days_to_90=held.days_to_90,
    )


def _worth_naming(waiver: Waiver, today: date) -> bool:
    """About to expire, or expired within the last week."""
    if waiver.revoked_at is not None:
        return False
    return today - SOON <= waiver.expires_on <= today + EXPIRING


def _waiver_row(waiver: Waiver) -> SummaryRow:
    scope = waiver.control.value if waiver.control else "every control"
    return SummaryRow(
        user_name=UserName(waiver.named),
        what=f"waiver of {scope}",
        on=waiver.expires_on,
        reason=f"{waiver.reason} (approved by {waiver.approved_by})",
    )


def _gap(step: str, reason: str, user_name: str | None) -> str:
    return f"{step}, {user_name}: {reason}" if user_name else f"{step}: {reason}"


def _done(state: State, today: date) -> tuple[tuple[str, int], ...]:
    week = [ledger for day, ledger in state.ledger.items() if today - SOON < day <= today]
    return tuple(
        (words, count)
        for words, count in (
            ("cases opened", sum(len(day.opened) for day in week)),
            ("users given new keys", sum(len(day.created) for day in week)),
            ("users whose access was changed", sum(len(day.disrupted) for day in week)),
        )
        if count
    )
