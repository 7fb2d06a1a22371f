"""`init --access`: a start for who may do what."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from keyreeve.cli.app import app
from keyreeve.config import load
from keyreeve.config.access import access_template, load_access

CONFIG = """project_name: ETV
storage: {directory: state}
mail: {sender: a@example.com, cc: [a@example.com]}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_is_written_beside_the_config_with_how_to_name_it(here: Path):
    (here / "config.yaml").write_text(CONFIG)
    told = CliRunner().invoke(app, ["init", "--access"])

    assert told.exit_code == 0, told.output
    assert (here / "access.yaml").read_text() == access_template()
    assert "below `baseline:`, as `access: access.yaml`" in told.output
    assert (here / "config.yaml").read_text() == CONFIG


def test_it_is_written_where_the_config_names_it_and_then_read_from_there(here: Path):
    (here / "config.yaml").write_text(CONFIG + "baseline: {access: governance/who.yaml}\n")
    told = CliRunner().invoke(app, ["init", "--access"])

    assert told.exit_code == 0, told.output
    written = here / "governance" / "who.yaml"
    assert load(here / "config.yaml").access_model() == load_access(written)
    assert "baseline:" not in told.output


def test_config_and_access_can_be_written_at_once(here: Path):
    told = CliRunner().invoke(
        app,
        [
            *("init", "--yes", "--access", "--project-name", "ETV", "--storage", "./state"),
            *("--sender", "a@example.com", "--cc", "a@example.com"),
        ],
    )

    assert told.exit_code == 0, told.output
    assert (here / "config.yaml").exists()
    assert load_access(here / "access.yaml").onboarding_group == "MFA-Setup"


def test_a_file_that_is_there_is_never_overwritten(here: Path):
    (here / "config.yaml").write_text(CONFIG)
    (here / "access.yaml").write_text("precious")
    told = CliRunner().invoke(app, ["init", "--access"])

    assert told.exit_code != 0
    assert (here / "access.yaml").read_text() == "precious"
