"""What the ladder promises over every calendar: searched, not sampled by hand (P3, P6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.builders import MONDAY, NOW, on, policy, record
from tests.unit.escalation.ladder import walk

from keyreeve.escalation.calendar import Calendar
from keyreeve.escalation.machine import HandOver, Situation, decide, stage_on
from keyreeve.model.case import FindingRecord, NoticeRecord, Stage, Told
from keyreeve.model.plan import DecisionReason, Gate
from keyreeve.model.policy import Enforcement, EnforcementDays, Freeze, LadderDays

_WARNINGS = (Stage.WARNING, Stage.COUNTDOWN)

day_sets = st.frozensets(st.integers(0, 34), max_size=14)
freezes = st.builds(
    lambda first, length: Freeze(first=on(first), last=on(first + length)),
    st.integers(0, 30),
    st.integers(0, 6),
)
projects = st.builds(
    lambda weekdays, open_on, frozen, overlap: policy(
        mail_weekdays=weekdays,
        enforcement=Enforcement(
            weekdays=open_on, freezes=tuple(frozen), minimum_overlap_days=overlap
        ),
    ),
    st.frozensets(st.integers(0, 6), min_size=2),
    st.sampled_from(EnforcementDays),
    st.lists(freezes, max_size=2),
    st.integers(0, 7),
)
hand_overs = st.sampled_from(HandOver)


def shifting(extended, held, counted):
    """Settings of people and gates that count, as they change from day to day."""

    def change(day, situation):
        today = situation.today
        until = next((last for first, last in held if first <= day < last), None)
        return replace(
            situation,
            extension_days=sum(n for since, n in extended if day >= since),
            held_until=None if until is None else today + timedelta(days=until - day),
            not_today=day in counted,
        )

    return change


changes = st.builds(
    shifting,
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 15)), max_size=2),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), max_size=2),
    day_sets,
)


@settings(max_examples=250, deadline=None)
@given(
    weekday=st.integers(0, 6),
    hand_over=hand_overs,
    acts=st.booleans(),
    holidays=day_sets,
    skip=day_sets,
    twice=day_sets,
    project=projects,
    change=changes,
)
def test_whatever_the_calendar_no_act_comes_before_its_gates_and_no_mail_on_a_closed_day(
    weekday, hand_over, acts, holidays, skip, twice, project, change
):
    seen = walk(
        weekday,
        hand_over=hand_over,
        acts=acts,
        holidays=holidays,
        skip=skip,
        twice=twice,
        settings=project,
        change=change,
        until=80,
    )
    off = frozenset(seen.start + timedelta(days=n) for n in holidays)
    calendar = Calendar(replace(project, holidays=off))

    def at(day):
        return seen.start + timedelta(days=day)

    assert all(calendar.is_mail_day(at(day)) for day in seen.notices)
    assert len(set(seen.notices)) == len(seen.notices)
    assert all(n.stage is not Stage.PENDING for n in seen.record.notices)
    if seen.credentials is not None:
        assert calendar.is_mail_day(at(seen.credentials))
        assert seen.credentials - seen.notices[0] >= LadderDays().new_credentials
        if hand_over is HandOver.PASSWORD:
            assert calendar.is_act_day(at(seen.credentials))
    if seen.act is None:
        assert acts is False or not seen.told(Stage.ENFORCEMENT)
        return
    assert acts
    assert calendar.is_act_day(at(seen.act))
    assert at(seen.act) >= seen.record.promised_on
    earlier = [n for n in seen.record.notices if n.on < at(seen.act)]
    assert len(earlier) >= 2
    assert any(n.stage in _WARNINGS for n in earlier)
    overlap = timedelta(days=project.enforcement.minimum_overlap_days)
    prepared = (
        seen.record.no_replacement.on
        if hand_over is HandOver.NOTHING
        else at(seen.credentials if seen.credentials is not None else 999)
    )
    assert at(seen.act) - prepared >= overlap
    assert all(n.on >= at(seen.act) for n in seen.told(Stage.ENFORCEMENT))


@settings(max_examples=150, deadline=None)
@given(weekday=st.integers(0, 6), hand_over=hand_overs, holidays=day_sets, project=projects)
@example(weekday=4, hand_over=HandOver.KEY, holidays=frozenset({7, 10}), project=policy())
def test_with_daily_runs_the_first_notices_promise_is_kept_to_the_day(
    weekday, hand_over, holidays, project
):
    seen = walk(weekday, hand_over=hand_over, holidays=holidays, settings=project, until=80)
    assert {n.enforcement_on for n in seen.record.notices} == {seen.record.promised_on}
    assert seen.act == seen.promised


@settings(max_examples=100, deadline=None)
@given(weekday=st.integers(0, 4), hand_over=hand_overs, skip=day_sets)
def test_after_the_last_missed_run_the_act_comes_within_eleven_days_or_on_its_promise(
    weekday, hand_over, skip
):
    seen = walk(weekday, hand_over=hand_over, skip=skip - {0}, until=80)
    last = max(skip, default=0)
    assert seen.act is not None
    assert 14 <= seen.act <= max(14, last + 11)


# --- the function is total ------------------------------------------------------------------------

dates = st.integers(-40, 80).map(on)
maybe_dates = st.none() | dates
gates = st.none() | st.tuples(st.sampled_from(Gate), st.just("because"))
notices = st.builds(
    lambda stage, day, e: NoticeRecord(stage=stage, on=day, at=NOW, enforcement_on=e),
    st.sampled_from(Stage),
    dates,
    maybe_dates,
)
records = st.builds(
    FindingRecord,
    control=st.just(record().control),
    resource_id=st.just("AKIA1"),
    first_seen_on=dates,
    opened_on=maybe_dates,
    stage=st.sampled_from(Stage),
    notices=st.lists(notices, max_size=4).map(tuple),
    promised_on=maybe_dates,
    days=st.none() | st.just(LadderDays(enforcement=21, countdown=18, warning=15)),
    no_replacement=st.none() | st.builds(Told, reason=st.sampled_from(["x", "y"]), on=dates),
    enforced_on=maybe_dates,
)
situations = st.builds(
    Situation,
    today=dates,
    acts=st.booleans(),
    hand_over=hand_overs,
    handed_over_on=maybe_dates,
    why_nothing=st.none() | st.sampled_from(["x", "y"]),
    hand_over_held=gates,
    act_held=gates,
    held_until=maybe_dates,
    extension_days=st.integers(0, 60),
    overlap_days=st.integers(0, 30),
    first_in_case=st.booleans(),
    noticed_today=st.booleans(),
    not_today=st.booleans(),
    reconcile=st.booleans(),
)


@settings(max_examples=500, deadline=None)
@given(seen=records, at=situations, project=projects, holidays=day_sets)
def test_any_record_on_any_day_gives_a_decision_that_does_not_contradict_itself(
    seen, at, project, holidays
):
    calendar = Calendar(replace(project, holidays=frozenset(map(on, holidays))))
    decision = decide(seen, at, calendar, LadderDays())
    assert decision == decide(seen, at, calendar, LadderDays())
    if decision.act_due and not at.reconcile:
        assert decision.stage is Stage.ENFORCEMENT
        assert decision.enforcement_on == at.today
        assert calendar.is_act_day(at.today)
        assert at.acts
        assert not at.not_today
        assert at.act_held is None
        assert seen.enforced_on is None
    if decision.credentials_due:
        assert decision.held is None
        assert at.handed_over_on is None
        assert at.why_nothing is None
        assert calendar.is_mail_day(at.today)
    if decision.reason is DecisionReason.HELD_AT_GATE:
        assert decision.held is not None
    if decision.held is not None:
        assert decision.reason is DecisionReason.HELD_AT_GATE
    if seen.opened_on is None and seen.enforced_on is None:
        assert decision.stage is Stage.PENDING
        assert not decision.act_due
        assert not decision.credentials_due
    if at.acts and decision.enforcement_on is not None and seen.enforced_on is None:
        dated = at.act_held is None and at.hand_over_held is None
        assert not dated or decision.enforcement_on >= at.today


@given(today=dates, day_0=dates, e=maybe_dates)
def test_a_stage_depends_on_day_0_and_e_alone(today, day_0, e):
    days = LadderDays()
    stage = stage_on(today, day_0, e, days)
    left = None if e is None else (e - today).days
    if left is None or left < 0:
        assert stage is Stage.OVERDUE
    elif left < 5:
        late = {0: Stage.ENFORCEMENT, 4: Stage.WARNING}
        assert stage is late.get(left, Stage.COUNTDOWN)
    else:
        passed = (today - day_0).days
        early = [Stage.NOTIFICATION, Stage.REMINDER, Stage.NEW_CREDENTIALS]
        assert stage is early[(passed >= 3) + (passed >= 7)]


def test_the_calendar_of_the_examples_begins_on_a_monday():
    assert date(2026, 1, 5) == MONDAY
    assert MONDAY.weekday() == 0
