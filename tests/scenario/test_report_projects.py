"""`report --projects`: several projects in one overview, against the sandbox."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox_fixture import sandbox
from tests.scenario.cli_command import MONDAY, Command

from keyreeve.sandbox.process import Sandbox

__all__ = ["sandbox"]

DATA = Path(__file__).parents[1] / "data"
HOSTILE = "=cmd|<script>alert(1)</script>"
FILES = {"Acme": "acme/config.yaml", "Beta": "beta.yaml", "Gamma": "gamma.yaml"}
READABLE = ("Acme", "Beta", "Gamma", HOSTILE)


class Office(Command):
    """A folder of projects, all of the sandbox's one account, each with a state of its own."""

    def project(self, file: str, name: str, more: str = "") -> Path:
        path = self.folder / "customers" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"project_name: {json.dumps(name)}\n"
            f"storage: {{directory: {json.dumps(f'./state-of-{path.stem}')}}}\n"
            "mail:\n"
            "  sender: IAM Compliance <iam@example.com>\n"
            "  cc: [msp@example.com]\n"
            "  transport: directory\n"
            "  directory: ./mails\n"
            f"{more}",
            encoding="utf-8",
        )
        return path

    def daily(self, path: Path, day: int) -> None:
        answer = self("--config", str(path), "run", "--execute", *self.at(day))
        assert answer.code == 0, answer.err

    def overview(self, day: int, *arguments: str) -> Any:
        return self("report", "--projects", "customers", *arguments, *self.at(day))

    def lines(self, day: int) -> dict[str, dict[str, Any]]:
        """By project."""
        answer = self.overview(day, "--format", "json")
        return {line["project"]: line for line in answer.json["projects"]}


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path, capsys: Any, monkeypatch: Any) -> Office:
    sandbox.clear_faults()
    sandbox.reset("small", MONDAY)
    return Office(sandbox, tmp_path, capsys, monkeypatch)


@pytest.fixture
def customers(office: Office) -> Office:
    """Acme ran today, Beta three days ago, Gamma never; two that cannot be read; access.yaml."""
    acme = office.project("acme/config.yaml", "Acme", "baseline: {access: ../access.yaml}\n")
    beta = office.project("beta.yaml", "Beta")
    office.project("gamma.yaml", "Gamma")
    office.project("hostile.yaml", HOSTILE)
    office.project("profile.yaml", "Elsewhere", "profile: no-such-profile\n")
    broken = office.folder / "customers" / "wrong" / "config.yaml"
    broken.parent.mkdir()
    broken.write_text("project_name: Wrong\nstorage: {}\nnonsense: 1\n", encoding="utf-8")
    model = (DATA / "access" / "good.minimal.yaml").read_text(encoding="utf-8")
    (office.folder / "customers" / "access.yaml").write_text(model, encoding="utf-8")
    office.daily(acme, 0)
    office.daily(beta, 0)
    office.daily(acme, 3)
    return office


def test_one_bad_config_stops_no_other_and_is_never_a_clean_row(customers: Office):
    answer = customers.overview(3, "--format", "json")
    document = answer.json
    assert (answer.code, document["schema"], document["complete"]) == (
        1,
        "keyreeve.report.projects/1",
        False,
    )
    lines = {line["project"]: line for line in document["projects"]}
    assert set(lines) == {*READABLE, "Elsewhere", "wrong"}
    for name, words in (("Elsewhere", "no-such-profile"), ("wrong", "mail: is required")):
        line = lines[name]
        assert (line["standing"], line["alarms"]) == (None, ["not read"])
        assert words in line["problem"]
        assert line["remedy"]
    assert "more" in lines["wrong"]["problem"]
    assert [line["project"] for line in document["projects"]][:2] == ["Elsewhere", "wrong"]


def test_each_row_agrees_with_the_projects_own_verbs(customers: Office):
    lines = customers.lines(3)
    for name, file in (
        ("Acme", "acme/config.yaml"),
        ("Beta", "beta.yaml"),
        ("Gamma", "gamma.yaml"),
    ):
        at, config = lines[name]["standing"], ("--config", f"customers/{file}")
        plan = customers(*config, "--output", "json", "plan", *customers.at(3)).json
        mails = [effect for effect in plan["effects"] if effect["kind"].startswith("send_")]
        assert at["acts_due"] == len(plan["effects"]) - len(mails)
        assert at["mails_due"] == len(mails) + plan["summary_due"]
        assert at["held"] == len(plan["held"])
        summary = customers(*config, "--output", "json", "summary", *customers.at(3)).json
        assert at["cases_by_stage"] == summary["summary"]["cases_by_stage"]
        assert at["overdue"] == len(summary["summary"]["overdue"])
    acme, beta, gamma = (lines[name] for name in ("Acme", "Beta", "Gamma"))
    assert "not run" not in acme["alarms"]
    assert acme["standing"]["exit_code"] == 0
    assert acme["standing"]["failed"] == 0
    act = acme["standing"]["next_act"]
    assert (act["on"], act["control"]) == ("2026-01-19", "access_key_rotation")
    assert "not run" in beta["alarms"]
    assert beta["standing"]["mails_due"] > 0
    assert (gamma["standing"]["last_run_at"], gamma["standing"]["failed"]) == (None, None)
    assert "not run" in gamma["alarms"]


