"""The first hour over the command line: init, doctor, runs that observe, arm."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.aws.failures import READS
from keyreeve.sandbox.process import Sandbox

OBSERVES = "first_run: observe\nlimits: {disruptive_share: 1.0}\n"
STORING = frozenset({"s3:PutObject", "s3:DeleteObject"})
AT = ("--as-of", MONDAY.isoformat())


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle(more=OBSERVES)
    return command


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def typed(keyreeve: Command, monkeypatch: pytest.MonkeyPatch, answer: str, *arguments: str) -> Any:
    monkeypatch.setattr("sys.stdin", Keyboard(f"{answer}\n"))
    return keyreeve(*arguments)


def test_a_run_that_observes_changes_nothing_but_its_own_storage(keyreeve: Command):
    sandbox = keyreeve.sandbox
    sandbox.forget_calls()
    for day in (0, 14):
        answer = keyreeve.run(day)
        assert answer.code == 0
        assert "OBSERVING until `keyreeve arm`" in answer.out
    made = {f"{call['service']}:{call['operation']}" for call in sandbox.calls()}
    assert made - READS <= STORING
    assert made & STORING
    assert sandbox.mails() == []
    started = [r for r in keyreeve.audit_records() if r["event"] == "run.started"]
    assert [record["data"]["observing"] for record in started] == [True] * 2


def test_what_observes_says_so_wherever_one_looks(keyreeve: Command):
    keyreeve.run(0)
    observing = keyreeve.json("run", *AT)
    assert observing["observing"] is True
    assert "OBSERVING" in keyreeve("plan", "--days", "1", *AT).out
    assert "Observing until `keyreeve arm`" in keyreeve("summary", *AT).out
    assert "observes until `keyreeve arm`" in keyreeve("doctor").out
    page = keyreeve("report", "--format", "html", *AT).out
    assert "The project only observes" in page


def test_nobody_at_the_keyboard_arms_nothing_without_yes(keyreeve: Command):
    keyreeve.run(0)
    refused = keyreeve("arm", *AT)
    assert refused.code == 2
    assert "keyreeve arm --yes" in refused.err
    assert "aged.key@example.com" in refused.out
    assert b"armed" not in _pause_of(keyreeve)
    assert keyreeve.json("plan", *AT)["effects"] == []


def _pause_of(keyreeve: Command) -> bytes:
    client, bucket, prefix = keyreeve.objects()
    listed = client.list_objects_v2(**bucket, Prefix=f"{prefix}pause.json").get("Contents", ())
    return keyreeve.stored("pause.json") if listed else b""


def test_whoever_says_no_has_armed_nothing_and_who_says_yes_is_recorded(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    keyreeve.run(0)
    declined = typed(keyreeve, monkeypatch, "n", "arm", *AT)
    assert declined.code == 0
    assert "Not armed" in declined.out
    armed = typed(keyreeve, monkeypatch, "y", "arm", *AT)
    assert armed.code == 0
    by = "arn:aws:iam::123456789012:user/keyreeve"
    assert json.loads(keyreeve.stored("pause.json"))["armed"]["by"] == by
    (record,) = [r for r in keyreeve.audit_records() if r["event"] == "people.armed"]
    assert record["data"]["by"] == by
    told = record["data"]["forecast"]["told"]
    assert told > 0
    ran = keyreeve.run(1)
    assert "OBSERVING" not in ran.out
    owners = {m.destinations[0] for m in keyreeve.sandbox.mails() if b"IAM Compliance:" in m.raw}
    assert "aged.key@example.com" in owners
    assert keyreeve("arm", *AT).out.startswith("Armed already")
    assert "Armed" in keyreeve("state", "show").out
    assert "armed since" in keyreeve("doctor").out


def test_of_everybody_it_is_told_what_is_disabled_or_why_nothing_is(keyreeve: Command):
    shown = keyreeve("arm", "--yes", *AT).out.split("Who, and when\n")[1].split("\n\n")[0]
    rows = {line.split()[0]: line for line in shown.splitlines()[1:]}
    assert "key AKIA" in rows["aged.key"]
    assert rows["no.mfa"].endswith("mails only")  # enforcement.console_mfa: remind
    assert rows["gone.quiet"].endswith("mails only")  # enforcement.user_inactive: remind
    assert "mails only" not in rows["old.password"]  # a reset, and all is well


def test_a_pipeline_arms_with_yes_and_undoes_it(keyreeve: Command):
    keyreeve.run(0)
    armed = keyreeve.json("arm", "--yes", *AT)
    assert armed["armed"] is True
    assert armed["forecast"]["days"][0]["on"] == "2026-01-05"
    assert {"aged.key"} <= {user["user_name"] for user in armed["forecast"]["users"]}
    assert keyreeve.json("arm", "--undo", *AT)["armed"] is False
    assert "OBSERVING" in keyreeve.run(1).out
    assert keyreeve.sandbox.mails() == []
    assert [e for e in keyreeve.audited() if e.startswith("people.")] == [
        "people.armed",
        "people.disarmed",
    ]
    assert keyreeve("state", "verify").code == 0


def test_without_the_setting_there_is_nothing_to_arm_and_nothing_to_undo(keyreeve: Command):
    keyreeve.settle()
    answer = keyreeve("arm")
    assert answer.code == 0
    assert "nothing to arm" in answer.out
    undone = keyreeve("arm", "--undo")
    assert undone.code == 2
    assert "run --pause" in undone.err


def test_an_account_that_cannot_be_read_is_not_armed(keyreeve: Command):
    keyreeve.run(0)
    keyreeve.sandbox.plant_fault("GetAccountAuthorizationDetails", code="AccessDenied", status=403)
    refused = keyreeve("arm", "--yes", *AT)
    assert refused.code == 6
    assert b"armed" not in _pause_of(keyreeve)


def test_a_broken_template_of_ones_own_begins_no_run_and_loses_no_notice(keyreeve: Command):
    own = keyreeve.folder / "own"
    own.mkdir()
    (own / "notice.txt").write_text("{{ notice.nobody }}")
    keyreeve.settle(more=f"{OBSERVES}texts: {{templates: own}}\n")
    keyreeve.sandbox.forget_calls()
    for refused in (keyreeve("run", "--execute", *AT), keyreeve("run", *AT), keyreeve("arm", *AT)):
        assert refused.code == 2
        assert f"{own / 'notice.txt'}" in refused.err
    written = {c["operation"] for c in keyreeve.sandbox.calls()} & {"PutObject", "SendEmail"}
    assert written == set()
    assert keyreeve("doctor").out.count("BROKEN") == 1
    assert keyreeve("mail", "samples").code == 2
    assert keyreeve("run", "--pause", "mend the mails").code == 0
    assert keyreeve("run", "--resume").code == 0
    keyreeve.settle(more="texts: {templates: own}\n")
    (own / "notice.txt").write_text("Guten Tag {{ notice.user_name }}\n")
    assert keyreeve("run", "--execute", *AT).code == 0
    assert any(b"Guten Tag aged.key" in mail.raw for mail in keyreeve.sandbox.mails())


def test_every_kind_of_mail_can_be_looked_at_without_aws(keyreeve: Command):
    keyreeve.sandbox.forget_calls()
    made = keyreeve("mail", "samples", "--out", "samples")
    assert made.code == 0
    assert keyreeve.sandbox.calls() == []
    names = {path.stem for path in (keyreeve.folder / "samples").iterdir()}
    assert {f"notice-{stage}" for stage in ("notification", "overdue")} <= names
    assert {"closing", "credentials-key", "team", "summary", "review-form"} <= names


def test_a_region_that_is_not_set_is_named_before_anything_is_asked(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    keyreeve.sandbox.forget_calls()
    for verb in ("doctor", "check", "run"):
        told = keyreeve(verb)
        assert (told.code, "no region is set\n  Use --region or AWS_REGION." in told.err) == (
            6,
            True,
        )
    assert keyreeve.sandbox.calls() == []
