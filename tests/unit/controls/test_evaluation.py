from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import (
    ACCOUNT,
    INACTIVE,
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    STALE,
    access_key,
    ago,
    console,
    gap_of,
    key_record,
    old_key,
    policy,
    snapshot,
    user,
)

from keyreeve.controls.evaluation import evaluate, judge, slots_in_question
from keyreeve.controls.subject import in_days
from keyreeve.model.control import Severity
from keyreeve.model.identifiers import AccessKeyId, ControlId
from keyreeve.model.policy import (
    CompressedClock,
    Delivery,
    Match,
    StaleScope,
    Thresholds,
    UserClass,
)
from keyreeve.model.snapshot import Absent, CollectionGap


def test_a_finding_carries_identity_severity_and_the_start_of_its_clock():
    found = evaluate(snapshot(user("ann", old_key(2))), policy(), NOW).findings
    (finding,) = found
    assert finding.control is ROTATION
    assert finding.account_id == ACCOUNT
    assert (finding.user_id, finding.user_name) == ("AIDAANN", "ann")
    assert finding.severity is Severity.MEDIUM
    assert finding.since == ago(100)
    assert finding.slot == 2
    assert finding.access_key_id == KEY_2
    assert finding.detail == "100 days old; the limit is 75 days."


def sentence(control, who):
    found = {f.control: f for f in evaluate(snapshot(who), policy(), NOW).findings}
    return found[control].detail, found[control].since


@pytest.mark.parametrize(
    ("control", "who", "detail", "since"),
    [
        (
            STALE,
            user("ann", access_key(1), access_key(2, last_used=ago(20))),
            "Not used for 20 days; the limit is 15 days.",
            ago(20),
        ),
        (
            STALE,
            user(
                "ann",
                access_key(1),
                access_key(2, last_used=Absent.NEVER, created_at=ago(16)),
            ),
            "Never used in the 16 days since it was created; the limit is 15 days.",
            ago(16),
        ),
        (
            PASSWORD_AGE,
            console("ann", password_last_changed=ago(80)),
            "Unchanged for 80 days; the limit is 75 days.",
            ago(80),
        ),
        (
            INACTIVE,
            console("ann", password_last_used=ago(90)),
            "No sign-in for 90 days; the limit is 75 days.",
            ago(90),
        ),
        (
            INACTIVE,
            console("ann", password_last_used=Absent.NEVER, password_last_changed=ago(76)),
            "Never signed in, 76 days after the password was set; the limit is 75 days.",
            ago(76),
        ),
        (
            MFA_CONTROL,
            console("ann", mfa_active=False),
            "Console sign-in is possible with the password alone.",
            ago(10),
        ),
    ],
)
def test_every_finding_says_in_one_sentence_what_was_observed(control, who, detail, since):
    assert sentence(control, who) == (detail, since)


def test_without_a_date_of_the_password_missing_mfa_counts_from_the_users_creation():
    who = console("ann", mfa_active=False, password_last_changed=Absent.UNKNOWN)
    found, gaps = judge(who, snapshot(who), policy(), NOW, {})
    assert [f.since for f in found if f.control is MFA_CONTROL] == [ago(400)]
    assert len(gaps) == 1  # password_age misses the date


def test_inline_policies_are_named_in_order():
    who = user("ann", inline_policies=("zeta", "alpha"))
    (finding,) = evaluate(snapshot(who), policy(), NOW).findings
    assert finding.detail == "Inline: alpha, zeta."
    assert finding.since == ago(400)


@pytest.mark.parametrize(("count", "text"), [(0, "0 days"), (1, "1 day"), (75, "75 days")])
def test_days_are_counted_in_plain_words(count, text):
    assert in_days(count) == text


# --- gaps -----------------------------------------------------------------------------------------


def test_a_user_with_a_gap_is_not_judged_and_others_are():
    ann, bob = user("ann", old_key()), user("bob", old_key(1, key_id=AccessKeyId("AKIABOB")))
    gap = gap_of(ann)
    result = evaluate(snapshot(ann, bob, gaps=(gap,)), policy(), NOW)
    assert [f.user_name for f in result.findings] == ["bob"]
    assert result.gaps == (gap,)


