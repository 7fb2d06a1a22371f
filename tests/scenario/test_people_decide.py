"""Waivers, holds, extensions, exclusions and the pause, in the middle of a ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.scenario.people import MONDAY, aged, bystanders, console, no_mfa
from tests.scenario.village import TEAM, Village

from keyreeve.model.decisions import Extension, Hold, Pause, Waiver
from keyreeve.model.identifiers import ControlId, UserId, UserName
from keyreeve.model.policy import Exclusion, Match
from keyreeve.pipeline.people import Person, extend, find_person

ON = date(2026, 1, 5)


def village_of(*people, **policy) -> Village:
    return Village(*people, *bystanders(6), **policy)


def waiver(user: str, until: int, control: ControlId | None = None, **changes) -> Waiver:
    usual = {
        "waiver_id": "w1",
        "user": user,
        "control": control,
        "resource_id": None,
        "reason": "vendor replaces it",
        "requested_by": "a",
        "approved_by": "b",
        "expires_on": ON + timedelta(days=until),
        "added_at": MONDAY,
        "added_by": "arn:aws:iam::123456789012:user/msp",
    }
    return Waiver(**(usual | changes))


def hold(user: str, until: int) -> Hold:
    at = ON + timedelta(days=until)
    return Hold(user=user, until=at, reason="on leave", added_at=MONDAY, added_by="msp")


def extension(user: str, days: int, number: int = 1) -> Extension:
    return Extension(
        user=user,
        days=days,
        reason="release week",
        added_at=MONDAY + timedelta(hours=1),
        added_by="msp",
        extension_id=f"e{number}",
    )


@pytest.mark.parametrize("day", [1, 5, 8, 12])
def test_a_waiver_in_the_middle_of_the_ladder_stops_it(day: int):
    village = village_of(aged())
    village.live(0, day)
    village.decisions.add_waiver(waiver("aged.key", 300), today=ON)
    village.live(day + 1, 25)
    assert [d for d in village.days("aged.key") if d > day] == []
    assert "deactivate_access_key" not in [kind for _, kind in village.acts("aged.key")]
    assert village.account.keys_of("aged.key")[next(iter(village.account.keys_of("aged.key")))]


def test_an_expired_waiver_stops_protecting_and_the_ladder_begins_at_day_0():
    village = village_of(aged())
    village.decisions.add_waiver(waiver("aged.key", 4), today=ON)
    village.live(0, 22)
    assert village.notices("aged.key")[0] == (7, "notification")
    assert village.acts("aged.key") == [
        (14, "create_replacement_key"),
        (21, "deactivate_access_key"),
    ]


def test_a_waiver_for_one_control_leaves_the_other_finding_alone():
    user = aged("both")
    village = village_of(user)
    village.account.change("both", **{k: getattr(no_mfa(), k) for k in FACTS})
    rotation = waiver("both", 300, ControlId.ACCESS_KEY_ROTATION)
    village.decisions.add_waiver(rotation, today=ON)
    village.live(0, 15)
    assert {r.control for r in village.case("both").findings.values()} == {ControlId.CONSOLE_MFA}
    assert village.acts("both") == []


FACTS = ("password_enabled", "password_last_changed", "password_last_used", "mfa_active")


def test_a_waiver_added_on_the_day_of_the_act_is_seen_before_it():
    village = village_of(aged())
    village.live(0, 13)
    village.decisions.add_waiver(waiver("aged.key", 300), today=ON)
    village.run(14)
    assert "deactivate_access_key" not in [kind for _, kind in village.acts("aged.key")]


@pytest.mark.parametrize("day", [1, 5, 8, 12])
def test_an_exclusion_in_the_middle_of_the_ladder_stops_it_in_silence(day: int):
    village = village_of(
        aged(), exclusions=(Exclusion(match=Match(tag="exclude=true"), reason="service"),)
    )
    village.live(0, day)
    tags = {"email": "aged.key@example.com", "exclude": "true"}
    village.account.change("aged.key", tags=tags)
    village.live(day + 1, 25)
    assert [d for d in village.days("aged.key") if d > day] == []
    assert "deactivate_access_key" not in [kind for _, kind in village.acts("aged.key")]
    assert village.case("aged.key") is None


def test_an_exclusion_tag_set_after_the_report_is_seen_before_the_act():
    village = village_of(
        aged(), exclusions=(Exclusion(match=Match(tag="exclude=true"), reason="service"),)
    )
    village.live(0, 13)
    details = village.account.details()
    tags = {"email": "aged.key@example.com", "exclude": "true"}
    village.account.change("aged.key", tags=tags)
    village.account.details = lambda: details  # the plan is made with yesterday's tags
    report = village.run(14)
    refused = [o for o in report.outcomes if o.effect_kind == "deactivate_access_key"]
    assert [(o.kind.value, o.reason) for o in refused] == [("refused", "the user is excluded now")]


@pytest.mark.parametrize(("held_on", "until"), [(3, 9), (8, 16), (12, 20)])
def test_a_held_case_stands_still_and_goes_on_with_a_new_warning(held_on: int, until: int):
    village = village_of(aged())
    village.live(0, held_on)
    village.decisions.add_hold(hold("aged.key", until), today=ON)
    village.live(held_on + 1, 30)
    quiet = [d for d in village.days("aged.key") if held_on < d < until]
    acted = [d for d, _ in village.acts("aged.key") if held_on < d < until]
    (end,) = [d for d, kind in village.acts("aged.key") if kind == "deactivate_access_key"]
    assert (quiet, acted) == ([], [])
    assert end >= max(14, until)
    warned = [d for d, stage in village.notices("aged.key") if stage in ("warning", "countdown")]
    assert any(d < end for d in warned)


def test_an_extension_moves_the_act_and_counts_warning_and_countdown_from_there():
    village = village_of(aged())
    village.live(0, 8)
    village.decisions.add_extension(extension("aged.key", 7))
    village.live(9, 25)
    assert village.notices("aged.key")[3:] == [
        (9, "new_credentials"),
        (17, "warning"),
        (18, "countdown"),
        (21, "enforcement"),
        (22, "closing"),
    ]
    assert (21, "deactivate_access_key") in village.acts("aged.key")


def test_what_an_extension_is_said_to_move_is_what_it_moves_for_each_finding():
    """What was given before a finding's day 0 is in its promise, and counts no second time."""
    village = village_of(aged())
    village.run(0)
    village.decisions.add_extension(extension("aged.key", 7))
    village.account.change("aged.key", **console(mfa=False))
    village.live(1, 2)
    case, people = village.case("aged.key"), village.decisions.read()
    told = {m.control: m.after for m in extend(case, 3, people, village.policy)}
    more = extension("aged.key", 3, number=2)
    village.decisions.add_extension(replace(more, added_at=village.at(2.5)))
    village.run(3)
    findings = village.case("aged.key").findings.values()
    assert {record.control: record.enforcement_on for record in findings} == told
    assert told == {
        ControlId.ACCESS_KEY_ROTATION: ON + timedelta(days=24),
        ControlId.CONSOLE_MFA: ON + timedelta(days=25),
    }


