"""Findings in the forms of others, over the command line, against the sandbox's Security Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from tests.sandbox_fixture import MONDAY, aws, sandbox
from tests.scenario.cli_command import Command

from keyreeve.sandbox.account import HOME_ACCOUNT, REGION
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]
HUB = ("report", "--security-hub")


@pytest.fixture
def keyreeve(
    sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> Command:
    sandbox.reset("small", at=MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    aws(sandbox.url, "securityhub").enable_security_hub()
    return command


def held(command: Command) -> dict[str, dict[str, Any]]:
    """What Security Hub holds, by Id."""
    pages = aws(command.sandbox.url, "securityhub").get_paginator("get_findings").paginate()
    return {found["Id"]: found for page in pages for found in page["Findings"]}


def calls(command: Command) -> list[str]:
    return [c["operation"] for c in command.sandbox.calls() if c["service"] == "securityhub"]


def test_every_finding_of_check_is_in_both_formats(keyreeve: Command):
    checked = keyreeve.json("check", "--posture", *keyreeve.at(0))
    wanted = sorted(row["control"] for row in (*checked["findings"], *checked["posture"]))
    owned = {(row["control"], row["user_name"]) for row in checked["findings"]}
    assert checked["findings"]
    assert checked["posture"]
    ocsf = keyreeve("report", "--format", "ocsf", *keyreeve.at(0))
    assert ocsf.code == 0, ocsf.err
    read = [ComplianceFinding.model_validate(each) for each in ocsf.json]
    owners = [(each.metadata.event_code, each.resources[0].owner) for each in read]
    assert sorted(control for control, _ in owners) == wanted
    assert owned <= {(control, owner.name) for control, owner in owners if owner}
    asff = keyreeve("report", "--format", "asff", *keyreeve.at(0)).json
    assert {each["Id"] for each in asff} == {each.finding_info.uid for each in read}
    assert len(asff) == len(wanted)


def test_a_document_is_written_to_a_file_and_nothing_to_stdout(keyreeve: Command):
    out = keyreeve.folder / "f.json"
    answer = keyreeve("report", "--format", "asff", "--out", str(out), *keyreeve.at(0))
    assert (answer.code, answer.out) == (0, "")
    assert json.loads(out.read_text(encoding="utf-8"))


def test_a_rehearsal_sends_nothing_and_remembers_nothing(keyreeve: Command):
    keyreeve.sandbox.forget_calls()
    answer = keyreeve(*HUB, *keyreeve.at(0))
    assert answer.code == 0, answer.err
    assert "Rehearsed only" in answer.out
    assert calls(keyreeve) == []
    client, bucket, prefix = keyreeve.objects()
    assert not client.list_objects_v2(**bucket, Prefix=f"{prefix}reports/").get("Contents")


def test_findings_are_imported_kept_and_archived_when_they_are_gone(keyreeve: Command):
    first = keyreeve.json(*HUB, "--execute", *keyreeve.at(0))
    assert first["executed"]
    before = held(keyreeve)
    assert first["imported"] == first["new"] == len(before) > 0
    assert {f["RecordState"] for f in before.values()} == {"ACTIVE"}
    assert {f["ProductArn"] for f in before.values()} == {
        f"arn:aws:securityhub:{REGION}:{HOME_ACCOUNT}:product/{HOME_ACCOUNT}/default"
    }
    gone = next(key for key in before if key.startswith("access_key_rotation/"))
    (key_id, name) = gone.rpartition("/")[2], before[gone]["Resources"][1]["Details"]["AwsIamUser"]
    iam = aws(keyreeve.sandbox.url, "iam")
    iam.update_access_key(UserName=name["UserName"], AccessKeyId=key_id, Status="Inactive")

    second = keyreeve.json(*HUB, "--execute", *keyreeve.at(1))
    after = held(keyreeve)
    assert second["archived"] >= 1
    assert second["new"] == 0
    assert after[gone]["RecordState"] == "ARCHIVED"
    assert after[gone]["Compliance"]["Status"] == "PASSED"
    active = {key for key, f in after.items() if f["RecordState"] == "ACTIVE"}
    assert active == set(before) - {k for k in before if k.endswith(key_id)}
    assert {after[key]["CreatedAt"] for key in active} == {"2026-01-05T06:00:00.000Z"}
    assert {after[key]["UpdatedAt"] for key in active} == {"2026-01-06T06:00:00.000Z"}

    third = keyreeve.json(*HUB, "--execute", *keyreeve.at(2))
    assert third["archived"] == 0, "what was archived once is not archived again"


def test_what_was_sent_is_in_the_audit_log_with_who_asked(keyreeve: Command):
    sent = keyreeve.json(*HUB, "--execute", *keyreeve.at(0))
    keyreeve.run(1)
    (record,) = (r for r in keyreeve.audit_records() if r["event"] == "findings.sent")
    assert record["data"]["imported"] == sent["imported"]
    assert record["data"]["by"].startswith("arn:aws:")


def test_where_security_hub_is_off_that_is_said_with_what_to_do(keyreeve: Command):
    aws(keyreeve.sandbox.url, "securityhub").disable_security_hub()
    answer = keyreeve(*HUB, "--execute", *keyreeve.at(0))
    assert answer.code == 1
    assert "Security Hub is not enabled in" in answer.out
    assert "--region" in answer.out
    assert keyreeve.json(*HUB, *keyreeve.at(0))["new"] > 0, "nothing is remembered as sent"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--execute",), "--security-hub"),
        (("--security-hub", "--access"), "are different reports"),
        (("--security-hub", "--out", "x.json"), "leave out the other options"),
        (("--access", "--format", "ocsf"), "leave out --access"),
    ],
)
def test_options_that_do_not_go_together_are_a_mistake(
    keyreeve: Command, given: tuple[str, ...], said: str
):
    answer = keyreeve("report", *given)
    assert answer.code == 2
    assert said in " ".join(answer.err.split())


def test_another_time_than_now_is_not_sent_to_the_true_security_hub(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECURITYHUB", "https://securityhub.example.com")
    answer = keyreeve(*HUB, "--execute", *keyreeve.at(0))
    assert answer.code == 2
    assert "--as-of" in answer.err


def test_what_could_not_be_read_keeps_its_findings_there(keyreeve: Command):
    keyreeve(*HUB, "--execute", *keyreeve.at(0))
    before = {key for key, f in held(keyreeve).items() if f["RecordState"] == "ACTIVE"}
    keyreeve.sandbox.plant_fault("ListAccessKeys", code="AccessDenied", status=403, count=99)
    answer = keyreeve(*HUB, "--execute", *keyreeve.at(1))
    keyreeve.sandbox.clear_faults()
    assert answer.code == 1
    assert "not read: " in answer.err
    after = {key for key, f in held(keyreeve).items() if f["RecordState"] == "ACTIVE"}
    assert after == before
