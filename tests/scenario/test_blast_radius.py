"""How much happens on one day, and facts that look wrong (gate 5)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from tests.scenario.people import (
    MONDAY,
    administrator,
    aged,
    bystanders,
    console,
    key,
    old_password,
    person,
)
from tests.scenario.village import Village

from keyreeve.model.errors import Doubtful
from keyreeve.model.notice import MailKind
from keyreeve.model.policy import BlastLimits
from keyreeve.model.snapshot import User
from keyreeve.render.email import MailRenderer


def neglected(users: int, flagged: int) -> list[User]:
    """So many users with a key each; the first so many are aged, the first of all the oldest."""
    return [person(f"user{n:03d}", key(1000 - n) if n < flagged else key(20)) for n in range(users)]


def opened(village: Village) -> dict[int, list[str]]:
    """Day → who got a first notice."""
    first: dict[str, int] = {}
    for day, outcome in village.outcomes:
        if outcome.effect_kind == "send_notice":
            first.setdefault(outcome.user_name, day)
    out: dict[int, list[str]] = {}
    for name, day in first.items():
        out.setdefault(day, []).append(name)
    return out


def test_the_first_run_on_an_old_account_opens_25_25_10_oldest_first():
    village = Village(*neglected(100, 60))
    village.live(0, 4)
    names = [f"user{n:03d}" for n in range(60)]
    assert {day: sorted(users) for day, users in opened(village).items()} == {
        0: names[:25],
        1: names[25:50],
        2: names[50:60],
    }


def test_an_old_account_keeps_every_promise_that_it_made():
    village = Village(*neglected(40, 24))
    promised: dict[str, object] = {}
    for day in range(24):
        village.run(day)
        for case in village.state.users.values():
            for record in case.findings.values():
                if record.promised_on:
                    promised.setdefault(case.user_name, record.promised_on)
    for name, on in promised.items():
        acted = [MONDAY + timedelta(days=d) for d, k in village.acts(name) if k.startswith("deact")]
        assert [at.date() for at in acted] == [on]


def test_never_more_users_a_day_than_allowed_two_runs_a_day_included():
    village = Village(*neglected(24, 20))
    for day in range(30):
        village.run(day)
        village.run(day + 0.3)
    per_day = Counter((d, o.effect_kind) for d, o in village.outcomes if o.kind.value == "done")
    for kind in ("create_replacement_key", "deactivate_access_key"):
        assert max(count for (_, k), count in per_day.items() if k == kind) <= 6
    assert all(len(users) <= 6 for users in opened(village).values())
    for number in range(20):
        assert "deactivate_access_key" in [k for _, k in village.acts(f"user{number:03d}")]


def test_keys_for_one_week_and_the_end_of_the_week_before_fall_on_one_day_and_each_has_its_number():
    """Twice the number of users, never more, and no promise is broken: docs/decisions/0023."""
    few = BlastLimits(disruptive_share=0.05, disruptive_floor=2)
    village = Village(*neglected(40, 30), limits=few)
    promised: dict[str, object] = {}
    for day in range(40):
        village.run(day)
        for case in village.state.users.values():
            for record in case.findings.values():
                if record.promised_on:
                    promised.setdefault(case.user_name, record.promised_on)
    touched: dict[int, dict[str, set[str]]] = {}
    for number in range(30):
        name = f"user{number:03d}"
        for day, kind in village.acts(name):
            touched.setdefault(day, {}).setdefault(kind, set()).add(name)
        (ended,) = [day for day, kind in village.acts(name) if kind == "deactivate_access_key"]
        assert village.at(ended).date() == promised[name]
    assert {len(users) for kinds in touched.values() for users in kinds.values()} == {2}
    assert max(len(set().union(*kinds.values())) for kinds in touched.values()) == 4


def test_acts_beyond_the_number_are_held_and_done_on_the_next_days_with_what_was_told():
    village = Village(*neglected(24, 12))
    village.live(0, 6)
    village.live(8, 9)  # no run on day 7, when the first six were due
    created = [(d, o.user_name) for d, o in village.outcomes if o.effect_kind.startswith("create_")]
    assert [d for d, _ in created] == [8] * 6 + [9] * 6
    assert sorted(name for d, name in created if d == 8) == [f"user{n:03d}" for n in range(6)]


def test_an_owner_whose_act_is_beyond_the_number_hears_that_day_on_which_day_it_comes():
    village = Village(*neglected(24, 12))
    village.live(0, 13)
    plan = village.run(15).plan  # no run on day 14, when the first six were due
    held = sorted(user.user_name for user in plan.users if user.held)
    said = {o.user_name: o.reason for day, o in village.outcomes if day == 15 and o.message_id}
    assert held == [f"user{n:03d}" for n in range(6, 12)]
    assert [said[name] for name in held] == [f"countdown to {name}@example.com" for name in held]
    told = {village.case(name).findings[_aged(village, name)].notices[-1] for name in held}
    assert {notice.enforcement_on for notice in told} == {village.at(16).date()}
    village.run(16)
    assert all((16, "deactivate_access_key") in village.acts(name) for name in held)


def _aged(village: Village, name: str) -> tuple[str, str]:
    return ("access_key_rotation", next(iter(village.account.keys_of(name))))


def test_acts_whose_calls_never_arrived_take_the_next_days_places():
    village = Village(*neglected(24, 12))
    village.live(0, 13)
    really = village.account.set_access_key_active
    village.account.set_access_key_active = never_arrives
    village.run(14)
    assert village.account.shut == []
    village.account.set_access_key_active = really
    for day in range(15, 20):
        village.run(day)
        village.run(day + 0.3)
    per_day = Counter(at.date() for at, _ in village.account.shut)
    assert (max(per_day.values()), per_day.total()) == (6, 12)


def never_arrives(*_: object, **__: object) -> None:
    raise Doubtful("no answer", call="iam:UpdateAccessKey")


# --- refusal --------------------------------------------------------------------------------------


def vanishing(village: Village, count: int) -> None:
    for name in village.account.people[-count:]:
        village.account.delete(name)


def test_a_run_that_sees_30_percent_of_the_users_vanish_refuses_and_changes_nothing():
    village = Village(aged(), *bystanders(39))
    village.live(0, 6)
    vanishing(village, 12)
    report = village.run(7)
    assert report.exit_code == 4
    assert (report.plan.refusal.number, village.acts("aged.key")) == (12, [])


def test_notices_of_open_cases_go_on_in_a_refused_run():
    village = Village(aged(), *bystanders(39))
    village.live(0, 2)
    vanishing(village, 12)
    village.live(3, 5)
    assert village.notices("aged.key") == [(0, "notification"), (3, "reminder")]


def test_nothing_opens_in_a_refused_run_and_a_refusal_stays_until_it_is_accepted():
    village = Village(aged(), *bystanders(39))
    village.run(0)
    vanishing(village, 12)
    village.account.add(old_password("late"))
    codes = [village.run(day).exit_code for day in range(1, 4)]
    assert (codes, village.notices("late")) == ([4, 4, 4], [])
    assert village.run(4, accepted=11).exit_code == 4
    assert village.run(4.1, accepted=12).exit_code == 0
    assert village.notices("late") == [(4, "notification")]
    assert village.run(5).exit_code == 0


def worse(village: Village, name: str) -> None:
    """The report says of an open case's user what it did not say before."""
    village.account.change(name, **console(changed=100, mfa=False))