def test_a_name_means_who_bears_it_now_and_not_whose_case_it_was():
    village = village_of(aged(), no_mfa())
    village.run(0)
    born = UserId("AIDASECONDONE00000000")
    village.account.delete("aged.key")
    village.account.add(replace(aged(), user_id=born, created_at=village.at(0.5)))
    village.account.delete("no.mfa")
    state, reader = village.state, village.wired().tools.reader
    assert find_person("aged.key", state, reader) == Person(
        user_id=born, user_name=UserName("aged.key")
    )
    gone = find_person("no.mfa", state, reader)  # its case can be looked at until the next run
    assert gone.case == village.case("no.mfa")
    assert find_person(gone.user_id, state, reader) == gone


def test_extensions_end_at_the_cap():
    village = village_of(aged(), max_extension_days=10)
    village.live(0, 1)
    for number in (1, 2, 3):
        village.decisions.add_extension(extension("aged.key", 10, number))
    village.run(2)
    assert village.e("aged.key") == date(2026, 1, 29)


def test_a_paused_project_neither_acts_nor_writes_and_goes_on_without_a_burst():
    village = village_of(aged())
    village.live(0, 9)
    village.decisions.set_pause(Pause(reason="migration", since=village.at(9), by="msp"))
    village.live(10, 16)
    assert [d for d in village.days("aged.key") if d > 9] == []
    village.decisions.clear_pause()
    village.live(17, 40)
    days = [d for d in village.days("aged.key") if d > 9]
    (end,) = [d for d, kind in village.acts("aged.key") if kind == "deactivate_access_key"]
    assert (days[0], end) == (17, 18)
    assert len(days) == len(set(days))
    assert not [m for m in village.mails() if m.to == (TEAM,) and "aged.key" in m.subject]


def test_first_run_observe_judges_everything_and_tells_nobody():
    village = village_of(aged(), observe_only=True)
    village.live(0, 20)
    assert village.mailer.sent == []
    assert village.acts("aged.key") == []
    assert village.case("aged.key") is not None


def test_a_key_that_comes_back_on_the_day_of_the_closing_mail_is_told_the_next_day():
    village = Village(aged(), *bystanders(4))
    village.live(0, 14)
    old = next(iter(village.account.keys_of("aged.key")))
    village.run(15)
    assert village.notices("aged.key")[-1] == (15, "closing")
    village.account.set_access_key_active("aged.key", old, active=True)
    village.run(15.1)
    assert village.notices("aged.key")[-1] == (15, "closing")
    village.run(16)
    assert village.notices("aged.key")[-1] == (16, "notification")
