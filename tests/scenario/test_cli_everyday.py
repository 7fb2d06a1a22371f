"""check, plan, run, summary: exit codes, documents, and that reading changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.old_account import old_account
from keyreeve.sandbox.process import Sandbox

AS_OF = ("--as-of", MONDAY.isoformat())


@pytest.fixture
def keyreeve(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Command:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    command = Command(sandbox, tmp_path, capsys, monkeypatch)
    command.settle()
    return command


def test_check_names_every_finding_with_the_fields_of_the_contract(keyreeve: Command):
    answer = keyreeve("--output", "json", "check", *AS_OF)
    assert answer.code == 0
    assert answer.json["schema"] == "keyreeve.check/1"
    assert answer.json["account_id"] == "123456789012"
    assert answer.json["gaps"] == []
    row = next(f for f in answer.json["findings"] if f["user_name"] == "aged.key")
    assert {**row, "user_id": "", "resource_id": "", "detail": ""} == {
        "control": "access_key_rotation",
        "severity": "medium",
        "user_name": "aged.key",
        "user_id": "",
        "resource_id": "",
        "observed": 120,
        "threshold": 75,
        "status": "open",
        "detail": "",
    }
    assert row["user_id"].startswith("AIDA")
    assert row["resource_id"].startswith("AKIA")


def test_open_findings_fail_a_pipeline_only_when_asked(keyreeve: Command):
    assert keyreeve("check", *AS_OF).code == 0
    assert keyreeve("check", "--fail-on-findings", *AS_OF).code == 3
    keyreeve.settle(more='exclusions: [{user: "*", reason: "all of them"}]\n')
    answer = keyreeve("--output", "json", "check", "--fail-on-findings", *AS_OF)
    assert answer.code == 0
    assert {finding["status"] for finding in answer.json["findings"]} == {"excluded"}


def test_a_gap_outranks_findings(keyreeve: Command):
    keyreeve.sandbox.plant_fault("ListAccessKeys", code="AccessDenied", status=403)
    assert keyreeve("check", "--fail-on-findings", *AS_OF).code == 1


@pytest.mark.parametrize(
    "verb",
    [
        ("check",),
        ("plan",),
        ("plan", "--days", "20"),
        ("run",),
        ("summary",),
        ("mail", "preview", "aged.key"),
        ("case", "list"),
        ("waiver", "list"),
        ("state", "show"),
        ("state", "verify"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_what_only_reads_leaves_everything_byte_equal(keyreeve: Command, verb: tuple[str, ...]):
    keyreeve.run(0)
    before = keyreeve.sandbox.fingerprint()
    takes_time = verb[0] in ("check", "plan", "run", "summary")
    answer = keyreeve(*verb, *(AS_OF if takes_time else ()))
    assert answer.code == 0, answer.err
    assert keyreeve.sandbox.fingerprint() == before


def test_plan_foretells_what_the_run_then_does(keyreeve: Command):
    plan = keyreeve.json("plan", *AS_OF)
    assert plan["schema"] == "keyreeve.plan/1"
    assert "outcomes" not in plan
    told = keyreeve.json("run", "--execute", *AS_OF)
    assert told["schema"] == "keyreeve.run/1"
    assert told["effects"] == plan["effects"]
    done = [(o["effect_kind"], o["user_name"]) for o in told["outcomes"] if o["user_name"]]
    assert done == [(e["kind"], e["user_name"]) for e in plan["effects"]]
    assert {o["kind"] for o in told["outcomes"]} == {"done"}


def test_a_rehearsal_says_so_and_its_outcomes_do_too(keyreeve: Command):
    assert "Rehearsed only: nothing was changed" in keyreeve("run", *AS_OF).out
    document = keyreeve.json("run", *AS_OF)
    assert {o["kind"] for o in document["outcomes"]} == {"rehearsed"}
    assert document["executed"] is False


def test_the_forecast_has_a_day_for_each_day(keyreeve: Command):
    document = keyreeve.json("plan", "--days", "14", *AS_OF)
    assert [day["on"] for day in document["days"]] == [f"2026-01-{n:02d}" for n in range(5, 20)]
    assert document["effects"] == keyreeve.json("plan", *AS_OF)["effects"]
    assert any(
        effect["kind"] == "deactivate_access_key" for effect in document["days"][-1]["effects"]
    )


def test_a_refusal_names_the_number_and_the_exact_flag(keyreeve: Command):
    keyreeve.sandbox.reset(old_account(40, 0), MONDAY)
    assert keyreeve.run(0).code == 0
    keyreeve.settle(more="thresholds: {access_key_rotation: 20d, password_age: 20d}\n")
    refused = keyreeve("run", "--execute", *keyreeve.at(1))
    assert refused.code == 4
    (line,) = [text for text in refused.out.splitlines() if "--accept-blast-radius" in text]
    number = line.split()[-1]
    assert keyreeve("plan", *keyreeve.at(1)).code == 4
    accepted = keyreeve("run", "--execute", "--accept-blast-radius", number, *keyreeve.at(1))
    assert accepted.code == 0, accepted.out


def test_a_run_that_finds_the_lock_held_exits_with_5_and_changes_nothing(keyreeve: Command):
    keyreeve.run(0)
    keyreeve.hold_lock()
    before = keyreeve.sandbox.fingerprint()
    answer = keyreeve.run(1)
    assert answer.code == 5
    assert "another.run" in answer.err
    assert keyreeve.sandbox.fingerprint() == before


def test_without_credentials_nothing_starts(keyreeve: Command):
    keyreeve.sandbox.plant_fault("GetCallerIdentity", code="ExpiredToken", status=403)
    answer = keyreeve("check", *AS_OF)
    assert answer.code == 6
    assert "sts:GetCallerIdentity" in answer.err
    assert answer.out == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--as-of", "2026-01-05T06:00:00"), "has no zone"),
        (("run", "--pause", "x", "--execute"), "stand alone"),
        (("rnu",), "Did you mean 'run'?"),
        (("check", "--profile", "x"), "keyreeve --profile … check"),
        (("-q", "-v", "check"), "exclude each other"),
        (("--config", "elsewhere.yaml", "check"), "there is no such file"),
        (("case", "show", "nobody"), "nobody has no open case"),
        (("case", "hold", "aged.key", "--until", "2020-01-01", "--reason", "x"), "is not after"),
        (("case", "hold", "nobody", "--until", "2099-01-01", "--reason", "x"), "no user 'nobody'"),
    ],
)
def test_a_slip_of_the_pen_is_told_and_exits_with_2(
    keyreeve: Command, arguments: tuple[str, ...], says: str
):
    answer = keyreeve(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert says in answer.err


def test_time_travel_that_acts_is_refused_away_from_the_emulator(
    keyreeve: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "https://mail.example.com")
    answer = keyreeve("run", "--execute", *AS_OF)
    assert answer.code == 2
    assert "--as-of" in answer.err


def test_results_go_to_stdout_and_everything_else_to_stderr(keyreeve: Command):
    answer = keyreeve.spawn("--output", "json", "check", *AS_OF)
    assert answer.code == 0
    assert answer.json["findings"]
    assert "\x1b" not in answer.out + answer.err


def test_a_summary_is_shown_and_sent_only_when_asked(keyreeve: Command):
    keyreeve.run(0)
    before = len(keyreeve.sandbox.mails())
    shown = keyreeve("summary", *keyreeve.at(1))
    assert "open findings" in shown.out
    assert len(keyreeve.sandbox.mails()) == before
    assert keyreeve("summary", "--send", *keyreeve.at(1)).code == 0
    assert [mail.destinations for mail in keyreeve.sandbox.mails(before)] == [("msp@example.com",)]


def test_everything_works_in_directories_too(keyreeve: Command, tmp_path: Path):
    keyreeve.settle(
        storage="{directory: ./state}", mail="transport: directory\n  directory: ./mails"
    )
    assert keyreeve.run(0).code == 0
    assert keyreeve.sandbox.mails() == []
    assert list((tmp_path / "mails").iterdir())
    assert keyreeve("state", "verify").code == 0
    assert keyreeve("doctor").code == 0


def test_a_report_is_judged_offline_without_aws_or_config(keyreeve: Command, tmp_path: Path):
    report = Path(__file__).parent.parent / "data"
    (example, *_) = sorted(report.rglob("*.csv"))
    content = tmp_path / "report.csv"
    content.write_bytes(example.read_bytes())
    keyreeve.config.unlink()
    answer = keyreeve.spawn(
        "--output",
        "json",
        "check",
        "--credential-report",
        str(content),
        *AS_OF,
        more={"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PYTHONPROFILEIMPORTTIME": "1"},
    )
    assert answer.code in (0, 1)
    assert {finding["user_id"] for finding in answer.json["findings"]} <= {None}
    assert "hours newer than the time it is judged at" in answer.err
    assert "inline policies" in answer.err
    assert "botocore" not in answer.err
