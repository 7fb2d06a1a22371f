from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import policy, user

from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import (
    CompressedClock,
    Delivery,
    Enforcement,
    Exclusion,
    FinalAct,
    LadderDays,
    Match,
    Thresholds,
    UserClass,
    shrink,
)

BOT = user("ci-bot", tags={"kind": "machine", "empty": ""})
MATCHES = {
    "nothing matches nobody": (Match(), False),
    "the name": (Match(user="ci-bot"), True),
    "a glob": (Match(user="ci-*"), True),
    "names are case-sensitive": (Match(user="CI-*"), False),
    "another name": (Match(user="ci"), False),
    "a tag and its value": (Match(tag="kind=machine"), True),
    "a glob as value": (Match(tag="kind=mach*"), True),
    "another value": (Match(tag="kind=person"), False),
    "values are case-sensitive": (Match(tag="kind=Machine"), False),
    "a tag with any value": (Match(tag="kind"), True),
    "a tag with an empty value": (Match(tag="empty"), True),
    "a tag that is missing": (Match(tag="owner"), False),
    "both": (Match(user="ci-*", tag="kind=machine"), True),
    "one of two is not enough": (Match(user="ci-*", tag="kind=person"), False),
    "nor the other": (Match(user="x", tag="kind=machine"), False),
    "a value that holds an equals sign": (Match(tag="kind=a=b"), False),
}


@pytest.mark.parametrize("row", MATCHES)
def test_a_match_asks_for_every_part_it_names(row):
    match, expected = MATCHES[row]
    assert match.matches(BOT) is expected


@pytest.mark.parametrize("act", FinalAct)
def test_only_nothing_and_remind_leave_the_account_alone(act):
    assert act.disruptive is (act not in (FinalAct.NOTHING, FinalAct.REMIND))


def test_keys_have_a_fixed_act_and_the_others_a_setting():
    settings = policy(
        enforcement=Enforcement(
            console_mfa=FinalAct.QUARANTINE,
            user_inactive=FinalAct.DEACTIVATE_UNUSED_KEYS,
            password_age=FinalAct.DELETE_LOGIN_PROFILE,
        )
    )
    assert {control: settings.final_act(control) for control in ControlId} == {
        ControlId.ACCESS_KEY_ROTATION: None,
        ControlId.ACCESS_KEY_STALE: None,
        ControlId.PASSWORD_AGE: FinalAct.DELETE_LOGIN_PROFILE,
        ControlId.CONSOLE_MFA: FinalAct.QUARANTINE,
        ControlId.USER_INACTIVE: FinalAct.DEACTIVATE_UNUSED_KEYS,
        ControlId.INLINE_POLICIES: None,
    }


def test_the_defaults_are_those_of_the_interface():
    plain = policy()
    assert plain.thresholds == Thresholds(
        access_key_rotation=timedelta(days=75),
        access_key_stale=timedelta(days=15),
        password_age=timedelta(days=75),
        user_inactive=timedelta(days=75),
    )
    assert plain.days == LadderDays(
        reminder=3, new_credentials=7, warning=10, countdown=11, enforcement=14
    )
    assert plain.enforcement == Enforcement(
        console_mfa=FinalAct.REMIND,
        user_inactive=FinalAct.REMIND,
        password_age=FinalAct.NOTHING,
        minimum_overlap_days=4,
    )
    assert (plain.limits.disruptive_share, plain.limits.disruptive_floor) == (0.25, 5)
    assert plain.free_slot_after_days is None
    assert (plain.max_extension_days, plain.backup_retention_days) == (30, 30)
    assert plain.mail_weekdays == {0, 1, 2, 3, 4}
    assert plain.timezone.key == "UTC"
    assert plain.closing_mail
    assert not plain.observe_only


YEAR = UserClass(
    match=Match(tag="kind=machine"),
    thresholds=Thresholds(access_key_rotation=timedelta(days=365)),
    delivery=Delivery.SECRETS_MANAGER,
)
ALL = UserClass(match=Match(user="*"), thresholds=Thresholds(), delivery=Delivery.BOTH)


def test_the_first_class_that_matches_wins():
    settings = policy(classes=(YEAR, ALL))
    assert settings.class_of(BOT) is YEAR
    assert settings.thresholds_for(BOT).access_key_rotation == timedelta(days=365)
    assert settings.delivery_for(BOT) is Delivery.SECRETS_MANAGER
    assert settings.delivery_for(user()) is Delivery.BOTH
    plain = policy(classes=(YEAR,))
    assert plain.class_of(user()) is None
    assert plain.thresholds_for(user()) == Thresholds()
    assert plain.delivery_for(user()) is Delivery.CSV


CLOCK = CompressedClock(day=timedelta(minutes=10), users=("proof-*",))


def test_under_a_compressed_clock_every_threshold_shrinks_alike():
    assert shrink(Thresholds(), timedelta(minutes=10)) == Thresholds(
        access_key_rotation=timedelta(minutes=750),
        access_key_stale=timedelta(minutes=150),
        password_age=timedelta(minutes=750),
        user_inactive=timedelta(minutes=750),
    )
    clocked = policy(compressed=CLOCK, classes=(YEAR,))
    assert clocked.thresholds_for(BOT).access_key_rotation == timedelta(minutes=3650)


def test_an_exclusion_says_why_and_the_first_one_speaks():
    first = Exclusion(match=Match(user="ci-*"), reason="service")
    settings = policy(exclusions=(first, Exclusion(match=Match(user="*"), reason="all")))
    assert settings.exclusion_for(BOT) is first
    assert policy(exclusions=(first,)).exclusion_for(user()) is None


def test_under_a_compressed_clock_nobody_but_the_listed_is_touched():
    settings = policy(compressed=CLOCK)
    assert settings.exclusion_for(user("proof-1")) is None
    assert settings.exclusion_for(user("ann")).reason == "not in compressed_clock.users"
    excluded = Exclusion(match=Match(user="proof-*"), reason="no")
    assert replace(settings, exclusions=(excluded,)).exclusion_for(user("proof-1")) is excluded
