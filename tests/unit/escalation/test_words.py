from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from tests.builders import (
    INACTIVE,
    KEY_2,
    MFA_CONTROL,
    PASSWORD_AGE,
    ROTATION,
    STALE,
    console,
    on,
    record,
)

from keyreeve.escalation import words
from keyreeve.model.identifiers import ControlId
from keyreeve.model.policy import FinalAct

GONE = "there is no console password any more."
SINCE = datetime(2025, 9, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 6, tzinfo=UTC)
REMINDED = "It will be listed as overdue, and you will be reminded every week."
KEPT = "The key becomes inactive. It is not deleted."


def test_a_day_is_written_with_its_weekday():
    assert words.day(date(2026, 1, 5)) == "Mon 5 Jan 2026"
    assert words.day(on(14)) == "Mon 19 Jan 2026"


@pytest.mark.parametrize("control", ControlId)
def test_every_control_has_a_name_for_its_resource_and_a_sentence_for_its_end(control):
    name = words.resource(control, "AKIA1")
    assert name
    ended = words.how_cleared(record(control, "AKIA1"), console("ann"))
    assert ended.startswith(f"{name}: ")
    assert ended.endswith(".")
    enforced = record(control, "AKIA1", enforced_on=on(14))
    done = words.how_cleared(enforced, console("ann"), removed=True)
    assert done == f"{name}: done by Keyreeve on Mon 19 Jan 2026."


@pytest.mark.parametrize(
    ("control", "facts", "sentence"),
    [
        (MFA_CONTROL, {"mfa_active": True}, "an MFA device is active."),
        (MFA_CONTROL, {"mfa_active": False, "password_enabled": False}, GONE),
        (MFA_CONTROL, {"mfa_active": False}, "in order."),
        (PASSWORD_AGE, {"password_last_changed": LATER}, "changed."),
        (PASSWORD_AGE, {"password_enabled": False}, GONE),
        (PASSWORD_AGE, {"password_last_changed": SINCE}, "in order."),
        (INACTIVE, {"password_enabled": False}, GONE),
        (INACTIVE, {}, "in order."),
    ],
)
def test_what_has_cleared_is_said_as_the_facts_show_it(control, facts, sentence):
    name = words.resource(control, "AKIA1")
    for enforced_on in (None, on(14)):  # a quarantine mends nothing: the user did
        was = replace(record(control, "AKIA1", enforced_on=enforced_on), since=SINCE)
        assert words.how_cleared(was, replace(console("ann"), **facts)) == f"{name}: {sentence}"


@pytest.mark.parametrize(
    ("control", "act", "acts", "none_left", "sentence"),
    [
        (ROTATION, None, True, False, KEPT),
        (STALE, None, True, True, f"{KEPT} No active key will be left."),
        (MFA_CONTROL, FinalAct.REMIND, False, False, REMINDED),
        (PASSWORD_AGE, FinalAct.NOTHING, True, False, REMINDED),
        (
            MFA_CONTROL,
            FinalAct.QUARANTINE,
            True,
            False,
            "You will be put into the group MFA-Setup, which denies all other access.",
        ),
        (
            INACTIVE,
            FinalAct.DELETE_LOGIN_PROFILE,
            True,
            False,
            "Your console password will be removed. Access keys go on working.",
        ),
        (
            INACTIVE,
            FinalAct.DEACTIVATE_UNUSED_KEYS,
            True,
            False,
            "Your unused access keys become inactive. They are not deleted.",
        ),
        (PASSWORD_AGE, FinalAct.DELETE_LOGIN_PROFILE, False, False, REMINDED),
        (INACTIVE, None, True, False, REMINDED),
    ],
)
def test_what_will_happen_on_e_is_one_true_sentence(control, act, acts, none_left, sentence):
    told = words.consequence(control, act, "MFA-Setup", acts=acts, none_left=none_left)
    assert told == sentence


@pytest.mark.parametrize(
    ("control", "act", "sentence"),
    [
        (ROTATION, "deactivate_access_key", "Access key AKIA1 was made inactive on {}."),
        (INACTIVE, "deactivate_access_key", "Unused access keys were made inactive on {}."),
        (INACTIVE, "delete_login_profile", "The console password was removed on {}."),
        (MFA_CONTROL, "quarantine", "The user was put into quarantine on {}."),
        (MFA_CONTROL, None, "Enforced on {}."),
    ],
)
def test_what_was_done_is_one_true_sentence(control, act, sentence):
    said = words.act_done(control, "AKIA1", act, on(14))
    assert said == sentence.format("Mon 19 Jan 2026")


def test_every_reason_for_no_replacement_has_a_sentence():
    for code, sentence in words.NO_REPLACEMENT.items():
        assert words.no_replacement(code, None) == sentence
        assert sentence.endswith(".")
    taken = words.no_replacement("slots_taken:AKIA2", KEY_2)
    assert taken.endswith("AKIA2 takes the second slot.")
    assert words.no_replacement("held back", None) == "No new credentials will be made: held back."
