"""What day 7 and day 14 do, per control and setting: each row of the ladder's table."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.scenario.people import (
    aged,
    bystanders,
    console,
    key,
    no_mfa,
    old_password,
    person,
    quiet,
    spare,
)
from tests.scenario.peril import Fate, Stopped
from tests.scenario.village import Village

from keyreeve.model.case import Stage
from keyreeve.model.errors import Throttled
from keyreeve.model.notice import MailKind
from keyreeve.model.plan import Gate
from keyreeve.model.policy import Enforcement, FinalAct, Thresholds
from keyreeve.model.snapshot import PasswordPolicy, User
from keyreeve.pipeline.people import Person
from keyreeve.pipeline.reinstate import Request, reinstate

LOCKED = PasswordPolicy(users_may_change=False)
"""No reset can be made: the user could not change the password afterwards."""


def village_of(
    *people: User, password_policy: PasswordPolicy | None = None, **acts: FinalAct
) -> Village:
    """With enough bystanders that no number is ever spent."""
    return Village(
        *people,
        *bystanders(10),
        password_policy=password_policy,
        enforcement=Enforcement(**acts),
    )


def lived(
    *people: User, password_policy: PasswordPolicy | None = None, **acts: FinalAct
) -> Village:
    village = village_of(*people, password_policy=password_policy, **acts)
    village.live(0, 22)
    return village


# --- keys ---------------------------------------------------------------------------------------


def test_an_aged_key_is_replaced_on_day_7_and_made_inactive_on_day_14():
    village = lived(aged())
    assert village.acts("aged.key") == [
        (7, "create_replacement_key"),
        (14, "deactivate_access_key"),
    ]
    assert list(village.account.keys_of("aged.key").values()) == [False, True]


def test_the_new_key_reaches_its_owner_alone_in_a_csv_and_stays_in_escrow():
    village = lived(aged())
    (mail,) = village.mails(MailKind.CREDENTIALS)
    (attachment,) = mail.attachments
    (row,) = csv.DictReader(io.StringIO(attachment.content.decode()))
    new = list(village.account.keys_of("aged.key"))[1]
    assert row == {
        "User name": "aged.key",
        "Access key ID": new,
        "Secret access key": f"secret/of+{new}",
    }
    assert mail.to == ("aged.key@example.com",)
    assert (mail.cc, mail.references, mail.in_reply_to, mail.reply_to) == ((), (), None, None)
    escrowed = [village.store.get(row.key).content for row in village.store.list("credentials/")]
    assert escrowed == [attachment.content]


def test_creating_the_new_key_does_not_end_the_finding_of_the_old_one():
    village = village_of(aged())
    village.live(0, 9)
    (record,) = village.case("aged.key").findings.values()
    old = next(iter(village.account.keys_of("aged.key")))
    assert (record.resource_id, record.stage) == (old, Stage.NEW_CREDENTIALS)


def test_a_stale_key_gets_no_replacement_and_becomes_inactive_on_day_14():
    village = lived(spare())
    assert village.acts("stale.key") == [(14, "deactivate_access_key")]
    assert list(village.account.keys_of("stale.key").values()) == [True, False]
    assert not village.mails(MailKind.CREDENTIALS)


def test_a_key_both_aged_and_stale_gets_no_replacement_and_the_earlier_clock_acts():
    village = lived(person("both", key(20), key(100, 30)))
    assert village.acts("both") == [(14, "deactivate_access_key")]
    assert list(village.account.keys_of("both").values()) == [True, False]


def test_no_key_is_ever_deleted_by_default():
    village = lived(aged(), spare(), person("two", key(90), key(80)))
    assert village.account.deleted == []


# --- passwords ------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["nothing", "delete_login_profile", "quarantine"])
def test_an_old_password_is_reset_on_day_7_and_nothing_more_whatever_the_setting(act: str):
    village = lived(old_password(), password_age=FinalAct(act))
    assert village.acts("old.password") == [(7, "reset_password")]
    (mail,) = village.mails(MailKind.CREDENTIALS)
    (row,) = csv.DictReader(io.StringIO(mail.attachments[0].content.decode()))
    assert list(row) == ["User name", "Password", "Console sign-in URL"]
    assert len(row["Password"]) >= 14
    assert village.case("old.password") is None
    assert village.notices("old.password")[-1][1].startswith("closing")


@pytest.mark.parametrize(
    ("act", "done"),
    [
        ("nothing", []),
        ("delete_login_profile", [(14, "delete_login_profile")]),
        ("quarantine", [(14, "quarantine")]),
    ],
)
def test_where_no_reset_can_be_made_the_setting_for_day_14_acts(act: str, done: list):
    village = lived(old_password(), password_policy=LOCKED, password_age=FinalAct(act))
    assert village.acts("old.password") == done
    assert not village.mails(MailKind.CREDENTIALS)


def test_a_password_that_its_user_could_not_change_is_held_and_the_team_is_told_once():
    village = lived(old_password(), password_policy=LOCKED)
    (record,) = village.case("old.password").findings.values()
    assert record.held.gate == "password_change"
    held = [subject for _, subject in village.told_the_team() if "old.password" in subject]
    assert len(held) == 1


# --- MFA and inactivity ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "done"),
    [
        ("remind", []),
        ("quarantine", [(14, "quarantine")]),
        ("delete_login_profile", [(14, "delete_login_profile")]),
    ],
)
def test_a_missing_mfa_device_is_dealt_with_on_day_14_as_the_setting_says(act: str, done: list):
    village = lived(no_mfa(), console_mfa=FinalAct(act))
    assert village.acts("no.mfa") == done
    assert not village.mails(MailKind.CREDENTIALS)


@pytest.mark.parametrize("name", ["no.mfa", "gone.quiet"])
def test_remind_lists_the_finding_as_overdue_and_writes_once_a_week(name: str):
    village = lived(no_mfa(), quiet())
    village.live(23, 36)
    late = [day for day in village.notices(name) if day[0] >= 14]
    assert late == [(14, "enforcement"), (21, "overdue"), (28, "overdue"), (35, "overdue")]
    (record,) = village.case(name).findings.values()
    assert record.stage is Stage.OVERDUE


def test_quarantine_for_missing_mfa_is_the_group_that_enrolment_undoes():
    village = lived(no_mfa(), console_mfa=FinalAct.QUARANTINE)
    (user,) = [u for u in village.account.snapshot().users if u.name == "no.mfa"]
    assert user.groups == ("MFA-Setup",)


@pytest.mark.parametrize(
    ("act", "done"),
    [
        ("remind", []),
        ("quarantine", [(14, "quarantine")]),
        ("delete_login_profile", [(14, "delete_login_profile")]),
        ("deactivate_unused_keys", [(14, "deactivate_access_key")]),
    ],
)
def test_an_inactive_user_is_dealt_with_on_day_14_as_the_setting_says(act: str, done: list):
    unused = key(65, None)  # of age on day 10: the warning can tell of it
    village = lived(quiet("gone.quiet", unused), user_inactive=FinalAct(act))
    assert village.acts("gone.quiet") == done
    assert not village.mails(MailKind.CREDENTIALS)


@pytest.mark.parametrize(
    "act",
    [
        "remind",
        "quarantine",
        "deactivate_unused_keys",
    ],
)
def test_no_password_is_reset_while_user_inactive_is_open_enforced_or_not(act: str):
    user = person("gone.quiet", key(60, None), **console(changed=60, signed_in=90))
    village = lived(user, user_inactive=FinalAct(act))
    village.live(23, 30)
    assert "reset_password" not in [kind for _, kind in village.acts("gone.quiet")]


def test_quarantine_of_an_inactive_user_is_the_group_that_denies_all():
    village = lived(quiet(), user_inactive=FinalAct.QUARANTINE)
    (user,) = [u for u in village.account.snapshot().users if u.name == "gone.quiet"]
    assert user.groups == ("Quarantine",)


def test_deactivate_unused_keys_leaves_the_replacement_that_was_just_handed_over():
    people = quiet("gone.quiet", key(100, 1))
    village = village_of(people, user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    village.live(0, 20)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, True]


def test_deactivate_unused_keys_leaves_a_key_that_is_in_use():
    people = quiet("gone.quiet", key(65, 80), key(30, 1))
    village = village_of(people, user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    for day in range(16):
        village.account.change_key(
            "gone.quiet", list(village.account.keys_of("gone.quiet"))[1], last_used=village.at(day)
        )
        village.run(day)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, True]


def two_unused_keys() -> Village:
    """On the morning of their E."""
    people = quiet("gone.quiet", key(60, 70), key(50, 70))
    late = Thresholds(user_inactive=timedelta(days=30), access_key_stale=timedelta(days=400))
    acts = Enforcement(user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    village = Village(people, *bystanders(8), thresholds=late, enforcement=acts)
    village.live(0, 13)
    return village


def one_call_fails(village: Village) -> None:
    shut = village.account.set_access_key_active

    def second_fails(user, key_id, *, active):
        if village.account.shut:
            raise Throttled("slow down", call="iam:UpdateAccessKey")
        shut(user, key_id, active=active)

    village.account.set_access_key_active = second_fails
    village.run(14)
    village.account.set_access_key_active = shut


def stopped_between(village: Village) -> None:
    counted = Fate()
    twin = two_unused_keys()
    twin.run(14, fate=counted)
    acts = [n for n, call in enumerate(counted.calls) if ".set_access_key_active" in call]
    with pytest.raises(Stopped):
        village.run(14, fate=Fate(acts[1] - 4))


@pytest.mark.parametrize("trouble", [one_call_fails, stopped_between])
def test_of_two_unused_keys_none_is_left_over_when_something_comes_between(trouble):
    village = two_unused_keys()
    trouble(village)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, True]
    village.live(15, 20)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, False]
    done = [day for day, kind in village.acts("gone.quiet") if kind == "deactivate_access_key"]
    assert done[-1:] == [15]
    assert (15, "enforcement") in village.notices("gone.quiet")


def test_a_key_left_over_is_not_ended_for_an_owner_who_was_not_warned_and_the_plan_says_so():
    village = two_unused_keys()
    one_call_fails(village)
    village.account.change("gone.quiet", tags={"email": "new.owner@example.com"})
    report = village.run(15)
    assert [
        held.reason for plan in report.plan.users for held in plan.held if held.gate is Gate.TOLD
    ] == ["the owner of today was not warned of what is left to do"]
    village.live(16, 22)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, True]
    village.account.change("gone.quiet", tags={"email": "gone.quiet@example.com"})
    village.run(23)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, False]


@pytest.mark.parametrize("mended", [{"keys": ()}, {"tags": {"email": ""}, "keys": ()}])
def test_a_finding_mended_after_its_act_has_failed_is_over_and_no_mail_follows_but_the_last(mended):
    village = village_of(aged())
    village.live(0, 13)
    shut = village.account.set_access_key_active

    def fails(user, key_id, *, active):
        raise Throttled("slow down", call="iam:UpdateAccessKey")

    village.account.set_access_key_active = fails
    village.run(14)
    village.account.set_access_key_active = shut
    village.account.change("aged.key", **mended)
    village.live(15, 30)
    assert village.case("aged.key") is None
    assert [told for told in village.notices("aged.key") if told[0] > 14] in ([], [(15, "closing")])


def test_an_unused_key_that_somebody_made_active_again_is_not_taken_for_one_left_over():
    village = two_unused_keys()
    village.run(14)
    first = next(iter(village.account.keys_of("gone.quiet")))
    village.run(15)
    village.account.change_key("gone.quiet", first, active=True)
    village.live(16, 24)
    assert list(village.account.keys_of("gone.quiet").values()) == [True, False]


def test_a_key_that_is_unused_only_since_e_is_not_ended_by_an_act_that_is_over():
    people = quiet("gone.quiet", key(60, 70), key(50, 10))
    late = Thresholds(user_inactive=timedelta(days=30), access_key_stale=timedelta(days=400))
    acts = Enforcement(user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    village = Village(people, *bystanders(8), thresholds=late, enforcement=acts)
    village.live(0, 24)
    assert list(village.account.keys_of("gone.quiet").values()) == [False, True]


def test_inline_policies_are_never_escalated_and_stand_in_the_summary():
    village = lived(person("inline", inline_policies=("debug",)))
    assert village.notices("inline") == []
    assert village.case("inline") is None


# --- across controls ------------------------------------------------------------------------------


def test_one_mail_a_day_lists_every_finding_with_a_clock_of_its_own():
    both = person("two", key(72), **console(mfa=False))
    village = village_of(both)
    village.live(0, 20)
    opened = {r.control.value: r.opened_on for r in village.case("two").findings.values()}
    assert opened["console_mfa"] == date(2026, 1, 5)
    assert len(village.days("two")) == len(set(village.days("two")))
    acts = {kind: day for day, kind in village.acts("two")}
    assert acts["create_replacement_key"] == 10


@pytest.mark.parametrize(
    "people",
    [aged(), spare(), old_password(), no_mfa(), quiet()],
    ids=lambda user: user.name,
)
def test_an_act_is_mailed_only_after_it_and_nothing_is_done_before_two_notices(people: User):
    village = lived(
        people, console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.DELETE_LOGIN_PROFILE
    )
    for day, _ in village.acts(people.name):
        told = [d for d in village.days(people.name) if d < day]
        assert len(told) >= (1 if day == 7 else 2)
    enforced = [day for day, stage in village.notices(people.name) if stage == "enforcement"]
    assert enforced in ([], [14])


def test_quarantine_without_its_group_fails_for_this_user_alone_and_is_tried_again():
    village = village_of(no_mfa(), aged(), console_mfa=FinalAct.QUARANTINE)
    village.account._facts = replace(village.account._facts, groups=frozenset())
    village.live(0, 13)
    report = village.run(14)
    assert report.exit_code == 1
    assert (14, "deactivate_access_key") in village.acts("aged.key")
    assert "enforcement" not in [stage for _, stage in village.notices("no.mfa")]


# --- told of just this act (gate 1) -------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "acted"), [(7, 14), (10, 14), (11, 15), (13, 16), (14, 16), (15, 17), (21, 23)]
)
def test_an_act_that_was_set_in_mid_flow_waits_until_it_has_been_told_twice(
    changed: int, acted: int
):
    village = village_of(no_mfa())
    for day in range(26):
        if day == changed:
            acts = Enforcement(console_mfa=FinalAct.DELETE_LOGIN_PROFILE)
            village.policy = replace(village.policy, enforcement=acts)
        village.run(day)
    name = "no.mfa"
    assert village.acts(name) == [(acted, "delete_login_profile")]
    told = [day for day in village.days(name) if changed <= day < acted]
    assert len(told) >= 2


@pytest.mark.parametrize(("unused", "acted"), [(61, 16), (63, 16), (64, 15), (65, 14)])
def test_a_key_that_comes_of_age_as_late_as_e_ends_only_after_that_has_been_told_twice(
    unused: int, acted: int
):
    who = person("bob", key(unused, unused), **console(changed=10, signed_in=90))
    village = lived(who, user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    assert village.acts("bob") == [(acted, "deactivate_access_key")]


def test_a_key_brought_back_for_a_while_is_not_ended_as_unused_before_its_time():
    who = person("bob", key(400, 90, active=False), **console(changed=10, signed_in=90))
    village = village_of(who, user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS)
    village.live(0, 9)
    (old,) = village.account.keys_of("bob")
    now = village.at(9)
    reinstate(
        village.wired(),
        Request(
            person=Person(user_id=village.case("bob").user_id, user_name="bob"),
            key_id=old,
            span=timedelta(days=12),
            reason="a batch job",
            by="arn:aws:iam::123456789012:user/msp",
        ),
        now,
    )
    village.live(10, 20)
    assert village.account.keys_of("bob") == {old: True}
    village.run(21)
    assert village.account.keys_of("bob") == {old: False}
