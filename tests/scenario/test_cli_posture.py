"""check --posture over the command line, against the sandbox."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import aws, sandbox
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.model.identifiers import PostureId
from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

AS_OF = ("--as-of", MONDAY.isoformat())
ACCESS = Path(__file__).parent.parent / "data" / "access" / "good.minimal.yaml"
OF_THE_MODEL = {
    PostureId.OUTSIDE_ROLE_GROUPS,
    PostureId.DOUBLE_MEMBERSHIP,
    PostureId.MISSING_TAGS,
}
OF_ANALYZERS = {PostureId.UNUSED_ACCESS, PostureId.EXTERNAL_ACCESS}


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("demo", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


def posture(keyreeve: Command, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = keyreeve.json("check", "--posture", *more, *AS_OF)
    return found


def test_the_demo_account_has_findings_of_posture_each_with_the_fields_of_the_contract(
    keyreeve: Command,
):
    document = posture(keyreeve)
    found = Counter(row["control"] for row in document["posture"])
    assert found == {
        "password_policy": 1,
        "administrator_access": 3,
        "wildcard_policies": 1,
        "privilege_escalation": 1,
        "trust_without_mfa": 1,
        "trust_without_external_id": 1,
        "trust_too_wide": 1,
        "unused_roles": 1,
        "cloudtrail_on": 1,
        "config_on": 1,
        "guardduty_on": 1,
        "access_analyzer_on": 1,
    }
    row = next(row for row in document["posture"] if row["control"] == "unused_roles")
    assert row == {
        "control": "unused_roles",
        "severity": "low",
        "resource_type": "AwsIamRole",
        "resource_id": "arn:aws:iam::123456789012:role/legacy-migration",
        "resource_name": "legacy-migration",
        "region": None,
        "observed": 300,
        "threshold": 90,
        "detail": "Not used for 300 days; the limit is 90 days.",
        "since": "2025-03-11T06:00:00+00:00",
    }
    assert set(PostureId) - set(document["posture_judged"]) == OF_THE_MODEL | OF_ANALYZERS
    assert {gap["step"] for gap in document["posture_gaps"]} == {
        f"control {control}" for control in OF_ANALYZERS
    }


def test_without_the_option_nothing_of_it_is_asked_or_told(keyreeve: Command):
    keyreeve.sandbox.forget_calls()
    document = keyreeve.json("check", *AS_OF)
    assert "posture" not in document
    asked = {call["operation"] for call in keyreeve.sandbox.calls()}
    assert asked.isdisjoint(
        {"GetAccountSummary", "ListServerCertificates", "DescribeTrails", "ListAnalyzers"}
    )


def test_people_read_what_was_found_under_the_title_of_its_control(keyreeve: Command):
    answer = keyreeve("check", "--posture", *AS_OF)
    assert answer.code == 0
    assert "Role lets in whoever comes · critical · 1" in answer.out
    assert "github-deploy" in answer.out
    assert "Posture that could not be judged" in answer.out
    assert "14 of posture · 2 gaps of posture" in answer.out


def test_findings_of_posture_alone_fail_a_pipeline_that_asks_for_it(keyreeve: Command):
    keyreeve.settle(more='exclusions: [{user: "*", reason: "all of them"}]\n')
    assert keyreeve("check", "--fail-on-findings", *AS_OF).code == 0
    assert keyreeve("check", "--posture", "--fail-on-findings", *AS_OF).code == 3
    assert keyreeve("check", "--posture", *AS_OF).code == 0


def test_a_call_that_is_refused_is_a_gap_and_the_rest_is_judged(keyreeve: Command):
    keyreeve.sandbox.plant_fault("GetAccountSummary", code="AccessDenied", status=403)
    answer = keyreeve("--output", "json", "check", "--posture", *AS_OF)
    assert answer.code == 1
    assert "iam:GetAccountSummary" in [gap["step"] for gap in answer.json["posture_gaps"]]
    assert "root_mfa" not in answer.json["posture_judged"]
    assert "trust_too_wide" in answer.json["posture_judged"]


def test_with_an_access_model_users_are_held_against_it(keyreeve: Command):
    keyreeve.settle(more=f"baseline: {{access: {ACCESS}}}\n")
    document = posture(keyreeve)
    assert set(document["posture_judged"]) >= OF_THE_MODEL
    rows = [row for row in document["posture"] if row["control"] == "outside_role_groups"]
    assert "viktor.horvat" in [row["resource_name"] for row in rows]
    assert "asha.rao" not in [row["resource_name"] for row in rows]


def test_what_was_switched_on_is_found_no_more(keyreeve: Command):
    url = keyreeve.sandbox.url
    aws(url, "guardduty").create_detector(Enable=True)
    for name, type_ in (("external", "ACCOUNT"), ("unused", "ACCOUNT_UNUSED_ACCESS")):
        aws(url, "accessanalyzer").create_analyzer(analyzerName=name, type=type_)
    document = posture(keyreeve)
    controls = {row["control"] for row in document["posture"]}
    assert {"guardduty_on", "access_analyzer_on"}.isdisjoint(controls)
    assert set(document["posture_judged"]) >= OF_ANALYZERS
    assert document["posture_gaps"] == []


def test_posture_opens_no_case(keyreeve: Command):
    assert keyreeve.run(0).code == 0
    keyreeve("check", "--posture", *keyreeve.at(0))
    cases = keyreeve.json("case", "list")["cases"]
    names = {str(control) for control in PostureId}
    assert cases
    assert names.isdisjoint(f["control"] for case in cases for f in case.get("findings", ()))


def test_a_credential_report_alone_has_no_posture(keyreeve: Command, tmp_path: Path):
    report = tmp_path / "report.csv"
    report.write_text("user,arn\n", encoding="utf-8")
    answer = keyreeve("check", "--posture", "--credential-report", str(report))
    assert answer.code == 2
    assert "--posture" in answer.err
