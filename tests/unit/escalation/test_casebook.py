from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.builders import (
    INLINE,
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    MONDAY,
    NOW,
    ROTATION,
    access_key,
    ago,
    by_id,
    case,
    console,
    delivered,
    notice_record,
    old_key,
    on,
    policy,
    record,
    rotation,
    snapshot,
    state,
    user,
)
from tests.unit.escalation.cases import ANN, FLAGGED, LATER, MENDED, OPENED, book

from keyreeve.escalation.casebook import CaseEvent
from keyreeve.model.case import OperationKind, Stage, StepName
from keyreeve.model.policy import CompressedClock

# --- opening --------------------------------------------------------------------------------------


def test_a_case_opens_with_the_users_first_finding_and_is_pending():
    after, happened = book(snapshot(FLAGGED, console("bob")), now=NOW)
    (opened,) = after.users.values()
    assert opened.case_id.startswith("20260105-")
    assert len(opened.case_id) == 8 + 1 + 16
    assert (opened.user_id, opened.user_name) == (ANN, "ann")
    assert opened.first_seen_on == MONDAY
    assert opened.opened_on is None
    assert opened.thread.root == f"{opened.case_id}@keyreeve.invalid"
    assert opened.thread.subject == "[ETV] IAM Compliance: ann"
    (seen,) = opened.findings.values()
    assert (seen.control, seen.resource_id, seen.stage) == (ROTATION, KEY_1, Stage.PENDING)
    assert (seen.first_seen_on, seen.since, seen.opened_on) == (MONDAY, ago(100), None)
    assert happened == [(CaseEvent.FINDING_SEEN, KEY_1)]


def test_the_same_case_has_the_same_id_and_another_user_another():
    both = snapshot(FLAGGED, user("bob", old_key(key_id="AKIABOB")))
    first, _ = book(both, now=NOW)
    again, _ = book(both, now=NOW)
    later, _ = book(both, now=LATER)
    assert [c.case_id for c in first.users.values()] == [c.case_id for c in again.users.values()]
    ids = {c.case_id for s in (first, later) for c in s.users.values()}
    assert len(ids) == 4


def test_inline_policies_alone_open_no_case():
    after, happened = book(snapshot(user("ann", inline_policies=("p",))))
    assert (after.users, happened) == ({}, [])
    assert INLINE.value == "inline_policies"


def test_a_user_without_unique_id_has_no_case():
    assert book(snapshot(user("ann", old_key(), user_id=None)))[0].users == {}


def test_a_new_finding_joins_the_running_case_with_a_clock_of_its_own():
    before = state(OPENED)
    after, happened = book(snapshot(console("ann", old_key(), mfa_active=False)), before)
    joined = after.users[ANN].findings
    assert joined[ROTATION, KEY_1].opened_on == MONDAY
    assert joined[MFA_CONTROL, "mfa"].opened_on is None
    assert joined[MFA_CONTROL, "mfa"].first_seen_on == on(3)
    assert after.users[ANN].case_id == OPENED.case_id
    assert happened == [(CaseEvent.FINDING_SEEN, "mfa")]


def test_under_a_compressed_clock_a_joining_finding_is_dated_on_the_ladder():
    clock = CompressedClock(day=timedelta(minutes=10), users=("ann",))
    settings = policy(compressed=clock)
    who = console("ann", old_key(), mfa_active=False)
    after, _ = book(snapshot(who), state(OPENED), settings, now=NOW + timedelta(minutes=30))
    assert after.users[ANN].findings[MFA_CONTROL, "mfa"].first_seen_on == on(3)


# --- clearing and closing -------------------------------------------------------------------------


def test_an_unchanged_finding_changes_nothing():
    after, happened = book(snapshot(FLAGGED), state(OPENED))
    assert after.users == {ANN: OPENED}
    assert happened == []


