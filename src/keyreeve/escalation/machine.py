"""The ladder itself: one total function from a finding's record and today to a decision.

It asks "which stage has this day reached?", never "is it day 7?", so late runs are safe and
early ones are harmless.  Everything that can hurt hangs on E, and E moves by itself until the
gates hold: told twice with a warning on an earlier day, replacement delivered four days ago (or
the reason why there is none told), an open window.  It never comes before the date told last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from keyreeve.escalation.calendar import Calendar
from keyreeve.model.case import FindingRecord, NoticeRecord, Stage
from keyreeve.model.effect import NoticeReason
from keyreeve.model.plan import Decision, DecisionReason, Gate
from keyreeve.model.policy import LadderDays

WEEK = 7
_WARNINGS = (Stage.WARNING, Stage.COUNTDOWN)
_LAST_WORDS = (Stage.ENFORCEMENT, Stage.OVERDUE)
NOT_WARNED = (Gate.TOLD, "the owner of today was not warned of what is left to do")
_ROUNDS = 12
"""E settles within two or three rounds; the bound only keeps the function total."""


class HandOver(StrEnum):
    """What stage 3 hands out for a finding."""

    NOTHING = "nothing"
    KEY = "key"
    PASSWORD = "password"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is true of one finding today, apart from its clock."""

    today: date
    acts: bool
    """Whether stage 5 changes anything in the account."""
    act: str = ""
    """What it does then: only a notice that announced just this counts as told (gate 1)."""
    hand_over: HandOver = HandOver.NOTHING
    handed_over_on: date | None = None
    why_nothing: str | None = None
    """Why nothing is, or can be, handed over; the owner must have been told (gate 3)."""
    hand_over_held: tuple[Gate, str] | None = None
    """A gate before the hand-over that nobody can date."""
    act_held: tuple[Gate, str] | None = None
    """A gate before the act that nobody can date."""
    held_until: date | None = None
    """A person stopped the case until then."""
    extension_days: int = 0
    overlap_days: int = 4
    first_in_case: bool = True
    """False when the case was noticed before: a new finding joins a running thread."""
    noticed_today: bool = False
    """The day's one notice has gone out."""
    not_today: bool = False
    """The act was due and a gate that counts held it, or it failed: E is another day."""
    cut_over: bool = False
    """The owner works with the new key and has left the old one: a countdown tells nothing new."""
    acts_left: bool = False
    """Of several acts of one finding some did not come about on E: they are due still."""
    reconcile: bool = False
    """An act was begun and its end is unknown: look, whatever the day is."""
    last_to_another: NoticeRecord | None = None
    """The finding's last notice, where it went to an address that is the owner's no more."""


def decide(record: FindingRecord, at: Situation, calendar: Calendar, days: LadderDays) -> Decision:
    """Where the finding stands today, what is due, and why.

    `days` is the ladder for findings that have no promise yet; a promise once made is kept.
    """
    days = record.days or days
    enforcement_on = enforcement_date(record, at, calendar, days)
    if record.enforced_on is not None:
        return _enforced(record, at, record.enforced_on, calendar, days)
    if record.opened_on is None:
        return _pending(at, calendar, enforcement_on)
    stage = stage_on(at.today, record.opened_on, enforcement_on, days)
    held = _held(record, at, days)
    hand_over_due = held is None and _hand_over_due(record, at, calendar, days)
    act_due = at.acts and enforcement_on == at.today and at.act_held is None
    return Decision(
        stage=stage,
        enforcement_on=enforcement_on,
        reason=_reason(
            at,
            stage,
            held,
            hand_over_due=hand_over_due,
            act_due=act_due,
            spared=stage is Stage.COUNTDOWN and _spared(record, at, enforcement_on, days),
        ),
        credentials_due=hand_over_due,
        act_due=act_due or at.reconcile,
        held=held,
        notice_due=_notice_due(record, at, stage, enforcement_on, days),
    )


# --- E ----------------------------------------------------------------------------------------


