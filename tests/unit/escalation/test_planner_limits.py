"""What a day allows: openings, blast radius, facts that look wrong, mailbox (gates 5 and 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    KEY_1,
    MONDAY,
    NOW,
    RUN,
    accepted_mails,
    access_key,
    ago,
    by_id,
    case,
    day,
    delivered,
    gap_of,
    kinds,
    notice_record,
    old_key,
    on,
    policy,
    record,
    snapshot,
    state,
    user,
)

from keyreeve.model.case import DayLedger, Population, Stage
from keyreeve.model.decisions import HumanDecisions, Pause
from keyreeve.model.effect import SendNotice
from keyreeve.model.plan import Gate
from keyreeve.model.policy import Exclusion, Match
from keyreeve.model.snapshot import CollectionGap, GrantedPolicies

ADMIN = GrantedPolicies(managed=frozenset({"arn:aws:iam::aws:policy/AdministratorAccess"}))


def crowd(population, flagged):
    """Users of whom the last ones hold the oldest keys; names do not sort by age."""
    return [
        user(
            f"u{n:03}",
            access_key(key_id=f"AKIA{n:03}", created_at=ago(100 + n if n < flagged else 1)),
        )
        for n in range(population)
    ]


def opened(judged):
    return [
        m.user_name for u in judged.planned.plan.users if isinstance(m := u.message, SendNotice)
    ]


def test_an_old_account_opens_25_25_and_10_cases_oldest_credential_first():
    seen, before, days = snapshot(*crowd(100, 60)), state(), []
    for n in range(4):
        judged = day(seen, before, now=NOW + timedelta(days=n))
        fresh = [
            u.user_name
            for u in judged.planned.plan.users
            if u.message and u.message.reason == "first_notice"
        ]
        days.append(fresh)
        before = accepted_mails(judged)
    assert [len(d) for d in days] == [25, 25, 10, 0]
    oldest = [f"u{n:03}" for n in reversed(range(60))]
    assert [set(d) for d in days[:3]] == [set(oldest[:25]), set(oldest[25:50]), set(oldest[50:])]


def test_two_runs_a_day_open_no_more_than_one():
    seen = snapshot(*crowd(100, 60))
    after = accepted_mails(day(seen))
    assert opened(day(seen, after, now=NOW + timedelta(hours=1))) == []
    assert len(after.ledger[MONDAY].opened) == 25


def test_a_plan_says_what_it_is_made_of():
    plan = day(snapshot(*crowd(100, 60))).planned.plan
    assert (plan.run_id, plan.account_id, plan.as_of, plan.on) == (RUN, ACCOUNT, NOW, MONDAY)
    assert (plan.population, plan.allowed) == (100, 25)
    assert len(plan.findings) == 60
    assert plan.refusal is None


def test_excluded_users_are_no_part_of_the_population():
    settings = policy(exclusions=(Exclusion(match=Match(user="u0[0-4]?"), reason="r"),))
    plan = day(snapshot(*crowd(100, 60)), settings=settings).planned.plan
    assert (plan.population, plan.allowed) == (50, 13)


# --- acts -----------------------------------------------------------------------------------------


def due(n, e=14):
    """A case whose key must be shut on day `e`, with everything told and delivered."""
    new = access_key(2, key_id=f"AKIANEW{n:03}", last_used=NOW + timedelta(days=13))
    who = user(f"u{n:03}", old_key(key_id=f"AKIA{n:03}"), new)
    seen = record(
        resource_id=f"AKIA{n:03}",
        day_0=True,
        promised_on=on(e),
        notices=(notice_record(0, e=e), notice_record(10, Stage.WARNING, e=e)),
    )
    made = delivered(7, operation_id=f"op{n}", resource_id=seen.resource_id, new_key=new.key_id)
    return who, case(seen, who=who, operations=by_id(made))


def on_e(count, *, settings=None, before=None, **more):
    pairs = [due(n, e=13 if n >= count - 2 else 14) for n in range(count)]
    users, cases = zip(*pairs, strict=True)
    start = state(*cases, **(before or {}))
    return day(snapshot(*users), start, settings, **{"now": NOW + timedelta(days=14), **more})


def shut(judged):
    return [
        act.user_name
        for plan in judged.planned.plan.users
        for act in plan.acts
        if act.kind == "deactivate_access_key"
    ]


def test_acts_beyond_the_number_wait_earliest_promise_first():
    assert set(shut(on_e(8))) == {"u006", "u007", "u000", "u001"}  # two were promised for day 13


def test_acts_beyond_the_number_are_held():
    judged = on_e(8)  # P = 8: four users a day
    assert len(shut(judged)) == 4
    held = judged.planned.plan.held
    assert len(held) == 4
    assert {h.gate for h in held} == {Gate.BLAST_RADIUS}
    assert "4 users a day may be disturbed here" in held[0].reason


def test_the_next_run_of_the_day_counts_what_was_done():
    today = NOW + timedelta(days=14)
    ledger = {today.date(): DayLedger(disrupted=frozenset({"AIDAX", "AIDAY", "AIDAZ"}))}
    assert len(shut(on_e(8, before={"ledger": ledger}))) == 1


def test_a_held_finding_says_so_in_the_state_and_keeps_the_day_it_was_first_held():
    judged = on_e(8)
    held = [
        r.held
        for c in judged.planned.state.users.values()
        for r in c.findings.values()
        if r.held is not None
    ]
    assert len(held) == 4
    assert {(h.gate, h.since) for h in held} == {("blast_radius", on(14))}
    pairs = [due(n) for n in range(8)]
    again = day(
        snapshot(*(u for u, _ in pairs)), judged.planned.state, now=NOW + timedelta(days=15)
    )
    since = {
        r.held.since
        for c in again.planned.state.users.values()
        for r in c.findings.values()
        if r.held
    }
    assert since <= {on(14), on(15)}


def test_what_a_counting_gate_held_is_listed_with_its_new_e():
    assert {h.enforcement_on for h in on_e(8).planned.plan.held} == {on(15)}


def test_what_is_held_shows_its_days_to_90():
    assert {h.days_to_90 for h in on_e(8).planned.plan.held} == {90 - 114}


def test_two_administrators_are_never_both_shut_on_one_day():
    users, cases = zip(*[due(n) for n in range(2)], strict=True)
    admins = [replace(u, granted=ADMIN) for u in users]
    others = [user(f"x{n}", access_key(key_id=f"AKIX{n}")) for n in range(20)]
    judged = day(snapshot(*admins, *others), state(*cases), now=NOW + timedelta(days=14))
    assert len(shut(judged)) == 1
    (held,) = judged.planned.plan.held
    assert (held.gate, held.reason) == (Gate.NEVER, "this is the last administrator")


# --- refusal --------------------------------------------------------------------------------------


def refused(accepted=None, mailbox=None):
    """Twenty users vanished since yesterday; two acts are due, one case would open."""
    pairs = [due(n) for n in range(2)]
    fresh = user("new", old_key(key_id="AKIANEW"))
    seen = snapshot(*(u for u, _ in pairs), fresh)
    gone = frozenset(f"AIDAGONE{n}" for n in range(20))
    before = Population(users=gone | {u.user_id for u in seen.users}, flagged=frozenset())
    return day(
        seen,
        state(*(c for _, c in pairs), population=before),
        now=NOW + timedelta(days=14),
        accepted=accepted,
        mailbox=mailbox,
    )


def test_a_refused_run_opens_nothing_and_acts_on_nobody():
    plan = refused().planned.plan
    assert plan.refusal is not None
    assert plan.refusal.number == 20
    assert [k for k in kinds(plan.effects) if k != "send_notice"] == []
    assert opened(refused()) == ["u000", "u001"]  # notices of open cases go on
    assert {h.gate for h in plan.held} == {Gate.BLAST_RADIUS}
    assert plan.held[0].reason.startswith("the run is refused: 20 of 23 users have vanished")


@pytest.mark.parametrize(("accepted", "refuses"), [(20, False), (19, True), (21, True)])
def test_only_the_number_shown_lifts_the_refusal(accepted, refuses):
    plan = refused(accepted).planned.plan
    assert (plan.refusal is not None) is refuses
    assert ("deactivate_access_key" in kinds(plan.effects)) is not refuses


def test_a_refused_run_clears_nobody_from_the_state():
    cases = [due(n)[1] for n in range(20)]
    users = [due(n)[0] for n in range(20)]
    everybody = frozenset(u.user_id for u in users)
    before = state(*cases, population=Population(users=everybody, flagged=everybody))
    judged = day(snapshot(*users[:2]), before, now=NOW + timedelta(days=14))
    assert judged.planned.plan.refusal is not None
    assert set(judged.planned.state.users) == everybody


def test_an_unreadable_account_is_not_compared():
    everybody = frozenset(f"AIDA{n}" for n in range(50))
    gap = CollectionGap(step="GetCredentialReport", reason="too old")
    seen = snapshot(account_readable=False, gaps=(gap,))
    plan = day(seen, state(population=Population(users=everybody))).planned.plan
    assert plan.refusal is None


# --- the mailbox ----------------------------------------------------------------------------------


def test_credentials_mails_are_reserved_before_any_notice():
    ann, bob = (user(n, old_key(key_id=f"AKIA{n}")) for n in ("ann", "bob"))
    seen = record(resource_id="AKIAann", day_0=True, notices=(notice_record(0),))
    before = state(case(seen, who=ann))
    at = NOW + timedelta(days=7)

    def planned(mailbox):
        return kinds(day(snapshot(ann, bob), before, now=at, mailbox=mailbox).planned.plan.effects)

    assert planned(0) == []
    assert planned(2) == ["create_replacement_key"]
    assert planned(3) == ["create_replacement_key", "send_notice"]
    assert planned(4) == ["create_replacement_key", "send_notice"]
    assert planned(5) == ["create_replacement_key", "send_notice", "send_notice"]
    assert planned(None) == planned(5)


def test_a_key_whose_mail_does_not_fit_is_not_made_and_held():
    seen = record(day_0=True)
    judged = day(
        snapshot(user("ann", old_key())),
        state(case(seen)),
        now=NOW + timedelta(days=7),
        mailbox=0,
    )
    (held,) = judged.planned.plan.held
    assert held.gate is Gate.MAILBOX
    assert held.resource_id == KEY_1


# --- days on which nothing moves ------------------------------------------------------------------

STILL = {
    "paused": (
        None,
        HumanDecisions(pause=Pause(reason="migration", since=NOW, by="x")),
        "paused: migration",
    ),
    "observing": (policy(observe_only=True), None, "observing until `keyreeve arm`"),
}


@pytest.mark.parametrize("row", STILL)
def test_while_everything_stands_still_nothing_is_done_or_said_and_what_is_due_is_listed(row):
    settings, people, reason = STILL[row]
    judged = on_e(2, settings=settings, people=people)
    plan = judged.planned.plan
    assert plan.effects == ()
    assert not plan.summary_due
    assert [(h.gate, h.reason) for h in plan.held] == [(Gate.HUMAN, reason)] * 2
    assert all(u.message is None for u in plan.users)


def test_a_user_who_could_not_be_read_stands_still_with_the_reason():
    who, told = due(0)
    seen = snapshot(who, gaps=(gap_of(who, "Throttling"),))
    judged = day(seen, state(told), now=NOW + timedelta(days=14))
    (held,) = judged.planned.plan.held
    assert (held.gate, held.reason, held.user_name) == (Gate.EVIDENCE, "Throttling", "u000")
    assert judged.planned.plan.effects == ()
    assert judged.planned.state.users[told.user_id] == told


def test_in_an_unreadable_account_every_case_stands_still():
    _, told = due(0)
    gap = CollectionGap(step="GetCredentialReport", reason="too old")
    seen = snapshot(account_readable=False, gaps=(gap,))
    plan = day(seen, state(told), now=NOW + timedelta(days=14)).planned.plan
    assert [(h.gate, h.reason) for h in plan.held] == [
        (Gate.EVIDENCE, "the account could not be read")
    ]
    assert (plan.effects, plan.gaps) == ((), (gap,))
