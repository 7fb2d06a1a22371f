from __future__ import annotations

from dataclasses import replace

import pytest
from tests.builders import notice_record, on, record

from keyreeve.escalation.told import told_to
from keyreeve.model.case import Told

BEFORE, NOW = "before@example.com", "Now@example.com"


def told(*addresses: str | None, reasons=(None, None, None)):
    notices = tuple(
        replace(notice_record(day), to=to, no_replacement=reason)
        for day, to, reason in zip((0, 3, 7), addresses, reasons, strict=True)
    )
    return record(day_0=True, notices=notices, no_replacement=Told(reason="spare", on=on(0)))


@pytest.mark.parametrize(
    ("addresses", "days"),
    [
        ((NOW, NOW, NOW), [0, 3, 7]),
        ((BEFORE, BEFORE, NOW), [7]),
        ((BEFORE, BEFORE, BEFORE), []),
        ((NOW, BEFORE, NOW), [0, 7]),
        ((None, None, NOW), [0, 3, 7]),  # written before addresses were kept
    ],
)
def test_what_went_to_another_address_was_not_told(addresses, days):
    kept = told_to(told(*addresses), NOW.lower())
    assert [n.on for n in kept.notices] == [on(day) for day in days]


def test_the_reason_for_no_replacement_counts_from_the_day_on_which_this_owner_read_it():
    reasons = ("spare", "spare", "spare")
    assert told_to(told(BEFORE, NOW, NOW, reasons=reasons), NOW).no_replacement == Told(
        reason="spare", on=on(3)
    )
    assert told_to(told(BEFORE, BEFORE, BEFORE, reasons=reasons), NOW).no_replacement is None
    whole = told(NOW, NOW, NOW)
    assert told_to(whole, NOW) is whole


def test_with_nobody_to_tell_nothing_is_left_out():
    whole = told(BEFORE, BEFORE, BEFORE)
    assert told_to(whole, None) is whole