def enforcement_date(
    record: FindingRecord, at: Situation, calendar: Calendar, days: LadderDays
) -> date | None:
    """E: the first date on which every gate can hold; None where no gate can name one."""
    if record.enforced_on is not None:
        return record.enforced_on
    day_0 = record.opened_on or calendar.mail_day_from(at.today)
    promised = record.promised_on or day_0 + timedelta(days=days.enforcement)
    base = promised + timedelta(days=at.extension_days)
    if at.held_until is not None:
        base = max(base, at.held_until)
    enforcement_on = _open_day(base, at, calendar)
    if at.acts and (at.act_held or at.hand_over_held):
        return None if at.today >= base else enforcement_on
    for _ in range(_ROUNDS):
        settled = _open_day(
            max(
                enforcement_on,
                _overlap_over(record, at, calendar, day_0, days),
                _warned_before(
                    record,
                    at,
                    calendar,
                    day_0=day_0,
                    enforcement_on=enforcement_on,
                    days=days,
                ),
                _as_told(record, at, calendar, enforcement_on),
            ),
            at,
            calendar,
        )
        if settled == enforcement_on:
            break
        enforcement_on = settled
    return enforcement_on


def _open_day(day: date, at: Situation, calendar: Calendar) -> date:
    """The first day on or after `day` that is open for the act, or for saying that none comes."""
    if not at.acts:
        return calendar.mail_day_from(day)
    earliest = at.today + timedelta(days=1) if at.not_today else at.today
    return calendar.act_day_from(max(day, earliest))


def _overlap_over(
    record: FindingRecord, at: Situation, calendar: Calendar, day_0: date, days: LadderDays
) -> date:
    """Gate 3: four days after the hand-over, or after the owner was told why there is none."""
    if not at.acts:
        return day_0
    overlap = timedelta(days=at.overlap_days)
    if at.handed_over_on is not None:
        return at.handed_over_on + overlap
    if at.why_nothing is not None:
        told = record.no_replacement
        if told is not None and told.reason == at.why_nothing:
            return told.on + overlap
        return _next_notice_day(at, calendar) + overlap
    if at.hand_over is HandOver.NOTHING:
        return day_0 + overlap
    due = max(day_0 + timedelta(days=days.new_credentials), at.today)
    if at.not_today:
        due = max(due, at.today + timedelta(days=1))
    if at.held_until is not None:
        due = max(due, at.held_until)
    disruptive = at.hand_over is HandOver.PASSWORD
    return calendar.hand_over_day_from(due, disruptive=disruptive) + overlap


def _warned_before(
    record: FindingRecord,
    at: Situation,
    calendar: Calendar,
    *,
    day_0: date,
    enforcement_on: date,
    days: LadderDays,
) -> date:
    """Gate 1: the day after a warning or countdown, itself not the only notice that arrived.

    A notice that announced another act, or none, has told nothing of this one: settings change,
    and a key may come of age a day before E.
    A warning of a date that has long passed warns of nothing: it counts only for an E that lies
    no further from the one it told than a warning's own lead.
    """
    lead = timedelta(days=days.enforcement - days.warning)
    told, warned = _told_and_warned(record, at, enforcement_on, lead)
    if warned:
        second = told[1:2] or [_next_notice_day(at, calendar)]
        return max(min(warned), *second) + timedelta(days=1)
    coming = _next_notice_day(at, calendar)
    # Whoever has been told nothing yet hears of it on the next mail day, and is warned after that.
    first = day_0 if told else coming
    warning = max(coming, enforcement_on - lead, first + timedelta(days=1))
    return calendar.mail_day_from(warning) + timedelta(days=1)


def _told_and_warned(
    record: FindingRecord, at: Situation, enforcement_on: date, lead: timedelta
) -> tuple[list[date], list[date]]:
    """When notices told of this act, and which of them warned of this E."""
    told = [n for n in record.notices if not at.acts or n.act in (None, at.act)]
    warned = [
        n.on
        for n in told
        if n.stage in _WARNINGS and n.enforcement_on and enforcement_on - n.enforcement_on <= lead
    ]
    return [n.on for n in told], warned


