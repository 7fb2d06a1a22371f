from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    INACTIVE,
    KEY_1,
    KEY_2,
    KEY_3,
    LETTERHEAD,
    MFA_CONTROL,
    MONDAY,
    NOW,
    PASSWORD_AGE,
    ROTATION,
    STALE,
    access_key,
    ago,
    bounce,
    by_id,
    case,
    console,
    delivered,
    key_record,
    notice_record,
    old_key,
    on,
    outlook,
    policy,
    record,
    rotation,
    snapshot,
    user,
)

from keyreeve.escalation import words
from keyreeve.escalation.notices import compose, compose_closing
from keyreeve.model.case import OperationKind, Resent, Stage, StepName
from keyreeve.model.control import Severity
from keyreeve.model.decisions import Hold, HumanDecisions
from keyreeve.model.policy import Enforcement, FinalAct
from keyreeve.model.snapshot import Absent, PasswordPolicy

FRESH = {"last_used": NOW + timedelta(days=13)}
ROTATED = user("ann", old_key(), access_key(2, key_id=KEY_3, **FRESH))
RESENT = ((8, "before@example.com"), (9, "ANN@example.com"), (10, "before@example.com"))
REPLACED = {KEY_3: key_record(KEY_3, made_by_us=True, replaces=KEY_1, active=True)}


def composed(told, who, day_n=0, **view):
    now = NOW + timedelta(days=day_n)
    seen = outlook(
        snapshot(who, **view.pop("facts", {})), view.pop("settings", None), now=now, **view
    )
    return compose(told, seen.decisions(told), seen, LETTERHEAD)


def line(told, who, day_n=0, **view):
    return composed(told, who, day_n, **view).notice.findings[0]


# --- the whole notice -----------------------------------------------------------------------------


def test_the_first_notice_lists_every_finding_with_its_promise():
    two = case(record(), record(MFA_CONTROL, "mfa"))
    who = console("ann", old_key(), mfa_active=False)
    made = composed(two, who)
    notice = made.notice
    assert (notice.user_name, notice.stage, notice.on) == ("ann", Stage.NOTIFICATION, MONDAY)
    assert (notice.enforcement_on, notice.days_left, notice.moved_from) == (on(14), 14, None)
    assert notice.letterhead == LETTERHEAD
    key, mfa = notice.findings
    assert (key.control, key.key_id, key.resource) == (ROTATION, KEY_1, "Access key AKIA1")
    assert (key.title, key.severity) == ("Access key is due for rotation", Severity.MEDIUM)
    assert (key.stage, key.opened_on, key.days_left) == (Stage.NOTIFICATION, MONDAY, 14)
    assert key.detail == "100 days old; the limit is 75 days."
    assert key.why
    assert key.risk
    assert not any("{" in step for step in key.remediation)
    assert (mfa.control, mfa.key_id) == (MFA_CONTROL, None)
    assert mfa.remediation[0] == "Sign in to the AWS console as ann."
    assert mfa.consequence == ("It will be listed as overdue, and you will be reminded every week.")
    assert made.told == (
        {
            "control": "access_key_rotation",
            "resource_id": KEY_1,
            "stage": "notification",
            "opened_on": "2026-01-05",
            "enforcement_on": "2026-01-19",
            "no_replacement": None,
            "act": "deactivate_access_key",
        },
        {
            "control": "console_mfa",
            "resource_id": "mfa",
            "stage": "notification",
            "opened_on": "2026-01-05",
            "enforcement_on": "2026-01-19",
            "no_replacement": "none_needed",
            "act": "",
        },
    )


@pytest.mark.parametrize("later", range(7))
def test_every_date_that_is_told_is_one_on_which_mail_goes_out(later: int):
    told = case(record(day_0=True, promised_on=on(14 + later)))
    days = dict(line(told, user("ann", old_key())).timeline)
    assert days
    assert all(day.weekday() < 5 for day in days.values())
    assert days[Stage.REMINDER] == on(3)


def test_the_timeline_holds_the_coming_stages_and_those_without_credentials_skip_stage_3():
    two = case(record(), record(MFA_CONTROL, "mfa"))
    key, mfa = composed(two, console("ann", old_key(), mfa_active=False)).notice.findings
    assert key.timeline == (
        (Stage.REMINDER, on(3)),
        (Stage.NEW_CREDENTIALS, on(7)),
        (Stage.WARNING, on(10)),
        (Stage.COUNTDOWN, on(11)),
        (Stage.ENFORCEMENT, on(14)),
    )
    assert [stage for stage, _ in mfa.timeline] == [
        Stage.REMINDER,
        Stage.WARNING,
        Stage.COUNTDOWN,
        Stage.ENFORCEMENT,
    ]