def test_what_failed_in_the_last_run_is_counted(office: Office):
    path = office.project("acme.yaml", "Acme")
    office.daily(path, 0)
    office.sandbox.plant_fault("CreateAccessKey", code="AccessDenied", status=403)
    answer = office("--config", str(path), "run", "--execute", *office.at(7))
    assert answer.code == 1
    office.sandbox.clear_faults()
    line = office.lines(7)["Acme"]
    assert (line["standing"]["failed"], line["standing"]["exit_code"]) == (1, 1)
    assert "failed" in line["alarms"]


def test_a_project_that_is_read_in_part_says_so_and_the_exit_code_too(office: Office):
    path = office.project("acme.yaml", "Acme")
    office.daily(path, 0)
    assert office.overview(0).code == 0
    office.sandbox.plant_fault("GetAccountPasswordPolicy", code="AccessDenied", status=403)
    answer = office.overview(0, "--format", "json")
    (line,) = answer.json["projects"]
    assert answer.code == 1
    assert "partly read" in line["alarms"]
    assert any("GetAccountPasswordPolicy" in gap for gap in line["standing"]["gaps"])


def test_reading_many_changes_nothing(customers: Office):
    before = customers.sandbox.fingerprint()
    files = {path: path.read_bytes() for path in customers.folder.rglob("*") if path.is_file()}
    customers.overview(3)
    assert customers.sandbox.fingerprint() == before
    after = {path: path.read_bytes() for path in customers.folder.rglob("*") if path.is_file()}
    assert after == files


def test_the_terminal_the_page_and_the_csv_tell_of_the_same_projects(customers: Office):
    shown = customers.overview(3)
    page = customers.folder / "overview.html"
    assert customers.overview(3, "--out", str(page)).code == 1
    html = page.read_text(encoding="utf-8")
    rows = list(csv.DictReader(StringIO(customers.overview(3, "--format", "csv").out)))
    lines = customers.lines(3)
    assert len(rows) == len(lines) == 6
    assert {row["project"] for row in rows} == {*lines} - {HOSTILE} | {f"'{HOSTILE}"}
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    for row in rows:
        line = lines[row["project"].removeprefix("'")]
        assert row["alarms"] == "; ".join(line["alarms"])
        if line["standing"] is None:
            assert row["could_not_be_read"] == line["problem"]
            continue
        assert int(row["held"]) == line["standing"]["held"]
        assert int(row["acts_due"]) == line["standing"]["acts_due"]
    for name in ("Acme", "Beta", "Gamma", "Elsewhere", "wrong", "not run", "not read"):
        assert name in shown.out
        assert name in html
    assert shown.code == 1


def test_the_config_names_the_profile_and_the_command_line_wins(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    file = office.folder / "aws-config"
    keys = {
        name.lower(): value
        for name, value in office.sandbox.environment().items()
        if name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    known = ["[profile here]", "region = us-east-1", *(f"{k} = {v}" for k, v in keys.items())]
    file.write_text("\n".join(known), encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    path = office.project("elsewhere.yaml", "Elsewhere", "profile: no-such-profile\n")
    for verb in (
        ("check",),
        ("plan",),
        ("state", "show"),
        ("doctor",),
        ("policy", "print", "--role", "actor"),
    ):
        own = office("--config", str(path), *verb)
        assert own.code == 2, verb
        assert "no-such-profile" in own.err
    answer = office("--profile", "here", "--config", str(path), "check", *office.at(0))
    assert answer.code == 0, answer.err
    given = office("--profile", "here", "report", "--projects", "customers", *office.at(0))
    assert given.code == 0, given.err
    assert "Elsewhere" in given.out


def test_two_reports_at_once_are_refused(office: Office):
    (office.folder / "customers").mkdir()
    answer = office.overview(0, "--access")
    assert answer.code == 2
    assert "are different reports" in answer.err


def test_a_folder_without_projects_is_said_so(office: Office):
    (office.folder / "customers").mkdir()
    answer = office.overview(0)
    assert answer.code == 2
    assert "no config.yaml lies there" in answer.err
