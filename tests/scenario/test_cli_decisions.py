"""What people decide, over the command line: it counts, it is kept, and it is audited."""

from __future__ import annotations

from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.cli import deciding
from keyreeve.sandbox.process import Sandbox


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle(more="limits: {disruptive_share: 1.0}\n")
    assert command.run(0).code == 0
    return command


def to_whom(keyreeve: Command) -> set[str]:
    return {to for mail in keyreeve.sandbox.mails() for to in mail.destinations}


def test_a_held_case_stands_still_and_goes_on_when_it_is_let_go(keyreeve: Command):
    hold = ("case", "hold", "aged.key", "--until", "2026-01-20", "--reason", "on leave")
    assert keyreeve(*hold).code == 0
    shown = keyreeve("case", "show", "aged.key").out
    assert "on leave" in shown
    assert "told aged.key@example.com: notification" in shown
    row = next(
        case for case in keyreeve.json("case", "list")["cases"] if case["user_name"] == "aged.key"
    )
    assert row["held_until"] == "2026-01-20"
    sent = len(keyreeve.sandbox.mails())
    keyreeve.run(3)
    assert "aged.key@example.com" not in str(
        [mail.destinations for mail in keyreeve.sandbox.mails(sent)]
    )
    assert keyreeve("case", "unhold", row["user_id"]).code == 0
    assert keyreeve("case", "unhold", "aged.key").code == 2
    assert [e for e in keyreeve.audited() if e.startswith("people.")] == [
        "people.held",
        "people.unheld",
    ]


def test_an_extension_moves_e_within_the_cap_and_shows_the_days_to_90(keyreeve: Command):
    answer = keyreeve("case", "extend", "aged.key", "--days", "7", "--reason", "freeze")
    assert answer.code == 0
    assert "Mon 2026-01-19" in answer.out
    assert "Mon 2026-01-26" in answer.out
    assert "51 past" in answer.out
    too_many = keyreeve("case", "extend", "aged.key", "--days", "24", "--reason", "more")
    assert too_many.code == 2
    assert "is 30 and 7 were given already" in too_many.err
    keyreeve.run(1)
    case = keyreeve.json("case", "show", "aged.key")
    assert case["enforcement_on"] == "2026-01-26"


def test_an_extension_shows_the_open_day_on_which_the_act_will_come(keyreeve: Command):
    """Five days after Monday is a Saturday; two more fall on the Monday that it was moved to."""
    for days in ("5", "2"):
        answer = keyreeve("case", "extend", "aged.key", "--days", days, "--reason", "freeze")
        assert "Mon 2026-01-26" in answer.out
        keyreeve.run(1)
        assert keyreeve.json("case", "show", "aged.key")["enforcement_on"] == "2026-01-26"


def test_a_waiver_is_of_the_person_and_not_of_the_name(keyreeve: Command):
    """S1.T13: who gets the name next has no share in it."""
    assert (
        keyreeve(
            *("waiver", "add", "aged.key", "--reason", "vendor", "--requested-by", "a@example.com"),
            *("--approved-by", "ciso@example.com", "--expires", "2026-02-28"),
        ).code
        == 0
    )
    (waiver,) = keyreeve.json("waiver", "list")["waivers"]
    assert waiver["user"].startswith("AIDA")
    assert waiver["user_name"] == "aged.key"
    assert "aged.key" in keyreeve("waiver", "list").out
    assert waiver["user"] not in keyreeve("waiver", "list").out


def test_a_waiver_ends_a_case_and_its_revocation_opens_it_again(keyreeve: Command):
    add = ("waiver", "add", "aged.key", "--reason", "vendor", "--requested-by", "ana@example.com")
    alone = keyreeve(*add, "--approved-by", "Ana@example.com", "--expires", "2026-02-28")
    assert alone.code == 2
    assert keyreeve(*add, "--approved-by", "ciso@example.com", "--expires", "2026-02-28").code == 0
    (waiver,) = keyreeve.json("waiver", "list")["waivers"]
    assert waiver["status"] == "stands"
    found = keyreeve.json("check", *keyreeve.at(1))["findings"]
    assert {f["status"] for f in found if f["user_name"] == "aged.key"} == {"waived"}
    assert keyreeve("waiver", "revoke", waiver["waiver_id"]).code == 0
    assert keyreeve("waiver", "revoke", "W0").code == 2
    found = keyreeve.json("check", *keyreeve.at(1))["findings"]
    assert {f["status"] for f in found if f["user_name"] == "aged.key"} == {"open"}


