"""Decisions as effects: notices, closings, credentials, acts, what is resumed or over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    KEY_1,
    KEY_3,
    MFA_CONTROL,
    NOW,
    PASSWORD_AGE,
    RUN,
    access_key,
    ago,
    by_id,
    case,
    console,
    day,
    delivered,
    gap_of,
    key_record,
    kinds,
    notice_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    state,
    user,
)

from keyreeve.escalation.planner import (
    days_to_90,
    headline,
    population_of,
    strongest,
)
from keyreeve.model.case import (
    DayLedger,
    Hold,
    HumanDecisions,
    LastRun,
    OperationKind,
    Population,
    Stage,
    StepName,
    Told,
)
from keyreeve.model.effect import DeactivationCause, NoticeReason
from keyreeve.model.plan import Decision, DecisionReason, Gate
from keyreeve.model.policy import Enforcement, Exclusion, FinalAct, Match
from keyreeve.model.snapshot import Caller

ANN = user("ann", old_key())
WARNED = (notice_record(0), notice_record(10, Stage.WARNING))
READY = case(record(day_0=True, notices=WARNED), operations=by_id(delivered()))


ROTATED = user("ann", old_key(), access_key(2, key_id=KEY_3, last_used=NOW + timedelta(days=13)))


def planned(day_n, before=READY, who=ROTATED, *, settings=None, **more):
    now = NOW + timedelta(days=day_n)
    crew = snapshot(who, **more.pop("facts", {}))
    keys = more.pop("keys", {})
    return day(crew, state(before, keys=keys), settings, now=now, **more).planned.plan


def effects(*args, **kwargs):
    return [(e.kind, e.reason) for e in planned(*args, **kwargs).effects]


# --- the usual days -------------------------------------------------------------------------------

OPENED = case(record(day_0=True))
USUAL = {
    0: [],
    2: [],
    3: [("send_notice", "stage_due")],
    5: [],
    7: [("create_replacement_key", "credentials_due"), ("send_notice", "stage_due")],
}


@pytest.mark.parametrize("day_n", USUAL)
def test_what_a_day_brings(day_n):
    assert effects(day_n, OPENED, ANN) == USUAL[day_n]


def test_on_e_the_act_comes_first_and_then_the_one_notice():
    plan = planned(14)
    act, notice = plan.effects
    assert (act.kind, act.key_id, act.cause) == (
        "deactivate_access_key",
        KEY_1,
        DeactivationCause.ROTATION,
    )
    assert not act.reconcile_only
    assert act.due_on == on(14)
    assert (notice.kind, notice.reason, notice.to) == ("send_notice", "act_done", "ann@example.com")
    assert plan.users[0].earliest == on(14)


def test_stages_and_e_are_written_into_the_state():
    done = day(snapshot(ANN), state(OPENED), now=NOW + timedelta(days=4))
    (seen,) = done.planned.state.users[OPENED.user_id].findings.values()
    assert (seen.stage, seen.enforcement_on, seen.held) == (Stage.REMINDER, on(14), None)


def test_a_password_is_reset_and_the_owner_hears_of_the_stage_not_of_an_act():
    seen = record(PASSWORD_AGE, "password", day_0=True)
    who = console("ann", password_last_changed=ago(100))
    assert effects(7, case(seen), who) == [
        ("reset_password", "credentials_due"),
        ("send_notice", "stage_due"),
    ]


# --- one notice at most ---------------------------------------------------------------------------


def test_after_todays_notice_there_is_no_second():
    told = replace(OPENED, last_notice_on=on(3))
    assert effects(3, told) == []


def test_no_notice_on_a_closed_day_and_none_while_a_case_is_held():
    assert effects(3, OPENED, settings=policy(holidays=frozenset({on(3)}))) == []
    hold = Hold(user="ann", until=on(9), reason="leave", added_at=NOW, added_by="arn")
    people = HumanDecisions(holds=(hold,))
    plan = planned(7, OPENED, people=people)
    assert plan.effects == ()
    assert [(h.gate, h.reason) for h in plan.held] == [(Gate.HUMAN, "held until 2026-01-14")]


def test_an_owner_nobody_can_reach_gets_nothing_and_every_finding_is_held():
    lost = user("ann", old_key(), tags={})
    plan = planned(0, case(record()), lost)
    assert [e.kind for e in plan.effects] == ["send_team_notice"]
    (held,) = plan.held
    assert held.gate is Gate.RECIPIENT
    assert held.reason.startswith("the owner cannot be reached: ")


def test_when_everything_has_cleared_one_closing_mail_goes_out():
    due = case(closing_due=True, opened_on=on(0), cleared=("x",))
    mended = user("ann", access_key())
    (closing,) = planned(3, due, mended).effects
    assert (closing.kind, closing.reason, closing.to) == (
        "send_closing",
        "resolved",
        "ann@example.com",
    )
    assert effects(5, due, mended) == []  # a Saturday
    assert effects(3, replace(due, last_notice_on=on(3)), mended) == []


# --- resumed and over -----------------------------------------------------------------------------

CUT_OFF = {
    "a rotation": (rotation(StepName.INTENT), OPENED, "create_replacement_key", False),
    "a rotation whose finding is gone": (
        rotation(StepName.INTENT),
        case(record(MFA_CONTROL, "mfa", day_0=True)),
        "create_replacement_key",
        True,
    ),
    "a reset": (
        rotation(
            StepName.INTENT,
            kind=OperationKind.PASSWORD_RESET,
            control=PASSWORD_AGE,
            resource_id="password",
        ),
        case(record(PASSWORD_AGE, "password", day_0=True)),
        "reset_password",
        False,
    ),
}


@pytest.mark.parametrize("row", CUT_OFF)
def test_what_a_stop_cut_off_is_brought_to_an_end_even_on_a_closed_day(row):
    operation, before, kind, only_reconcile = CUT_OFF[row]
    keys = () if only_reconcile else (old_key(),)
    who = console("ann", *keys, mfa_active=False, password_last_changed=ago(100))
    before = replace(before, operations=by_id(operation))
    plan = planned(5, before, who)  # a Saturday
    (act,) = plan.effects
    assert (act.kind, act.reason) == (kind, "resumed")
    assert act.operation_id == operation.operation_id
    assert act.reconcile_only is only_reconcile


def test_a_resumed_act_is_not_begun_a_second_time():
    begun = rotation(StepName.INTENT)
    due = day(snapshot(ANN), state(OPENED), now=NOW + timedelta(days=7)).planned.plan.effects[0]
    begun = replace(begun, operation_id=due.operation_id)
    before = replace(OPENED, operations={due.operation_id: begun})
    assert [k for k, _ in effects(7, before)][:1] == ["create_replacement_key"]
    assert [k for k, _ in effects(7, before)].count("create_replacement_key") == 1


def test_what_a_person_must_look_at_and_excluded_users_are_not_resumed():
    stuck = rotation(StepName.INTENT, stuck="?")
    assert effects(5, replace(OPENED, operations=by_id(stuck))) == []
    settings = policy(exclusions=(Exclusion(match=Match(user="ann"), reason="r"),))
    cut_off = replace(OPENED, operations=by_id(rotation(StepName.INTENT)))
    (act,) = planned(5, cut_off, settings=settings).effects
    assert act.reconcile_only  # what exists is brought to an end, nothing new is begun


def test_an_act_whose_end_is_unknown_is_only_looked_at_before_its_day():
    begun = delivered(), rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT)
    operations = by_id(begun[0], replace(begun[1], operation_id="b"))
    act = planned(12, replace(READY, operations=operations)).effects[0]
    assert act.kind == "deactivate_access_key"
    assert act.reconcile_only


UP = key_record(reinstated_until=NOW, reinstate_reason="audit", inactivated_at=None)


def reinstated(day_n=0, **changes):
    known = replace(UP, **changes)
    now = NOW + timedelta(days=day_n)
    return day(snapshot(ANN), state(keys={KEY_1: known}), now=now).planned.plan


def test_when_a_reinstatement_is_over_its_key_becomes_inactive_again():
    (act,) = reinstated().effects
    assert (act.kind, act.key_id, act.reason) == (
        "deactivate_access_key",
        KEY_1,
        "reinstatement_over",
    )
    assert (act.cause, act.control) == (DeactivationCause.REINSTATEMENT_OVER, None)
    later = reinstated(reinstated_until=NOW + timedelta(seconds=1))
    assert later.effects == ()
    assert kinds(reinstated(user_id="AIDAGONE").effects) == ["send_notice"]  # forgotten by now


def test_the_end_of_a_reinstatement_counts_in_the_blast_radius():
    ledger = {"ledger": {NOW.date(): DayLedger(disrupted=frozenset({"AIDAX"}))}}
    (plan,) = day(snapshot(ANN), state(keys={KEY_1: UP}, **ledger)).planned.plan.users
    assert plan.acts == ()
    assert plan.held[0].gate is Gate.BLAST_RADIUS
    assert plan.held[0].resource_id == KEY_1


def test_a_refused_run_ends_no_reinstatement():
    many = Population(users=frozenset(f"AIDA{n}" for n in range(50)))
    judged = day(snapshot(ANN), state(keys={KEY_1: UP}, population=many))
    assert judged.planned.plan.refusal is not None
    assert judged.planned.plan.users[0].acts == ()


def test_a_reinstatement_that_ends_in_a_weekend_ends_on_monday():
    assert reinstated(5).effects == ()


def test_the_identity_keyreeve_runs_as_is_never_shut_by_a_reinstatement():
    me = Caller(account_id=ACCOUNT, arn="arn", user_id="AIDAANN")
    judged = day(snapshot(ANN, caller=me), state(keys={KEY_1: UP}))
    assert judged.planned.plan.users[0].acts == ()


# --- the summary ----------------------------------------------------------------------------------

SUMMARY = {
    "first run on its day": (0, None, None, True),
    "first run on another day": (1, None, None, False),
    "sent today": (0, 0, None, False),
    "its day again": (7, 0, None, True),
    "the day after, sent in time": (8, 7, None, False),
    "its day was missed": (8, 0, None, True),
    "never sent, its day was missed": (8, None, 4, True),
    "never sent, runs began after its day": (9, None, 8, False),
    "never sent, last run on its day": (8, None, 7, False),
    "a weekend": (12, 0, None, False),
}


@pytest.mark.parametrize("row", SUMMARY)
def test_the_summary_is_due_on_its_day_or_the_first_mail_day_after_it_once(row):
    today, sent, last, due = SUMMARY[row]
    run = None if last is None else LastRun(run_id=RUN, as_of=NOW, on=on(last))
    before = state(summary_sent_on=None if sent is None else on(sent), last_run=run)
    at = NOW + timedelta(days=today)
    assert day(snapshot(ANN), before, now=at).planned.plan.summary_due is due
    nobody = policy(summary_to=())
    assert not day(snapshot(ANN), before, nobody, now=at).planned.plan.summary_due


def test_the_summarys_day_is_a_setting_and_a_holiday_moves_it():
    friday = policy(summary_weekday=4)
    assert day(snapshot(), None, friday, now=NOW + timedelta(days=4)).planned.plan.summary_due
    assert not day(snapshot(), None, friday).planned.plan.summary_due
    off = policy(holidays=frozenset({on(7)}))
    sent = state(summary_sent_on=on(0))
    assert not day(snapshot(), sent, off, now=NOW + timedelta(days=7)).planned.plan.summary_due
    assert day(snapshot(), sent, off, now=NOW + timedelta(days=8)).planned.plan.summary_due


# --- small judgements -----------------------------------------------------------------------------


def decision(stage, due=None):
    return Decision(
        stage=stage,
        enforcement_on=None,
        reason=DecisionReason.GRACE_PERIOD_RUNNING,
        notice_due=due,
    )


def test_the_headline_is_the_most_advanced_stage_and_pending_reads_as_notification():
    assert headline([decision(Stage.PENDING)]) is Stage.NOTIFICATION
    stages = [Stage.WARNING, Stage.PENDING, Stage.REMINDER]
    assert headline(map(decision, stages)) is Stage.WARNING
    assert headline(map(decision, [Stage.ENFORCEMENT, Stage.OVERDUE])) is Stage.OVERDUE


def test_the_strongest_reason_leads():
    due = [NoticeReason.NEW_FINDING_IN_CASE, NoticeReason.COUNTDOWN, None]
    assert strongest(decision(Stage.WARNING, d) for d in due) is NoticeReason.COUNTDOWN
    assert strongest([decision(Stage.WARNING)]) is None
    assert strongest([]) is None


@pytest.mark.parametrize(("age", "left"), [(0, 90), (75, 15), (90, 0), (90.99, 0), (100, -10)])
def test_days_to_90_are_whole_days_of_age(age, left):
    assert days_to_90(record(since=ago(age)), NOW) == left


def test_without_a_date_nobody_knows_the_days_to_90():
    assert days_to_90(record(since=None), NOW) is None


def test_the_population_of_tomorrow_leaves_out_the_excluded_and_inline_policies():
    crew = snapshot(ANN, user("bob", inline_policies=("p",)), user("cid", old_key(key_id="AKIAC")))
    settings = policy(exclusions=(Exclusion(match=Match(user="cid"), reason="r"),))
    seen = population_of(outlook(crew, settings), None)
    assert seen.users == {"AIDAANN", "AIDABOB", "AIDACID"}
    assert seen.flagged == {"AIDAANN"}


def test_a_user_who_could_not_be_read_counts_as_before():
    unread = outlook(snapshot(ANN, gaps=(gap_of(ANN),)))
    known = Population(users=frozenset({"AIDAANN"}), flagged=frozenset({"AIDAANN", "AIDAOLD"}))
    assert population_of(unread, known).flagged == {"AIDAANN"}
    assert population_of(unread, None).flagged == frozenset()


QUARANTINED = Enforcement(console_mfa=FinalAct.QUARANTINE)


def test_two_findings_on_one_day_are_two_acts_and_one_notice():
    two = case(
        record(day_0=True, notices=WARNED),
        record(MFA_CONTROL, "mfa", day_0=True, notices=WARNED, no_replacement=None),
        operations=by_id(delivered()),
    )
    mfa = two.findings[MFA_CONTROL, "mfa"]
    told = replace(mfa, no_replacement=Told(reason="none_needed", on=on(0)))
    two = replace(two, findings={**two.findings, told.key: told})
    who = console("ann", *ROTATED.keys, mfa_active=False)
    plan = planned(14, two, who, settings=policy(enforcement=QUARANTINED))
    assert [e.kind for e in plan.effects] == [
        "deactivate_access_key",
        "quarantine",
        "send_notice",
    ]