def test_the_most_urgent_finding_leads():
    late = record(MFA_CONTROL, "mfa", day_0=True)
    soon = record(day_0=True, promised_on=on(14))
    late = replace(late, promised_on=on(16))
    held = case(late, soon, operations=by_id(delivered()))
    who = console("ann", *ROTATED.keys, mfa_active=False)
    notice = composed(held, who, 10, keys=REPLACED).notice
    assert [f.control for f in notice.findings] == [ROTATION, MFA_CONTROL]
    assert (notice.stage, notice.enforcement_on, notice.days_left) == (Stage.WARNING, on(14), 4)
    assert notice.findings[1].stage is Stage.NEW_CREDENTIALS


def test_a_moved_e_names_the_date_told_before():
    seen = record(day_0=True, promised_on=on(16))
    made = composed(case(seen, operations=by_id(delivered())), ROTATED, 8, keys=REPLACED)
    assert (made.notice.moved_from, made.notice.moved_to) == (on(14), on(16))
    assert made.notice.enforcement_on == on(16)


def test_a_notice_states_what_was_promised_beside_e_long_after_it_has_moved():
    first = line(case(record()), user("ann", old_key()))
    assert (first.promised_on, first.enforcement_on) == (on(14), on(14))
    told = (notice_record(0), notice_record(11, Stage.NEW_CREDENTIALS, 15))
    moved = record(day_0=True, promised_on=on(14), notices=told)
    made = composed(case(moved), user("ann", old_key()), 11)
    (later,) = made.notice.findings
    assert made.notice.moved_from is None
    assert (later.promised_on, later.enforcement_on) == (on(14), on(15))


def test_where_one_of_two_dates_has_moved_both_dates_named_are_of_that_one():
    stays = record(day_0=True)
    moves = record(MFA_CONTROL, "mfa", day_0=True, promised_on=on(16))
    told = case(stays, moves, operations=by_id(delivered()))
    who = console("ann", *ROTATED.keys, mfa_active=False)
    notice = composed(told, who, 8, keys=REPLACED).notice
    assert (notice.enforcement_on, notice.moved_from, notice.moved_to) == (on(14), on(14), on(16))


def test_an_open_e_is_told_as_open():
    seen = record(day_0=True)
    told = case(seen, bounced=bounce("ann@example.com"), operations=by_id(delivered()))
    made = composed(told, ROTATED, 15, keys=REPLACED)
    assert (made.notice.enforcement_on, made.notice.days_left) == (None, None)
    assert (made.notice.moved_from, made.notice.moved_to) == (on(14), None)
    (only,) = made.notice.findings
    assert (only.promised_on, only.enforcement_on) == (on(14), None)
    assert (only.stage, only.days_left, only.timeline) == (Stage.OVERDUE, None, ())
    assert made.told[0]["enforcement_on"] is None
    assert only.remarks == ()  # that mail bounces is nothing to tell by mail


def test_the_closing_mail_says_what_cleared():
    told = case(cleared=("Console password: changed.",))
    notice = compose_closing(told, outlook(snapshot(user())), LETTERHEAD)
    assert (notice.user_name, notice.on) == ("ann", MONDAY)
    assert notice.cleared == ("Console password: changed.",)


# --- what Keyreeve does, has done, or cannot do ---------------------------------------------------


def test_the_owner_reads_what_happens_if_nothing_is_done():
    assert line(case(record()), user("ann", old_key())).remarks == (
        (
            "If you do nothing, a new key will be created on Mon 12 Jan 2026 and sent to you in a "
            "separate private mail. The old one goes on working until the date above."
        ),
    )
    who = console("ann", password_last_changed=ago(100))
    assert line(case(record(PASSWORD_AGE, "password")), who).remarks == (
        (
            "If you do nothing, a new password will be set on Mon 12 Jan 2026 and sent to you in a "
            "separate private mail."
        ),
    )


def test_after_the_hand_over_the_notice_names_the_new_key_and_leads_to_it():
    told = case(record(day_0=True), operations=by_id(delivered()))
    only = line(told, ROTATED, 10, keys=REPLACED)
    assert only.done == (
        (
            "A new access key, AKIA3, was created and sent to you in a separate private mail on "
            "Mon 12 Jan 2026."
        ),
    )
    assert (
        only.remediation[0] == "Take the new key, AKIA3, from the private mail of Mon 12 Jan 2026."
    )
    assert only.remarks == ()
    assert only.consequence == "The key becomes inactive. It is not deleted."


