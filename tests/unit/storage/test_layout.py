from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyreeve.model.case import OperationKind, Step, StepName
from keyreeve.model.credential_kind import CredentialKind
from keyreeve.model.errors import ConfigError
from keyreeve.storage import layout


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ETV", "etv"),
        ("My Project (EU)", "my-project-eu"),
        ("a.b_c-d", "a.b_c-d"),
        ("Zoë & Co.", "zoe-co"),
        ("../../etc/passwd", "etc-passwd"),
        ("..a..", "a"),
        ("２０２６", "2026"),
    ],
)
def test_a_project_name_becomes_a_safe_folder(name: str, slug: str):
    assert layout.project_slug(name) == slug


@pytest.mark.parametrize("name", ["", "   ", "..", "///", "ключ", "-.-"])
def test_a_name_that_leaves_nothing_is_a_config_error(name: str):
    with pytest.raises(ConfigError, match="project_name"):
        layout.project_slug(name)


@settings(deadline=None)
@given(name=st.text())
def test_no_project_name_leads_out_of_its_folder(name: str):
    try:
        slug = layout.project_slug(name)
    except ConfigError:
        return
    assert re.fullmatch(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?", slug)
    assert layout.project_slug(slug) == slug


def test_the_prefix_is_the_projects_or_the_accounts_own():
    assert layout.prefix("ETV") == "iam-compliance/etv/"
    assert layout.prefix("ETV", "123456789012") == "iam-compliance/etv/123456789012/"


def test_every_key_is_where_the_interface_says():
    step = Step(
        operation_id="20260105-abc",
        attempt=2,
        name=StepName.INTENT,
        kind=OperationKind.ROTATION,
        run_id="r",
        case_id="c",
        user_id="AIDA1",
        user_name="u",
        at=datetime(2026, 1, 5, tzinfo=UTC),
        on=date(2026, 1, 5),
    )
    assert layout.step_key(step) == "ops/20260105-abc/2-intent.json"
    assert (
        layout.escrow_key(CredentialKind.ACCESS_KEY, "AIDA1", "20260105-abc", 1)
        == "credentials/access-keys/AIDA1/20260105-abc-1.csv"
    )
    assert (
        layout.escrow_key(CredentialKind.PASSWORD, "AIDA1", "20260105-abc", 3)
        == "credentials/passwords/AIDA1/20260105-abc-3.csv"
    )
    assert layout.audit_key(date(2026, 1, 5), "run", 7) == "audit/2026/01/05/run/000007.jsonl"


@pytest.mark.parametrize("part", ["", ".", "..", "a/b", "../x"])
def test_no_id_leads_to_another_folder(part: str):
    with pytest.raises(ValueError, match="one part of a key"):
        layout.escrow_key(CredentialKind.PASSWORD, part, "20260105-abc", 1)
    with pytest.raises(ValueError, match="one part of a key"):
        layout.operation_prefix(part)


@pytest.mark.parametrize("kind", CredentialKind)
@pytest.mark.parametrize("attempt", [1, 12])
def test_an_escrow_key_tells_what_it_was_made_of(kind: CredentialKind, attempt: int):
    parts = (kind, "AIDA1", "20260105-a-b-2", attempt)
    assert layout.escrow_parts(layout.escrow_key(*parts)) == parts


@pytest.mark.parametrize(
    "key",
    [
        "credentials/",
        "credentials/access-keys/AIDA1/20260105-a.csv",
        "credentials/access-keys/AIDA1/20260105-a-0.csv",
        "credentials/access-keys/AIDA1/20260105-a-01.csv",
        "credentials/access-keys/AIDA1/20260105-a-1.csv.bak",
        "credentials/access-keys/AIDA1/20260105-a-1.csv\n",
        "credentials/access-keys/../20260105-a-1.csv/x",
        "credentials/ssh-keys/AIDA1/20260105-a-1.csv",
        "mails/credentials/access-keys/AIDA1/20260105-a-1.csv",
    ],
)
def test_what_is_no_escrow_key_is_nobodys(key: str):
    assert layout.escrow_parts(key) is None