def test_a_pause_stops_everything_until_it_is_ended(keyreeve: Command):
    assert keyreeve("run", "--pause", "migration").code == 0
    sent = len(keyreeve.sandbox.mails())
    paused = keyreeve.run(3)
    assert paused.code == 0
    assert "PAUSED" in paused.out
    assert "migration" in paused.out
    assert len(keyreeve.sandbox.mails()) == sent
    assert keyreeve("run", "--resume").code == 0
    keyreeve.run(4)
    assert len(keyreeve.sandbox.mails()) > sent


def test_a_decision_counts_while_a_run_holds_the_lock_and_the_next_one_records_it(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deciding, "PATIENCE_SECONDS", 0.1)
    keyreeve.hold_lock()
    answer = keyreeve("run", "--pause", "stop it now")
    assert answer.code == 0
    assert "enters the audit log with the next one" in answer.err
    assert b"stop it now" in keyreeve.stored("pause.json")
    assert "people.paused" not in keyreeve.audited()
    keyreeve.give_lock_back()
    assert keyreeve("run", "--resume").code == 0
    assert keyreeve.audited().count("people.paused") == 1
    assert keyreeve("run", "--pause", "again").code == 0
    assert keyreeve.audited().count("people.paused") == 2


def test_the_record_of_a_decision_is_not_lost_by_who_does_not_wait_for_the_lock(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    def control_c(_: float) -> None:
        raise KeyboardInterrupt

    keyreeve.hold_lock()
    with monkeypatch.context() as patch:
        patch.setattr(deciding.time, "sleep", control_c)
        assert keyreeve("run", "--pause", "stop it now").code == 130
    assert b"stop it now" in keyreeve.stored("pause.json")
    keyreeve.give_lock_back()
    assert keyreeve("run", "--resume").code == 0
    assert keyreeve.audited().count("people.paused") == 1


def test_credentials_are_sent_again_to_their_owner_only(keyreeve: Command):
    assert keyreeve("case", "resend", "aged.key").code == 2
    for day in (3, 7):
        assert keyreeve.run(day).code == 0
    first = [mail for mail in keyreeve.sandbox.mails() if b".csv" in mail.raw]
    sent = len(keyreeve.sandbox.mails())
    told = keyreeve("case", "resend", "aged.key")
    assert "Nothing was sent" in told.out
    assert len(keyreeve.sandbox.mails()) == sent
    assert keyreeve("case", "resend", "aged.key", "--send").code == 0
    (again,) = keyreeve.sandbox.mails(sent)
    assert again.destinations == ("aged.key@example.com",)
    (before,) = [mail for mail in first if mail.destinations == again.destinations]
    assert _attachment(before.raw) == _attachment(again.raw)
    assert "step.resend.accepted" in keyreeve.audited()
    assert keyreeve("state", "verify").code == 0
    assert keyreeve.run(8).code == 0


def test_credentials_are_not_sent_to_an_address_that_changed(keyreeve: Command):
    for day in (3, 7):
        keyreeve.run(day)
    keyreeve.sandbox.act("aged.key", "tag", tags={"email": "thief@example.com"})
    sent = len(keyreeve.sandbox.mails())
    answer = keyreeve("case", "resend", "aged.key", "--send")
    assert answer.code == 2
    assert "changed since the first notice" in answer.err
    assert len(keyreeve.sandbox.mails()) == sent


def test_a_key_is_reinstated_for_its_time_and_no_longer(keyreeve: Command):
    key = keyreeve.sandbox.user("aged.key")["keys"][0]["id"]
    ask = ("reinstate", "aged.key", key, "--for", "24h", "--reason", "billing export")
    assert "is Active already" in keyreeve(*ask, "--execute").err
    for day in (3, 7, 10, 11, 14):
        keyreeve.run(day)
    assert status(keyreeve, key) == "Inactive"
    rehearsed = keyreeve(*ask)
    assert "Rehearsed only" in rehearsed.out
    assert status(keyreeve, key) == "Inactive"
    document = keyreeve.json(*ask, "--execute")
    assert document["until"] == "2026-01-20T06:00:00+00:00"
    assert status(keyreeve, key) == "Active"
    keyreeve.run(14)
    assert status(keyreeve, key) == "Active"
    assert keyreeve("reinstate", "aged.key", key, "--for", "0h", "--reason", "x").code == 2
    assert keyreeve("reinstate", "aged.key", "AKIA0", "--for", "1h", "--reason", "x").code == 2
    keyreeve.run(15)
    assert status(keyreeve, key) == "Inactive"
    steps = [e for e in keyreeve.audited() if e.startswith("step.reinstatement")]
    assert steps == ["step.reinstatement.enforcing", "step.reinstatement.done"]


def test_a_reinstatement_whose_answer_was_lost_is_completed_by_asking_again(keyreeve: Command):
    key = keyreeve.sandbox.user("aged.key")["keys"][0]["id"]
    for day in (3, 7, 10, 11, 14):
        keyreeve.run(day)
    ask = ("reinstate", "aged.key", key, "--for", "24h", "--reason", "billing", "--execute")
    keyreeve.sandbox.plant_fault("UpdateAccessKey", when="after", answer="drop", count=1)
    assert keyreeve(*ask).code == 1
    assert status(keyreeve, key) == "Active"
    again = keyreeve(*ask)
    assert again.code == 0, again.err
    assert "its record is complete now" in again.out
    keyreeve.run(15)
    assert status(keyreeve, key) == "Inactive"


def status(keyreeve: Command, key: str) -> str:
    keys = keyreeve.sandbox.user("aged.key")["keys"]
    return next(each["status"] for each in keys if each["id"] == key)


def _attachment(raw: bytes) -> bytes:
    (part,) = message_from_bytes(raw, policy=policy.default).iter_attachments()
    return part.get_payload(decode=True)


def test_whatever_a_person_decides_bears_the_sts_caller_in_the_audit_log(keyreeve: Command):
    caller = aws(keyreeve.sandbox.url, "sts").get_caller_identity()["Arn"]
    key = keyreeve.sandbox.user("aged.key")["keys"][0]["id"]
    waive = ("waiver", "add", "no.mfa", "--reason", "token ordered", "--expires", "2026-02-28")
    assert keyreeve(*waive, "--requested-by", "ana", "--approved-by", "ciso").code == 0
    (waiver,) = keyreeve.json("waiver", "list")["waivers"]
    keyreeve("waiver", "revoke", waiver["waiver_id"])
    keyreeve("case", "hold", "aged.key", "--until", "2026-01-06", "--reason", "leave")
    keyreeve("case", "unhold", "aged.key")
    keyreeve("case", "extend", "aged.key", "--days", "1", "--reason", "release")
    keyreeve("run", "--pause", "migration")
    keyreeve("run", "--resume")
    keyreeve("run", "--execute", "--accept-blast-radius", "7", *keyreeve.at(0))
    keyreeve.sandbox.act("aged.key", "set_key_status", key=key, status="Inactive")
    done = keyreeve("reinstate", "aged.key", key, "--for", "1h", "--reason", "export", "--execute")
    assert done.code == 0, done.err
    keyreeve.hold_lock(minutes=-5)
    assert keyreeve("state", "unlock").code == 0
    who = {r["event"]: r["data"].get("by") for r in keyreeve.audit_records()}
    who |= {
        r["event"]: r["data"]["data"].get("by")
        for r in keyreeve.audit_records()
        if r["event"].startswith("step.reinstatement")
    }
    for event in (
        "people.waived",
        "people.waiver_revoked",
        "people.held",
        "people.unheld",
        "people.extended",
        "people.paused",
        "people.resumed",
        "people.accepted_blast_radius",
        "step.reinstatement.enforcing",
        "state.unlocked",
    ):
        assert who.get(event) == caller, event


def test_who_asked_for_a_waiver_cannot_be_the_one_who_records_it(keyreeve: Command):
    caller = aws(keyreeve.sandbox.url, "sts").get_caller_identity()["Arn"].rsplit("/", 1)[-1]
    answer = keyreeve(
        *("waiver", "add", "no.mfa", "--reason", "token ordered", "--expires", "2026-02-28"),
        *("--requested-by", caller, "--approved-by", "ciso"),
    )
    assert answer.code == 2
    assert "cannot be the one who records it" in answer.err
    assert keyreeve.json("waiver", "list")["waivers"] == []


def test_each_decision_about_a_case_is_one_document_for_programs(keyreeve: Command):
    until = ("--until", "2026-01-20", "--reason", "on leave")
    held = keyreeve.json("case", "hold", "aged.key", *until)
    who = {"user_name": "aged.key", "user_id": held["user_id"]}
    hold = {"schema": "keyreeve.hold/1", **who}
    assert held == {**hold, "held_until": "2026-01-20", "reason": "on leave"}
    let_go = keyreeve.json("case", "unhold", "aged.key")
    assert let_go == {**hold, "held_until": None, "reason": None}
    moved = keyreeve.json("case", "extend", "aged.key", "--days", "7", "--reason", "freeze")
    assert moved == {
        "schema": "keyreeve.extension/1",
        **who,
        "days": 7,
        "reason": "freeze",
        "findings": [
            {
                "control": "access_key_rotation",
                "resource_id": keyreeve.sandbox.user("aged.key")["keys"][0]["id"],
                "before": "2026-01-19",
                "after": "2026-01-26",
                "days_to_90": -51,
            }
        ],
    }


def test_a_mail_that_is_sent_again_is_one_document_for_programs_and_holds_no_secret(
    keyreeve: Command,
):
    for day in (3, 7):
        keyreeve.run(day)
    rehearsed = keyreeve.json("case", "resend", "aged.key")
    sent = keyreeve.json("case", "resend", "aged.key", "--send")
    assert sent == {**rehearsed, "sent": True, "message_id": sent["message_id"]}
    assert (rehearsed["sent"], rehearsed["message_id"]) == (False, None)
    new = [key["id"] for key in keyreeve.sandbox.user("aged.key")["keys"]]
    assert rehearsed["new_key"] in new
    assert (sent["schema"], sent["to"]) == ("keyreeve.resend/1", "aged.key@example.com")
    assert sent["message_id"]


def test_a_waiver_that_is_revoked_is_the_document_that_adding_it_was(keyreeve: Command):
    asked = ("--reason", "vendor", "--requested-by", "ana", "--approved-by", "ciso")
    added = keyreeve.json("waiver", "add", "no.mfa", *asked, "--expires", "2026-02-28")
    (waiver,) = added["waivers"]
    ended = keyreeve.json("waiver", "revoke", waiver["waiver_id"])
    (row,) = ended["waivers"]
    assert ended["schema"] == added["schema"]
    assert row == {**waiver, "status": "revoked", "revoked_at": row["revoked_at"]}


def test_a_pause_and_its_end_are_one_document_each_that_says_whether_anything_changed(
    keyreeve: Command,
):
    paused = keyreeve.json("run", "--pause", "migration")
    assert paused == {
        "schema": "keyreeve.pause/1",
        "paused": True,
        "changed": True,
        "reason": "migration",
        "since": paused["since"],
        "by": aws(keyreeve.sandbox.url, "sts").get_caller_identity()["Arn"],
    }
    assert keyreeve.json("run", "--pause", "another") == {**paused, "changed": False}
    ended = keyreeve.json("run", "--resume")
    assert ended == {**paused, "paused": False}
    nothing = dict.fromkeys(("reason", "since", "by"))
    assert keyreeve.json("run", "--resume") == {**ended, "changed": False, **nothing}