def test_an_owner_who_has_another_address_since_reads_where_the_key_went():
    went = delivered(delivered_to="before@example.com")
    only = line(case(record(day_0=True), operations=by_id(went)), ROTATED, 10, keys=REPLACED)
    assert only.done == (
        (
            "A new access key, AKIA3, was created and sent in a separate private mail to "
            "before@example.com, the address of this user then, on Mon 12 Jan 2026."
        ),
    )
    assert only.remediation[0] == (
        "Take the new key, AKIA3, from the private mail of Mon 12 Jan 2026 to before@example.com. "
        "If you cannot read it, ask the team."
    )


def test_an_owner_to_whom_a_person_has_sent_the_key_again_is_led_to_that_mail():
    sent = [Resent(message_id=f"m{day}", to=to, on=on(day), at=NOW) for day, to in RESENT]
    went = delivered(delivered_to="before@example.com", resent=tuple(sent))
    only = line(case(record(day_0=True), operations=by_id(went)), ROTATED, 10, keys=REPLACED)
    assert only.done[0].endswith("sent to you in a separate private mail on Wed 14 Jan 2026.")
    assert only.remediation[0].endswith("from the private mail of Wed 14 Jan 2026.")


def test_what_an_earlier_owner_was_told_is_no_date_that_has_moved():
    notices = (notice_record(0), notice_record(11, Stage.COUNTDOWN, 15))
    seen = record(day_0=True, promised_on=on(14), notices=notices)
    assert composed(case(seen), user("ann", old_key()), 12).notice.moved_from == on(15)
    before = tuple(replace(notice, to="before@example.com") for notice in notices)
    again = case(replace(seen, notices=before))
    assert composed(again, user("ann", old_key()), 12).notice.moved_from is None


def test_after_a_reset_the_notice_says_so():
    reset = delivered(
        kind=OperationKind.PASSWORD_RESET,
        control=PASSWORD_AGE,
        resource_id="password",
        new_key=None,
    )
    told = case(record(PASSWORD_AGE, "password", day_0=True), operations=by_id(reset))
    only = line(told, console("ann", password_last_changed=ago(100)), 10)
    assert only.done[0].startswith("A new console password was set and sent to you")


def test_after_the_act_the_notice_says_what_was_done():
    shut = rotation(
        StepName.ENFORCING,
        StepName.DONE,
        operation_id="act",
        kind=OperationKind.ENFORCEMENT,
        act="deactivate_access_key",
    )
    seen = record(day_0=True, enforced_on=on(14))
    told = case(seen, operations=by_id(delivered(), shut))
    made = composed(told, ROTATED, 14, keys=REPLACED)
    (only,) = made.notice.findings
    assert (made.notice.stage, only.days_left, only.timeline) == (Stage.ENFORCEMENT, 0, ())
    assert only.consequence == "Access key AKIA1 was made inactive on Mon 19 Jan 2026."
    assert only.remarks == (
        "The key was not deleted. If something urgent stopped working, ask the team.",
    )
    assert len(only.remediation) == 3
    assert made.notice.moved_from is None


BLOCKED = {
    "an Active key": (
        access_key(2),
        (
            "AKIA2 takes the second slot. Use that key instead, or delete it so that a new one can "
            "be made."
        ),
    ),
    "a key that is due before E": (
        access_key(2, created_at=ago(65), last_rotated=ago(65)),
        (
            "AKIA2 takes the second slot. It will itself be due soon: delete it, and a new one can "
            "be made."
        ),
    ),
    "an Inactive key": (
        access_key(2, active=False),
        "AKIA2 takes the second slot. It is inactive: delete it, and a new one can be made.",
    ),
    "a key whose id is unknown": (
        access_key(2, key_id=None, active=False),
        (
            "the key in slot 2 takes the second slot. It is inactive: delete it, and a new one can "
            "be made."
        ),
    ),
}


@pytest.mark.parametrize("row", BLOCKED)
def test_from_day_0_the_notice_names_the_key_that_blocks_the_slot(row):
    other, sentence = BLOCKED[row]
    only = line(case(record()), user("ann", old_key(), other))
    assert only.remarks[0].endswith(sentence)
    assert only.remediation[:2] == (words.DELETE_ONE, words.CREATE_KEY)
    assert Stage.NEW_CREDENTIALS not in dict(only.timeline)


