"""The report on an account over the command line, against the sandbox."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from tests.sandbox_fixture import MONDAY, sandbox
from tests.scenario.cli_command import Command

__all__ = ["sandbox"]

LAST = 8


@pytest.fixture
def keyreeve(sandbox, tmp_path: Path, capsys, monkeypatch) -> Command:
    """Two weeks' beginning in the small account, with a waiver and a hold."""
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    for day in (0, 3, 7):
        assert command.run(day).code == 0
    until = ("--until", "2026-02-02", "--reason", "on leave")
    assert command("case", "hold", "no.mfa", *until, *command.at(7)).code == 0
    return command


def everything(command: Command) -> dict[str, str]:
    """Every object of the project, with its version."""
    client, bucket, prefix = command.objects()
    listed = client.list_objects_v2(**bucket, Prefix=prefix)["Contents"]
    return {row["Key"]: row["ETag"] for row in listed}


def test_the_report_tells_in_json_what_the_other_verbs_tell(keyreeve: Command):
    at = keyreeve.at(LAST)
    before, mails = everything(keyreeve), len(keyreeve.sandbox.mails())
    told = keyreeve("--output", "json", "report", *at)
    assert told.code == 0, told.err
    report = told.json
    assert report["schema"] == "keyreeve.report/1"
    cases = keyreeve.json("case", "list", *at)["cases"]
    assert {case["user_name"] for case in report["cases"]} == {c["user_name"] for c in cases}
    checked = keyreeve.json("check", *at)["findings"]
    found = [(u["user_name"], f["control"]) for u in report["users"] for f in u["findings"]]
    assert sorted(found) == sorted((f["user_name"], f["control"]) for f in checked)
    assert [day["on"] for day in report["days"]] == [
        "2026-01-05",
        "2026-01-08",
        "2026-01-12",
        "2026-01-13",
    ]
    (held,) = (case for case in report["cases"] if case["held_until"])
    assert (held["user_name"], held["held_until"]) == ("no.mfa", "2026-02-02")
    assert everything(keyreeve) == before
    assert len(keyreeve.sandbox.mails()) == mails


def test_the_evidence_is_the_audit_log_itself(keyreeve: Command):
    report = keyreeve("report", "--format", "json", *keyreeve.at(LAST)).json
    records = {record["seq"]: record for record in keyreeve.audit_records()}
    evidence = report["evidence"]
    assert evidence["records"] == len(records)
    assert evidence["problem"] is None
    for line in evidence["lines"]:
        record = records[line["seq"]]
        assert (line["digest"], line["event"]) == (record["digest"], record["event"])
    shown = {line["event"] for line in evidence["lines"]}
    assert {"step.notice.accepted", "step.rotation.delivered", "people.held"} <= shown
    assert not any(event.startswith("run.") for event in shown)


def test_an_altered_audit_log_is_told_and_the_rest_of_the_report_stands(keyreeve: Command):
    client, bucket, prefix = keyreeve.objects()
    listed = client.list_objects_v2(**bucket, Prefix=f"{prefix}audit/")["Contents"]
    key = listed[1]["Key"].removeprefix(prefix)
    content = keyreeve.stored(key)
    keyreeve.store(key, content.replace(b"aged.key", b"aged.kez"))
    assert keyreeve.stored(key) != content
    told = keyreeve("report", "--format", "json", *keyreeve.at(LAST))
    assert told.code == 0, told.err
    assert "does not match its digest" in told.json["evidence"]["problem"]
    assert told.json["cases"]


def test_page_csv_and_json_are_of_the_same_users(keyreeve: Command):
    at = keyreeve.at(LAST)
    page = keyreeve.folder / "report.html"
    answer = keyreeve("report", "--out", str(page), *at)
    assert answer.code == 0, answer.err
    assert "open findings" in answer.err
    text = page.read_text(encoding="utf-8")
    embedded = json.loads(text.split('id="data">')[1].split("</script>", maxsplit=1)[0])
    report = keyreeve("report", "--format", "json", *at).json
    del embedded["words"]
    assert embedded == report
    lines = csv.DictReader(StringIO(keyreeve("report", "--format", "csv", *at).out))
    users = {user["user_name"] for user in report["users"]}
    assert {line["user"] for line in lines if line["user"]} == users


