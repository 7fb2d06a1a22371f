"""access.yaml: every mistake at once, each with its line; what it says as the access model."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_config import ANYTHING, everywhere, expected_mistakes, reported_mistakes

from keyreeve.codec.access import decode, encode
from keyreeve.config import load
from keyreeve.config.access import access_template, load_access, parse_access
from keyreeve.config.document import read
from keyreeve.governance.access_policies import Place, trust
from keyreeve.language.policy_document import parse_document
from keyreeve.model.access import (
    AccessModel,
    CharacterClass,
    Grant,
    PasswordRules,
    RequiredTags,
    TrustModel,
)
from keyreeve.model.errors import ConfigError

CASES = Path(__file__).parent.parent / "data" / "access"
PATH = Path("access.yaml")
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.mark.parametrize("path", sorted(CASES.glob("bad.*.yaml")), ids=lambda path: path.stem)
def test_every_mistake_is_told_at_once_with_its_line_and_no_other(path: Path):
    with pytest.raises(ConfigError) as caught:
        load_access(path)
    reported, expected = reported_mistakes(caught.value, path), expected_mistakes(path)

    assert [line for line, _ in reported] == [line for line, _ in expected], caught.value.what
    for line, text in expected:
        assert any(line == number and text in what for number, what in reported), (
            f"{text!r} not in {caught.value.what}"
        )


def test_every_setting_reaches_the_model():
    assert load_access(CASES / "good.full.yaml") == AccessModel(
        onboarding_group="Joiners",
        tags=RequiredTags(role="Duty", department="Team", email="mail"),
        grants=(
            Grant(
                functional_group="Administrator",
                group="Admins",
                role="AdminRole",
                policies=("arn:aws:iam::aws:policy/AdministratorAccess",),
                max_session=timedelta(hours=1),
                trusted_users=("ann", "team/b.o-b@example.com"),
            ),
            Grant(
                functional_group="Network Operations",
                group="Network",
                role="NetworkRole",
                policies=(
                    "arn:aws:iam::aws:policy/job-function/NetworkAdministrator",
                    "arn:aws:iam::123456789012:policy/own/Extra",
                ),
                max_session=timedelta(hours=12),
                trusted_users=("eve",),
            ),
        ),
        trust=TrustModel.USERS,
        password_policy=PasswordRules(
            minimum_length=20,
            reuse_prevention=5,
            max_age=365,
            require=frozenset({CharacterClass.LOWER, CharacterClass.NUMBER}),
        ),
        provisioners=("arn:aws:iam::123456789012:role/service/keyreeve-etv-actor",),
    )


def test_what_is_left_out_is_at_the_models_own_defaults():
    developer = Grant(
        functional_group="Developer",
        group="Developers",
        role="DeveloperRole",
        policies=(READ_ONLY,),
    )
    assert load_access(CASES / "good.minimal.yaml") == AccessModel(grants=(developer,))


def test_null_leaves_the_accounts_password_policy_alone():
    text = (CASES / "good.minimal.yaml").read_text()

    assert parse_access(text + "password_policy: null\n", path=PATH).password_policy is None
    assert parse_access(text + "password_policy:\n", path=PATH).password_policy == PasswordRules()


def test_the_template_has_the_four_duties_of_the_source_at_the_defaults():
    model = parse_access(access_template(), path=PATH)

    assert {grant.functional_group: grant.group for grant in model.grants} == {
        "Administrator": "Administrator",
        "Developer": "Developers",
        "Auditor": "Auditor",
        "NetworkAdministrator": "NetworkAdministrators",
    }
    assert [grant.group for grant in model.grants if grant.administrator] == ["Administrator"]
    assert model == AccessModel(grants=model.grants)


def test_the_commented_settings_of_the_template_are_the_defaults():
    text = access_template()
    opened = "\n".join(
        line.replace("#", "", 1) if line.strip().startswith("#") and "# " not in line else line
        for line in text.splitlines()
    )

    assert opened != text
    assert parse_access(opened, path=PATH) == parse_access(text, path=PATH)


@pytest.mark.parametrize("content", ["", "# only a comment\n"])
def test_an_empty_file_leads_to_the_template(content: str):
    with pytest.raises(ConfigError, match="the file is empty") as caught:
        parse_access(content, path=PATH)
    assert "keyreeve init --access" in caught.value.remedy


FULL = read((CASES / "good.full.yaml").read_text()).data


@given(st.lists(st.tuples(st.sampled_from(list(everywhere(FULL))), ANYTHING), max_size=4))
def test_whatever_stands_in_the_file_gives_a_model_or_printable_mistakes_with_lines(changes: Any):
    data = json.loads(json.dumps(FULL))
    for place, value in changes:
        inside = data
        for part in place[:-1]:
            with contextlib.suppress(LookupError, TypeError):
                inside = inside[part]
        with contextlib.suppress(LookupError, TypeError):
            inside[place[-1]] = value
    try:
        model = parse_access(json.dumps(data, indent=1), path=PATH)
    except ConfigError as error:
        reported = reported_mistakes(error, PATH)
        assert len(set(reported)) == len(reported) > 0
        assert all(what.isprintable() for _, what in reported)
    else:
        assert decode(encode(model)) == model
        for grant in model.grants:
            at = Place(partition="aws", account_id="123456789012")
            assert parse_document(trust(model, grant, at)).statements


CONFIG = """
project_name: ETV
storage: {directory: state}
mail: {sender: a@example.com, cc: [a@example.com]}
baseline: {access: who.yaml}
"""


def test_a_config_finds_the_file_beside_it_and_takes_the_onboarding_group_from_it(tmp_path: Path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "who.yaml").write_text((CASES / "good.full.yaml").read_text())
    config = load(tmp_path / "config.yaml")

    assert config.access_model() == load_access(CASES / "good.full.yaml")
    assert config.escalation_policy().onboarding_group == "Joiners"
    (tmp_path / "who.yaml").unlink()
    assert config.access_model().onboarding_group == "Joiners", "one run has one access model"


def test_a_config_whose_access_file_is_wrong_or_missing_has_no_escalation_policy(tmp_path: Path):
    (tmp_path / "config.yaml").write_text(CONFIG)
    config = load(tmp_path / "config.yaml")

    with pytest.raises(ConfigError, match="there is no such file") as caught:
        config.escalation_policy()
    assert caught.value.where == str(tmp_path / "who.yaml")
    (tmp_path / "who.yaml").write_text("roles: {}\n")
    with pytest.raises(ConfigError, match=r"who\.yaml:1:1: roles: must not be empty"):
        config.escalation_policy()