def _as_told(
    record: FindingRecord, at: Situation, calendar: Calendar, enforcement_on: date
) -> date:
    """The date told last, or the day after an earlier one can be told: no act surprises anybody.

    Where the last word was that the date is open, a date is told first.  A date is the finding's,
    whoever read it: mostly both addresses are one person's.
    """
    last = at.last_to_another or next(reversed(record.notices), None)
    if not at.acts or last is None:
        return enforcement_on
    told = last.enforcement_on
    if told is not None and told <= enforcement_on:
        return enforcement_on
    can_be_told = _next_notice_day(at, calendar) + timedelta(days=1)
    return max(enforcement_on, can_be_told) if told is None else min(told, can_be_told)


def _next_notice_day(at: Situation, calendar: Calendar) -> date:
    """The first day on which a notice can still go out."""
    start = at.today + timedelta(days=1) if at.noticed_today else at.today
    if at.held_until is not None:
        start = max(start, at.held_until)
    return calendar.mail_day_from(start)


# --- stages and what is due ---------------------------------------------------------------------


def stage_on(today: date, day_0: date, enforcement_on: date | None, days: LadderDays) -> Stage:
    """The stage that `today` has reached; warning and countdown count back from E."""
    if enforcement_on is None or today > enforcement_on:
        return Stage.OVERDUE
    left = (enforcement_on - today).days
    if left == 0:
        return Stage.ENFORCEMENT
    if left <= days.enforcement - days.countdown:
        return Stage.COUNTDOWN
    if left <= days.enforcement - days.warning:
        return Stage.WARNING
    day = (today - day_0).days
    if day >= days.new_credentials:
        return Stage.NEW_CREDENTIALS
    if day >= days.reminder:
        return Stage.REMINDER
    return Stage.NOTIFICATION


def _pending(at: Situation, calendar: Calendar, enforcement_on: date | None) -> Decision:
    """No notice accepted yet: nothing is due but the first notice."""
    mail_day = calendar.is_mail_day(at.today)
    first = NoticeReason.FIRST_NOTICE if at.first_in_case else NoticeReason.NEW_FINDING_IN_CASE
    return Decision(
        stage=Stage.PENDING,
        enforcement_on=enforcement_on,
        reason=(
            DecisionReason.FIRST_NOTICE_DUE if mail_day else DecisionReason.WAITING_FOR_MAIL_DAY
        ),
        notice_due=first,
    )


def _enforced(
    record: FindingRecord, at: Situation, done_on: date, calendar: Calendar, days: LadderDays
) -> Decision:
    """The act is done; the owner is told of it once, then weekly if the finding stays.

    What was left over of it waits where gate 1 does not hold any more: the owner is another since,
    or what warned of it has come back.
    """
    told = any(n.stage is Stage.ENFORCEMENT and n.on >= done_on for n in record.notices)
    overdue = told and at.today > done_on
    due = _overdue_due(record, at, done_on) if overdue else None
    held = at.act_held or at.held_until or at.not_today
    unwarned = at.acts_left and not _told_before_today(record, at, done_on, days)
    left = at.acts_left and not held and not unwarned and calendar.is_act_day(at.today)
    return Decision(
        stage=Stage.OVERDUE if overdue else Stage.ENFORCEMENT,
        enforcement_on=done_on,
        reason=DecisionReason.ENFORCEMENT_DUE if left else DecisionReason.ENFORCED,
        act_due=at.reconcile or left,
        held=NOT_WARNED if unwarned else None,
        notice_due=due if told else NoticeReason.ACT_DONE,
    )


def _hand_over_due(
    record: FindingRecord, at: Situation, calendar: Calendar, days: LadderDays
) -> bool:
    """Stage 3: due from day 7 on, on a mail day (a reset on an act day too), once."""
    if at.hand_over is HandOver.NOTHING or at.handed_over_on or at.why_nothing:
        return False
    if record.opened_on is None or at.today < record.opened_on + timedelta(
        days=days.new_credentials
    ):
        return False
    if at.not_today or (at.held_until is not None and at.today < at.held_until):
        return False
    disruptive = at.hand_over is HandOver.PASSWORD
    return calendar.hand_over_day_from(at.today, disruptive=disruptive) == at.today


