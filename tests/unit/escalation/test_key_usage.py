"""What the owner and the team read of the use of the keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.builders import (
    KEY_1,
    KEY_3,
    LETTERHEAD,
    NOW,
    access_key,
    by_id,
    case,
    delivered,
    key_record,
    old_key,
    on,
    outlook,
    policy,
    reading,
    record,
    rotation,
    snapshot,
    used,
    user,
)

from keyreeve.escalation.key_usage import change_over, in_short, sentences
from keyreeve.escalation.notices import compose
from keyreeve.model.case import Stage
from keyreeve.model.snapshot import Absent
from keyreeve.model.usage import KeyCalls

GIVEN = NOW + timedelta(days=7)
E = on(14)
OPERATION = delivered(delivered_at=GIVEN)
ASKED = {"calls_since": NOW - timedelta(days=3), "calls_until": NOW + timedelta(days=11)}


def calls(day, count=12, **changes):
    usual = KeyCalls(
        event="s3.amazonaws.com:ListBuckets",
        source="203.0.113.9",
        agent="aws-cli/2.15.30",
        region="us-east-1",
        count=count,
        last=NOW + timedelta(days=day),
    )
    return replace(usual, **changes)


def seen_on(day, *keys, operation=OPERATION, e=E, **settings):
    found = record(day_0=True)
    operations = by_id(operation) if operation else {}
    told = reading(day, *keys)
    return change_over(
        case(found, operations=operations), found, told, policy(**settings), on(day), e
    )


def said(*args, **more):
    return sentences(seen_on(*args, **more))


def test_before_day_7_without_a_reading_and_after_the_act_nothing_is_said():
    found = record(day_0=True)
    assert change_over(case(found), found, None, policy(), on(11), on(14)) is None
    assert change_over(case(found), found, reading(6), policy(), on(6), on(14)) is None
    done = record(day_0=True, enforced_on=on(14))
    assert change_over(case(done), done, reading(15), policy(), on(15), on(14)) is None


def test_cut_over_seen_names_the_last_use_of_the_old_key_and_the_day_it_becomes_inactive():
    assert said(11, used(KEY_1, 9, **ASKED, calls=(calls(9),)), used(KEY_3, 10)) == (
        (
            "Cut-over seen: the old key was last used on Wed 14 Jan 2026, 06:00, and the new one "
            "is in use. You need do no more: it becomes inactive on Mon 19 Jan 2026, if you "
            "have not made it so before."
        ),
        "Old key AKIA1: last used on Wed 14 Jan 2026, 06:00.",
        "New key AKIA3: last used on Thu 15 Jan 2026, 06:00.",
    )


def test_cut_over_seen_without_a_date_and_of_a_key_that_was_never_used():
    first, *_ = said(11, used(KEY_1), used(KEY_3, 10), e=None)
    assert first == (
        "Cut-over seen: the old key was never used, and the new one is in use. You need do no "
        "more: it becomes inactive, if you have not made it so before."
    )


def test_an_old_key_in_use_is_told_with_the_address_and_the_program_that_use_it():
    old = used(
        KEY_1, 10.5, service="s3", region="eu-central-1", **ASKED, calls=(calls(10.5), calls(1, 40))
    )
    assert said(11, old, used(KEY_3, 8)) == (
        "Not everything has changed over: the old key was used after the new one.",
        "Old key AKIA1: last used on Thu 15 Jan 2026, 18:00, for s3 in eu-central-1.",
        "New key AKIA3: last used on Tue 13 Jan 2026, 06:00.",
        (
            "12 calls of `s3:ListBuckets` from `203.0.113.9` with aws-cli/2.15.30, in us-east-1: "
            "the last on Thu 15 Jan 2026, 18:00."
        ),
        (
            "CloudTrail's event history has the calls above since Fri 2 Jan 2026; it holds "
            "management events only, so no reading or writing of objects."
        ),
    )


def test_calls_from_before_the_delivery_are_told_where_there_are_none_since():
    old = used(KEY_1, 6, **ASKED, calls=(calls(6, 1),))
    lines = said(11, old, used(KEY_3))
    assert lines[:2] == (
        "The new key has not been used yet.",
        "Old key AKIA1: last used on Sun 11 Jan 2026, 06:00.",
    )
    assert lines[2].startswith("1 call of `s3:ListBuckets` from `203.0.113.9`")
    assert not any("New key" in line for line in lines)


def test_at_most_three_groups_of_calls_are_told_and_that_there_are_more():
    old = used(KEY_1, 10.9, **ASKED, calls=tuple(calls(10, 9 - n) for n in range(5)))
    lines = said(11, old, used(KEY_3, 8))
    assert sum("calls of" in line for line in lines) == 3
    assert lines[-1].endswith("There are more than are shown here.")
    part = used(KEY_1, 10.9, **ASKED, calls=(calls(10),), complete=False)
    assert said(11, part, used(KEY_3, 8))[-1].endswith("There are more than are shown here.")


def test_no_call_in_the_history_is_told_as_none_and_an_unasked_history_is_not_mentioned():
    asked = said(11, used(KEY_1, 10.9, **ASKED), used(KEY_3, 8))
    assert "has no call with this key since Fri 2 Jan 2026" in asked[-1]
    unasked = said(11, used(KEY_1, 10.9), used(KEY_3, 8))
    assert not any("CloudTrail" in line for line in unasked)


def test_what_could_not_be_read_is_said_and_what_is_settling_too():
    assert said(11) == ("How the keys are used could not be read.",)
    settling = said(11, used(KEY_1, 10.5), used(KEY_3, 10.9))
    assert settling[0].startswith("The new key is in use. The old one was used too short a time")
    unknown = used(KEY_1, last_used=Absent.UNKNOWN)
    assert "Old key AKIA1: last use not known." in said(11, unknown, used(KEY_3, 8))


def test_where_nothing_was_delivered_or_only_in_this_run_the_old_key_alone_is_told():
    begun = rotation(new_key=KEY_3, begun_at=NOW)
    today = replace(OPERATION, delivered_at=NOW + timedelta(days=7, minutes=1))
    for operation in (None, begun, today):
        assert said(7, used(KEY_1, 6.5), operation=operation) == (
            "Key AKIA1: last used on Sun 11 Jan 2026, 18:00.",
        )


def test_dates_and_times_are_the_projects():
    lines = said(11, used(KEY_1, 10.9), used(KEY_3, 8), timezone=ZoneInfo("Asia/Kolkata"))
    assert lines[1] == "Old key AKIA1: last used on Fri 16 Jan 2026, 09:06."


SHORT = {
    "cut-over seen; old key last used on Wed 14 Jan 2026, 06:00": (
        used(KEY_1, 9),
        used(KEY_3, 10),
    ),
    "the old key is still in use; old key last used on Thu 15 Jan 2026, 18:00, from 203.0.113.9 "
    "(aws-cli/2.15.30)": (used(KEY_1, 10.5, calls=(calls(10.5),)), used(KEY_3, 8)),
    "the new key is not used yet; old key never used": (used(KEY_1), used(KEY_3)),
    "not known how the keys are used": (),
}


@pytest.mark.parametrize("text", SHORT)
def test_the_summarys_line(text):
    assert in_short(seen_on(11, *SHORT[text])) == text


def test_the_summarys_line_where_nothing_was_delivered():
    assert in_short(seen_on(11, used(KEY_1, 10), operation=None)) == (
        "no new key was delivered; old key last used on Thu 15 Jan 2026, 06:00"
    )


def test_the_notice_carries_the_sentences_for_the_key_and_for_no_other_finding():
    who = user("ann", old_key(), access_key(2, key_id=KEY_3, last_used=NOW + timedelta(days=10)))
    seen = outlook(
        snapshot(who),
        now=NOW + timedelta(days=11),
        keys={KEY_3: key_record(KEY_3, made_by_us=True, replaces=KEY_1, active=True)},
        usage=reading(11, used(KEY_1, 9), used(KEY_3, 10)),
    )
    told = case(record(day_0=True), operations=by_id(OPERATION), who=who)
    (line,) = compose(told, seen.decisions(told), seen, LETTERHEAD).notice.findings
    assert line.usage[0].startswith("Cut-over seen: the old key was last used on Wed 14 Jan 2026")
    assert [step[:32] for step in line.remediation] == [
        "Check that everything works, the",
        "After a few quiet days, delete A",
    ]
    assert [stage for stage, _ in line.timeline] == [Stage.ENFORCEMENT]
    silent = replace(seen, usage=None)
    (line,) = compose(told, silent.decisions(told), silent, LETTERHEAD).notice.findings
    assert line.usage == ()
    assert line.remediation[0].startswith("Take the new key, AKIA3, from the private mail")