def opened_on(village: Village, name: str) -> dict[str, date | None]:
    return {r.control.value: r.opened_on for r in village.case(name).findings.values()}


def test_a_refused_run_opens_no_finding_in_a_case_that_is_open():
    village = Village(aged(), *bystanders(39), renderer=MailRenderer())
    village.live(0, 2)
    vanishing(village, 12)
    worse(village, "aged.key")
    assert [village.run(day).exit_code for day in range(3, 9)] == [4] * 6
    day_0 = MONDAY.date()
    still = {"access_key_rotation": day_0, "console_mfa": None, "password_age": None}
    assert (village.days("aged.key"), opened_on(village, "aged.key")) == ([0, 3, 7], still)
    told = village.mails(MailKind.NOTICE, "aged.key")[1:]
    assert all("One thing about your IAM user" in mail.body.text for mail in told)
    assert village.run(8.1, accepted=12).exit_code == 0
    later = day_0 + timedelta(days=8)
    now = {"access_key_rotation": day_0, "console_mfa": later, "password_age": later}
    assert opened_on(village, "aged.key") == now


def test_a_refused_run_says_nothing_to_an_owner_who_would_hear_of_new_findings_only():
    village = Village(aged(), *bystanders(39))
    village.live(0, 2)
    vanishing(village, 12)
    village.account.change("aged.key", keys=(key(20),))
    worse(village, "aged.key")
    village.live(3, 8)
    assert village.days("aged.key") == [0]


