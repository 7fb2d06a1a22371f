from __future__ import annotations

import pytest
from tests.builders import (
    KEY_1,
    KEY_2,
    MFA_CONTROL,
    MONDAY,
    NOW,
    bounce,
    key_record,
    notice_record,
    on,
    record,
    state,
    step,
)
from tests.unit.escalation.steps import (
    ANN,
    DAYS,
    KINDS,
    NAMES,
    after,
    ann,
    known,
    notice,
)

from keyreeve.escalation.fold import REACTIVATED
from keyreeve.model.case import DayLedger, Stage, Told
from keyreeve.model.identifiers import CaseId

# --- notices --------------------------------------------------------------------------------------


def test_the_first_accepted_notice_starts_the_findings_clock_and_freezes_its_promise():
    folded = after(known(record()), notice(ledger_day="2026-01-05"))
    (seen,) = ann(folded).findings.values()
    assert (seen.opened_on, seen.opened_at, seen.promised_on) == (MONDAY, NOW, on(14))
    assert seen.days == DAYS
    assert seen.stage is Stage.NOTIFICATION
    assert seen.notices == (notice_record(0),)
    assert seen.no_replacement is None
    assert (ann(folded).opened_on, ann(folded).anchor) == (MONDAY, NOW)
    assert ann(folded).addresses == ("ann@example.com",)
    assert ann(folded).last_notice_on == MONDAY
    assert ann(folded).last_notice_stage is Stage.NOTIFICATION
    assert ann(folded).thread.message_ids == ("mail-0",)
    assert folded.ledger == {MONDAY: DayLedger(opened=frozenset({ANN}))}


def test_a_later_notice_is_added_and_changes_neither_day_0_nor_promise():
    folded = after(
        known(record()),
        notice(),
        notice(10, Stage.WARNING, e=17, to="new@example.com", ledger_day="2026-01-15"),
    )
    (seen,) = ann(folded).findings.values()
    assert (seen.opened_on, seen.opened_at, seen.promised_on) == (MONDAY, NOW, on(14))
    assert seen.stage is Stage.WARNING
    assert [n.enforcement_on for n in seen.notices] == [on(14), on(17)]
    assert (ann(folded).opened_on, ann(folded).anchor) == (MONDAY, NOW)
    assert ann(folded).addresses == ("ann@example.com", "new@example.com")
    assert ann(folded).thread.message_ids == ("mail-0", "mail-10")
    assert ann(folded).last_notice_on == on(10)
    assert folded.ledger == {}  # only an opening counts


def test_a_notice_that_says_e_is_open_promises_nothing():
    (seen,) = ann(after(known(record()), notice(e=None))).findings.values()
    assert seen.promised_on is None
    assert seen.notices[0].enforcement_on is None


def test_a_reason_for_no_replacement_is_told_from_the_day_it_was_first_said():
    folded = after(known(record()), notice(why="spare"), notice(3, why="spare"), notice(4))
    (seen,) = ann(folded).findings.values()
    assert seen.no_replacement == Told(reason="spare", on=MONDAY)
    (seen,) = ann(after(folded, notice(7, why="dormant"))).findings.values()
    assert seen.no_replacement == Told(reason="dormant", on=on(7))


def test_findings_that_a_notice_did_not_list_stay_pending():
    folded = after(known(record(), record(MFA_CONTROL, "mfa")), notice())
    assert ann(folded).findings[MFA_CONTROL, "mfa"].opened_on is None


def test_a_finding_that_cleared_before_its_notice_is_folded_changes_nothing_else():
    folded = after(known(record(MFA_CONTROL, "mfa")), notice())
    assert list(ann(folded).findings) == [(MFA_CONTROL, "mfa")]


def test_an_accepted_closing_mail_ends_the_case():
    closing = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "closing"})
    assert after(known(record()), closing).users == {}


def test_what_the_team_was_told_is_remembered_by_topic():
    told = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "unreachable"})
    assert ann(after(known(record()), told)).team_told == {"unreachable": MONDAY}


def test_the_summary_belongs_to_no_case():
    sent = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "summary"}, user_id="", case_id="none")
    assert after(state(), sent).summary_sent_on == MONDAY


def test_a_reactivated_key_is_told_of_once():
    keys = {KEY_1: key_record(reactivated_at=NOW), KEY_2: key_record(KEY_2, reactivated_at=NOW)}
    told = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": f"{REACTIVATED}{KEY_1}"}, case_id="none")
    folded = after(state(keys=keys), told)
    assert folded.keys[KEY_1].reactivated_at is None
    assert folded.keys[KEY_2].reactivated_at == NOW
    gone = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": f"{REACTIVATED}AKIA9"})
    assert after(folded, gone).keys == folded.keys


@pytest.mark.parametrize("changes", [{"case_id": CaseId("20260101-old")}, {"user_id": "AIDABOB"}])
def test_a_step_of_another_case_changes_no_case(changes):
    start = known(record())
    other = step(KINDS.NOTICE, NAMES.ACCEPTED, {"topic": "closing"}, **changes)
    assert after(start, other) == start


def test_an_address_that_bounced_is_remembered_until_a_mail_was_accepted():
    refused = {"topic": "bounced", "to": "ann@example.com", "reason": "not verified"}
    folded = after(known(record()), step(KINDS.NOTICE, NAMES.ACCEPTED, refused))
    today = bounce("ann@example.com", reason="not verified", again_on=MONDAY)
    assert ann(folded).bounced == today
    assert ann(after(folded, notice())).bounced is None