def test_a_resolved_finding_clears_and_one_closing_mail_is_owed():
    after, happened = book(snapshot(MENDED), state(OPENED))
    closing = after.users[ANN]
    assert closing.findings == {}
    assert closing.closing_due
    assert closing.cleared == ("Access key AKIA1: in order, or no longer active.",)
    assert happened == [(CaseEvent.FINDING_CLEARED, KEY_1)]
    again, nothing = book(snapshot(MENDED), after)
    assert (again.users, nothing) == (after.users, [])


def test_a_finding_that_comes_back_takes_the_closing_mail_back():
    closing, _ = book(snapshot(MENDED), state(OPENED))
    after, _ = book(snapshot(FLAGGED), closing)
    assert not after.users[ANN].closing_due
    assert after.users[ANN].findings[ROTATION, KEY_1].opened_on is None


def test_one_of_two_findings_clears_and_the_case_goes_on():
    two = case(record(day_0=True), record(MFA_CONTROL, "mfa", day_0=True))
    after, _ = book(snapshot(console("ann", old_key())), state(two))
    assert list(after.users[ANN].findings) == [(ROTATION, KEY_1)]
    assert not after.users[ANN].closing_due
    assert after.users[ANN].cleared == ("MFA for console sign-in: an MFA device is active.",)


def test_a_case_never_noticed_closes_silently():
    after, happened = book(snapshot(MENDED), state(case(record())))
    assert after.users == {}
    assert happened == [(CaseEvent.FINDING_CLEARED, KEY_1), (CaseEvent.CASE_CLOSED, "")]


def test_without_closing_mails_the_user_leaves_the_state_at_once():
    after, _ = book(snapshot(MENDED), state(OPENED), policy(closing_mail=False))
    assert after.users == {}


def test_what_was_never_told_is_not_announced_as_cleared():
    two = case(record(day_0=True), record(MFA_CONTROL, "mfa"))
    after, _ = book(snapshot(console("ann", old_key())), state(two))
    assert after.users[ANN].cleared == ()


@pytest.mark.parametrize(
    ("operation", "kept"),
    [
        (rotation(StepName.INTENT), True),
        (rotation(StepName.INTENT, StepName.CREATED), True),
        (delivered(), False),
        (rotation(StepName.INTENT, StepName.ABANDONED), False),
    ],
)
def test_a_case_never_closes_while_an_operation_is_unfinished(operation, kept):
    before = replace(OPENED, operations=by_id(operation))
    after, _ = book(snapshot(MENDED), state(before))
    assert after.users[ANN].closing_due is not kept
    assert after.users[ANN].findings == {}


def test_an_act_that_was_begun_keeps_its_finding_until_its_end_is_known():
    begun = rotation(StepName.ENFORCING, kind=OperationKind.ENFORCEMENT)
    before = replace(OPENED, operations=by_id(begun))
    after, _ = book(snapshot(MENDED), state(before))
    assert list(after.users[ANN].findings) == [(ROTATION, KEY_1)]


def test_an_act_stays_until_its_owner_was_told_of_it():
    enforced = record(day_0=True, enforced_on=on(2))
    inactive = user("ann", old_key(active=False))
    after, _ = book(snapshot(inactive), state(case(enforced)))
    assert list(after.users[ANN].findings) == [(ROTATION, KEY_1)]
    told = replace(enforced, notices=(*enforced.notices, notice_record(2, Stage.ENFORCEMENT)))
    after, _ = book(snapshot(inactive), state(case(told)))
    assert after.users[ANN].closing_due
    assert after.users[ANN].cleared == ("Access key AKIA1: done by Keyreeve on Wed 7 Jan 2026.",)
    too_early = replace(enforced, notices=(*enforced.notices, notice_record(1, Stage.ENFORCEMENT)))
    after, _ = book(snapshot(inactive), state(case(too_early)))
    assert after.users[ANN].findings


def test_creating_a_new_key_does_not_end_the_old_keys_finding():
    rotated = user("ann", old_key(), access_key(2, key_id=KEY_2))
    after, _ = book(snapshot(rotated), state(OPENED))
    assert list(after.users[ANN].findings) == [(ROTATION, KEY_1)]