def test_refused_runs_promise_no_day_and_mail_weekly_what_has_come_due():
    village = Village(aged(), *bystanders(39), renderer=MailRenderer())
    village.live(0, 13)
    vanishing(village, 12)
    village.live(14, 30)
    assert village.notices("aged.key")[-3:] == [(14, "overdue"), (21, "overdue"), (28, "overdue")]
    late = village.mails(MailKind.NOTICE, "aged.key")[-3:]
    assert all("no date is set at present" in mail.body.text for mail in late)
    assert all("the facts of the day look wrong" in flat(mail.body.text) for mail in late)
    village.run(30.1, accepted=12)
    village.live(31, 32)
    assert (30, "countdown") in village.notices("aged.key")
    assert village.acts("aged.key")[1:] == [(31, "deactivate_access_key")]


def test_refused_runs_do_not_move_e_from_day_to_day_where_a_hand_over_waits():
    village = Village(aged(), *bystanders(39))
    village.live(0, 6)
    vanishing(village, 12)
    village.live(7, 13)
    assert (village.days("aged.key"), village.acts("aged.key")) == ([0, 3, 7, 10, 11], [])
    assert village.e("aged.key") == village.at(14).date()
    village.run(13.1, accepted=12)
    village.live(14, 30)
    assert village.acts("aged.key") == [
        (14, "create_replacement_key"),
        (18, "deactivate_access_key"),
    ]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_refused_run_does_not_forget_the_cases_of_those_who_seem_to_have_vanished():
    village = Village(*neglected(20, 10))
    village.live(0, 2)
    before = set(village.state.users)
    gone = [u for u in village.account.snapshot().users if u.name < "user008"]
    for user in gone:
        village.account.delete(user.name)
    assert village.run(3).exit_code == 4
    for user in gone:
        village.account.add(user)
    village.live(4, 16)
    assert set(village.state.users) <= before
    assert all((7, "create_replacement_key") in village.acts(f"user{n:03d}") for n in range(5))


def test_a_run_in_which_too_many_become_flagged_at_once_refuses():
    village = Village(*bystanders(40))
    village.run(0)
    for name in village.account.people[:11]:
        village.account.change(name, keys=(key(100),))
    report = village.run(1)
    assert (report.exit_code, report.plan.refusal.number) == (4, 11)


# --- the last administrator -----------------------------------------------------------------------


def test_the_last_administrator_is_told_and_never_touched():
    village = Village(administrator("ada.admin", key(100), mfa_active=True), *bystanders(8))
    village.live(0, 30)
    assert village.acts("ada.admin") == []
    assert all(village.account.keys_of("ada.admin").values())
    (record,) = village.case("ada.admin").findings.values()
    assert (record.held.gate, record.stage.value) == ("never", "overdue")


def test_of_two_administrators_one_always_keeps_the_keys():
    people = [administrator(f"admin{n}", key(100), password_enabled=False) for n in (1, 2)]
    village = Village(*people, *bystanders(8))
    village.live(0, 30)
    kept = [name for name in ("admin1", "admin2") if any(village.account.keys_of(name).values())]
    assert kept