def test_no_secret_is_in_any_of_them(keyreeve: Command):
    at = keyreeve.at(LAST)
    client, bucket, prefix = keyreeve.objects()
    listed = client.list_objects_v2(**bucket, Prefix=f"{prefix}credentials/")["Contents"]
    assert listed
    secrets = {
        cell
        for row in listed
        for line in keyreeve.stored(row["Key"].removeprefix(prefix)).decode().splitlines()[1:]
        for cell in line.split(",")
        if len(cell) > 20 and not cell.startswith(("AKIA", "http"))
    }
    assert secrets
    for kind in ("html", "csv", "json"):
        text = keyreeve("report", "--format", kind, *at).out
        assert not [secret for secret in secrets if secret in text]


def test_the_view_of_a_framework_holds_only_what_it_cites(keyreeve: Command):
    at = keyreeve.at(LAST)
    whole = keyreeve("report", "--format", "json", *at).json
    view = keyreeve("report", "--framework", "soc 2", "--format", "json", *at).json
    assert view["framework"] == "SOC 2"
    assert [line["title"] for line in view["frameworks"]] == ["SOC 2"]
    cited = {line["control"] for line in view["controls"]}
    assert cited == {
        line["control"]
        for line in whole["controls"]
        if any(citation["framework"] == "SOC 2" for citation in line["cited"])
    }
    assert {f["control"] for user in view["users"] for f in user["findings"]} <= cited


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--framework", "ISO 9001"), ("no framework is called 'ISO 9001'", "SOC 2")),
        (
            ("--access", "--framework", "SOC 2"),
            ("only the report of an account", "leave out --framework"),
        ),
    ],
)
def test_a_view_that_there_is_not_is_said_so(keyreeve: Command, words, said):
    answer = keyreeve("report", *words)
    assert answer.code == 2
    assert all(text in answer.err for text in said)


def test_a_report_that_cannot_be_written_is_said_so(keyreeve: Command):
    nowhere = str(keyreeve.folder / "nowhere" / "report.html")
    answer = keyreeve("report", "--out", nowhere, *keyreeve.at(LAST))
    assert answer.code == 2
    assert "cannot be written" in answer.err


def test_a_project_before_its_first_run_has_a_report(sandbox, tmp_path, capsys, monkeypatch):
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    report = command("report", "--format", "json", *command.at(0)).json
    assert report["figures"]["not_begun"] == report["figures"]["cases"] > 0
    assert report["evidence"]["lines"] == []
    assert len(report["days"]) == 1


def test_what_could_not_be_read_is_named_and_the_exit_code_says_so(keyreeve: Command):
    keyreeve.sandbox.plant_fault("GetAccountSummary", code="AccessDenied", status=403, count=None)
    try:
        answer = keyreeve("report", "--format", "json", *keyreeve.at(LAST))
    finally:
        keyreeve.sandbox.clear_faults()
    assert answer.code == 1
    assert "iam:GetAccountSummary" in [gap["step"] for gap in answer.json["gaps"]]
    assert keyreeve("report", "--format", "json", *keyreeve.at(LAST)).code == 0


def test_every_form_of_the_report_is_of_the_same_instant(keyreeve: Command):
    """Without --as-of an emulator's time is that of its last run, not the wall clock's."""
    found = json.loads(keyreeve("report", "--format", "json").out)
    ids = {f["resource_id"] for user in found["users"] for f in user["findings"]}
    told = keyreeve("report", "--format", "asff")
    assert (told.code, "not read: GetCredentialReport" in told.err) == (0, False)
    keys = {
        key["Id"].removeprefix("AWS::IAM::AccessKey:")
        for each in json.loads(told.out)
        for key in each["Resources"]
        if key["Type"] == "AwsIamAccessKey"
    }
    assert keys == {one for one in ids if one.startswith("AKIA")}
    sent = keyreeve("--output", "json", "report", "--security-hub")
    assert (sent.code, sent.err) == (0, told.err)