def test_offline_a_gap_is_known_by_the_users_name():
    ann = user("ann", old_key(), user_id=None)
    gap = CollectionGap(step="row 3", reason="unreadable", user_name=ann.name)
    assert evaluate(snapshot(ann, gaps=(gap,)), policy(), NOW).findings == ()


def test_a_gap_of_the_account_passes_through_and_silences_nobody():
    gap = CollectionGap(step="GetAccountPasswordPolicy", reason="AccessDenied")
    result = evaluate(snapshot(user("ann", old_key()), gaps=(gap,)), policy(), NOW)
    assert [f.user_name for f in result.findings] == ["ann"]
    assert result.gaps == (gap,)


def test_one_unknown_fact_silences_every_control_of_that_user():
    ann = console("ann", old_key(), mfa_active=None)
    result = evaluate(snapshot(ann), policy(), NOW)
    assert result.findings == ()
    (gap,) = result.gaps
    assert gap.step == "control console_mfa"
    assert gap.reason == "whether an MFA device is active is unknown"
    assert (gap.user_name, gap.user_id, gap.slot) == ("ann", "AIDAANN", None)


def test_a_user_whose_password_is_unknown_is_a_gap_of_each_control_that_asks():
    ann = console("ann", password_enabled=None)
    steps = [gap.step for gap in evaluate(snapshot(ann), policy(), NOW).gaps]
    assert steps == ["control password_age", "control console_mfa", "control user_inactive"]


# --- settings -------------------------------------------------------------------------------------


def test_a_class_of_users_has_thresholds_of_its_own():
    machines = UserClass(
        match=Match(tag="kind=machine"),
        thresholds=Thresholds(access_key_rotation=timedelta(days=365)),
        delivery=Delivery.CSV,
    )
    bot = user("bot", old_key(), tags={"kind": "machine"})
    settings = policy(classes=(machines,))
    assert evaluate(snapshot(bot), settings, NOW).findings == ()
    assert len(evaluate(snapshot(user("ann", old_key())), settings, NOW).findings) == 1


def test_the_scope_of_stale_keys_comes_from_the_policy():
    ann = user("ann", access_key(1, last_used=ago(20)), access_key(2))
    assert evaluate(snapshot(ann), policy(), NOW).findings == ()
    wide = policy(stale_scope=StaleScope.EVERY_KEY)
    assert [f.resource_id for f in evaluate(snapshot(ann), wide, NOW).findings] == [KEY_1]


def test_what_is_remembered_about_keys_reaches_the_controls():
    spare = access_key(2, last_used=Absent.NEVER, created_at=ago(20))
    ann = user("ann", access_key(1), spare)
    ours = {KEY_2: key_record(KEY_2, made_by_us=True)}
    assert len(evaluate(snapshot(ann), policy(), NOW).findings) == 1
    assert evaluate(snapshot(ann), policy(), NOW, ours).findings == ()


def test_under_a_compressed_clock_nobody_looks_beyond_the_listed_users():
    clock = CompressedClock(day=timedelta(days=1), users=("ann",))
    seen = snapshot(user("ann", old_key()), console("bob", old_key(), mfa_active=None))
    result = evaluate(seen, policy(compressed=clock), NOW)
    assert [f.user_name for f in result.findings] == ["ann"]
    assert result.gaps == ()


def test_under_a_compressed_clock_passwords_age_only_where_their_age_can_be_read():
    ann = console("ann", password_last_changed=ago(200))
    days = timedelta(days=1)
    for aging, found in ((False, []), (True, [ControlId.PASSWORD_AGE])):
        clock = CompressedClock(day=days, users=("ann",), password_age=aging)
        seen = evaluate(snapshot(ann), policy(compressed=clock), NOW)
        assert [finding.control for finding in seen.findings] == found


# --- which users are worth a ListAccessKeys -------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "slots"),
    [
        ((access_key(1, key_id=None),), set()),
        ((old_key(1, key_id=None),), {1}),
        ((old_key(1), old_key(2, key_id=None)), {1, 2}),
        ((access_key(1, key_id=None), access_key(2, key_id=None, last_used=ago(20))), {2}),
        ((access_key(1, last_rotated=Absent.UNKNOWN, created_at=None),), set()),
    ],
)
def test_slots_in_question_are_those_that_a_control_would_flag_if_it_knew_the_id(keys, slots):
    ann = user("ann", *keys)
    assert slots_in_question(ann, snapshot(ann), policy(), NOW, {}) == slots