def _held(record: FindingRecord, at: Situation, days: LadderDays) -> tuple[Gate, str] | None:
    """The undated gate that matters today, if one does."""
    if at.held_until is not None and at.today < at.held_until:
        return (Gate.HUMAN, f"held until {at.held_until.isoformat()}")
    if at.hand_over_held is not None and record.opened_on is not None:
        due = record.opened_on + timedelta(days=days.new_credentials)
        if at.today >= due and at.handed_over_on is None:
            return at.hand_over_held
    return at.act_held if at.acts else None


def _reason(
    at: Situation,
    stage: Stage,
    held: tuple[Gate, str] | None,
    *,
    hand_over_due: bool,
    act_due: bool,
    spared: bool,
) -> DecisionReason:
    if held is not None:
        return DecisionReason.HELD_AT_GATE
    if act_due:
        return DecisionReason.ENFORCEMENT_DUE
    if hand_over_due:
        return DecisionReason.CREDENTIALS_DUE
    if stage in _LAST_WORDS and not at.acts:
        return DecisionReason.NO_ACT_CONFIGURED
    if spared:
        return DecisionReason.CUT_OVER_SEEN
    return DecisionReason.GRACE_PERIOD_RUNNING


def _spared(
    record: FindingRecord, at: Situation, enforcement_on: date | None, days: LadderDays
) -> bool:
    """Whether the countdown ends: cut-over is seen, and gate 1 needs no further notice for E.

    Two notices of this act have gone out before today, one of them a warning of just this E: what
    is left out is only what repeats it (docs/decisions/0019).
    """
    if not at.cut_over or enforcement_on is None:
        return False
    return _told_before_today(record, at, enforcement_on, days)


def _told_before_today(
    record: FindingRecord, at: Situation, enforcement_on: date, days: LadderDays
) -> bool:
    """Whether gate 1 holds without another notice."""
    lead = timedelta(days=days.enforcement - days.warning)
    told, warned = _told_and_warned(record, at, enforcement_on, lead)
    before = [on for on in told if on < at.today]
    return len(before) > 1 and any(on < at.today for on in warned)


def _notice_due(
    record: FindingRecord,
    at: Situation,
    stage: Stage,
    enforcement_on: date | None,
    days: LadderDays,
) -> NoticeReason | None:
    """Why this finding alone would be reason enough for a notice today."""
    last = record.notices[-1] if record.notices else None
    if stage is Stage.OVERDUE:
        return _overdue_due(record, at, enforcement_on)
    if stage is Stage.ENFORCEMENT:
        # Nobody is told that something was done before it was.
        said = any(n.stage is stage and n.on == enforcement_on for n in record.notices)
        return None if at.acts or said else NoticeReason.STAGE_DUE
    if stage is Stage.COUNTDOWN:
        if last and last.on == at.today:
            return None
        if not _spared(record, at, enforcement_on, days):
            return NoticeReason.COUNTDOWN
        moved = last is None or last.enforcement_on != enforcement_on
        return NoticeReason.ENFORCEMENT_MOVED if moved else None
    said = any(
        n.stage is stage and (stage is not Stage.WARNING or n.enforcement_on == enforcement_on)
        for n in record.notices
    )
    if not said and (stage is not Stage.NOTIFICATION or last is None):
        return NoticeReason.STAGE_DUE
    if last is not None and last.enforcement_on != enforcement_on:
        return NoticeReason.ENFORCEMENT_MOVED
    return None


def _overdue_due(
    record: FindingRecord, at: Situation, enforcement_on: date | None
) -> NoticeReason | None:
    """One notice for each full week since E (or since the promise, where E is open)."""
    anchor = enforcement_on or record.promised_on or record.opened_on
    if anchor is None:
        return None
    weeks = max((at.today - anchor).days // WEEK, 0)
    due_since = anchor + timedelta(days=weeks * WEEK)
    said = any(n.stage in _LAST_WORDS and n.on >= due_since for n in record.notices)
    return None if said else NoticeReason.OVERDUE_WEEKLY
