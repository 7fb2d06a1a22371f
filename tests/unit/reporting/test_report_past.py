from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from tests.builders import (
    MONDAY,
    NOW,
    RUN,
    old_key,
    on,
    user,
)
from tests.unit.reporting.reported_account import report, waiver

from keyreeve.codec.values import to_json
from keyreeve.model.past import AuditedRecord, AuditTrail, PastFinding, PastRun
from keyreeve.reporting.report_past import MOST, first_day


def past_run(day_number, *findings, **changes):
    usual = PastRun(
        run_id=RUN,
        as_of=NOW + timedelta(days=day_number),
        on=on(day_number),
        exit_code=0,
        findings=findings,
    )
    return replace(usual, **changes)


def test_days_tell_findings_by_control_and_what_was_done():
    before = past_run(
        -1,
        PastFinding(control="console_mfa", user="AIDAANN"),
        PastFinding(control="password_age", user="AIDAANN"),
        outcomes={
            "send_notice": 3,
            "create_replacement_key": 1,
            "reset_password": 1,
            "deactivate_access_key": 2,
            "send_summary": 1,
        },
        held=4,
        failed=1,
    )
    found = report(user("ann", old_key()), runs=(before,))
    yesterday, today = found.days
    assert yesterday.findings == {"console_mfa": 1, "password_age": 1}
    assert (yesterday.users, yesterday.told, yesterday.handed_over) == (1, 3, 2)
    assert (yesterday.enforced, yesterday.held, yesterday.failed) == (2, 4, 1)
    assert (today.on, today.findings) == (MONDAY, {"access_key_rotation": 1})


def test_a_second_run_of_a_day_takes_nothing_back_of_what_the_first_one_did():
    runs = (
        past_run(-1, outcomes={"send_notice": 3, "deactivate_access_key": 1}, held=4, failed=1),
        past_run(-1, PastFinding(control="console_mfa", user="AIDAANN"), held=2, exit_code=1),
    )
    yesterday, _ = report(user("ann", old_key()), runs=runs).days
    assert (yesterday.told, yesterday.enforced, yesterday.failed) == (3, 1, 1)
    assert (yesterday.findings, yesterday.held, yesterday.exit_code) == ({"console_mfa": 1}, 2, 1)


def test_a_day_on_which_the_account_was_not_read_does_not_look_like_one_in_order():
    finding = PastFinding(control="console_mfa", user="AIDAANN")
    runs = (past_run(-2, finding), past_run(-1, judged=False))
    assert [line.on for line in report(user("ann"), runs=runs).days] == [on(-2), MONDAY]
    runs = (past_run(-1, finding), past_run(-1, judged=False))
    assert report(user("ann"), runs=runs).days[0].findings == {"console_mfa": 1}


def test_today_keeps_what_its_run_did_and_shows_the_findings_of_now():
    ran = past_run(0, PastFinding(control="console_mfa", user="x"), outcomes={"send_notice": 5})
    (today,) = report(user("ann", old_key()), runs=(ran,)).days
    assert (today.told, today.findings) == (5, {"access_key_rotation": 1})


def test_the_first_of_the_last_days_counts_today():
    assert first_day(date(2026, 1, 10), 1) == date(2026, 1, 10)
    assert first_day(date(2026, 1, 10), 10) == date(2026, 1, 1)


def audited(seq, event, data=None, previous=None):
    return AuditedRecord(
        seq=seq,
        at=NOW + timedelta(minutes=seq),
        run_id=RUN,
        event=event,
        data={"user_id": "AIDAANN", "user_name": "ann", **(data or {})},
        previous=previous or f"{seq - 1:064d}",
        digest=f"{seq:064d}",
    )


WORDS = {
    "step.notice.accepted": (
        {"data": {"to": "ann@example.com", "stage": "new_credentials"}},
        "mail accepted for ann@example.com: new credentials",
    ),
    "step.rotation.created": (
        {"data": {"new_key": "AKIA2", "old_key": "AKIA1"}},
        "AKIA2 made in place of AKIA1",
    ),
    "step.rotation.delivered": (
        {"data": {"new_key": "AKIA2", "to": "ann@example.com"}},
        "AKIA2 handed over to ann@example.com",
    ),
    "step.password_reset.created": ({"data": {}}, "a new console password was set"),
    "step.password_reset.delivered": (
        {"data": {"to": "a@b.c"}},
        "the new console password was handed over to a@b.c",
    ),
    "step.enforcement.enforcing": (
        {"data": {"act": "deactivate_access_key", "key_id": "AKIA1"}},
        "begun: deactivate access key AKIA1",
    ),
    "step.enforcement.done": (
        {"data": {"act": "quarantine"}},
        "done: quarantine",
    ),
    "case.finding_cleared": ({"detail": "in order."}, "finding cleared: in order."),
    "people.held": ({"reason": "on leave"}, "held: on leave"),
    "people.waived": (
        {"waiver": to_json(waiver())},
        "waived for ann until 2026-01-15: access key rotation, approved by bob: moves in May",
    ),
    "mail.returned": ({"reason": "bounced"}, "mail: returned: bounced"),
    "outcome.failed": ({"reason": "throttled"}, "outcome: failed: throttled"),
    "something.new": ({}, "something: new"),
}


@pytest.mark.parametrize("event", WORDS)
def test_evidence_says_what_was_done_in_words(event):
    data, words = WORDS[event]
    trail = AuditTrail(records=(audited(7, event, data),), since=MONDAY)
    (line,) = report(user(), trail=trail).evidence.lines
    assert line.what == words
    assert (line.seq, line.event, line.user_name, line.digest) == (7, event, "ann", f"{7:064d}")


def test_a_summary_to_several_is_told_with_every_address():
    data = {"data": {"to": ["a@x.org", "b@x.org"], "topic": "summary"}}
    trail = AuditTrail(records=(audited(1, "step.notice.accepted", data),))
    (line,) = report(user(), trail=trail).evidence.lines
    assert line.what == "mail accepted for a@x.org, b@x.org: summary"


def test_what_did_nothing_is_read_and_left_out():
    events = ("run.started", "held", "outcome.done", "step.rotation.intent", "run.finished")
    records = tuple(audited(n, event) for n, event in enumerate(events, 1))
    found = report(user(), trail=AuditTrail(records=records, since=on(-99))).evidence
    assert (found.records, found.lines, found.problem) == (5, (), None)
    assert found.since == MONDAY


def test_only_the_newest_acts_are_carried_and_the_others_counted():
    records = tuple(audited(n, "people.held") for n in range(1, MOST + 4))
    found = report(user(), trail=AuditTrail(records=records)).evidence
    assert (len(found.lines), found.left_out) == (MOST, 3)
    assert found.lines[-1].seq == MOST + 3


@pytest.mark.parametrize(
    ("second", "problem"),
    [
        (audited(2, "people.held"), None),
        (audited(3, "people.held"), "record 3 does not follow record 1"),
        (audited(2, "people.held", previous="f" * 64), "record 2 does not follow record 1"),
    ],
)
def test_a_chain_that_does_not_hold_is_said_so(second, problem):
    trail = AuditTrail(records=(audited(1, "people.held"), second))
    assert report(user(), trail=trail).evidence.problem == problem


def test_a_log_that_could_not_be_read_to_its_end_is_said_so():
    trail = AuditTrail(records=(), since=MONDAY, problem="at its first record: no JSON")
    assert report(user(), trail=trail).evidence.problem == "at its first record: no JSON"
