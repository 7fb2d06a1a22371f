from __future__ import annotations

import pytest

from keyreeve.local.aws_profile import add_profile, config_file
from keyreeve.model.errors import ConfigError

SETTINGS = {"role_arn": "arn:aws:iam::123456789012:role/DeveloperRole", "source_profile": "ana"}
BEFORE = "# mine\n[default]\nregion = eu-west-1\n"


def test_a_profile_is_added_at_the_end_and_what_was_there_stays(tmp_path):
    path = tmp_path / "config"
    path.write_text(BEFORE)
    assert add_profile(path, "dev", SETTINGS)
    added = "\n[profile dev]\n" + "".join(f"{k} = {v}\n" for k, v in SETTINGS.items())
    assert path.read_text() == BEFORE + added


def test_a_new_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "aws" / "config"
    add_profile(path, "dev", SETTINGS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_where_nothing_can_be_written_it_says_where_and_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written") as told:
        add_profile(tmp_path / "file" / "config", "dev", SETTINGS)
    assert told.value.where == str(tmp_path / "file" / "config")
    assert "AWS_CONFIG_FILE" in told.value.remedy


def test_adding_it_twice_changes_nothing(tmp_path):
    path = tmp_path / "config"
    add_profile(path, "dev", SETTINGS)
    before = path.read_text()
    assert not add_profile(path, "dev", SETTINGS)
    assert path.read_text() == before


def test_another_profile_of_that_name_is_left_alone(tmp_path):
    path = tmp_path / "config"
    path.write_text("[profile dev]\nrole_arn = other\n")
    with pytest.raises(ConfigError, match="says something else"):
        add_profile(path, "dev", SETTINGS)
    assert path.read_text() == "[profile dev]\nrole_arn = other\n"


@pytest.mark.parametrize("content", [b"no section\n", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_not_touched(tmp_path, content):
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        add_profile(path, "dev", SETTINGS)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", ["", "a b", "dev]\n[default", "x\ny"])
def test_a_name_cannot_open_another_section(tmp_path, name):
    with pytest.raises(ConfigError, match="no name of a profile"):
        add_profile(tmp_path / "config", name, SETTINGS)
    assert not (tmp_path / "config").exists()


def test_the_file_is_the_one_that_the_aws_cli_reads(tmp_path):
    assert config_file({"AWS_CONFIG_FILE": str(tmp_path / "c")}) == tmp_path / "c"
    assert config_file({}).parts[-2:] == (".aws", "config")