def test_two_aged_keys_are_told_that_none_will_be_left():
    both = case(record(), record(ROTATION, KEY_2))
    lines = composed(both, user("ann", old_key(), old_key(2))).notice.findings
    none_left = "The key becomes inactive. It is not deleted. No active key will be left."
    assert [only.consequence for only in lines] == [none_left, none_left]
    assert all(words.NO_REPLACEMENT["both_slots_aged"] in only.remarks for only in lines)


@pytest.mark.parametrize("left", [(), (access_key(2, key_id=KEY_3, active=False),)])
def test_who_took_the_replacement_away_is_not_sent_to_it_and_hears_that_no_key_will_be_left(left):
    told = case(record(day_0=True), operations=by_id(delivered()))
    only = line(told, user("ann", old_key(), *left), 10)
    assert only.consequence.endswith("No active key will be left.")
    assert words.NO_REPLACEMENT[words.REPLACEMENT_GONE] in only.remarks
    assert not any(KEY_3 in step for step in only.remediation)
    assert words.CREATE_KEY in only.remediation
    assert (words.DELETE_ONE in only.remediation) is bool(left)


def test_a_replacement_that_stands_is_where_its_owner_is_sent_to():
    told = case(record(day_0=True), operations=by_id(delivered()))
    only = line(told, ROTATED, 10, keys=REPLACED)
    assert KEY_3 in only.remediation[0]
    assert "left" not in only.consequence


def test_a_password_that_was_reset_is_told_that_nothing_more_follows():
    reset = delivered(
        kind=OperationKind.PASSWORD_RESET,
        control=PASSWORD_AGE,
        resource_id="password",
        old_key=None,
        new_key=None,
    )
    told = case(record(PASSWORD_AGE, "password", day_0=True), operations=by_id(reset))
    only = line(told, console("ann", password_last_changed=ago(100)), 7)
    assert (only.consequence, only.timeline) == (words.RESET_SETTLES, ())


def test_what_was_not_handed_over_today_is_offered_for_the_next_day_that_is_open():
    only = line(case(record(day_0=True)), user("ann", old_key()), 7)
    assert "a new key will be created on Tue 13 Jan 2026" in only.remarks[0]


def test_with_another_key_left_nobody_is_frightened():
    who = user("ann", old_key(), access_key(2))
    assert "left" not in line(case(record()), who).consequence
    assert "left" not in line(case(record()), user("ann", old_key())).consequence


@pytest.mark.parametrize(
    ("told", "who", "code"),
    [
        (case(record()), user("ann", old_key(last_used=Absent.NEVER)), "dormant"),
        (
            case(record(PASSWORD_AGE, "password"), record(INACTIVE, "user")),
            console("ann", password_last_changed=ago(100), password_last_used=ago(100)),
            "dormant",
        ),
    ],
)
def test_whoever_gets_nothing_new_is_told_why(told, who, code):
    assert words.NO_REPLACEMENT[code] in line(told, who).remarks


def test_controls_that_hand_nothing_out_do_not_speak_of_it():
    assert line(case(record(STALE, KEY_2)), user("ann", access_key(), access_key(2))).remarks == ()


def test_a_hold_is_told_with_its_date():
    hold = Hold(user="ann", until=on(9), reason="leave", added_at=NOW, added_by="arn")
    only = line(
        case(record(day_0=True)), user("ann", old_key()), 3, people=HumanDecisions(holds=(hold,))
    )
    assert "This is on hold: held until 2026-01-14." in only.remarks


def test_a_reset_that_cannot_be_made_is_held_with_its_reason():
    told = case(record(PASSWORD_AGE, "password", day_0=True))
    facts = {"password_policy": PasswordPolicy(users_may_change=False)}
    only = line(told, console("ann", password_last_changed=ago(100)), 7, facts=facts)
    assert only.remarks[0].startswith("This is on hold: neither the account's password policy")


def test_quarantine_names_its_group():
    settings = policy(
        enforcement=Enforcement(console_mfa=FinalAct.QUARANTINE, user_inactive=FinalAct.QUARANTINE)
    )
    who = console("ann", mfa_active=False, password_last_used=ago(100))
    told = case(record(MFA_CONTROL, "mfa"), record(INACTIVE, "user"))
    lines = composed(told, who, settings=settings).notice.findings
    assert [only.consequence.split("group ")[1].split(",")[0] for only in lines] == [
        "MFA-Setup",
        "Quarantine",
    ]


def test_a_finding_that_has_just_cleared_is_still_told_until_it_leaves():
    seen = record(day_0=True, enforced_on=on(14), notices=(notice_record(0), notice_record(10)))
    only = line(case(seen), user("ann", old_key(active=False)), 14)
    assert only.detail == ""
    assert only.consequence == "Enforced on Mon 19 Jan 2026."
